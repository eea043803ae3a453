"""The page "Detect"."""
