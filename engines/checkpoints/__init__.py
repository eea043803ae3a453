"""Weights: bundled, from a folder, from a hub; found, checked, mapped onto the project's modules."""
