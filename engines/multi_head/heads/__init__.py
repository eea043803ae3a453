"""One layer of multi-head attention with all its steps in the open."""
