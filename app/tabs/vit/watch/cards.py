"""Three cards of the page "Watch": attention on the photo, heads of the layer, class token."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Signal

from app import words
from app.cards import Card
from app.steady import Steady
from app.tabs.vit.photo import Photo, cosine
from app.tabs.vit.shown import Ends, Shown, ends_of
from app.tabs.vit.watch.answer import ShownAnswer
from app.theme import CAPTION, SMALL
from app.views.base import text_width
from app.views.colorbar import ColorBar
from app.views.mosaic import HEADER_H, NOTE_H, Mosaic
from app.views.photomap import Cell, weight_percent
from app.views.tiling import tile
from app.widgets import MenuButton, Segments, row
from engines.core.errors import Message
from engines.vit.events import Floats
from engines.vit.spec import (
    ABSOLUTE,
    ATTENDED_BY,
    ATTENDS_TO,
    BY_DISTANCE,
    BY_ENTROPY,
    BY_NUMBER,
    PER_HEAD,
    SHARED,
    ViTParams,
)
from engines.vit.watch.spec import ATTENTION, PCA, ROLLOUT, SIMILARITY

DIRECTIONS = (ATTENDS_TO, ATTENDED_BY)
ORDERS = (BY_NUMBER, BY_ENTROPY, BY_DISTANCE)
RESERVE = 468  # px of the window's height for everything but the picture
GAP = 2  # px between the class token's maps, at least half of it
SCALE_NAMES = {SHARED: "Shared scale", PER_HEAD: "Scale of head {head}", ABSOLUTE: "Absolute scale"}


class PhotoCard(Card):
    """The photo with what a token attends to on it."""

    def __init__(self) -> None:
        self.view = Photo()
        self.view.reserve = RESERVE
        tips = (
            "A row of the weights: where the patch attends.",
            "A column of the weights: which patches attend to it.",
        )
        self.direction = Segments(DIRECTIONS, tips=tips)
        self.bar = ColorBar(least=200)
        self.bar.drive(self.view)
        self.diff_bar = ColorBar(Message("Cosine similarity"), "diff", least=200)
        self.diff_bar.drive(self.view)
        self.diff_bar.hide()
        self.said = Steady()
        words.say(self.said, "setToolTip", "Hold Shift to read the weights that the pinned patch gives the others.")
        self._style: tuple[float, float, bool] | None = None
        self.guess_place = row(gap=0)  # of the page's button
        super().__init__(
            "Attention on the photo",
            self.view,
            tools=[self.guess_place, self.direction],
            foot=row(self.said, 1, (self.bar, 0), (self.diff_bar, 0)),
        )

    def show_grid(self, shown: Shown) -> None:
        """Another photo, or another grid on it."""
        grid = shown.grid
        assert grid is not None
        left, top, right, bottom = grid.rectangle
        self.view.set_photo(grid.photo)
        self.view.set_grid(grid.rows, grid.cols, (left, top, right - left, bottom - top))
        self.set_note("{cols} × {rows} patches", cols=grid.cols, rows=grid.rows)
        self.set_empty(None)

    def show_style(self, params: ViTParams) -> None:
        """Opacity, contour and grid."""
        style = params.opacity, params.outline, params.grid
        if style != self._style:
            self._style = style
            self.view.set_opacity(params.opacity)
            self.view.set_mass(params.outline)
            self.view.set_lines(params.grid)

    def show_map(self, shown: ShownAnswer, params: ViTParams, token: int, ends: Ends | None) -> None:
        """What a token attends to, in the chosen mode; an answer that is not there yet leaves the old map.

        ``ends`` is the scale of the heads' maps; None where only this one head is known.
        """
        self.bar.setVisible(params.overlay in (ATTENTION, ROLLOUT))
        self.diff_bar.setVisible(params.overlay == SIMILARITY)
        if params.overlay == PCA:
            self._show_colors(shown)
            return
        plain = params.overlay == ATTENTION
        values = shown.head_row(token, params) if plain else shown.overlay_row(token, params)
        if values is None:
            return
        patches = shown.on_patches(values)
        if params.overlay == SIMILARITY:
            self.view.set_map(patches, 1.0, -1.0, float(values[0]), "diff")
            self.diff_bar.set_range(-1, 1)
            others = patches.copy()
            if (place := shown.patch_of(token)) is not None:
                others[place] = -1
            self._say(shown, params, token, "Most similar", cosine(float(others.max())))
            return
        if plain and ends is not None:
            top, clipped = ends.at(shown.head(params) - 1)
        else:
            top, clipped = ends_of(patches[None], params.scale).at(0)
        self.view.set_map(patches, top, class_value=float(values[0]))
        self.bar.set_range(0, top, clipped, Message(params.overlay))
        self._say(shown, params, token, "Strongest", weight_percent(float(patches.max())))

    def _show_colors(self, shown: ShownAnswer) -> None:
        over = shown.answer.overlay if shown.answer is not None else None
        if over is None or over.rgb is None:
            return
        self.view.set_colors((over.rgb * 255 + 0.5).astype("uint8"))
        if over.explained is not None:
            shares = {name: words.percent(float(v), 0) for name, v in zip("abc", over.explained, strict=True)}
            words.say(self.said, "setText", Message("Red, green, blue: {a}, {b}, {c} of the variance.", shares))

    def _say(self, shown: ShownAnswer, params: ViTParams, token: int, what: str, value: str) -> None:
        place = shown.patch_of(token)
        pinned = token == params.pinned
        name = "Class token" if place is None else "Patch {row}, {col}"
        text = f"{name} pinned. {what}: {{value}}" if pinned else f"{name}. {what}: {{value}}"
        values: dict[str, object] = {"value": value}
        if place is not None:
            values |= {"row": place[0] + 1, "col": place[1] + 1}
        words.say(self.said, "setText", Message(text, values))

    def mark(self, cell: Cell | None) -> None:
        """Put the tick of the bar at the value of a patch."""
        share = self.view.share_at(cell)
        self.bar.set_mark(share)
        self.diff_bar.set_mark(share)


class HeadsMosaic(Mosaic):
    """The heads of a layer: left and right walk through them, up and down through the layers.

    Signals
    -------
    climbed : int
        One layer up (+1) or down (−1).
    """

    climbed = Signal(int)

    def walk(self, rows: int, cols: int) -> bool:
        if rows:
            self.climbed.emit(-rows)
            return True
        count = len(self._maps)
        order = list(self._order) or list(range(count))
        if count and self.at() in order:
            slot = order.index(self.at()) + cols
            if 0 <= slot < count:
                self.pick(order[slot])
        return True


class HeadsCard(Card):
    """The same token's attention in every head of the layer."""

    def __init__(self) -> None:
        self.view = HeadsMosaic()
        words.say(
            self.view, "setToolTip",
            "Bits: entropy of the weights, mean over all patches. ↔: mean attention distance in patches. "
            "(Dosovitskiy 2021)",
        )  # fmt: skip
        options = ("number", "entropy", "distance")
        self.order = MenuButton(options, prefix="Sort: {value}", px=SMALL, tip="Order of the maps of a layer.")
        self.bar = ColorBar()
        self.bar.drive(self.view)
        words.say(self.view, "setAccessibleName", "Heads of the layer")
        super().__init__("Heads of the layer", self.view, tools=[self.order], foot=self.bar)

    def show_heads(self, shown: ShownAnswer, params: ViTParams, maps: Floats, ends: Ends) -> None:
        """Maps of all heads, (H, rows, cols)."""
        assert shown.answer is not None
        heads = shown.answer.heads
        self.set_title("Heads of layer {n}", n=heads.layer)
        self.view.set_maps(maps, ends.tops)
        captions = [Message("H{n}", {"n": i + 1}) for i in range(len(maps))]
        measured = zip(heads.entropy.tolist(), heads.distance.tolist(), strict=True)
        self.view.set_captions(captions, [measure(*pair) for pair in measured])
        self.view.set_off([int(i) for i in heads.off.nonzero()[0]])
        self.view.set_order(shown.order(params))
        at = min(shown.head(params), len(maps)) - 1
        self.view.set_at(at)
        name = Message(SCALE_NAMES[params.scale], {"head": at + 1})
        self.bar.set_range(0, *ends.at(at), name)
        self.set_empty(None)


