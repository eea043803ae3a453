"""Rows of the pages Why, Maths and One step of the Transformer tab: a slider of a claim, the way back, a formula."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from engines.core.device import leave_a_core
from engines.core.protocol import Job
from tests.benchmarks.table import Measured, Row, quantile

#: The slider of each claim that has one, over its range.
SLIDERS = {
    "Keys need no bias": ("noise", 0.1, 100.0), "Rank collapse": ("layers_deep", 2, 12),
    "LayerNorm: onto a sphere": ("times", 0.1, 10.0), "A shift is a rotation": ("shift", 0, 32),
    "A sharp softmax is dead": ("sharpness", 0.05, 20.0),
}  # fmt: skip
CHANGES, WARM_UP = 60, 3


def rows() -> list[Row]:
    """What these pages add to the table."""
    return [
        Row("why-slider", "the page Why: a claim's slider on a toy, engine alone, p99", slider, most=16),
        Row("why-depth", "the page Why: variance through 12 layers; 64 beside it", depth, most=16),
        Row("back", "the page Maths: all gradients by hand and the layer's numbers, another place", back, most=16),
        Row("one-step", "the page One step: another rate, until gradients and update are told, p99", rate, most=16),
        Row("formula", "a formula of two lines with other numbers, until it is painted, p99", formula, most=4),
    ]


def _spent(engine: Any, every: list[Any], shown: int) -> list[float]:
    """Milliseconds until the answer that is on screen, of each of the settings: the first ``shown`` frames."""
    from engines.core.protocol import Progress

    found = []
    for params in every:
        job = Job(params, lambda: engine, lambda event: None)
        began, seen = time.perf_counter(), 0
        for event in engine.run(job):
            seen += not isinstance(event, Progress)
            if seen == shown:
                break
        found.append(1e3 * (time.perf_counter() - began))
    return found[WARM_UP:]


def slider() -> Measured:
    """The slowest claim's p99."""
    from engines.transformer.why.engine import Engine
    from engines.transformer.why.spec import WhyParams

    leave_a_core()
    told: dict[str, float] = {}
    for claim, (field, low, high) in SLIDERS.items():
        kind = type(getattr(WhyParams(), field))
        values = np.linspace(low, high, CHANGES + WARM_UP)
        told[claim] = quantile(
            _spent(Engine(), [WhyParams(claim=claim, **{field: kind(v)}) for v in values.tolist()], 1), 0.99
        )
    slowest = max(told, key=lambda name: told[name])
    return Measured(told[slowest], "ms", note=f"slowest: {slowest}", details=told)


def depth() -> Measured:
    """12 layers; 64 in the details."""
    from engines.transformer.why.engine import Engine
    from engines.transformer.why.spec import VARIANCE, WhyParams

    leave_a_core()
    told = {
        f"{layers} layers": quantile(
            _spent(Engine(), [WhyParams(claim=VARIANCE, net_depth=layers, net_pre=bool(i % 2)) for i in range(9)], 1),
            0.5,
        )
        for layers in (12, 64)
    }
    return Measured(told["12 layers"], "ms", note=f"64 layers: {told['64 layers']:.0f} ms", details=told)


def back() -> Measured:
    """p99 of a click on another token."""
    from engines.transformer.maths.engine import Engine
    from engines.transformer.maths.spec import WalkParams

    leave_a_core()
    every = [replace(WalkParams(), token=i % 8) for i in range(CHANGES + WARM_UP)]
    return Measured(quantile(_spent(Engine(), every, 1), 0.99), "ms")


def rate() -> Measured:
    """p99 of another learning rate, at the settings of the first start; with the loss afterwards in the note."""
    from engines.transformer.one_step.engine import Engine
    from engines.transformer.one_step.spec import StepParams

    leave_a_core()
    rates = np.geomspace(1e-3, 1e-2, CHANGES + WARM_UP).tolist()
    first, whole = (_spent(Engine(), [StepParams(step_rate=one) for one in rates], shown) for shown in (1, 2))
    return Measured(quantile(first, 0.99), "ms", note=f"with the loss afterwards {quantile(whole, 0.5):.0f} ms (p50)",
                    details={"p50": quantile(first, 0.5)})  # fmt: skip


def formula() -> Measured:
    """p99 of a change of all numbers."""
    from PySide6.QtWidgets import QApplication

    from app.tabs.transformer.why.tex import TEX
    from app.typesetter import SLOT
    from app.views.formula import FormulaView, Line
    from engines.transformer.why.spec import SPHERE

    app = QApplication.instance() or QApplication([])
    view = FormulaView("Formula")
    view.resize(680, 150)
    view.show()
    spent = []
    for i in range(CHANGES + WARM_UP):
        lines = [
            Line(tex, {slot.group(1): f"{1 + i * 0.37:.4f}" for slot in SLOT.finditer(tex)}) for tex in TEX[SPHERE]
        ]
        began = time.perf_counter()
        view.set_lines(lines)
        view.grab()
        spent.append(1e3 * (time.perf_counter() - began))
    view.close()
    app.processEvents()
    return Measured(quantile(spent[WARM_UP:], 0.99), "ms")
