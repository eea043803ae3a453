"""The page "Kernel": a kernel painted by hand, and what it makes of a photo."""