class ClassMosaic(Mosaic):
    """Layers down and heads across; the other way round where that makes the maps larger (few heads, wide card)."""

    turned = Signal()

    def __init__(self) -> None:
        super().__init__(columns=12, captions=False, headers=True, gap=GAP)
        self.across = False  # layers run across
        self.count = (0, 0)  # layers, heads

    def choose(self, layers: int, heads: int, shape: tuple[int, int]) -> None:
        """Turn the grid to where maps of this shape come out larger."""
        self.count = (layers, heads)

        def size(rows: int, cols: int) -> float:
            names = int(text_width(str(rows), CAPTION, True)) + 8
            room = QRectF(0, 0, self.width() - names, self.height() - HEADER_H)
            tiles = tile((layers * heads, *shape), room, cols, GAP, 0, 0, NOTE_H)
            return tiles.scale / tiles.block

        self.across = size(heads, layers) > size(layers, heads)
        self.set_columns(layers if self.across else heads)

    def index(self, layer: int, head: int) -> int:
        """The map of a layer and head, counted from 1; −1 if there is none."""
        layers, heads = self.count
        if layer > layers or head > heads:
            return -1
        return (head - 1) * layers + layer - 1 if self.across else (layer - 1) * heads + head - 1

    def place(self, index: int) -> tuple[int, int]:
        """Layer and head of a map, counted from 1."""
        major, minor = divmod(index, max(1, self.count[0] if self.across else self.count[1]))
        return (minor + 1, major + 1) if self.across else (major + 1, minor + 1)

    def resized(self) -> None:
        before = self.across
        if len(self._maps):
            self.choose(*self.count, self._maps.shape[1:])
            if self.across != before:
                self.turned.emit()


