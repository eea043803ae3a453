"""The cards of the page "Detect": photo with boxes, query table, how the boxes settle, attention maps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget

from app import words
from app.arranged import Folding
from app.cards import card
from app.tabs.detr.boxes import best_of, centered, scale_top
from app.tabs.detr.detect.matrix import QueryMatrix
from app.tabs.detr.detect.selection import AttendedPhoto, Selection
from app.tabs.detr.layergrid import LayerGrid
from app.tabs.detr.names import class_name, scored
from app.theme import S3, SMALL
from app.views.boxes import Box, class_token, detection
from app.views.colorbar import ColorBar
from app.views.mosaic import Mosaic
from app.views.table import QueryTable, Row
from app.widgets import button, label, quiet, row
from engines.core.errors import Message
from engines.detr.spec import Detections, DetrParams, EncoderAttention, ModelInfo, PictureShown

NEAR = 0.01  #: a ghost closer than this share of the picture to its box is not drawn


class DetectCards:
    """The cards of the page; they draw what they are given and tell the page through their views' signals.

    Attributes
    ----------
    photo, table, film, maps, matrix : the views
    selection : Selection
        Cross-attention of a query, or encoder self-attention of a place.
    lower : Button
        Offers the threshold that lets the best query pass.
    """

    def __init__(self, lower: Callable[[], object]) -> None:
        self.photo, self.table, self.film = AttendedPhoto(), QueryTable(), LayerGrid()
        self.maps, self.matrix = Mosaic(columns=4, captions=False, headers=True, gap=4), QueryMatrix()
        self.selection = Selection(self.photo)
        self.bars = {name: ColorBar(least=84) for name in ("photo", "maps", "matrix")}
        for name, view in (("photo", self.photo), ("maps", self.maps), ("matrix", self.matrix)):
            self.bars[name].drive(view)
        self._summary = label("", SMALL)
        self.lower = button("Lower the threshold", kind="boxed", px=SMALL, clicked=lower)
        self.lower.hide()
        foot = row(self._summary, self.lower, 1, (self.bars["photo"], 0))
        self._photo_card = card("Photo, boxes, scores", self.photo, tools=[self.selection.look], foot=foot)
        self._table_card = card("Query table", self.table)
        self._film_note = quiet("")
        self._film_card = card("Boxes by decoder layer", self.film, foot=self._film_note)
        self._maps_card = card("Layer × head maps", self.maps, tools=[self.bars["maps"]])
        self._matrix_card = card("Query × query", self.matrix, tools=[self.bars["matrix"]])
        self._aspect, self._shape = 1.0, (3, 4, 12, 12, 16)
        cards = (self._photo_card, self._table_card, self._film_card, self._maps_card, self._matrix_card)
        self._arranged = Folding(cards, self._places)
        self.centre: QWidget = self._arranged
        words.say(self.table, "setAccessibleName", "Query table")
        words.say(self.maps, "setAccessibleName", "Layer × head maps")
        self.set_waiting(True)
        self.entries: list[tuple[int, bool]] = []  # of the boxes on the photo: query, and whether it is a ghost

    def _places(self, width: int, height: int) -> list[QRect]:
        return detect_places(width, height, self._aspect, self._shape)

    @property
    def heads(self) -> int:
        """Maps in a row of the mosaic."""
        return self._shape[1]

    # -- what is drawn
    def set_waiting(self, waiting: bool) -> None:
        """Before the first answer the cards say so in a line."""
        for one in (self._table_card, self._film_card, self._maps_card, self._matrix_card):
            one.set_empty("There is no result yet." if waiting else None)

    def show_picture(self, rgb: np.ndarray) -> None:
        """A picture, before anything is known of it."""
        self.photo.set_photo(rgb)
        height, width = rgb.shape[:2]
        if (aspect := min(3.0, max(0.5, width / height))) != self._aspect:
            self._aspect = aspect
            self._arranged.arrange()

    def forget(self) -> None:
        """Another picture: boxes of the one before do not belong on it."""
        self.entries = []
        self.photo.set_boxes([])
        self.photo.set_heat(None)
        self.photo.set_cross(None)
        self.photo.set_note("")
        self.film.set_frames(np.zeros((1, 1, 3), np.uint8), [])

    def show_detections(self, info: ModelInfo, shown: PictureShown, found: Detections) -> None:
        """Boxes, table, film strip, and the matrix's names."""
        height, width = shown.rgb.shape[:2]
        size = np.array([width, height, width, height], np.float32)
        self._show_boxes(info, found, size)
        names = [class_name(text) for text in info.labels]
        off = np.flatnonzero(~found.on).tolist()
        self.table.set_rows(
            [
                Row(
                    query,
                    names[found.labels[query]],
                    float(found.scores[query]),
                    centered(found.boxes[query] / size),
                    class_token(int(found.labels[query])),
                    bool(found.passes[query]),
                    float(found.plain_scores[query]) if found.touched else None,
                )
                for query in range(len(found.scores))
            ],
            off,
        )
        self.table.set_at(found.query)
        self._table_card.set_note("dashed: the untouched model" if found.touched else "best score first")
        self._show_film(shown, found, size)
        self.matrix.set_named({q: class_token(int(found.labels[q])) for q in np.flatnonzero(found.passes).tolist()})
        self.matrix.set_at((found.query, -1))

    def _show_boxes(self, info: ModelInfo, found: Detections, size: np.ndarray) -> None:
        boxes: list[Box] = []
        entries: list[tuple[int, bool]] = []
        if found.touched:
            for query in np.flatnonzero(found.plain_passes).tolist():
                plain = found.plain_boxes[query] / size
                same = found.passes[query] and np.abs(plain - found.boxes[query] / size).max() < NEAR
                if not same:
                    token = class_token(int(found.plain_labels[query]))
                    boxes.append(Box(*centered(plain), token=token, dashed=True))
                    entries.append((query, True))
        shown = np.flatnonzero(found.passes)
        if not found.passes[found.query] and found.on[found.query]:
            shown = np.append(shown, found.query)
        for query in shown[np.argsort(found.scores[shown], kind="stable")].tolist():
            name = scored(class_name(info.labels[found.labels[query]]), float(found.scores[query]))
            place = centered(found.boxes[query] / size)
            if found.passes[query]:
                boxes.append(detection(place, name, int(found.labels[query])))
            else:
                tag = Message("query {n}: {name}", {"n": query + 1, "name": name})
                boxes.append(Box(*place, tag=tag, token="text2", dashed=True))
            entries.append((query, False))
        self.entries = entries
        self.photo.set_boxes(boxes)
        at = entries.index((found.query, False)) if (found.query, False) in entries else -1
        self.photo.set_at(at)

    def _show_film(self, shown: PictureShown, found: Detections, size: np.ndarray) -> None:
        frames: list[list[Box]] = []
        layers = len(found.layer_scores)
        for layer in range(layers):
            passing = [q for q in np.flatnonzero(found.layer_passes[layer]).tolist() if q != found.query]
            line = [
                Box(*centered(found.layer_boxes[layer, q] / size), token=class_token(int(found.layer_labels[layer, q])))
                for q in passing
            ]
            line.append(
                Box(
                    *centered(found.layer_boxes[layer, found.query] / size),
                    token="accent",
                    dashed=not found.layer_passes[layer, found.query],
                )
            )
            frames.append(line)
        name = "Layer {n}" if layers <= 3 else "L{n}"
        captions = [Message(name, {"n": layer + 1}) for layer in range(layers)]
        notes = [words.number(float(found.layer_scores[layer, found.query]), 2) for layer in range(layers)]
        self.film.set_frames(shown.rgb, frames, captions, notes)
        words.say(self._film_note, "setText", "Blue: query {n}, with its score.", n=found.query + 1)

    def show_summary(self, info: ModelInfo, found: Detections) -> None:
        """How many pass, and if none does, how close the best one came."""
        count, total = int(found.passes.sum()), len(found.scores)
        text = "{count} of {total} queries {count:passes|pass}"
        words.say(self._summary, "setText", text, count=count, total=total)
        self.lower.setVisible(count == 0)
        if count:
            self.photo.set_note("")
            return
        best = best_of(found)
        self.photo.set_note(
            Message(
                "0 of {total}. Best score {score} (query {query}, {name}). Lower the threshold?",
                {
                    "total": total,
                    "score": words.number(float(found.scores[best]), 2),
                    "query": best + 1,
                    "name": class_name(info.labels[found.labels[best]]),
                },
            )
        )

    def show_attention(
        self,
        params: DetrParams,
        found: Detections,
        rows_: EncoderAttention | None,
        off: dict[str, list[int]],
        at: tuple[int, int],
    ) -> None:
        """Overlay, maps and matrix. ``at``: layer and head from 0; ``off``: maps of heads that are switched off."""
        from_place = self.selection.at_places and rows_ is not None
        stack, extent = (rows_.maps, rows_.extent) if from_place and rows_ else (found.cross, found.extent)
        layers, heads, high, wide = stack.shape
        layer, head = min(at[0], layers - 1), min(at[1], heads - 1)
        top, clipped = scale_top(stack)
        left, upper, right, lower = extent
        area = (left, upper, right - left, lower - upper)
        if params.opacity > 0:
            self.photo.set_heat(stack[layer, head], top, area, params.opacity)
        else:
            self.photo.set_heat(None)
            self.photo.set_cells(high, wide, area)
        self.maps.set_columns(heads)
        self.maps.set_maps(stack.reshape(-1, high, wide), top)
        self.maps.set_at(layer * heads + head)
        self.maps.set_off(off["encoder" if from_place else "cross"])
        for name in ("photo", "maps"):
            self.bars[name].set_range(0, top, clipped)
        if (shape := (layers, heads, high, wide, len(found.scores))) != self._shape:
            self._shape = shape
            self._arranged.arrange()
        self._maps_card.set_note(
            "at the marked position" if from_place else Message("query {n}", {"n": found.query + 1})
        )
        layer, head = min(at[0], len(found.self_attention) - 1), min(at[1], found.self_attention.shape[1] - 1)
        top, clipped = scale_top(found.self_attention)
        self.matrix.set_matrix(found.self_attention[layer, head], top)
        self.bars["matrix"].set_range(0, top, clipped)
        self.film.set_at(layer)

    # -- which query is which box
    def query_of(self, box: int | None) -> int | None:
        """The query of a box on the photo."""
        return self.entries[box][0] if box is not None and box < len(self.entries) else None

    def light(self, query: int | None) -> None:
        """A query is pointed at somewhere: light it up everywhere."""
        box = self.entries.index((query, False)) if query is not None and (query, False) in self.entries else None
        self.photo.set_hover(box)
        self.table.set_hover(query)
        self.matrix.set_lit(None if query is None else (query, -1))


