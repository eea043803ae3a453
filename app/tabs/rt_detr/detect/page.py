"""The page "Detect": a picture's boxes, and the points that a query looks at in each decoder layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout

from app import captions, words
from app.backendbox import BackendSaid
from app.cards import Card, card
from app.controls import Chips, HeadChips
from app.params_form import ParamsForm
from app.shell import Shell
from app.tabs.rt_detr.detect.photo import SHAPES, SampledPhoto
from app.tabs.rt_detr.detect.tokens import summed
from app.tabs.rt_detr.names import class_name, placed, scored
from app.tabs.rt_detr.page import PicturePage
from app.theme import BODY, S1, S3, SMALL
from app.topic.feed import Feed
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.views.boxes import Box, class_token, detection
from app.views.colorbar import ColorBar
from app.views.filmstrip import FilmStrip
from app.views.table import QueryTable, Row
from app.widgets import box, button, col, label, quiet, row
from app.words import Text
from engines.blocks.backends import SPEED, Computed
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.rt_detr.asking import CHANGE
from engines.rt_detr.detect.spec import DetectParams, Found
from engines.rt_detr.events import ModelInfo
from engines.rt_detr.spec import RtDetrParams

FIELDS = ("scene", "threshold", "layer", "head", "temperature", "spread", "left_out", "frozen", "links", "path",
          "summed", "size", "compute")  # fmt: skip
COLUMNS = (56, 44)  # widths of the photo's column and the one beside it
SIDE = 640  # pixels of the picture that the published models see
BEAT = 700  #: ms of a layer in the film
NEAR = 0.01  #: an untouched box closer than this share of the picture to its box is not drawn


class DetectPage(PicturePage):
    """Photo, query table, boxes by layer, weight by level."""

    title = "Detect"
    params_type = RtDetrParams
    engine = "engines.rt_detr.detect.engine:Engine"
    asks = DetectParams
    params: RtDetrParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.found: Found | None = None
        self._entries: list[tuple[int, bool]] = []  # of the boxes on the photo: query, and whether it is the untouched
        self.photo, self.table, self.film = SampledPhoto(), QueryTable(), FilmStrip(112)
        self.bars = Bars(pitch=30, widest="100.0 %", widest_note="+100.0", least=96)
        self.bar = ColorBar(Message("Weight"), least=84)
        self.bar.drive(self.photo)
        words.say(self.bars, "setAccessibleName", "Weight by level")
        words.say(self.table, "setAccessibleName", "Query table")
        words.say(self.film, "setAccessibleName", "Boxes by decoder layer")
        self._said = quiet("")
        self._lost = quiet("", wrap=True)
        self.back = button("Put back", kind="boxed", px=SMALL, clicked=lambda: self.step(moved=None, placed=()))
        self.photo_card = card(
            "Where the decoder looks", self.photo, foot=row((self._said, 1), self.back, (self.bar, 0))
        )
        self.table_card = card("Query table", self.table)
        self.play = button(icon="play", tip="Layer by layer: how box and points move (Space)", clicked=self.toggle)
        self.film_card = card("Boxes by decoder layer", self.film, tools=(self.play,))
        self._beat = QTimer(self, interval=BEAT)
        self._beat.timeout.connect(self._next_layer)
        self.bars_card = card("Weight by level", self.bars, foot=self._lost)
        for one in self.waiting():
            one.set_empty("Reading model and photo" if one is self.photo_card else "Waiting for the model")
        self.form = ParamsForm(self.params, FIELDS)
        self.heads, self.levels = HeadChips("Heads"), Chips(3, tip="Switches the points of this level on or off.")
        self._levels_on = quiet("")
        self.form.add(CHANGE, self.heads)
        self.form.add(CHANGE, box(col(row(label("Levels", BODY), 1, self._levels_on), self.levels, gap=S1)))
        self.said = BackendSaid(SIDE)
        self.form.add(SPEED, self.said)
        self._show_speed(False)
        self._connect()
        grid = QGridLayout()
        grid.setSpacing(S3)
        grid.setContentsMargins(0, 0, 0, 0)
        for index, one in enumerate((self.photo_card, self.table_card, self.film_card, self.bars_card)):
            grid.addWidget(one, index // 2, index % 2)
        grid.setRowStretch(0, 1)
        for index, share in enumerate(COLUMNS):
            grid.setColumnStretch(index, share)
        self.lay(box(grid), self.form)

    def waiting(self) -> Sequence[Card]:
        return self.photo_card, self.table_card, self.film_card, self.bars_card

    def _connect(self) -> None:
        self.photo.clicked.connect(self._clicked)
        self.photo.changed.connect(self._dragged)
        self.photo.finished.connect(lambda _index: self._let_go())
        self.photo.point_moved.connect(self._point_dragged)
        self.photo.point_settled.connect(self._let_go)
        self.photo.hovered.connect(lambda at: self.table.set_hover(self._query_of(at)))
        self.table.chosen.connect(self.look_at)
        self.table.hovered.connect(self._light)
        self.table.switched.connect(self._query_switched)
        self.film.chosen.connect(self._layer_chosen)
        self.heads.changed.connect(self._heads_switched)
        self.levels.changed.connect(lambda off: self.step(levels_off=tuple(off)))

    # -- the hand
    def look_at(self, query: int | None) -> None:
        """Look at a query; None goes back to the best one. Looking is no step to undo."""
        self.change(query=-1 if query is None else query)

    def _query_of(self, at: int | None) -> int | None:
        return self._entries[at][0] if at is not None and 0 <= at < len(self._entries) else None

    def _light(self, query: int | None) -> None:
        own = [i for i, entry in enumerate(self._entries[:-1]) if entry == (query, False)]
        self.photo.set_hover(own[0] if own else None)

    def _clicked(self, at: int | None) -> None:
        query = self._query_of(at)
        if query is not None or at is None:
            self.look_at(query)

    def _dragged(self, at: int, moved: Box) -> None:
        """A box in the hand is the reference box of its query, on its way into the layer that is shown."""
        query = self._query_of(at)
        if query is not None and self.found is not None:
            low = 0.002  # a box without a side would have all its points in one place
            place = (moved.cx, moved.cy, max(low, moved.w), max(low, moved.h))
            self.change(query=query, moved=(self._layer(), query, tuple(round(value, 5) for value in place)))

    def _point_dragged(self, at: int, x: float, y: float) -> None:
        """A point of the layer and the heads that are shown goes where the hand wants it."""
        found, info = self.found, self.info
        if found is None or info is None:
            return
        each = info.levels * info.points
        head = self.params.head - 1 if 1 <= self.params.head <= info.heads else at // each
        which = (self._layer(), found.query, head, at % each)
        others = tuple(one for one in self.params.placed if one[:4] != which)
        self.change(query=found.query, placed=(*others, (*which, round(x, 4), round(y, 4))))

    def _let_go(self) -> None:
        """The hand let go: what was answered last is drawn, which waited for it; an answer on its way draws itself."""
        self.settle()
        if self.feed is None or not self.feed.is_busy:
            self._draw_points()

    # -- the film
    def toggle(self) -> None:
        """Show one layer after the other from the first one, or stop."""
        if self._beat.isActive():
            self._stop()
        elif self.found is not None:
            self.play.set_icon("pause")
            self.change(layer=1)
            self._beat.start()

    def _next_layer(self) -> None:
        found = self.found
        if found is None or self.photo.dragging() or self._layer() + 1 >= len(found.layer_scores):
            self._stop()
        else:
            self.change(layer=self._layer() + 2)

    def _stop(self) -> None:
        self._beat.stop()
        self.play.set_icon("play")
        self.settle()

    def _layer_chosen(self, layer: int) -> None:
        self._stop()
        self.change(layer=layer + 1)

    def key(self, event: QKeyEvent) -> bool:
        if event.key() != Qt.Key.Key_Space:
            return super().key(event)
        self.toggle()
        return True

    def deactivated(self) -> None:
        if self._beat.isActive():
            self._stop()
        super().deactivated()

    def _query_switched(self, query: int, on: bool) -> None:
        off = {*self.params.queries_off} - {query} if on else {*self.params.queries_off, query}
        self.step(queries_off=tuple(sorted(off)))

    def _heads_switched(self, off: tuple[int, ...]) -> None:
        layer = self._layer()
        others = [pair for pair in self.params.heads_off if pair[0] != layer]
        self.step(heads_off=tuple(sorted([*others, *((layer, head) for head in off)])))

    def _layer(self) -> int:
        """The layer that is shown, from 0."""
        there = len(self.found.layer_scores) if self.found is not None else 1
        return min(self.params.layer, there) - 1

    # -- the contract
    def escape(self) -> None:
        self.look_at(None)

    def caption(self) -> Iterable[Text]:
        params = self.params
        heads = [Message("L{layer} H{head}", {"layer": a + 1, "head": b + 1}) for a, b in params.heads_off]
        yield from captions.heads_off(heads)
        if params.levels_off:
            names = [words.plain(str(level + 1)) for level in params.levels_off]
            yield Message("Levels off: {names}", {"names": words.listed(names)})
        if params.queries_off:
            names = [words.plain(str(query + 1)) for query in params.queries_off]
            yield Message("Queries off: {names}", {"names": words.listed(names)})
        if params.moved is not None:
            yield Message("Reference box of query {n} dragged", {"n": params.moved[1] + 1})
        if params.placed:
            yield Message("{n} {n:point|points} dragged", {"n": len(params.placed)})

    def _show_speed(self, shown: bool) -> None:
        self.said.setVisible(shown)
        self.form.set_shown("compute", shown)

    def model_known(self, info: ModelInfo) -> None:
        self.found = None
        self._show_speed(not info.toy)
        self.form.set_limits("layer", 1, info.layers)
        self.form.set_limits("head", 0, info.heads)
        self.form.set_limits("left_out", 0, info.layers - 1)
        self.form.set_shown("scene", info.toy)
        self.levels.set_count(info.levels)
        self.form.show_params(self.params)
        self.show_params(self.params)

    def show_params(self, params: RtDetrParams) -> None:
        info = self.info
        self.heads.setVisible(info is not None)
        if info is not None:
            layer = self._layer()
            self.heads.show_heads(info.heads, [head for at, head in params.heads_off if at == layer])
            self.levels.set_off([level for level in params.levels_off if level < info.levels])
            words.say(self._levels_on, "setText", "{on} of {all} on", on=info.levels - len(params.levels_off),
                      all=info.levels)  # fmt: skip
            self.form.set_shown("scene", info.toy or params.picture is None)
        # always there: the photo would give it room else
        self.back.setEnabled(params.moved is not None or bool(params.placed))
        self.photo.set_style(params.size, params.links, params.path)
        self._draw_points()

    def draw(self, event: Event) -> None:
        if isinstance(event, Computed):
            self.said.show_computed(event)
        if not isinstance(event, Found) or self.info is None or self.shown is None:
            return
        self.found = event
        for one in self.waiting():
            one.set_empty(None)
        self.photo.set_photo(self.shown.rgb)
        self._draw_table(self.info, event)
        self._draw_film(event)
        self._draw_points()

    # -- drawing
    def _draw_table(self, info: ModelInfo, found: Found) -> None:
        names = [class_name(text) for text in info.labels]
        self.table.set_rows(
            [
                Row(
                    query,
                    names[found.labels[query]],
                    float(found.scores[query]),
                    placed(found.boxes[query]),
                    class_token(int(found.labels[query])),
                    bool(found.passes[query]),
                    float(found.plain_scores[query]) if found.touched else None,
                )
                for query in range(len(found.scores))
            ],
            np.flatnonzero(~found.on).tolist(),
        )
        self.table.set_at(found.query)
        self.table_card.set_note("dashed: the untouched model" if found.touched else "best score first")

    def _draw_film(self, found: Found) -> None:
        assert self.shown is not None
        frames = []
        for boxes, scores, labels in zip(found.layer_boxes, found.layer_scores, found.layer_labels, strict=True):
            passing = [q for q in np.flatnonzero(scores >= self.params.threshold).tolist() if q != found.query]
            line = [Box(*placed(boxes[q]), token=class_token(int(labels[q]))) for q in passing]
            line.append(Box(*placed(boxes[found.query]), token="accent"))
            frames.append(line)
        captioned = [Message("Layer {n}", {"n": layer + 1}) for layer in range(len(frames))]
        notes = [words.number(float(scores[found.query]), 2) for scores in found.layer_scores]
        self.film.set_frames(self.shown.rgb, frames, captioned, notes)
        self.film_card.set_note("query {n} in blue", n=found.query + 1)

    def _boxes(self, info: ModelInfo, found: Found, layer: int) -> list[Box]:
        """Untouched boxes where they differ, then those that pass, then the reference box, which is in the hand."""
        boxes: list[Box] = []
        self._entries = []
        if found.touched:
            for query in np.flatnonzero(found.plain_passes).tolist():
                plain = found.plain_boxes[query]
                if found.passes[query] and np.abs(plain - found.boxes[query]).max() < NEAR:
                    continue
                token = class_token(int(found.plain_labels[query]))
                boxes.append(Box(*placed(plain), token=token, dashed=True))
                self._entries.append((query, True))
        passing = np.flatnonzero(found.passes)
        if not found.passes[found.query] and found.on[found.query]:
            passing = np.append(passing, found.query)
        for query in passing[np.argsort(found.scores[passing], kind="stable")].tolist():
            name = scored(class_name(info.labels[found.labels[query]]), float(found.scores[query]))
            boxes.append(detection(found.boxes[query].tolist(), name, int(found.labels[query])))
            self._entries.append((query, False))
        boxes.append(Box(*placed(found.references[layer]), token="accent", dashed=True))
        self._entries.append((found.query, False))
        return boxes

    def _draw_points(self) -> None:
        info, found = self.info, self.found
        if info is None or found is None:
            return
        layer, params = self._layer(), self.params
        if not self.photo.dragging():
            boxes = self._boxes(info, found, layer)
            self.photo.set_boxes(boxes)
            self.photo.set_at(len(boxes) - 1)
        weights = found.weights[layer]  # (H, L·P)
        heads = range(info.heads) if not 1 <= params.head <= info.heads else (params.head - 1,)
        levels = np.tile(np.repeat(np.arange(info.levels), info.points), len(heads))
        names = tuple(
            Message("head {head}, level {level}, point {point}",
                    {"head": head + 1, "level": at // info.points + 1, "point": at % info.points + 1})
            for head in heads
            for at in range(weights.shape[1])
        )  # fmt: skip
        chosen = list(heads)
        top = max(float(found.weights.max()), 1e-6)
        center = (float(found.references[layer, 0]), float(found.references[layer, 1]))
        points = found.points[layer][chosen].reshape(-1, 2)
        self.photo.set_points(points, weights[chosen].ravel(), levels, names, center, top, found.shapes)
        self.photo.set_past(found.references[:layer])
        self._draw_sum(points, weights[chosen].ravel(), levels)
        self.bar.set_range(0, top, False)
        self.film.set_at(layer)
        self.photo_card.set_title("Sampling points of layer {n}", n=layer + 1)
        self.photo_card.set_note("drag the dashed box or a point")
        words.say(self._said, "setText", "Query {n}, level {level}",
                  n=found.query + 1, level=int(found.levels[found.query]) + 1)  # fmt: skip
        self._draw_levels(info, found, layer, chosen)

    def _draw_sum(self, points: np.ndarray, weights: np.ndarray, levels: np.ndarray) -> None:
        if not self.params.summed or self.found is None:
            self.photo.set_heat(None)
            return
        laid = summed(points, weights / max(1, len(weights) // self.found.points.shape[2]), levels, self.found.shapes)
        self.photo.set_heat(laid, max(float(laid.max()), 1e-6), None, 0.7)

    def _draw_levels(self, info: ModelInfo, found: Found, layer: int, heads: list[int]) -> None:
        by_level = found.weights[layer][heads].reshape(len(heads), info.levels, info.points)
        total = max(float(by_level.sum()), 1e-9)
        shares = by_level.sum((0, 2)) / total
        self.bars.set_bars(
            [
                Bar(
                    Message("Level {n}: {shape}", {"n": level + 1, "shape": Message(SHAPES[min(level, 2)])}),
                    ((float(share), "accent"),),
                    words.percent(float(share)),
                )
                for level, share in enumerate(shares)
            ],
            1.0,
        )
        lost = float((found.weights[layer][heads] * (1 - found.inside[layer][heads])).sum()) / total
        words.say(self._lost, "setText", "{share} of the weight falls outside of the picture and is lost.",
                  share=words.percent(lost))  # fmt: skip
