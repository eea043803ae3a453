"""Attention Lab's engines: models that run, train and answer without any window."""
