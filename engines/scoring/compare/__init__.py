"""Three scoring functions on the same queries and keys."""
