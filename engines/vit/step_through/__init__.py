"""The page "Step through": one query of one head, from the dot products to the weighted sum."""
