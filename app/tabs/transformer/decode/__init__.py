"""The page "Decode"."""
