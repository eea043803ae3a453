"""The page "Depth": what many layers do to nodes, and what helps."""
