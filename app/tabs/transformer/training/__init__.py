"""The page "Training"."""
