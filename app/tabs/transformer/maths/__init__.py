"""The page "Maths"."""
