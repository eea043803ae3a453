"""The 1,797 handwritten digits of Alpaydin & Kaynak (1998) that scikit-learn's `load_digits` gives.

They have 8 × 8 pixels in 17 grays. Where they come from says ``assets/digits/CREDITS.md``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.core.assets import assets

NAMES = tuple("0123456789")
SIDE = 8


def load() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Pictures (1797, 8, 8, 3), light strokes on black, and labels (1797,)."""
    with np.load(assets("digits") / "digits.npz", allow_pickle=False) as found:
        gray = np.rint(found["images"] * (255 / 16)).astype(np.uint8)[..., None]
        return gray.repeat(3, -1), found["labels"].astype(np.int64)
