"""The page "Field": the photo with the field of a place, its figures, and how its radius grows layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.plots.curves import Curve, Curves
from app.shell import Shell
from app.sliders import ParamRow
from app.steady import Steady
from app.tabs.large_kernel.field.view import FieldView
from app.tabs.large_kernel.maps import DECADES
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.verdicts import Finding, Verdict, Verdicts
from app.widgets import box, col, row
from app.words import Text
from engines.core.errors import Message
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event
from engines.large_kernel.field.spec import (
    DEEPEST,
    LOG,
    SHARES,
    DepthsFrame,
    FieldFrame,
    FieldParams,
    NetInfo,
    OfNet,
    PhotoSeen,
    WeightsInfo,
)

NEAR = 0.08  #: how far a random net's radius may be from the law
RESERVE = 450  #: px of the window's height for everything but the picture


class FieldPage(Page):
    """Three cards and what they show."""

    title = "Field"
    params_type = FieldParams
    engine = "engines.large_kernel.field.engine:Engine"
    asks = OfNet
    takes_pictures = takes_models = True
    params: FieldParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.info: NetInfo | None = None
        self.weights: WeightsInfo | None = None
        self.photo: PhotoSeen | None = None
        self.shown: FieldFrame | None = None
        self.depths: DepthsFrame | None = None
        self.view = FieldView()
        self.view.reserve = RESERVE
        self.bar = ColorBar(Message("Share of a pixel"))
        self.bar.drive(self.view)
        self.said = Steady()
        self.photo_card = card("Field on the photo", self.view, foot=col(self.said, self.bar))
        self.photo_card.set_empty("Reading net and photo")
        self.figures = Verdicts("Figures of the field")
        self.figures_card = card("Figures of the field", self.figures)
        self.curves = Curves(widest="00.0")
        self.curves.export_name = "radius"
        words.say(self.curves, "setAccessibleName", "Radius layer by layer")
        self.curve_card = card("Radius layer by layer", self.curves, "in px", foot=self.curves.key)
        self.within = Curves((0, 100), (0, 50), widest="100.0")
        self.within.export_name = "within"
        self.within_card = card("Within a square", self.within, "in %, over its side in px", foot=self.within.key)
        for plot in (self.curves, self.within):
            plot.setMinimumHeight(110)
        self.form = ParamsForm(self.params)
        self.view.moved.connect(lambda at: self.change(at=at))
        self.view.settled.connect(self.settle)
        self.curves.pointed.connect(self._pointed)
        self.within.pointed.connect(self.within.set_cursor)
        left = col(self.photo_card, (self.within_card, 1), gap=S3)
        right = col((self.figures_card, 1), (self.curve_card, 1), gap=S3)
        self.lay(box(row((left, 3), (right, 2), gap=S3)), self.form, resets=False)

    def _pointed(self, x: float | None) -> None:
        self.curves.set_cursor(x if x is not None or self.shown is None else float(self.shown.depth))

    # -- the contract
    def on(self, event: Event) -> None:
        match event:
            case NetInfo():
                self.info, self.weights = event, None
                self._show_controls()
            case WeightsInfo():
                self.weights = event
            case PhotoSeen():
                self.photo = event
                self.view.set_photo(event.photo)
            case FieldFrame():
                self.shown = event
                self._draw()
            case DepthsFrame():
                self.depths = event
                self._draw_curves()
            case Ended() if event.error is not None:
                self._went_wrong(event)

    def _went_wrong(self, ended: Ended) -> None:
        """A model that was refused is not asked again: the net on screen goes on."""
        if self.info is not None and self.params.model != self.info.source and not ended.misplaced:
            self.state.put(model=self.info.source)
        elif self.shown is None:
            self.photo_card.set_empty("Nothing to show yet.")

    def show_params(self, params: FieldParams) -> None:
        self.view.set_opacity(params.opacity)
        self.view.set_squares(params.squares)
        self._show_controls()
        self._draw()

    def _show_controls(self) -> None:
        """Kernels of one's own have sliders, somebody's net has layers and weights."""
        own, info = not self.params.model, self.info
        for name in ("kernel", "layers", "skip"):
            self.form.set_shown(name, own)
        for name in ("depth", "random"):
            self.form.set_shown(name, not own)
        self.form.set_shown("seed", own or self.params.random)
        if not own and info is not None and info.source == self.params.model:
            self.form.set_limits("depth", 1, info.layers)
            control = self.form.control("depth")
            assert isinstance(control, ParamRow)
            control.set_number(min(self.params.depth, info.layers))  # beyond its last layer a net shows that one

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        return {"picture": picture}

    def model_chosen(self, source: str) -> dict[str, Any]:
        return {"model": source, "depth": DEEPEST, "random": False}

    def exported(self) -> dict[str, object]:
        made = super().exported()
        model, picture = made.pop("model"), made.pop("picture")
        if model and self.weights is not None:
            made |= {"model": self.weights.model, "title": self.weights.title, "sha256": self.weights.sha256}
        if model and self.shown is not None:
            made["depth"] = self.shown.depth
        if picture is not None and self.photo is not None:
            made["picture"] = self.photo.name
        return made

    # -- drawing
    def _draw(self) -> None:
        shown, info = self.shown, self.info
        if shown is None or info is None or self.photo is None:
            return
        log = self.params.scale == LOG
        self.view.set_field(shown, log)
        if log:
            self.bar.set_range(-DECADES, 0, False, Message("Powers of ten below the strongest"))
        else:
            self.bar.set_range(0, max(float(shown.pixels.max()), 1e-12), False, Message("Share of a pixel"))
        values: dict[str, object] = {"rows": shown.grid[0], "cols": shown.grid[1], "side": info.side}
        self.photo_card.set_note("{cols} × {rows} places on {side} × {side} px", **values)
        self.photo_card.set_empty(None)
        parts: dict[str, object] = {f"s{i}": words.number(side) for i, side in enumerate(shown.sides)}
        parts |= {f"p{i}": words.percent(share, 0) for i, share in enumerate(SHARES)}
        text = "{p0} within {s0} × {s0} px, {p1} within {s1} × {s1} px"
        if shown.theoretical and not self._whole(shown, info):
            text = "{p0} within {s0} × {s0} px, {p1} within {s1} × {s1} px; the edge cuts it off"
        words.say(self.said, "setText", Message(text, parts))
        self._draw_figures(shown, info)
        self._draw_within(shown)
        self.curves.set_cursor(float(shown.depth))

    def _draw_figures(self, shown: FieldFrame, info: NetInfo) -> None:
        side = f"{shown.extent[1]} × {shown.extent[0]}"
        radius = [Finding(Message("As measured"), words.number(shown.radius, 2))]
        if shown.law:
            apart = shown.radius / shown.law - 1
            holds = abs(apart) <= NEAR if self._whole(shown, info) else None
            radius += [
                Finding(Message("By the law: √(L (k² − 1) / 6)"), words.number(shown.law, 2)),
                Finding(Message("Apart"), f"{words.number(100 * apart, 1, signed=True)} %", holds),
            ]
        reach = [Finding(Message("Not 0 within"), side)]
        if shown.theoretical:
            inside = max(shown.extent) <= shown.theoretical
            reach.append(Finding(Message("Nothing beyond"), f"{shown.theoretical} × {shown.theoretical}", inside))
        reach += [
            Finding(Message("{share} within", {"share": words.percent(share, 0)}), f"{width} × {width}")
            for share, width in zip(SHARES, shown.sides, strict=True)
        ]
        self.figures.set_verdicts(
            [Verdict(Message("Radius, px"), tuple(radius)), Verdict(Message("Extent, px"), tuple(reach))]
        )

    def _draw_within(self, shown: FieldFrame) -> None:
        """What squares hold, and what they would hold if all pixels of the field counted alike."""
        x = 2 * np.arange(len(shown.within), dtype=float) + 1
        side = max(shown.theoretical or max(shown.extent), 1)
        alike = 100 * np.minimum(1, x / side) ** 2
        self.within.set_curves(
            [
                Curve(Message("Field"), x, 100 * shown.within.astype(float), "cat0", digits=1),
                Curve(Message("If all its pixels counted alike"), x, alike, "cat1", dashed=True, digits=1),
            ]
        )
        self.within.set_cursor(float(shown.sides[0]))

    def _whole(self, shown: FieldFrame, info: NetInfo) -> bool:
        """Whether the picture cuts nothing off the field."""
        half = shown.theoretical // 2
        return all(half <= at < info.side - half for at in shown.cell)

    def _draw_curves(self) -> None:
        seen = self.depths
        if seen is None:
            return
        layers = self.info.layers if self.info else len(seen.radius)
        step = max(1, -(-layers // 6))
        self.curves.plot.getAxis("bottom").setTickSpacing(levels=[(step, 0)])
        x = np.arange(1, len(seen.radius) + 1, dtype=float)
        curves = [Curve(Message("Measured"), x, seen.radius.astype(float), "cat0", digits=1)]
        if seen.law.any():
            curves.append(Curve(Message("Law"), x, seen.law.astype(float), "cat1", dashed=True, digits=1))
        self.curves.set_curves(curves, float(max(2, layers)))

    def caption(self) -> list[Text]:
        at = self.params.at
        return [
            Message(
                "place {down} down, {right} right",
                {n: words.percent(v) for n, v in zip(("down", "right"), at, strict=True)},
            )
        ]
