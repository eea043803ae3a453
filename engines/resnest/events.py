"""What the page on a photo is told: the model, the photo as it sees it, its prediction. Imports no torch.

See `engines.resnest.asking` for how blocks, splits and channels are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Event, Subject

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ModelInfo(Subject):
    """The model that answers.

    Attributes
    ----------
    source, title : str
        What it was loaded from (the engine's choice, where ``OfPhoto.model`` is empty), and its name.
    depths : tuple of int
        Blocks of each stage.
    radix, groups : int
        Splits of a channel; cardinal groups.
    channels : tuple of int
        Of each block: those that its split attention weighs.
    labels : tuple of str
        Class names; empty for a model without a head.
    parameters : int
        Numbers learned.
    sha256 : str
        Of its weights' file, see `engines.checkpoints.catalog.fingerprint`; empty where it is no file.
    cuts : bool
        Whether the folder's own processor shows it no more than the middle of a photo.
    """

    source: str
    title: str
    depths: tuple[int, ...]
    radix: int
    groups: int
    channels: tuple[int, ...]
    labels: tuple[str, ...]
    parameters: int
    sha256: str = ""
    cuts: bool = False

    @property
    def blocks(self) -> int:
        """Blocks of all stages."""
        return sum(self.depths)

    def place_of(self, block: int) -> tuple[int, int]:
        """Stage of a block and its number in there, all counted from 1."""
        for stage, depth in enumerate(self.depths):
            if block <= depth:
                return stage + 1, block
            block -= depth
        return len(self.depths), self.depths[-1]


@dataclass(frozen=True)
class Photo(Subject):
    """The photo that is looked at.

    Attributes
    ----------
    name : str
        The picture's name.
    photo : ndarray uint8 (height, width, 3)
        The picture itself (the engine's choice, where ``OfPhoto.picture`` is None).
    seen : ndarray uint8 (side, side, 3)
        The picture as the model gets it, after resizing.
    """

    name: str
    photo: Bytes = field(repr=False)
    seen: Bytes = field(repr=False)


@dataclass(frozen=True)
class Prediction(Event):
    """What the model says, beside the untouched model.

    Attributes
    ----------
    changed : bool
        Whether anything is changed in the model.
    labels : tuple of str
        The (at most) five likeliest classes, likeliest first; empty for a model without a head.
    probabilities, untouched : ndarray (k,)
        Of these classes, from the model as it is set now and from the untouched one.
    similarity : float
        Cosine of the picture's features with those of the untouched model; 1 while nothing is changed.
    """

    changed: bool
    labels: tuple[str, ...]
    probabilities: Floats = field(repr=False)
    untouched: Floats = field(repr=False)
    similarity: float
