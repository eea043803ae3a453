"""Kernel regression by hand."""
