"""Bipartite matching of predictions and objects, and the set loss that hangs on it (Carion et al. 2020)."""
