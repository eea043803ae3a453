"""The formulas of the pages of large kernels; typeset by ``make formulas``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.equation import Equation, Told, all_lines, n
from engines.large_kernel.reach.spec import reach


def field(params: Any, told: Told) -> Mapping[str, str]:
    """Side and radius of a net of kernels alone."""
    seen = told.get("FieldFrame")
    if seen is None or not seen.law:
        return {}
    kernel, layers = params.kernel, seen.depth
    return {
        "kernel": n(kernel, 0), "layers": n(layers, 0), "side": n(seen.theoretical, 0), "law": n(seen.law),
        "radius": n(seen.radius),
    }  # fmt: skip


def merge(_params: Any, told: Told) -> Mapping[str, str]:
    """Multiply-adds a place and channel of the branches, and of the merged kernel."""
    seen = told.get("MergeFrame")
    if seen is None:
        return {}
    saved = seen.operations[0] / seen.operations[1]
    return {"branches": n(seen.operations[0], 0), "merged": n(seen.operations[1], 0), "saved": n(saved, 3)}


def kernel(params: Any, _told: Told) -> Mapping[str, str]:
    """How many numbers a kernel has."""
    return {"size": n(params.size, 0), "count": n(params.size**2, 0)}


def reached(params: Any, _told: Told) -> Mapping[str, str]:
    """How far a place sees."""
    return {
        "layers": n(params.layers, 0), "kernel": n(params.kernel, 0),
        "reach": n(reach(params.kernel, params.layers), 0),
    }  # fmt: skip


def cost(params: Any, _told: Told) -> Mapping[str, str]:
    """Multiply-adds of the chosen layer, in millions."""
    places, channels, side = params.side**2 * params.channels, params.channels, params.kernel
    return {
        "side": n(params.side, 0), "channels": n(channels, 0), "kernel": n(side, 0),
        "depthwise": n(places * side**2 / 1e6, 2), "pointwise": n(places * channels / 1e6, 2),
    }  # fmt: skip


EQUATIONS = {
    "field": Equation(
        (
            r"r=1+L\,(k-1)=1+[[layers|00]]\cdot([[kernel|00]]-1)=[[side|000]]",
            r"\sigma=\sqrt{L\,(k^2-1)/6}=\sqrt{[[layers|00]]\cdot([[kernel|00]]^2-1)/6}=[[law|00.00]]",
            r"\hat\sigma=[[radius|00.00]]",
        ),
        "Luo 2016; Ding 2022",
        field,
    ),
    "merge": Equation(
        (
            r"W=\sum_b\frac{\gamma_b}{\sqrt{\sigma_b^2+\varepsilon}}\,W_b",
            r"\frac{[[branches|0,000]]}{[[merged|0,000]]}=[[saved|0.000]]",
        ),
        "Ding 2021, 3; Ding 2022",
        merge,
    ),
    "kernel": Equation(
        (r"y_{ij}=\sum_{u,v}w_{uv}\,x_{i+u,j+v}", r"[[size|00]]\cdot[[size|00]]=[[count|0,000]]"), "D2L 7.2", kernel
    ),
    "reach": Equation(
        (r"L\cdot\frac{k-1}{2}=[[layers|00]]\cdot\frac{[[kernel|00]]-1}{2}=[[reach|000]]",), "Ding 2022", reached
    ),
    "cost": Equation(
        (
            r"[[side|000]]^2\cdot[[channels|0,000]]\cdot[[kernel|00]]^2/10^6=[[depthwise|00,000.00]]",
            r"[[side|000]]^2\cdot[[channels|0,000]]^2/10^6=[[pointwise|00,000.00]]",
        ),
        "Ding 2022; D2L 7.4",
        cost,
    ),
}
FORMULAS = all_lines(EQUATIONS)
