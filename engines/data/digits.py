"""The 1,797 handwritten digits in the wheel of scikit-learn (Alpaydin & Kaynak 1998), 8 × 8 pixels in 17 grays.

The file is simply read: importing scikit-learn for it would take seconds.
"""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engines.core.errors import LabError

NAMES = tuple("0123456789")
SIDE = 8
_FILE = "datasets/data/digits.csv.gz"


def load() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Pictures (1797, 8, 8, 3), light strokes on black, and labels (1797,).

    Raises
    ------
    LabError
        If scikit-learn is not installed.
    """
    spec = importlib.util.find_spec("sklearn")
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / _FILE
        if path.is_file():
            with gzip.open(path, "rt", encoding="ascii") as file:
                table = np.loadtxt(file, delimiter=",")  # (1797, 65), the label last
            gray = np.rint(table[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, SIDE, SIDE, 1)
            return gray.repeat(3, -1), table[:, -1].astype(np.int64)
    raise LabError("{name}: the package is not installed.", name="scikit-learn")
