"""What a mixing matrix says as a whole: zeros, distances, entropy, how it goes with attention. Numpy only.

Shapes: M tokens leave, N enter; prefix tokens first, which lie nowhere and count for no distance.
"""

from __future__ import annotations

from functools import lru_cache

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
    apart = np.abs(after.places()[:, None] - before.places()[None])  # (m, n, 2)
    reach = 0.5 / np.minimum([before.rows, before.cols], [after.rows, after.cols])
    same[after.prefix :, before.prefix :] = (apart < reach - 1e-9).all(-1)
    same.flags.writeable = False
    return same


@lru_cache(maxsize=32)
def distances(before: Grid, after: Grid) -> npt.NDArray[np.float64]:
    """Between the middles of tokens on the photo, (m, n), in sides of it."""
    found = np.linalg.norm(after.places()[:, None] - before.places()[None], axis=-1)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=32)
def _rings(before: Grid, after: Grid) -> tuple[npt.NDArray[np.int64], Floats, npt.NDArray[np.float64]]:
    """Pairs of others sorted into rings one token wide: their ring, the mean distance of each ring, pairs in each."""
    far = distances(before, after)[_others(before, after)]
    number = np.rint(far * max(before.rows, before.cols)).astype(np.int64)
    _, ring = np.unique(number, return_inverse=True)
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
