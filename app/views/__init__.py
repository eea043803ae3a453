"""Pieces that draw numpy arrays and know no topic."""
