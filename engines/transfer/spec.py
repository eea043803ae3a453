"""Settings of the topic "Transfer", its events by name (they stand in `events`), and its sums. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from engines.core.params import Choice, Params, Range, Switch, looked, setting
from engines.core.pictures import Picture
from engines.core.training import TrainingParams
from engines.transfer.events import (
    Bytes,
    FeatureMap,
    Floats,
    Ints,
    Probe,
    Result,
    Results,
    RunBegan,
    SetRead,
    Tested,
    TransferStep,
    Verdict,
)

__all__ = [
    "ADAM_TIP", "ALL_TIP", "LAST_STEP", "LIVE", "MAP", "METHODS", "MOST_TESTED", "NEW_RUN", "ON_MAP", "PCA", "PROBE",
    "SCRATCH", "SEED_TIP", "SMALL", "TESTS", "THUMB", "TSNE", "TUNED", "WEIGHTS_ARE_SHOWN_AS", "Z95", "Bytes",
    "FeatureMap", "Floats", "Ints", "Probe", "Result", "Results", "RunBegan", "RunParams", "SetRead", "Tested",
    "TransferParams", "TransferStep", "Verdict", "confusion", "pooled", "run_of", "wilson",
]  # fmt: skip

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
    in_hand : Probe, optional
        The probe of the run, or one from a file.
    probe : Probe, optional
        What classifies the photo: the one in hand, as soon as there is a photo.
    """

    labels: int = setting(
        5,
        Range(1, 500, 1, "Labels per class", log=True, group=NEW_RUN,
              tip="Labeled pictures of each class that all three methods learn from."),
    )  # fmt: skip
    most: int = setting(
        40,
        Range(4, 5000, 1, "Pictures per class", log=True, group=NEW_RUN,
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
        True,
        Switch("Fine-tuning", group=NEW_RUN, tip="Backbone and head learn, from the pretrained weights."),
        asked=False,
    )
    from_scratch: bool = setting(
        True,
        Switch("From scratch", group=NEW_RUN, tip="The same architecture learns from random weights."),
        asked=False,
    )
    batch: int = setting(
        16,
        Range(4, 128, 4, "Batch size", group=NEW_RUN, tip="Pictures per step of fine-tuning and from scratch."),
        asked=False,
    )
    probe_rate: float = setting(
        0.02,
        Range(
            1e-4, 1, 1e-4, "Rate, probe", log=True, group=LIVE, tip="Learning rate of Adam; all labels at each step."
        ),
        asked=False,
    )
    tuned_rate: float = setting(
        3e-4,
        Range(1e-6, 1e-2, 1e-6, "Rate, fine-tuning", log=True, group=LIVE, tip="Learning rate of Adam. (Kingma 2015)"),
        asked=False,
    )
    scratch_rate: float = setting(
        1e-3,
        Range(1e-6, 1e-2, 1e-6, "Rate, from scratch", log=True, group=LIVE, tip="Learning rate of Adam. (Kingma 2015)"),
        asked=False,
    )
    folders: tuple[str, ...] = setting(())
    model: str = setting("", kept=True)
    photo: Picture | None = setting(None)
    in_hand: Probe | None = looked(None, asked=False)
    probe: Probe | None = looked(None)

    def following(self, before: Self) -> Self:
        return replace(self, probe=self.in_hand if self.photo is not None else None)


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
