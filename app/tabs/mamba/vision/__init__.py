"""The page "Vision": patches of a photo scanned in one, two or four directions."""
