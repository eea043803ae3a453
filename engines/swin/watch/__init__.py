"""The page "Watch": every block's windows un-rolled onto the photo."""
