"""What a mixing matrix says as a whole: zeros, distances, entropy, how it goes with attention. Numpy only.

Shapes: M tokens leave, N enter; prefix tokens first, which lie nowhere and count for no distance.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.blocks.mixers import Grid
from engines.mixing.spec import ATTENTION, ROLLOUT, Floats, Measures

NOTHING = -2.0  #: in place of a correlation, where there is none
Mask = npt.NDArray[np.bool_]


@lru_cache(maxsize=32)
def own(before: Grid, after: Grid) -> Mask:
    """Which tokens that enter are where one that leaves is, (M, N): on the same grid the diagonal.

    On another grid those whose middle lies in the other's cell. A prefix token is where its namesake is.
    """
    same = np.zeros((after.tokens, before.tokens), bool)
    shared = min(before.prefix, after.prefix)
    same[np.arange(shared), np.arange(shared)] = True
    down, across = (np.abs(one) for one in _apart(before, after))
    near = down < 0.5 / min(before.rows, after.rows) - 1e-9
    beside = across < 0.5 / min(before.cols, after.cols) - 1e-9
    same[after.prefix :, before.prefix :] = _pairs(near, beside, np.logical_and)
    same.flags.writeable = False
    return same


@lru_cache(maxsize=32)
def distances(before: Grid, after: Grid) -> npt.NDArray[np.float64]:
    """Between the middles of tokens on the photo, (m, n), in sides of it."""
    found = _pairs(*_apart(before, after), np.hypot)
    found.flags.writeable = False
    return found


def _apart(before: Grid, after: Grid) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """From the rows of one grid to those of the other, and from column to column, in sides of the photo."""
    down, across = ((np.arange(after.rows) + 0.5) / after.rows, (np.arange(after.cols) + 0.5) / after.cols)
    rows, cols = ((np.arange(before.rows) + 0.5) / before.rows, (np.arange(before.cols) + 0.5) / before.cols)
    return down[:, None] - rows, across[:, None] - cols


def _pairs(down: npt.NDArray[Any], across: npt.NDArray[Any], both: np.ufunc) -> npt.NDArray[Any]:
    """A table (m, n) of token and token from that of the rows and that of the columns."""
    found: npt.NDArray[Any] = both(down[:, None, :, None], across[None, :, None, :])
    return found.reshape(down.shape[0] * across.shape[0], -1)


@lru_cache(maxsize=32)
def _rings(before: Grid, after: Grid) -> tuple[npt.NDArray[np.int64], Floats, npt.NDArray[np.float64]]:
    """Pairs of others sorted into rings one token wide: their ring, the mean distance of each ring, pairs in each."""
    far = distances(before, after)[_others(before, after)]
    number = np.rint(far * max(before.rows, before.cols)).astype(np.int64)
    there = np.bincount(number) > 0  # np.unique, which sorts, held up all threads for half a second
    ring = (np.cumsum(there) - 1)[number]
    pairs = np.bincount(ring).astype(np.float64)
    middle = np.bincount(ring, far) / np.maximum(pairs, 1)
    return ring, middle.astype(np.float32), pairs


def _others(before: Grid, after: Grid) -> Mask:
    found: Mask = ~own(before, after)[after.prefix :, before.prefix :]
    return found


def correlation(values: Floats, attention: Floats, apart: Mask) -> float:
    """Pearson's r of influence and attention (M, N) over pairs apart of which one is not 0; `NOTHING` without any."""
    pairs = apart & ((values > 0) | (attention > 0))
    one, two = values[pairs].astype(np.float64), attention[pairs].astype(np.float64)
    if len(one) < 2 or one.std() == 0 or two.std() == 0:
        return NOTHING
    return float(np.corrcoef(one, two)[0, 1])


def measures(values: Floats, before: Grid, after: Grid, attention: Floats | None, blocks: int) -> Measures:
    """Measures of a matrix (M, N); ``attention`` (M, N) is that of so many blocks, None where nothing attends."""
    mine, kind = own(before, after), ""
    related = NOTHING
    if attention is not None:
        related, kind = correlation(values, attention, ~mine), ATTENTION if blocks == 1 else ROLLOUT
    others = np.where(mine, 0, values).astype(np.float64)
    count = (~mine).sum()
    mean_own = float(values[mine].mean()) if mine.any() else 0.0
    mean_other = float(others.sum() / max(1, count))
    total = others.sum(1, keepdims=True)
    share = others / np.where(total > 0, total, 1)  # rows of others sum to 1, or are 0
    logs = np.log2(np.where(share > 0, share, 1))
    placed = share[after.prefix :, before.prefix :]
    heard = placed.sum(1) > 0
    far = (placed * distances(before, after)).sum(1)[heard] / placed.sum(1)[heard]
    at, influence, within = _by_distance(others[after.prefix :, before.prefix :], before, after)
    return Measures(
        zeros=int((values == 0).sum()),
        own_weighs=mean_own / mean_other if mean_other > 0 else 0.0,
        distance=float(far.mean()) if len(far) else 0.0,
        entropy=float(-(share * logs).sum(1)[after.prefix :].mean() + 0.0),
        distances=at,
        influence=influence,
        within=within,
        correlation=related,
        attention=kind,
    )


def _by_distance(others: npt.NDArray[np.float64], before: Grid, after: Grid) -> tuple[Floats, Floats, Floats]:
    """Distances, mean influence over its largest, and share of all within: (K,) each; of a lone token none."""
    ring, middle, pairs = _rings(before, after)
    found = np.bincount(ring, others[_others(before, after)], len(middle))
    mean = found / np.maximum(pairs, 1)
    within = np.cumsum(found) / (found.sum() or 1.0)
    return middle, (mean / (mean.max(initial=0) or 1.0)).astype(np.float32), within.astype(np.float32)
