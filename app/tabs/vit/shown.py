"""The model and the grid that a page shows, and where the ends of its color scales lie. Numpy only, no Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engines.core.protocol import Event, Frame, Progress
from engines.vit.events import Floats, ModelInfo, PhotoGrid
from engines.vit.spec import PER_HEAD, SHARED, ViTParams

KEPT_IN = 0.98  #: share of the weights of all maps that a shared scale holds; the rest is clipped
STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
CLASS_TOKEN = 0


def nice_end(value: float) -> float:
    """The next round number, so that a scale rests while what it measures trembles."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next((step * unit for step in STEPS if step * unit >= value * (1 - 1e-6)), 10 * unit)


@dataclass(frozen=True)
class Ends:
    """The upper end of a color scale that starts at 0.

    Attributes
    ----------
    tops : ndarray (n,)
        One for each map; all alike unless each map has its own.
    clipped : ndarray of bool (n,)
        Whether a map holds more than that.
    """

    tops: Floats
    clipped: np.ndarray

    def at(self, index: int) -> tuple[float, bool]:
        """End and clipping as the bar of one map says it; a shared bar speaks for all maps."""
        alike = bool((self.tops == self.tops[0]).all())
        return float(self.tops[index]), bool(self.clipped.any() if alike else self.clipped[index])


def ends_of(maps: Floats, scale: str) -> Ends:
    """Where the color scale of some maps ends.

    Parameters
    ----------
    maps : ndarray (n, ...)
        Weights, 0 to 1.
    scale : str
        `SHARED` (a round number that all but the strongest weights stay under), `PER_HEAD` (each map's largest
        weight) or `ABSOLUTE` (1).
    """
    flat = maps.reshape(len(maps), -1)
    largest = flat.max(1) if flat.size else np.ones(len(maps), np.float32)
    if scale == PER_HEAD:
        tops = np.where(largest > 0, largest, 1).astype(np.float32)
    elif scale == SHARED and flat.size:
        tops = np.full(len(maps), nice_end(float(np.quantile(flat, KEPT_IN))), np.float32)
    else:
        tops = np.ones(len(maps), np.float32)
    return Ends(tops, largest > tops * (1 + 1e-6))


class Shown:
    """The model and grid that the frame on screen belongs to, and what the views ask of them.

    Both wait for their frame, so that nothing flickers while a resolution is dragged; only another photo is shown at
    once, with no maps until they come.
    """

    def __init__(self) -> None:
        self.info: ModelInfo | None = None
        self.grid: PhotoGrid | None = None
        self._next_info: ModelInfo | None = None
        self._next_grid: PhotoGrid | None = None

    def take(self, event: Event) -> bool:
        """Keep an event; True where it changes what is on screen."""
        match event:
            case ModelInfo():
                self._next_info = event
                return False
            case PhotoGrid():
                self._next_grid = event
                if self.grid is not None and event.photo is self.grid.photo:
                    return False
                self.forget()
            case Progress():
                return False
            case Frame():
                if self._next_grid is not self.grid or self._next_info is not self.info:
                    self.forget()
            case _:
                return False
        self.info, self.grid = self._next_info or self.info, self._next_grid or self.grid
        return True

    def forget(self) -> None:
        """What is on screen belongs to the photo or model before."""

    # -- places
    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of patches; (0, 0) before there are any."""
        return (self.grid.rows, self.grid.cols) if self.grid is not None else (0, 0)

    def layer(self, params: ViTParams) -> int:
        """The chosen layer, counted from 1, within what the model has."""
        return params.layer if self.info is None else min(params.layer, self.info.layers)

    def head(self, params: ViTParams) -> int:
        """The chosen head, counted from 1, within what the model has."""
        return params.head if self.info is None else min(params.head, self.info.heads)

    def patch_of(self, token: int) -> tuple[int, int] | None:
        """Row and column of a token, counted from 0; None for the class token and others without a place."""
        if self.grid is None or token < self.grid.prefix:
            return None
        return divmod(token - self.grid.prefix, self.grid.cols)

    def token_at(self, row: int, col: int) -> int:
        """The token of a patch."""
        assert self.grid is not None
        return self.grid.prefix + row * self.grid.cols + col

    def on_patches(self, rows: Floats) -> Floats:
        """Token vectors (..., N) without the class token, as maps (..., rows, cols)."""
        assert self.grid is not None
        return np.ascontiguousarray(rows[..., self.grid.prefix :]).reshape(*rows.shape[:-1], *self.shape)
