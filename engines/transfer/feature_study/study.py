"""The features of a folder of pictures as a table of runs, one for each part of it. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.params import Params, Range, setting
from engines.studies.spec import Kind
from engines.transfer.spec import SMALL

PART = 500  #: pictures of a run


@dataclass(frozen=True)
class Featured(Params):
    """One part of the folder.

    Attributes
    ----------
    model : str
        A backbone's source, as `engines.checkpoints.backbones.load` takes it.
    pictures : str
        Hash of the part.
    side : int
        Pixels; the model's nearest size is taken.
    """

    model: str = setting(SMALL)
    pictures: str = setting("")
    side: int = setting(112, Range(16, 512, 1, "Size"))


KINDS = (
    Kind("features", Featured, "engines.transfer.feature_study.measuring:measured", ("readable", "unreadable"),
         part=PART, arrays=True),
)  # fmt: skip