def detect_places(width: int, height: int, aspect: float, shape: tuple[int, int, int, int, int]) -> list[QRect]:
    """Places of photo, table, film, maps, matrix.

    ``aspect`` is the photo's width by height, ``shape`` counts layers, heads, rows and columns of a feature map,
    and queries.
    """
    around_photo, around_map = (2 * S3, 94), 58  # px of a card beside what it shows
    low = max(276, round(0.345 * height))
    high = height - S3 - low
    least_table = max(400, round(0.30 * width))
    wide = round((high - around_photo[1]) * aspect) + around_photo[0]
    wide = min(width - S3 - least_table, max(418, wide))
    spare = high - around_photo[1] - round((wide - around_photo[0]) / aspect)
    if spare > 0:  # a wide photo: the row below takes what it leaves
        high -= min(spare, max(0, high - 330), round(0.12 * height))
        low = height - S3 - high
    layers, heads, rows, cols, queries = shape
    room = low - around_map
    matrix = max(264, (room - 16) // queries * queries + 2 * S3 + 34)
    step = max(1, int(((room - 20) / max(1, layers) - 2) / max(1, rows)))
    mosaic = max(heads * (step * cols + 4) + 24 + 2 * S3 + 8, 334)
    mosaic = min(mosaic, width - matrix - 2 * S3 - 240)
    film = width - matrix - mosaic - 2 * S3
    below = high + S3
    return [
        QRect(0, 0, wide, high),
        QRect(wide + S3, 0, width - wide - S3, high),
        QRect(0, below, film, low),
        QRect(film + S3, below, mosaic, low),
        QRect(film + mosaic + 2 * S3, below, matrix, low),
    ]
