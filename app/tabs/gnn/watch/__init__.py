"""The page "Watch": a graph under the hand, its messages and hops."""
