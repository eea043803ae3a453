"""Rows of the Mixing tab: matrices of mini-vit by probes, a row of one exactly, and a slider that asks for neither."""

from __future__ import annotations

import time
from typing import Any

from tests.benchmarks.table import Measured, Row, quantile

THREADS = 1
WHOLE = 5  # probes that the matrix of all six blocks takes to be within
WITHIN = 0.10  # of the exact entries: the median


def rows() -> list[Row]:
    """What this topic adds to the table."""
    return [
        Row("mixing", "mini-vit, mixing matrix of all six blocks at 10 % error", whole, most=1.6),
        Row("mixing-block", "mini-vit, mixing matrix of one block by 8 probes", block, most=0.5),
        Row("mixing-row", "mini-vit, one row of a block exactly, as under the mouse", row, most=0.5),
        Row("mixing-slider", "the Mixing tab: a slider that asks for no gradients, until it is painted, p99", slider,
            most=16),
    ]  # fmt: skip


def span(first: int, last: int) -> Any:
    """Blocks of mini-vit on the sample photo, counted from 0."""
    import torch

    from engines.data.samples import sample
    from engines.mixing import nets

    torch.set_num_threads(THREADS)
    return nets.load("mini-vit").look(sample().rgb).span(first, last)


def fastest(work: Any, repeats: int) -> tuple[float, Any]:
    """Median seconds of a work after one to warm up, and what it made last."""
    made, spent = work(), []
    for _ in range(repeats):
        began = time.perf_counter()
        made = work()
        spent.append(time.perf_counter() - began)
    return quantile(spent, 0.5), made


def _probed(of: Any, probes: int, repeats: int, within: float) -> Measured:
    import torch

    from engines.blocks.mixing import mixing_matrix

    seconds, found = fastest(
        lambda: mixing_matrix(of.function, of.start, probes, torch.Generator().manual_seed(0)), repeats
    )
    exact = mixing_matrix(of.function, of.start, of.start.shape[-1], torch.Generator().manual_seed(1))  # all directions
    error = float(((found - exact).abs() / exact).median())
    note = f"{probes} probes, {THREADS} thread; median error {100 * error:.1f} %"
    return Measured(seconds, "s", sound=error <= within, note=note)


def whole(repeats: int = 5) -> Measured:
    """All six blocks as one function."""
    return _probed(span(0, 5), WHOLE, repeats, WITHIN)


def block(repeats: int = 5) -> Measured:
    """The third block alone."""
    return _probed(span(2, 2), 8, repeats, 0.12)


def row(repeats: int = 5) -> Measured:
    """A token in the middle: as many backward passes as it has numbers."""
    from engines.blocks.mixing import Row as Line
    from engines.blocks.mixing import Way

    of = span(2, 2)

    def work() -> Line:
        made = Line(Way(of.function, of.start), 28)
        while not made.advance():
            pass
        return made

    seconds, made = fastest(work, repeats)
    return Measured(seconds, "s", sound=made.exact, note=f"{THREADS} thread")


def slider(changes: int = 120) -> Measured:
    """The band of the measures: nothing is computed for it but what is drawn."""
    from PySide6.QtWidgets import QApplication

    from tests.benchmarks.window_rows import _window

    spent = []
    with _window("mixing", probes=2) as (_, tab):
        for number in range(changes):
            began = time.perf_counter()
            tab.now.change(band=0.1 + 0.8 * number / changes)
            QApplication.processEvents()
            spent.append(1000 * (time.perf_counter() - began))
    return Measured(quantile(spent[5:], 0.99), "ms", note=f"median {quantile(spent[5:], 0.5):.1f} ms")
