"""The page "Experiments": the model without its parts, one at a time."""
