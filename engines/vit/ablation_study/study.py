"""Heads switched off, on a folder of pictures, as a table of runs. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engines.core.params import Params, Range, setting
from engines.studies.spec import Kind

MODEL: Final = "mini-vit"
MOST = 10_000  #: pictures of a folder


@dataclass(frozen=True)
class Ablated(Params):
    """One head, or a whole layer, that is switched off.

    Attributes
    ----------
    model : str
        A ViT's source, as `engines.checkpoints.catalog.locate` takes it.
    pictures : str
        Hash of the folder's pictures.
    count : int
        Pictures that the seed draws of them; all there are if they are fewer.
    layer, head : int
        Counted from 1; head 0 means all of the layer's.
    """

    model: str = setting(MODEL)
    pictures: str = setting("")
    count: int = setting(200, Range(1, MOST, 1, "Pictures", log=True))
    layer: int = setting(1, Range(1, 64, 1, "Layer"))
    head: int = setting(0, Range(0, 64, 1, "Head"))


KINDS = (
    Kind("ablation", Ablated, "engines.vit.ablation_study.measuring:measured",
         ("readable", "same_answer", "probability", "cosine"), any_measure=True, part=MOST),
)  # fmt: skip
