"""The run of the page "Learn" and the map of the features: settings, events, sums. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.params import Range, rules, setting
from engines.core.protocol import Frame, Record
from engines.core.training import Stepped, TrainingParams
from engines.transfer.events import Bytes, Floats, Ints, Probe
from engines.transfer.spec import TransferParams

PROBE, TUNED, SCRATCH = range(3)
METHODS: Final = ("Linear probe", "Fine-tuning", "From scratch")
LAST_STEP: Final = 100  #: of a run
#: steps after which all test pictures are classified
TESTS: Final = (0, 1, 2, 4, 8, 16, 24, 32, 48, 64, 80, LAST_STEP)
OF_PAGE: Final = rules(TransferParams)
Z95: Final = 1.959963984540054  #: quantile of the normal distribution for an interval of 95 %


@dataclass(frozen=True)
class RunParams(TrainingParams):
    """Settings of a run: those of `TransferParams` that it depends on."""

    SEED = "sample"
    labels: int = setting(5, OF_PAGE["labels"])
    max_per_class: int = setting(40, OF_PAGE["max_per_class"], former="most")
    side: int = 112
    sample: int = 0
    fine_tune: bool = True
    from_scratch: bool = True
    batch: int = setting(16, OF_PAGE["batch"])
    folders: tuple[str, ...] = ()
    model: str = ""
    probe_lr: float = setting(0.02, Range(1e-4, 1, 1e-4, "LR, probe", live=True), former="probe_rate")
    fine_tuning_lr: float = setting(3e-4, Range(1e-6, 1e-2, 1e-6, "LR, fine-tuning", live=True), former="tuned_rate")
    from_scratch_lr: float = setting(
        1e-3, Range(1e-6, 1e-2, 1e-6, "LR, from scratch", live=True), former="scratch_rate"
    )


def run_of(params: TransferParams) -> RunParams:
    """The settings that a run begun now would have."""
    return RunParams(
        labels=params.labels, max_per_class=params.max_per_class, side=params.side, sample=params.sample,
        fine_tune=params.fine_tune, from_scratch=params.from_scratch, batch=params.batch, folders=params.folders,
        model=params.model, probe_lr=params.probe_lr, fine_tuning_lr=params.fine_tuning_lr,
        from_scratch_lr=params.from_scratch_lr,
    )  # fmt: skip


# -- events
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
    right : dict of str to float
        Share of the test pictures, by the method's name.
    """

    step: int
    predictions: Ints
    probe: Probe
    seconds: float
    intact: bool
    right: dict[str, float] = field(default_factory=dict)

    def measures(self) -> dict[str, float]:
        """Accuracy of each method, by its name."""
        return {f"accuracy {method}": share for method, share in self.right.items()}


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
