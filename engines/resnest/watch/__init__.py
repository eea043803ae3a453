"""The page "Watch": one block's splits, their weights, and the sum."""
