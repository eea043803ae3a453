"""What the engines of the topic "Transfer" tell. Imports no torch.

Indices of pictures always count within the pictures in use, one class after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.protocol import Frame, Record
from engines.core.training import Stepped

if TYPE_CHECKING:
    from engines.transfer.spec import RunParams

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
    rate : float
        Pictures per second of the backbone, here and now.
    cached : int
        Pictures whose features were on disk.
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
    rate: float
    cached: int


@dataclass(frozen=True, eq=False)
class FeatureMap(Frame):
    """Features of the backbone in two dimensions.

    Attributes
    ----------
    projection : str
    points : ndarray (n, 2)
    truth : ndarray int64 (n,)
        Class of each point.
    picture : ndarray int64 (n,)
        Index of each point's picture.
    labeled : ndarray bool (n,)
        Whether its label is used.
    thumbs : ndarray uint8 (n, s, s, 3)
    explained : float
        Share of the variance that PCA keeps; 0 for t-SNE.
    step, steps : int
        How far t-SNE is.
    photo : ndarray (2,) or (0,)
        Where the photo lies, if it can be told.
    """

    projection: str
    points: Floats
    truth: Ints
    picture: Ints
    labeled: npt.NDArray[np.bool_]
    thumbs: Bytes = field(repr=False)
    explained: float
    step: int
    steps: int
    photo: Floats


@dataclass(frozen=True, eq=False)
class Verdict(Frame):
    """What the probe says of the photo.

    Attributes
    ----------
    name : str
        The photo's.
    seen : ndarray uint8 (side, side, 3)
        As the backbone gets it.
    names : tuple of str
        Classes, likeliest first.
    probabilities : ndarray (C,)
        In that order.
    near : ndarray int64 (n,)
        Pictures in use whose features are most alike, by cosine.
    cosines : ndarray (n,)
    near_names : tuple of str
        Their classes.
    near_thumbs : ndarray uint8 (n, s, s, 3)
    """

    name: str
    seen: Bytes = field(repr=False)
    names: tuple[str, ...]
    probabilities: Floats
    near: Ints
    cosines: Floats
    near_names: tuple[str, ...]
    near_thumbs: Bytes = field(repr=False)


@dataclass(frozen=True, eq=False)
class RunBegan(Record):
    """A run.

    Attributes
    ----------
    params : RunParams
    names : tuple of str
        Classes.
    methods : tuple of int
        Those that take part.
    labels : ndarray int64 (C,)
        Labeled pictures of each class.
    tested : ndarray int64 (n,)
        Indices of the test pictures.
    truth : ndarray int64 (n,)
        Their classes.
    model_hash : str
        Of the frozen backbone.
    """

    params: RunParams
    names: tuple[str, ...]
    methods: tuple[int, ...]
    labels: Ints
    tested: Ints
    truth: Ints
    model_hash: str


@dataclass(frozen=True)
class TransferStep(Stepped):
    """Loss of each method that takes part, in their order, and what a step takes.

    Attributes
    ----------
    loss : tuple of float
    seconds : float
        Of one step, as measured; for an estimate.
    """

    loss: tuple[float, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Tested(Record):
    """All test pictures were classified by all methods.

    Attributes
    ----------
    step : int
    predictions : ndarray int64 (methods, n)
        Classes.
    probe : Probe
        The linear probe of this step.
    seconds : float
        What testing took.
    intact : bool
        Whether the frozen backbone still has the hash it began with.
    """

    step: int
    predictions: Ints
    probe: Probe
    seconds: float
    intact: bool


@dataclass(frozen=True)
class Result:
    """One method at the end of a run: what the curve over labels is made of.

    Attributes
    ----------
    method : int
    labels : int
        Per class.
    right, tested : int
        Test pictures.
    step, sample : int
    """

    method: int
    labels: int
    right: int
    tested: int
    step: int
    sample: int


@dataclass(frozen=True)
class Results(Frame):
    """Ends of all runs on this set with this backbone, also of earlier days."""

    rows: tuple[Result, ...]
