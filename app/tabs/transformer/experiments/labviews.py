"""Small variants of shared views for the page Experiments."""

from __future__ import annotations

import numpy as np

from app import theme
from app.views.colorbar import ColorBar
from app.views.scoregrid import ScoreGrid


class HalfBar(ColorBar):
    """The scale of sizes that are never negative on the signed ramp: its upper half, from 0 on."""

    def _colors(self) -> np.ndarray:
        """From 0 to the largest value, uint8 (256, 3)."""
        upper: np.ndarray = theme.ramp(self._ramp)[128:]
        return np.ascontiguousarray(np.repeat(upper, 2, axis=0))

    def for_maps(self, low: float, high: float) -> tuple[float, float]:
        return 2 * low - high, high


class LeftGrid(ScoreGrid):
    """A grid without names that begins where its heading begins."""

    def arrange(self, width: int, height: int) -> None:
        super().arrange(width, height)
        self._corner = (2, self._corner[1])
