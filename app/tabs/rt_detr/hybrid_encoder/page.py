"""The page "Hybrid encoder": where a token of the coarsest map attends, how maps are fused, what each part is for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, Signal

from app import words
from app.cards import Card, card
from app.params_form import ParamsForm
from app.rows import Rows
from app.shell import Shell
from app.tabs.rt_detr.names import class_name, placed, scored
from app.tabs.rt_detr.page import PicturePage
from app.topic.feed import Feed
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.views.boxes import Box, class_token, detection
from app.views.boxview import BoxView
from app.views.colorbar import ColorBar
from app.views.flow import Block, Flow
from app.views.mosaic import Mosaic
from app.widgets import quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.rt_detr.events import ModelInfo
from engines.rt_detr.hybrid_encoder.spec import WAYS, Ablated, Encoded, HybridParams
from engines.rt_detr.spec import RtDetrParams

FIELDS = ("scene", "threshold", "aifi", "ccff")


class TokenPhoto(BoxView):
    """Where it is clicked, the token below is looked at, whatever box lies there.

    Signals
    -------
    pressed_at : (x, y)
        As shares of the photo.
    """

    pressed_at = Signal(object)

    def click_at(self, point: QPointF) -> None:
        at, (width, height) = self.to_photo(point), self.photo_size()
        if 0 <= at.x() < width and 0 <= at.y() < height:
            self.pressed_at.emit((at.x() / width, at.y() / height))


class HybridEncoderPage(PicturePage):
    """Photo with the row of a token, that row in each head, the flow of maps, precision without each part."""

    title = "Hybrid encoder"
    params_type = RtDetrParams
    engine = "engines.rt_detr.hybrid_encoder.engine:Engine"
    asks = HybridParams
    params: RtDetrParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.answer: Encoded | None = None
        self.photo, self.maps, self.flow = TokenPhoto(), Mosaic(), Flow()
        self.bars = Bars(pitch=30, widest="0.000", widest_note="00.0 ms", least=96)
        self.bar = ColorBar(Message("Weight"), least=84)
        self.bar.drive(self.maps)
        words.say(self.photo, "setAccessibleName", "Attention of a token")
        words.say(self.maps, "setAccessibleName", "Its row in each head")
        words.say(self.flow, "setAccessibleName", "Maps on their way")
        words.say(self.bars, "setAccessibleName", "Precision without each part")
        self.maps.export_name, self.flow.export_name = "aifi-rows", "fusion"
        self._said, self._scenes = quiet("", wrap=True), quiet("", wrap=True)
        self.photo_card = card("Attention of a token", self.photo, foot=self._said)
        self.maps_card = card("Its row in each head", self.maps, foot=row(quiet(""), 1, self.bar))
        self.flow_card = card("Maps on their way", self.flow)
        self.bars_card = card("Precision without each part", self.bars, foot=self._scenes)
        for one in self.waiting():
            one.set_empty("Reading model and photo" if one is self.photo_card else "Waiting for the model")
        self.form = ParamsForm(self.params, FIELDS)
        self.photo.pressed_at.connect(self._place_chosen)
        above = [(self.photo_card, 11), (self.maps_card, 9)]
        below = [(self.flow_card, 13), (self.bars_card, 7)]
        self.lay(Rows((above, below), (3, 2)), self.form)

    def waiting(self) -> Sequence[Card]:
        return self.photo_card, self.maps_card, self.flow_card, self.bars_card

    # -- the hand
    def _place_chosen(self, place: tuple[float, float]) -> None:
        self.change(place=(round(place[0], 4), round(place[1], 4)))

    def escape(self) -> None:
        self.change(place=None)

    # -- the contract
    def model_known(self, info: ModelInfo) -> None:
        self.answer = None
        self.show_scene(self.form)
        if not info.toy:
            self.bars_card.set_empty("Precision is measured on drawn scenes, which this model does not know.")

    def show_params(self, params: RtDetrParams) -> None:
        self.show_scene(self.form)
        self._draw_row()

    def draw(self, event: Event) -> None:
        if isinstance(event, Ablated):
            self._draw_bars(event)
        if not isinstance(event, Encoded) or self.info is None or self.shown is None:
            return
        self.answer = event
        for one in (self.photo_card, self.maps_card, self.flow_card):
            one.set_empty(None)
        self.photo.set_photo(self.shown.rgb)
        self._draw_boxes(self.info, event)
        self._draw_row()
        self._draw_flow(event)

    # -- drawing
    def token(self) -> tuple[int, int]:
        """Row and column of the token that is looked at."""
        assert self.answer is not None
        (rows, columns), place = self.answer.shape, self.params.place
        if place is None:
            best = self.answer.plain_boxes[self.answer.plain_scores.argmax()]
            place = float(best[0]), float(best[1])
        return min(rows - 1, max(0, int(place[1] * rows))), min(columns - 1, max(0, int(place[0] * columns)))

    def _draw_row(self) -> None:
        answer = self.answer
        if answer is None:
            return
        (rows, columns), (at, along) = answer.shape, self.token()
        count, heads = answer.weights.shape[:2]
        self.bar.setVisible(bool(count))
        self.photo.set_cells(rows, columns)  # without a map, too: the photo is of one size
        if not count:
            off = self.info is not None and self.info.aifi
            self.maps_card.set_empty("AIFI is off: no token attends to another." if off else "This model has no AIFI.")
            self.photo.set_heat(None)
            self.photo.set_cross(None)
            self.photo_card.set_note("")
            words.say(self._said, "setText", "")
            return
        self.maps_card.set_empty(None)
        stack = answer.weights[:, :, at * columns + along].reshape(count * heads, rows, columns)
        top = max(float(stack.max()), 1e-6)
        self.maps.set_columns(min(heads, 4) if count == 1 else heads)
        self.maps.set_maps(stack, top)
        self.maps.set_captions([Message("Head {n}", {"n": index % heads + 1}) for index in range(len(stack))])
        self.maps.set_mark((at, along))
        self.bar.set_range(0, top, False)
        mean = answer.weights[-1, :, at * columns + along].mean(0).reshape(rows, columns)
        self.photo.set_heat(mean, max(float(mean.max()), 1e-6), None, 0.6)
        self.photo.set_cross(((along + 0.5) / columns, (at + 0.5) / rows))
        self.photo_card.set_note("click a place")
        words.say(self._said, "setText",
                  "Row {row}, column {column} of {rows} × {columns} tokens; mean of {heads} heads.",
                  row=at + 1, column=along + 1, rows=rows, columns=columns, heads=heads)  # fmt: skip

    def _draw_boxes(self, info: ModelInfo, answer: Encoded) -> None:
        boxes: list[Box] = []
        if answer.touched:
            for query in np.flatnonzero(answer.plain_scores >= self.params.threshold).tolist():
                token = class_token(int(answer.plain_labels[query]))
                boxes.append(Box(*placed(answer.plain_boxes[query]), token=token, dashed=True))
        passing = np.flatnonzero(answer.scores >= self.params.threshold)
        for query in passing[np.argsort(answer.scores[passing], kind="stable")].tolist():
            name = scored(class_name(info.labels[answer.labels[query]]), float(answer.scores[query]))
            boxes.append(detection(answer.boxes[query].tolist(), name, int(answer.labels[query])))
        self.photo.set_boxes(boxes)

    def _draw_flow(self, answer: Encoded) -> None:
        self.flow.set_blocks(
            [
                Block(one.name, f"({one.channels}, {one.rows}, {one.columns})", one.values, square=True,
                      link=Message(one.link) if one.link.isalpha() else words.plain(one.link), ramp="ember")
                for one in answer.stages
            ],
            1,
        )  # fmt: skip
        words_ms = words.number(answer.milliseconds, 1)
        self.flow_card.set_note(Message("{ms} ms to the boxes", {"ms": words_ms}))

    def _draw_bars(self, found: Ablated) -> None:
        self.bars_card.set_empty(None)
        on = WAYS[(not self.params.aifi) + 2 * (not self.params.ccff)]
        self.bars.set_bars(
            [
                Bar(Message(name), ((float(ap), "accent" if name == on else "text2"),), words.number(float(ap), 3),
                    f"{words.number(float(ms), 1)} ms")
                for name, ap, ms in zip(WAYS, found.ap50, found.milliseconds, strict=True)
            ],
            1.0,
        )  # fmt: skip
        words.say(self._scenes, "setText", "AP50 on {n} of {all} drawn scenes, and time for a picture.",
                  n=found.scenes, all=found.of)  # fmt: skip
