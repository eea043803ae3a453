"""What is asked of a model and a whole folder of pictures, and what is told of it. Imports no torch.

A run yields `Progress` for each picture, then `Written`.
"""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.errors import Message
from engines.core.params import Params
from engines.core.protocol import Record
from engines.core.training import Weights


@dataclass(frozen=True)
class ResultsParams(Params):
    """The model, the pictures and the file.

    Attributes
    ----------
    source, weights
        The model, as of `engines.detr.spec.DetrParams`.
    folder : str
        Pictures, with boxes in any format that is read, or without.
    place : str
        The file of results to be written; it must not be there yet.
    number : int
        Of the asking: the same may be asked again.
    """

    source: str = ""
    weights: Weights | None = None
    folder: str = ""
    place: str = ""
    number: int = 0


@dataclass(frozen=True, eq=False)
class Written(Record):
    """Both files are on the disk.

    Attributes
    ----------
    pictures, boxes : int
        Pictures that were looked at; boxes in the file, one for each query and picture.
    place, truth : str
        The file of results, and the ground truth beside it; empty where the folder has no boxes.
    images : str
        There, the file beside it that names the images and classes; else empty.
    held_back : bool
        Only validation pictures were looked at: the model was trained on the others.
    skipped : int
        Pictures that can't be read.
    first : Message or None
        Why the first of them can't.
    """

    pictures: int
    boxes: int
    place: str
    truth: str
    held_back: bool
    skipped: int
    first: Message | None
    images: str = ""
