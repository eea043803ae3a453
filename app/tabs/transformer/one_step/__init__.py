"""The page "One step"."""
