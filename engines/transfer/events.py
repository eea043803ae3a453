"""What both pages of the topic "Transfer" are told. Imports no torch.

Indices of pictures always count within the pictures in use, one class after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.protocol import Frame

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Probe:
    """A linear classifier on the features of a frozen backbone; compared by identity.

    Attributes
    ----------
    weight : ndarray (C, F)
    bias : ndarray (C,)
        For features as they are (the standardization of training is folded in).
    names : tuple of str
        Classes.
    model, model_hash : str
        Backbone: its source, and the hash of its weights.
    side : int
        Pixels of a picture.
    pictures : str
        Name of the set it learned from; empty for the digits.
    labels, step : int
        Labels per class, and how long it learned.
    """

    weight: Floats = field(repr=False)
    bias: Floats = field(repr=False)
    names: tuple[str, ...]
    model: str
    model_hash: str
    side: int
    pictures: str = ""
    labels: int = 0
    step: int = 0

    def probabilities(self, features: Floats) -> Floats:
        """(..., F) -> (..., C), each row summing to 1."""
        logits = features @ self.weight.T + self.bias
        raised = np.exp(logits - logits.max(-1, keepdims=True))
        found: Floats = (raised / raised.sum(-1, keepdims=True)).astype(np.float32)
        return found


@dataclass(frozen=True, eq=False)
class SetRead(Frame):
    """The pictures in use.

    Attributes
    ----------
    title : str
        Name of the set; empty for the digits.
    names : tuple of str
        Classes, C of them.
    found, used : ndarray int64 (C,)
        Pictures that were found and that are used.
    tests : ndarray int64 (C,)
        Of those used, how many are for testing.
    refused : int
        Pictures that can't be read.
    notes : tuple of Message
        What was passed over, the first refusals by name.
    faces : ndarray uint8 (C, S, s, s, 3)
        The first pictures that can be labeled, to look at; black where a class has fewer.
    labels : int
        Labels per class that are really used: no more than the largest class has.
    most_labels : int
        As many as the largest class has.
    backbone : str
        Title of the model.
    width : int
        Features per picture.
    parameters : int
    side : int
        Pixels of a picture as the model gets it.
    sides : tuple of int
        What may be chosen.
    throughput : float
        Pictures per second of the backbone, here and now.
    cached : int
        Pictures whose features were on disk.
    source, sha256 : str
        What the model was loaded from, and the hash of its weights' file.
    """

    title: str
    names: tuple[str, ...]
    found: Ints
    used: Ints
    tests: Ints
    refused: int
    notes: tuple[Message, ...]
    faces: Bytes = field(repr=False)
    labels: int
    most_labels: int
    backbone: str
    width: int
    parameters: int
    side: int
    sides: tuple[int, ...]
    throughput: float
    cached: int
    source: str = ""
    sha256: str = ""