class ClassCard(Card):
    """Where the class token attends, in all layers and heads."""

    HELP = ("layers ↓  heads →", "heads ↓  layers →")

    def __init__(self) -> None:
        self.view = ClassMosaic()
        self.bar = ColorBar(least=80)
        self.bar.drive(self.view)
        words.say(self.view, "setAccessibleName", "Class token")
        super().__init__("Class token", self.view, self.HELP[0], tools=[self.bar])
        self._ends = Ends(np.ones(1, np.float32), np.zeros(1, bool))

    def show_maps(self, shown: ShownAnswer, scale: str) -> None:
        """All layers × heads."""
        assert shown.answer is not None
        maps, view = shown.answer.classes, self.view
        layers, heads = maps.off.shape
        view.choose(layers, heads, shown.shape)
        weights, off = shown.on_patches(maps.weights), maps.off
        if view.across:
            weights, off = weights.swapaxes(0, 1), off.T
        weights = weights.reshape(layers * heads, *shown.shape)
        self._ends = ends_of(weights, scale)
        view.set_maps(weights, self._ends.tops)
        view.set_off([int(i) for i in off.ravel().nonzero()[0]])
        places = (view.place(i) for i in range(layers * heads))
        view.set_captions([Message("L{layer} H{head}", {"layer": layer, "head": head}) for layer, head in places])
        self.set_note(self.HELP[view.across])
        self.set_empty(None)

    def show_at(self, shown: ShownAnswer, params: ViTParams) -> None:
        """Mark the chosen layer and head."""
        self.view.set_at(self.view.index(shown.layer(params), shown.head(params)))
        self.bar.set_range(0, *self._ends.at(max(0, self.view.at())))

    def describe(self, shown: ShownAnswer, index: int | None) -> None:
        """Say entropy and distance of the cell under the pointer."""
        if index is None or shown.answer is None:
            self.set_note(self.HELP[self.view.across])
            return
        layer, head = self.view.place(index)
        maps = shown.answer.classes
        bits, distance = float(maps.entropy[layer - 1, head - 1]), float(maps.distance[layer - 1, head - 1])
        self.set_note("L{layer} H{head}: {measures}", layer=layer, head=head, measures=measure(bits, distance))


def measure(bits: float, distance: float) -> Message:
    """Entropy and attention distance of a head, as they stand under its map."""
    return Message("{bits} bits ↔ {distance}", {"bits": words.number(bits, 1), "distance": words.number(distance, 1)})
