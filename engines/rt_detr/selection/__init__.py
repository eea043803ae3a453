"""The page "Selection"."""
