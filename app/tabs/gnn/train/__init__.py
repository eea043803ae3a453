"""The page "Train": classes of nodes, learned live from a few labels."""
