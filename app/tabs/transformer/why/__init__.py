"""The page "Why"."""
