"""Colors of data, without Qt: color maps and categories, for the window and for what is drawn without one."""

from __future__ import annotations

from functools import cache

import numpy as np

CATEGORIES = {
    "light": ("#0068A8", "#C4649A", "#4598CE", "#A84900", "#00755A", "#2E323B"),
    "dark": ("#4C9BE0", "#E39AC4", "#A9DBF7", "#F5A623", "#2FCB9B", "#FFFFFF"),
}
PAPER, INK, QUIET = "#FFFFFF", "#1B1E25", "#545B69"  #: of what is drawn for good, in the light theme's tokens
EMBER = ("#1B1730", "#45226B", "#94296E", "#DB5240", "#F59B2D", "#FBEBA6")
STOPS: dict[str, dict[str, tuple[str, ...]]] = {
    "ember": {"light": EMBER, "dark": EMBER},  # attention: a weight never changes its color
    "tide": {  # costs: low stands out, high sinks into the paper
        "light": ("#1D4E7E", "#3C86B4", "#8DC3DA", "#D5E8F0", "#F7F9FB"),
        "dark": ("#BFE9EA", "#55A8C6", "#22698F", "#1B3B5A", "#171B22"),
    },
    "diff": {  # signed values: zero in the middle
        "light": ("#1F5FA8", "#8FB3DC", "#F1F2F5", "#E0A878", "#A84900"),
        "dark": ("#8CC0FF", "#3A6EA8", "#1E222A", "#A8672F", "#FFB26B"),
    },
}


def rgb(text: str) -> np.ndarray:
    """``#RRGGBB`` as three floats in 0..1."""
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def linear(value: np.ndarray) -> np.ndarray:
    """Linear light of sRGB values in 0..1."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


@cache
def blend(stops: tuple[str, ...], count: int = 256) -> np.ndarray:
    """Colors joined in linear light, uint8 (count, 3), read-only."""
    ends = np.array([linear(rgb(h)) for h in stops])
    at = np.linspace(0, 1, count)
    light = np.stack([np.interp(at, np.linspace(0, 1, len(ends)), ends[:, i]) for i in range(3)], 1)
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    table = (255 * coded).round().astype(np.uint8)
    table.setflags(write=False)
    return table
