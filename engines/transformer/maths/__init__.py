"""The page "Maths": every number of one layer."""
