"""The dock of the ViT tab: where to look, what changes the model, how it is drawn."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import words
from app.controls import Chips
from app.params_form import ParamsForm
from app.widgets import MenuButton, Segments, col, label, quiet, row
from engines.core.params import Choice, rules
from engines.vit.spec import (
    ABSOLUTE,
    ATTENTION,
    CHANGE,
    DRAW,
    PCA,
    PER_HEAD,
    ROLLOUT,
    SHARED,
    SIMILARITY,
    THIS_HEAD,
    WHOLE_LAYER,
    ModelInfo,
    ViTParams,
)

FIELDS = ("layer", "head", "resolution", "temperature", "fusion", "discard", "start_layer", "opacity",
          "outline", "grid")  # fmt: skip
SCOPES = (THIS_HEAD, WHOLE_LAYER)
OVERLAYS = (ATTENTION, ROLLOUT, SIMILARITY, PCA)
SCALES = {SHARED: "Shared", PER_HEAD: "Per head", ABSOLUTE: "Absolute"}  # as written on the segments


class HeadChips(QWidget):
    """Which heads of the chosen layer take part.

    Signals
    -------
    changed : tuple of int
        Heads that are off, counted from 0.
    """

    changed = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self._count = quiet("")
        self.chips = Chips(1, tip="Switch this head on or off: its output becomes 0. (Michel 2019)")
        self.chips.changed.connect(self.changed)
        self.setLayout(col(row(label("Heads"), 1, self._count), self.chips))

    def show_heads(self, count: int, off: Sequence[int]) -> None:
        """So many heads, of which these (from 0) are off."""
        self.chips.set_count(count)
        self.chips.set_off(off)
        words.say(self._count, "setText", "{on} of {count} on", on=count - len(off), count=count)


class VitForm(ParamsForm):
    """The dock's controls; those that make no sense for the model or the mode are not there."""

    def __init__(self, params: ViTParams) -> None:
        super().__init__(params, FIELDS)
        self.scope = self._segments("scope", SCOPES, SCOPES)
        self.scale = self._segments("scale", tuple(SCALES), tuple(SCALES.values()))
        self.heads = HeadChips()
        self.overlay = MenuButton(OVERLAYS, prefix="Overlay: {value}", tip=_rule("overlay").tip)
        self.overlay.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.overlay.chosen.connect(lambda i: self._picked("overlay", OVERLAYS[i]))
        self.add(DRAW, self.overlay, at=0)
        self.add(CHANGE, self.scope)
        self.add(CHANGE, self.heads)
        self.add(DRAW, self.scale, at=6)
        self.set_shown("resolution", False)
        for name in ("layer", "start_layer"):
            self.set_limits(name, 1, ViTParams.layer)  # until the model says how many it has

    def _segments(self, name: str, options: Sequence[str], written: Sequence[str]) -> Segments:
        rule, made = _rule(name), Segments(written)
        made.chosen.connect(lambda i: self._picked(name, options[i]))
        words.say(made, "setToolTip", rule.tip)
        words.say(made, "setAccessibleName", rule.label)
        return made

    def show_params(self, params: ViTParams) -> None:  # type: ignore[override]  # the only Params it is made for
        super().show_params(params)
        self.scope.set_at(SCOPES.index(params.scope))
        self.scale.set_at(list(SCALES).index(params.scale))
        self.overlay.set_at(OVERLAYS.index(params.overlay))
        rollout = params.overlay == ROLLOUT
        for name in ("fusion", "discard", "start_layer"):
            self.set_shown(name, rollout)
        self.set_shown("outline", params.overlay in (ATTENTION, ROLLOUT))

    def show_model(self, info: ModelInfo) -> None:
        """Limits as the model has them."""
        self.set_limits("layer", 1, info.layers, info.layers)
        self.set_limits("head", 1, info.heads, 1)
        self.set_limits("start_layer", 1, info.layers, 1)
        low, high, _step = info.resolutions
        self.set_shown("resolution", high > low)
        if high > low:
            self.set_limits("resolution", low, high)


def _rule(name: str) -> Choice:
    found = rules(ViTParams)[name]
    assert isinstance(found, Choice)
    return found
