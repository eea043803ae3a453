"""The weights of others that this topic reads: no torch, since the model list is shown before that is imported."""

from __future__ import annotations

from engines.checkpoints.catalog import KnownModel

#: ``model_type`` of the folders that `engines.mamba.load` reads.
FAMILIES = ("mamba",)
_TEXT = "Goes on with a text, mostly English."
_LICENSE = "Apache-2.0"

MODELS = (
    KnownModel("state-spaces/mamba-130m-hf", "Mamba 130M", "hub", 517, _TEXT, _LICENSE),
    KnownModel("state-spaces/mamba-370m-hf", "Mamba 370M", "hub", 1486, _TEXT, _LICENSE),
)
