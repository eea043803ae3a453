"""Torch parts that two topics or more use."""
