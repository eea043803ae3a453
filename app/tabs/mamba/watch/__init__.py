"""The page "Watch": a trained block, token by token, and what its hidden attention is worth."""
