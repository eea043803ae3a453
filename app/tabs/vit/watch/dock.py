"""The dock of the page "Watch": where to look, what changes the model, how it is drawn."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QSizePolicy

from app import words
from app.backendbox import BackendSaid
from app.controls import HeadChips
from app.params_form import ParamsForm
from app.widgets import MenuButton, Segments
from engines.blocks.backends import SPEED
from engines.core.params import Choice, rules
from engines.vit.asking import CHANGE, DRAW, THIS_HEAD, WHOLE_LAYER
from engines.vit.events import ModelInfo
from engines.vit.spec import ABSOLUTE, PER_HEAD, SHARED, ViTParams
from engines.vit.watch.spec import ATTENTION, PCA, ROLLOUT, SIMILARITY

FIELDS = ("layer", "head", "resolution", "temperature", "fusion", "discard", "start_layer", "opacity",
          "outline", "grid", "compute")  # fmt: skip
SCOPES = (THIS_HEAD, WHOLE_LAYER)
OVERLAYS = (ATTENTION, ROLLOUT, SIMILARITY, PCA)
SCALES = {SHARED: "Shared", PER_HEAD: "Per head", ABSOLUTE: "Absolute"}  # as written on the segments


class WatchForm(ParamsForm):
    """The dock's controls; those that make no sense for the model or the mode are not there."""

    def __init__(self, params: ViTParams) -> None:
        super().__init__(params, FIELDS)
        self.scope = self._segments("scope", SCOPES, SCOPES)
        self.scale = self._segments("scale", tuple(SCALES), tuple(SCALES.values()))
        self.heads = HeadChips("Heads")
        self.overlay = MenuButton(OVERLAYS, prefix="Overlay: {value}", tip=_rule("overlay").tip)
        self.overlay.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.overlay.chosen.connect(lambda i: self._picked("overlay", OVERLAYS[i]))
        self.add(DRAW, self.overlay, at=0)
        self.add(CHANGE, self.scope)
        self.add(CHANGE, self.heads)
        self.add(DRAW, self.scale, at=6)
        self.said = BackendSaid()
        self.add(SPEED, self.said)
        self._show_speed(False)
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
        self.set_limits("layer", 1, info.layers)
        self.set_limits("head", 1, info.heads)
        self.set_limits("start_layer", 1, info.layers)
        self._show_speed(info.chooses)
        low, high, _step = info.resolutions
        self.set_shown("resolution", high > low)
        if high > low:
            self.set_limits("resolution", low, high)

    def _show_speed(self, shown: bool) -> None:
        self.said.setVisible(shown)
        self.set_shown("compute", shown)


def _rule(name: str) -> Choice:
    found = rules(ViTParams)[name]
    assert isinstance(found, Choice)
    return found
