"""Three scoring functions side by side."""
