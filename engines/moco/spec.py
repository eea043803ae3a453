"""What is set on the tab "MoCo", and what its run tells both pages that show it. Imports no torch.

`MocoParams` are the settings of all pages. `RunParams` are those of one run: `engines.moco.training.Trainer` is the
guest of the lane that makes it, and tells `RunBegan`, then `MocoStep` for each step, `Measured`, `QueueFrame`,
`MapFrame` and `KeptRun` for some.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.params import PHOTO, Choice, Range, looked, setting
from engines.core.pictures import Picture
from engines.core.protocol import Frame, Record
from engines.core.training import Kept, Stepped, TrainingParams, Weights
from engines.moco.settings import FITTING, FOLDER, PICTURES, SHAPES, Learning, preset

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]

NAME = "moco-cifar10"  #: of the bundled files
THIS_RUN, RANDOM, BUNDLED = "This run", "Random weights", "CIFAR-10, bundled"
ENCODERS = (BUNDLED, THIS_RUN, RANDOM)
MOST_STEPS = 1_000_000
COLLAPSED = 0.05  #: spread of the keys below which they are called the same


@dataclass(frozen=True)
class MocoParams(Learning):
    """Settings of the tab.

    Attributes without a slider
    ---------------------------
    anchor : int
        Which picture of the gallery.
    picture : Picture, optional
        A picture of the user's own, in the anchor's place.
    draw : int
        Another number draws other views.
    weights : Weights, optional
        The state of the run that is looked at, as far as ``encoder`` says that the run is.
    """

    anchor: int = setting(0)
    picture: Picture | None = setting(None, remembered=PHOTO)
    draw: int = setting(0)
    weights: Weights | None = looked(None, passing=True)

    encoder: str = looked(
        BUNDLED,
        Choice(ENCODERS, "Encoder", group=PICTURES, tip="The encoder whose similarities are shown on this page."),
    )
    shots: int = setting(
        10,
        Range(1, 100, 1, "Labels per class k", log=True, group="Fine-tuning", tip="Labeled pictures per class."),
        asked=False,
        former="few",
    )

    def following(self, before: Self) -> Self:
        """Dropped folders are not remembered: without any, the shapes are learned from."""
        if self.data == FOLDER and not self.paths:
            return replace(self, **learning_from(SHAPES))
        return self


def learning_from(data: str) -> dict[str, Any]:
    """The fields that learn from other pictures: the first of them is shown, with views that fit them."""
    return {"data": data, "anchor": 0, "picture": None, **preset(FITTING[data])}


@dataclass(frozen=True)
class RunParams(Learning, TrainingParams):
    """Settings of one run.

    Attributes
    ----------
    folder : str
        Where the run is saved, see `run_file`; empty = nowhere.
    resume : bool
        Go on with what is saved there.
    """

    folder: str = ""
    resume: bool = False


def run_params(params: MocoParams, folder: str = "", resume: bool = False) -> RunParams:
    """The settings of a run begun now."""
    same = {f.name: getattr(params, f.name) for f in fields(Learning)}
    return RunParams(**same, folder=folder, resume=resume)


@dataclass(frozen=True, eq=False)
class RunBegan(Record):
    """A run stands at its beginning, or where it was saved.

    Attributes
    ----------
    params : RunParams
    step : int
        0, or the step it goes on from.
    pictures, tests, parameters : int
        Pictures to learn from and to be tested on; weights of one encoder.
    labeled : bool
        Whether anything can be measured.
    names : tuple of str
        Of the classes.
    chance : float
        ln(K + 1), or of what the method compares with: the loss of a guess.
    notes : tuple of Message
    """

    params: RunParams = field(repr=False)
    step: int
    pictures: int
    tests: int
    parameters: int
    labeled: bool
    names: tuple[str, ...]
    chance: float
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True)
class MocoStep(Stepped):
    """One step.

    Attributes
    ----------
    loss : float
        InfoNCE, nat.
    found : float
        Share of queries most like their own key.
    distance : float
        ‖θ_q − θ_k‖ ÷ ‖θ_q‖.
    weight_q, weight_k : float
        One weight of each encoder.
    alignment, uniformity : float
        Of the batch's queries and keys (Wang & Isola 2020).
    spread : float
        Standard deviation of the keys, 1 = evenly on the sphere, 0 = all the same.
    own : int
        Queries with their own picture among the negatives.
    """

    loss: float
    found: float
    distance: float
    weight_q: float
    weight_k: float
    alignment: float
    uniformity: float
    spread: float
    own: int


@dataclass(frozen=True)
class Measured(Record):
    """How good the features are at a step, on the test pictures; −1 for a supervised twin that is not there."""

    step: int
    knn: float
    probe: float
    twin_knn: float = -1.0
    twin_probe: float = -1.0


@dataclass(frozen=True, eq=False)
class QueueFrame(Frame):
    """The dictionary at a step.

    Attributes
    ----------
    ages : ndarray int64 (K,)
        In steps; −1 = noise that was there first.
    pointer : int
        The place that is filled next.
    batch : int
        Keys that come in at once.
    sample_ages : ndarray int64 (S,), sample_cosines : ndarray float32 (S,)
        For some keys: age, and cosine with the same view encoded now.
    own : int
        Queries of the last batch with their own picture among the negatives.
    before, query, after : float
        One weight: of the key encoder before the update, of the query encoder, of the key encoder after it.
    """

    step: int
    ages: Ints = field(repr=False)
    pointer: int
    batch: int
    sample_ages: Ints = field(repr=False)
    sample_cosines: Floats = field(repr=False)
    own: int
    before: float
    query: float
    after: float


@dataclass(frozen=True, eq=False)
class MapFrame(Frame):
    """Test pictures and keys on a plane (principal axes of the test pictures' vectors).

    Attributes
    ----------
    points : ndarray float32 (n, 2), labels : ndarray int64 (n,)
        Test pictures; label −1 where there is none.
    keys : ndarray float32 (k, 2), key_ages : ndarray int64 (k,)
        Some keys of the dictionary.
    share : float
        Of the variance that the plane shows.
    """

    step: int
    points: Floats = field(repr=False)
    labels: Ints = field(repr=False)
    keys: Floats = field(repr=False)
    key_ages: Ints = field(repr=False)
    share: float


@dataclass(frozen=True)
class KeptRun(Kept):
    """A state to look back at, with what was drawn of it."""

    queue: QueueFrame
    map: MapFrame


@dataclass(frozen=True)
class Saved(Record):
    """The run is on disk up to this step."""

    step: int


@dataclass(frozen=True)
class Collapsed(Record):
    """The keys became all the same at this step."""

    step: int
    spread: float
