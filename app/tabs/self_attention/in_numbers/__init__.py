"""One head's numbers for a pair of tokens."""
