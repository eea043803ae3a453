"""The scale study: a ViT and a CNN of equal size, trained on more and more pictures. Settings and events.

The question is that of Dosovitskiy et al. 2021 (figures 3 and 4): with few pictures a CNN, which knows that neighbors
belong together, is ahead; with enough of them the ViT overtakes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.params import Choice, Params, Range, looked, setting
from engines.core.protocol import Frame, Record
from engines.core.training import Stepped, TrainingParams

VIT, CNN = "vit", "cnn"
KINDS = (VIT, CNN)
SIZES = ("S", "M", "L")
COUNTS = (50, 150, 500, 1500, 5000, 15_000, 50_000)  #: numbers of training pictures; a smaller set ends with all it has
DRAWN_COUNTS = (1000, 3000, 10_000, 30_000, 100_000)  #: those of the tasks whose pictures are drawn
MOST_DRAWN = DRAWN_COUNTS[-1]
DIGITS, CIFAR, FOLDER = "Digits", "CIFAR-10", "Class folders"
TEXTURE, SAME = "Drawn: which texture?", "Drawn: two of a kind?"
DRAWN = (TEXTURE, SAME)
YOURS = "Your own"
NEW_RUN = "Requires a new run"
MANY_SEEDS = 9

Floats: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, order=True)
class Cell:
    """One training of the study.

    Attributes
    ----------
    seed : int
        Of the weights and of the choice of pictures.
    count : int
        Training pictures.
    size : str
        One of `SIZES`.
    kind : str
        One of `KINDS`.
    """

    seed: int
    count: int
    size: str
    kind: str


@dataclass(frozen=True)
class Point:
    """How one training ended.

    Attributes
    ----------
    cell : Cell
    accuracy, training : float
        Share that is right of the test pictures, and of the training pictures (at most as many).
    loss : float
        Mean cross-entropy on the test pictures, in nats.
    """

    cell: Cell
    accuracy: float
    training: float
    loss: float


@dataclass(frozen=True)
class ScaleSettings(Params):
    """What the hand sets.

    Attributes
    ----------
    study_folder : str
        Where CIFAR-10 or the class folders lie.
    """

    study_folder: str = setting("", kept=True)
    study_data: str = setting(
        DIGITS,
        Choice(
            (DIGITS, *DRAWN, CIFAR, FOLDER),
            "Pictures",
            group=NEW_RUN,
            tip="The pictures that both networks are trained on.",
        ),
    )
    largest: int = setting(
        1500,
        Range(50, MOST_DRAWN, 50, "Maximum pictures", group=NEW_RUN, log=True, decimals=0,
              tip="The curves end here, or at all pictures available."),
    )  # fmt: skip
    seeds: int = setting(
        3,
        Range(1, MANY_SEEDS, 1, "Seeds", group=NEW_RUN,
              tip="Trainings per network and size. The bars span one standard deviation."),
    )  # fmt: skip
    study_seed: int = setting(0, kept=True)
    study_shown: str = looked(
        SAME,
        Choice((SAME, TEXTURE, CIFAR, YOURS), "Study", group="Show",
               tip="Three studies come along; your own is the one that is trained here."),
        asked=False,
    )  # fmt: skip


STUDY = tuple(f.name for f in fields(ScaleSettings) if f.name != "study_shown")


@dataclass(frozen=True)
class ScaleParams(TrainingParams, ScaleSettings):
    """Settings of a study.

    Attributes
    ----------
    done : tuple of Point
        Trainings that need not be made again.
    done_mark : str
        The mark of the pictures that they are of; with other pictures they are made again.
    """

    done: tuple[Point, ...] = field(default=(), repr=False)
    done_mark: str = ""


@dataclass(frozen=True)
class Table:
    """A study as far as it is done.

    Attributes
    ----------
    data : str
        Name of the set.
    counts : tuple of int
        Numbers of pictures, rising.
    parameters : dict of (str, str) to int
        Parameters of each (kind, size).
    classes, tested : int
    points : tuple of Point
    mark : str
        Tells the pictures from others: the name of a set that never changes, else a fingerprint of its files.
    """

    data: str
    counts: tuple[int, ...]
    parameters: dict[tuple[str, str], int]
    classes: int
    tested: int
    points: tuple[Point, ...] = ()
    mark: str = ""

    @property
    def sizes(self) -> tuple[str, ...]:
        """The sizes of its networks."""
        return tuple(size for size in SIZES if (VIT, size) in self.parameters)

    def line(self, kind: str, size: str) -> tuple[Floats, Floats, Floats, npt.NDArray[np.int64]]:
        """Pictures, mean accuracy, its deviation over the seeds and their number, (n,) each, where there are any."""
        found: list[tuple[float, float, float, int]] = []
        for count in self.counts:
            values = [
                p.accuracy for p in self.points if (p.cell.kind, p.cell.size, p.cell.count) == (kind, size, count)
            ]
            if values:
                spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
                found.append((count, float(np.mean(values)), spread, len(values)))
        n, mean, spread_, many = (np.array(part) for part in zip(*found, strict=True)) if found else (np.zeros(0),) * 4
        return n.astype(np.float32), mean.astype(np.float32), spread_.astype(np.float32), many.astype(np.int64)

    def lead(self, size: str) -> tuple[Floats, Floats, Floats]:
        """The numbers of pictures that both kinds reached, how far the ViT is ahead there, and what says nothing.

        Ahead is what so many test pictures can tell apart, two standard errors of a difference of two shares, and what
        is more than the standard error over the seeds.
        """
        n, vit, apart, many = self.line(VIT, size)
        m, cnn, spread, most = self.line(CNN, size)
        both = np.intersect1d(n, m)
        mine, other = np.isin(n, both), np.isin(m, both)
        error = np.sqrt(apart[mine] ** 2 / many[mine] + spread[other] ** 2 / most[other])
        return both, vit[mine] - cnn[other], np.maximum(self.told_apart, error).astype(np.float32)

    def crossing(self, size: str) -> float | None:
        """See `crossing`; what counts as ahead says `lead`."""
        n, ahead, margin = self.lead(size)
        return crossing(n, ahead, np.zeros(len(n)), margin)

    @property
    def told_apart(self) -> float:
        """Least difference of two accuracies that the test pictures can tell from chance."""
        return float(2 * np.sqrt(2 * 0.25 / max(1, self.tested)))


@dataclass(frozen=True)
class StudyBegan(Record):
    """What will be trained.

    Attributes
    ----------
    table : Table
        The study to come, with the points of these very pictures that were made before.
    cells : int
        Trainings in all, those made before included.
    steps : int
        Steps of all trainings that are still to be made.
    sample : ndarray uint8 (side, side, 3)
        The test picture that the maps of the kept states are of. Those hold, as `Weights.arrays`: ``maps``
        (L, H, g, g), the class token's attention to its patches, ``similarity`` (g², g²), cosine of the position
        embeddings, and ``accuracy`` (1,) on some of the test pictures; ``made_of`` is the cell and its step.
    notes : tuple of Message
        What was passed over when the pictures were read.
    """

    table: Table
    cells: int
    steps: int
    sample: npt.NDArray[np.uint8] = field(repr=False)
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True)
class StudyStep(Stepped):
    """One step of one training.

    Attributes
    ----------
    cell : Cell
    at, of : int
        Steps made of this training, and all it makes.
    loss : float
        Cross-entropy of the batch, in nats.
    accuracy : float
        Share of the batch that is right.
    """

    cell: Cell
    at: int
    of: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Measuring(Frame):
    """The test goes on; a place to stop.

    Attributes
    ----------
    cell : Cell
    done, total : int
        Pictures.
    """

    cell: Cell
    done: int
    total: int


@dataclass(frozen=True)
class StudyPoint(Record):
    """One training is done.

    Attributes
    ----------
    point : Point
    """

    point: Point


def crossing(
    counts: npt.ArrayLike, vit: npt.ArrayLike, cnn: npt.ArrayLike, margin: npt.ArrayLike = 0.0
) -> float | None:
    """Where the ViT's accuracy passes the CNN's for good, straight between points over log N.

    Parameters
    ----------
    counts, vit, cnn : array_like (n,)
        Pictures, rising, and both mean accuracies.
    margin : float or array_like (n,)
        Differences up to this say nothing: one is ahead where its accuracy is larger by more.

    Returns
    -------
    float or None
        None where the ViT is never ahead, is ahead from the first point on, or is behind again at the end.
    """
    n, apart = np.log(np.asarray(counts, float)), np.asarray(vit, float) - np.asarray(cnn, float)
    over, under = apart - np.asarray(margin), apart + np.asarray(margin)
    ahead = np.flatnonzero(over > 0)
    if not len(ahead) or (under[ahead[-1] :] < 0).any():
        return None
    before = np.flatnonzero(over[: ahead[-1]] <= 0)
    if not len(before):
        return None
    last = int(before[-1])
    share = -over[last] / (over[last + 1] - over[last])
    return float(np.exp(n[last] + share * (n[last + 1] - n[last])))
