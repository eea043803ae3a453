"""Answers the page "Windows"."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Event, Job
from engines.swin.layouts import Layout, layout
from engines.swin.windows.spec import WindowsFrame, WindowsParams


class Engine:
    """Yields one `WindowsFrame`."""

    def run(self, job: Job[WindowsParams]) -> Iterator[Event]:
        """Cut the grid as ``job.params`` ask for."""
        params = job.params
        side, window, shift = params.side, params.window, min(params.shift, params.window - 1)
        shifted = layout(side, side, window, shift, masked=params.masked)
        query = min(params.query[0], side - 1) * side + min(params.query[1], side - 1)
        yield WindowsFrame(
            side,
            window,
            shifted.shift,
            query,
            shifted.place.numpy(),
            shifted.region.numpy(),
            allowed(shifted),
            reach(layout(side, side, window), shifted, params.blocks, query),
        )


def allowed(cut: Layout) -> npt.NDArray[np.bool_]:
    """Which token may attend to which in each window, (W, n, n)."""
    if cut.may_attend is None:
        count, n = cut.place.shape
        return np.ones((count, n, n), bool)
    found: npt.NDArray[np.bool_] = cut.may_attend.numpy()
    return found


def joined(cut: Layout) -> npt.NDArray[np.bool_]:
    """Which token (row) may attend to which one (column), (N, N)."""
    may = np.zeros((cut.tokens + 1, cut.tokens + 1), bool)
    place = cut.place.numpy()
    may[place[:, :, None], place[:, None, :]] = allowed(cut)
    return may[:-1, :-1]


def reach(plain: Layout, shifted: Layout, blocks: int, query: int) -> npt.NDArray[np.int64]:
    """How many blocks it takes until the number of each token (N,) reaches the query; see `WindowsFrame.reached`.

    Block 1 is not shifted, block 2 is, and so on; the query is one of the last block's tokens.
    """
    matrices = (joined(plain), joined(shifted))
    found = np.full((blocks, plain.tokens), -1, np.int64)
    for count in range(1, blocks + 1):
        seen = np.zeros(plain.tokens, bool)
        seen[query] = True
        found[count - 1, query] = 0
        for passed, block in enumerate(range(count, 0, -1), 1):
            seen = np.asarray(matrices[(block - 1) % 2][seen].any(0))
            found[count - 1, seen & (found[count - 1] < 0)] = passed
    return found
