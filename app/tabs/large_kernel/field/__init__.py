"""The page "Field": what of a photo a place of a net answers to."""
