"""How alike two sentences are, and what that hangs on."""
