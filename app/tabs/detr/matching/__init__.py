"""The page "Matching": boxes under the hand, what matching them costs, and the set loss."""
