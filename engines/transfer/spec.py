"""Settings and events of the topic "Transfer". Imports no torch.

Indices of pictures always count within the pictures in use, one class after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.params import Choice, Params, Range, Switch, setting
from engines.core.pictures import Picture
from engines.core.protocol import Frame, Record
from engines.core.training import Stepped, TrainingParams

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: nobody attends here; the contract of attention weights has nothing to check

PROBE, TUNED, SCRATCH = range(3)
METHODS: Final = ("Linear probe", "Fine-tuning", "From scratch")
PCA, TSNE = "PCA", "t-SNE"
MAP, NEW_RUN, LIVE = "Map", "Starts a new run", "Changes at once"
SMALL: Final = "mini-vit"  #: the backbone that is always here
LAST_STEP: Final = 100  #: of a run
#: steps after which all test pictures are classified
TESTS: Final = (0, 1, 2, 4, 8, 16, 24, 32, 48, 64, 80, LAST_STEP)
MOST_TESTED: Final = 1000  #: test pictures, all classes together
ON_MAP: Final = 1000  #: points on the map
THUMB: Final = 48  #: pixels of a thumbnail
SEED_TIP: Final = "Which pictures are labeled and which test; weights of the start; order of the batches."
ALL_TIP: Final = "Learning rate of Adam; all labels at each step."
ADAM_TIP: Final = "Learning rate of Adam. (Kingma 2015)"
Z95: Final = 1.959963984540054  #: quantile of the normal distribution for an interval of 95 %


@dataclass(frozen=True)
class TransferParams(Params):
    """What the tab shows.

    Attributes
    ----------
    folders : tuple of str
        Class folders, or one folder of them; () for scikit-learn's digits.
    model : str
        Source of the backbone, see `engines.checkpoints.catalog`; empty for mini-vit.
    photo : Picture, optional
        To be classified.
    probe : Probe, optional
        What classifies it.
    """

    labels: int = setting(
        5,
        Range(1, 500, 1, "Labels per class", log=True, group=NEW_RUN,
              tip="Labeled pictures of each class that all three methods learn from."),
    )  # fmt: skip
    most: int = setting(
        40,
        Range(4, 5000, 1, "Pictures per class, at most", log=True, group=NEW_RUN,
              tip="Half of them are for testing, the rest can be labeled."),
    )  # fmt: skip
    side: int = setting(
        112,
        Range(56, 224, 14, "Side of the pictures", "px", group=NEW_RUN,
              tip="Larger pictures show more and take longer. Fixed for small models."),
    )  # fmt: skip
    sample: int = setting(0, Range(0, 999, 1, "Seed", group=NEW_RUN, tip=SEED_TIP))
    projection: str = setting(
        PCA,
        Choice((PCA, TSNE), "Projection", group=MAP,
               tip="PCA: directions of largest variance. t-SNE: neighbors stay neighbors. (van der Maaten 2008)"),
    )  # fmt: skip
    perplexity: float = setting(
        30.0, Range(2, 100, 1, "Perplexity", log=True, group=MAP, tip="About how many neighbors a point has in t-SNE.")
    )
    fine_tune: bool = setting(
        True, Switch("Fine-tuning", group=NEW_RUN, tip="Backbone and head learn, from the pretrained weights.")
    )
    from_scratch: bool = setting(
        True, Switch("From scratch", group=NEW_RUN, tip="The same architecture learns from random weights.")
    )
    batch: int = setting(
        16, Range(4, 128, 4, "Batch size", group=NEW_RUN, tip="Pictures per step of fine-tuning and from scratch.")
    )
    probe_rate: float = setting(
        0.02,
        Range(
            1e-4, 1, 1e-4, "Rate, probe", log=True, group=LIVE, tip="Learning rate of Adam; all labels at each step."
        ),
    )
    tuned_rate: float = setting(
        3e-4,
        Range(1e-6, 1e-2, 1e-6, "Rate, fine-tuning", log=True, group=LIVE, tip="Learning rate of Adam. (Kingma 2015)"),
    )
    scratch_rate: float = setting(
        1e-3,
        Range(1e-6, 1e-2, 1e-6, "Rate, from scratch", log=True, group=LIVE, tip="Learning rate of Adam. (Kingma 2015)"),
    )
    folders: tuple[str, ...] = ()
    model: str = ""
    photo: Picture | None = None
    probe: Probe | None = None


@dataclass(frozen=True)
class RunParams(TrainingParams):
    """Settings of a run: those of `TransferParams` that it depends on."""

    labels: int = 5
    most: int = 40
    side: int = 112
    sample: int = 0
    fine_tune: bool = True
    from_scratch: bool = True
    batch: int = 16
    folders: tuple[str, ...] = ()
    model: str = ""
    probe_rate: float = setting(0.02, Range(1e-4, 1, 1e-4, "Rate, probe", live=True))
    tuned_rate: float = setting(3e-4, Range(1e-6, 1e-2, 1e-6, "Rate, fine-tuning", live=True))
    scratch_rate: float = setting(1e-3, Range(1e-6, 1e-2, 1e-6, "Rate, from scratch", live=True))


def run_of(params: TransferParams) -> RunParams:
    """The settings that a run begun now would have."""
    return RunParams(
        labels=params.labels, most=params.most, side=params.side, sample=params.sample, fine_tune=params.fine_tune,
        from_scratch=params.from_scratch, batch=params.batch, folders=params.folders, model=params.model,
        probe_rate=params.probe_rate, tuned_rate=params.tuned_rate, scratch_rate=params.scratch_rate,
    )  # fmt: skip


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


# -- what is told
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


# -- sums
def wilson(right: int, count: int, z: float = Z95) -> tuple[float, float]:
    """Interval of a share (Wilson 1927): of ``count`` tries ``right`` came out.

    Returns
    -------
    low, high : float
        Within 0..1; the whole of it without any try.
    """
    if count <= 0:
        return 0.0, 1.0
    share, square = right / count, z * z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = z / (1 + square / count) * np.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def confusion(truth: Ints, said: Ints, classes: int) -> Ints:
    """Counts (C, C): rows are the true classes, columns what was said."""
    found: Ints = np.bincount(truth * classes + said, minlength=classes * classes).reshape(classes, classes)
    return found


def pooled(rows: tuple[Result, ...]) -> dict[int, list[Result]]:
    """For each method its results by labels per class, rising; runs with other draws are added up."""
    found: dict[int, list[Result]] = {}
    for method in range(len(METHODS)):
        by_labels: dict[int, Result] = {}
        for row in (each for each in rows if each.method == method):
            old = by_labels.get(row.labels)
            by_labels[row.labels] = (
                row if old is None else replace(row, right=old.right + row.right, tested=old.tested + row.tested)
            )
        found[method] = [by_labels[count] for count in sorted(by_labels)]
    return found
