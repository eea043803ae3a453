"""What the page "Palette" can ask for, and what it is told. Imports no torch.

Sizes: N colors of the palette.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.core.params import Params, Range, setting
from engines.core.protocol import Frame


@dataclass(frozen=True)
class ToyParams(Params):
    """Settings of the page.

    Attributes without a slider
    ---------------------------
    source : str
        The palette, as `engines.checkpoints.catalog.locate` takes it; empty for the bundled one.
    """

    source: str = setting("", kept=True)
    temperature: float = setting(
        0.3,
        Range(
            0.01,
            10,
            0.01,
            "Temperature",
            log=True,
            tip="Divides the squared distances before the softmax. Towards 0 the nearest color takes all.",
        ),
        changes_model=True,
    )


@dataclass(frozen=True, eq=False)
class Attended(Frame):
    """How much the query attends to each color.

    Attributes
    ----------
    model, title, sha256 : str
        Source, name and hash of the palette: they go into every file that is exported.
    names : tuple of str
    weights : array (1, N)
        Sum to 1.
    """

    model: str
    title: str
    sha256: str
    names: tuple[str, ...]
    weights: npt.NDArray[np.float32]
