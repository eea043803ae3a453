"""Finds a palette's weights and reads them into `engines.toy.model.Palette`."""

from __future__ import annotations

from engines.checkpoints import catalog
from engines.checkpoints.apply import apply
from engines.checkpoints.folder import Tensors, open_folder
from engines.core.errors import LabError
from engines.toy.keys import TABLE
from engines.toy.model import Palette
from engines.toy.weights import FAMILIES

BUNDLED = "toy-colors"


def load_checkpoint(source: str) -> Palette:
    """The palette of a bundled name, a folder, or a hub model that has been downloaded.

    Raises
    ------
    LabError
        If it is not there, damaged, or something else.
    """
    found = catalog.locate(source)
    if found.kind == "bundled":
        palette = Palette(found.card["labels"])
        apply(palette, Tensors([found.path]), {"colors": "colors"}, name=found.name)
    else:
        checkpoint = open_folder(found.path)
        if checkpoint.family not in FAMILIES:
            raise LabError("{name}: not a palette.", name=checkpoint.name)
        tensors = checkpoint.tensors()
        palette = Palette([str(number) for number in range(tensors.shapes["palette.weight"][0])])
        apply(palette, tensors, TABLE, name=checkpoint.name)
    return palette.eval().requires_grad_(False)
