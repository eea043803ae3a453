"""What the two normalizations came to beforehand, for batches of several sizes. Imports no torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines.core import files, limits
from engines.core.assets import assets
from engines.core.errors import LabError
from engines.core.reading import read_text

BUNDLED = assets("results") / "norm-comparison.json"
STEPS = 600  #: of each training


@dataclass(frozen=True, order=True)
class Case:
    """What the two were trained with.

    Attributes
    ----------
    batch, padding : int
        Examples in a step, and tokens of padding that were appended.
    count_padding : bool
        Padding counted in the statistics of batch normalization.
    """

    batch: int
    padding: int = 0
    count_padding: bool = False


@dataclass(frozen=True)
class Outcome:
    """How both ended; pairs are layer normalization, batch normalization.

    Attributes
    ----------
    case : Case
    seed : int
    evaluation, training, alone, longest : tuple of float
        See `engines.transformer.experiments.norm_comparison_spec.ComparisonMeasured`.
    """

    case: Case
    seed: int
    evaluation: tuple[float, float]
    training: tuple[float, float]
    alone: tuple[float, float]
    longest: tuple[float, float]


def told(outcome: Outcome) -> dict[str, Any]:
    """An outcome as a row of JSON."""
    return asdict(outcome)


def outcome(row: dict[str, Any]) -> Outcome:
    """The outcome that a row tells."""
    pairs = {
        name: (float(row[name][0]), float(row[name][1])) for name in ("evaluation", "training", "alone", "longest")
    }
    return Outcome(Case(**row["case"]), int(row["seed"]), **pairs)


def write(found: list[Outcome], about: dict[str, Any]) -> None:
    """Write the bundled file."""
    rows = [told(one) for one in sorted(found, key=lambda one: (one.case, one.seed))]
    files.write(BUNDLED, json.dumps({**about, "outcomes": rows}, indent=1) + "\n")


def read(file: Path = BUNDLED) -> list[Outcome]:
    """All outcomes of a file; none where there is none."""
    try:
        return [outcome(row) for row in json.loads(read_text(file, limits.KEPT_FILE))["outcomes"]]
    except (LabError, ValueError, KeyError, TypeError):
        return []


def summary(found: list[Outcome], case: Case, name: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean (2,) and deviation (2,) over the seeds of one of an outcome's pairs, and how many seeds there are."""
    values = np.array([getattr(one, name) for one in found if one.case == case], float).reshape(-1, 2)
    spread = values.std(0, ddof=1) if len(values) > 1 else np.zeros(2)
    return values.mean(0) if len(values) else np.zeros(2), spread, len(values)
