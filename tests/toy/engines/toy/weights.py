"""The palettes of others that this topic reads: no torch, since the model list is shown before that is imported."""

from engines.checkpoints.catalog import KnownModel

FAMILIES = ("toy-palette",)
MODELS = (KnownModel("someone/toy-palette", "Toy palette", "hub", 0.1, "Colors of somebody else.", "MIT"),)
