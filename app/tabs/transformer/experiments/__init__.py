"""The page "Experiments"."""
