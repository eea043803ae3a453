"""The page "Static or dynamic": a dictionary that GAT can't look up and GATv2 can."""
