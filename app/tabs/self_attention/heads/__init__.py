"""Where each head of a model looks in one's own sentences."""
