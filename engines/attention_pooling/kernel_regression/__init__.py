"""Kernel regression with a bandwidth set by hand."""
