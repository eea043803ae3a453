"""Keeps studies as JSON: the bundled one, and the user's own, so that closing the window loses nothing."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from engines.core import files, limits
from engines.core.assets import assets
from engines.core.errors import LabError
from engines.core.reading import read_text
from engines.core.training import Weights
from engines.vit.scale_study.spec import CIFAR, SAME, SIZES, TEXTURE, VIT, Cell, Point, Table

RESULTS = assets("results")
BUNDLED = {CIFAR: "scale-cifar10", TEXTURE: "scale-texture", SAME: "scale-same"}  #: by the names of their pictures


def bundled(data: str) -> Path:
    """The file of the study of such pictures that comes along."""
    return RESULTS / f"{BUNDLED[data]}.json"


def inside(data: str) -> Path:
    """The file of the states of its largest ViT."""
    return RESULTS / f"{BUNDLED[data]}-inside.npz"


def write(file: Path, table: Table, about: dict[str, Any] | None = None) -> None:
    """Write a table; one that is killed meanwhile leaves the file as it was.

    Raises
    ------
    WriteError
        Naming file and reason.
    """
    found = {
        **(about or {}),
        "data": table.data,
        "mark": table.mark,
        "counts": table.counts,
        "parameters": {f"{kind} {size}": n for (kind, size), n in table.parameters.items()},
        "classes": table.classes,
        "tested": table.tested,
        "points": [
            {**asdict(p.cell), "accuracy": p.accuracy, "training": p.training, "loss": p.loss} for p in table.points
        ],
    }
    files.write(file, json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def read(file: Path) -> Table | None:
    """Read a table; None where there is none or it is no table."""
    try:
        found = json.loads(read_text(file, limits.KEPT_FILE))
        points = []
        for p in found["points"]:
            cell = Cell(int(p["seed"]), int(p["count"]), str(p["size"]), str(p["kind"]))
            points.append(Point(cell, float(p["accuracy"]), float(p["training"]), float(p["loss"])))
        parameters = {(*name.split(" "),): int(n) for name, n in found["parameters"].items()}
        return Table(
            str(found["data"]), tuple(int(n) for n in found["counts"]),
            {(kind, size): n for (kind, size), n in parameters.items()}, int(found["classes"]), int(found["tested"]),
            tuple(points), str(found.get("mark", found["data"])),
        )  # fmt: skip
    except (LabError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def bundled_states(data: str) -> tuple[np.ndarray, list[Weights]] | None:
    """A bundled study's sample picture (32, 32, 3), and the kept states of its largest ViT; None without them."""
    table = read(bundled(data))
    if table is None or not inside(data).is_file():
        return None
    cell = Cell(0, table.counts[-1], max((p.cell.size for p in table.points), key=SIZES.index), VIT)
    with np.load(inside(data)) as found:
        steps = sorted(int(name.split(".")[1]) for name in found if name.startswith("accuracy."))
        names = ("maps", "similarity", "accuracy")
        states = [Weights(at, {name: found[f"{name}.{at}"] for name in names}, (cell, at)) for at in steps]
        return found["sample"], states
