"""The page "Windows": the cyclic shift by hand, its mask, and how far blocks reach."""
