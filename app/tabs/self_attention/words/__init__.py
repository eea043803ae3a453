"""The words that a model puts in a gap, or says next."""
