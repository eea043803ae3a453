"""What all pages on a picture are told. Imports no torch.

Boxes are cxcywh as shares of the picture, queries and classes count from 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.protocol import Subject

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ModelInfo(Subject):
    """What the model is.

    Attributes
    ----------
    source, title, sha256 : str
    labels : tuple of str
        Names of the classes (English, keys of their translations).
    queries, layers, heads, levels, points, parameters : int
        ``layers`` and ``heads`` of the decoder, ``points`` of a head on a level.
    aifi : int
        Layers of the encoder's attention.
    toy : bool
        The project's own model: it sees the drawn scene, with the photo as background.
    note : Message
        What the model knows, in a sentence.
    """

    source: str
    title: str
    sha256: str
    labels: tuple[str, ...]
    queries: int
    layers: int
    heads: int
    levels: int
    points: int
    parameters: int
    aifi: int
    toy: bool
    note: Message


@dataclass(frozen=True, eq=False)
class PictureShown(Subject):
    """The picture that everything lies on.

    Attributes
    ----------
    name : str
        Empty for a drawn scene.
    rgb : ndarray uint8 (H, W, 3)
    true_boxes : ndarray float32 (N, 4), true_labels : ndarray int64 (N,)
        Of the drawn shapes; empty for a photo.
    """

    name: str
    rgb: npt.NDArray[np.uint8] = field(repr=False)
    true_boxes: Floats
    true_labels: Ints
