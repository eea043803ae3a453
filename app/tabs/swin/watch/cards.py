"""Three cards of the page "Watch": attention on the photo, heads of the block, one head in all blocks."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QTimer, Signal

from app import theme, words
from app.cards import Card
from app.steady import Steady
from app.tabs.swin.photo import LIFTED, ON_PICTURE, WINDOWED, Paint, Photo
from app.tabs.swin.scale import ends_of, nice_end
from app.views.colorbar import ColorBar
from app.views.mosaic import Mosaic
from app.views.photomap import Cell, weight_percent
from app.widgets import Segments, col, row
from engines.core.errors import Message
from engines.swin.events import Cut, Floats, ModelInfo, PhotoGrid
from engines.swin.spec import ABSOLUTE, ATTENDED_BY, ATTENDS_TO, MASK, PER_HEAD, SHARED, SwinParams
from engines.swin.watch.spec import ROLLOUT, AllBlocks, Answer, Overlay

DIRECTIONS = (ATTENDS_TO, ATTENDED_BY, MASK)
STEP_MS = 700  # that a state of the cyclic shift stays
RESERVE = 440  # px of the window's height for everything but the picture
SCALE_NAMES = {SHARED: "Shared scale", PER_HEAD: "Scale of head {head}", ABSOLUTE: "Absolute scale"}


def line_of(cut: Cut, weights: Floats, token: int, params: SwinParams) -> Floats:
    """Row or column of a token, whichever direction is chosen, over the block's grid (…, rows, cols)."""
    return cut.attended_by(weights, token) if params.direction == ATTENDED_BY else cut.attends_to(weights, token)


class PhotoCard(Card):
    """The photo with what a token attends to on it."""

    def __init__(self) -> None:
        self.view, self.paint = Photo(), Paint()
        for one in (self.view, self.paint):
            one.reserve = RESERVE
        self.paint.hide()
        words.say(self.paint, "setAccessibleName", "Mask patches")
        tips = (
            "A row of the weights: where the token attends. All of it lies in its window.",
            "A column of the weights: which tokens attend to it.",
            "Press and drag. Masked patches are no longer keys: their weight is exactly 0.",
        )
        self.direction = Segments(DIRECTIONS, tips=tips)
        self.bar = ColorBar(least=160)
        self.bar.drive(self.view)
        self.said = Steady()
        foot = row(self.said, 1, (self.bar, 0))
        super().__init__("Attention on the photo", col(self.view, self.paint, gap=0), tools=[self.direction], foot=foot)
        self._step = QTimer(self)
        self._step.timeout.connect(self._go_on)

    def show_photo(self, grid: PhotoGrid) -> None:
        """Another photo."""
        self.view.set_photo(grid.photo)
        self.paint.set_photo(grid.photo)
        self.paint.set_grid(grid.rows, grid.cols, class_token=False)
        self.set_empty(None)

    def show_style(self, params: SwinParams) -> None:
        """Opacity, lines and direction."""
        self.view.set_opacity(params.opacity)
        self.view.set_windows(params.windows)
        self._show_torus(params.torus)
        self.direction.set_at(DIRECTIONS.index(params.direction))
        self.paint.set_painted(params.removed)
        self.view.setVisible(params.direction != MASK)
        self.paint.setVisible(params.direction == MASK)

    def _show_torus(self, on: bool) -> None:
        """Begin to roll the photo, state by state, or put it back."""
        if not on:
            self._step.stop()
            self.view.set_state(ON_PICTURE)
        elif self.view.drawn_state() == ON_PICTURE:
            still = not theme.duration(STEP_MS)
            self.view.set_state(WINDOWED if still else LIFTED)
            if not still:
                self._step.start(STEP_MS)

    def _go_on(self) -> None:
        self.view.set_state(self.view.drawn_state() + 1)
        if self.view.drawn_state() == WINDOWED:
            self._step.stop()

    def show_cut(self, cut: Cut) -> None:
        """The grid of the block on the photo."""
        self.view.set_cut(cut)
        values = {"cols": cut.cols, "rows": cut.rows, "shift": cut.shift}
        self.set_note("{cols} × {rows} tokens, shift {shift}" if cut.shift else "{cols} × {rows} tokens", **values)

    def show_attention(self, values: Floats, top: float, cut: Cut, token: int, pinned: bool) -> None:
        """What one head gives a token, (rows, cols)."""
        self.view.set_map(values, top)
        self.bar.set_range(0, top, bool(values.max() > top * (1 + 1e-6)), Message("Attention"))
        at = divmod(token, cut.cols)
        said = {"row": at[0] + 1, "col": at[1] + 1, "value": weight_percent(float(values.max()))}
        text = "Token {row}, {col} pinned. Strongest: {value}" if pinned else "Token {row}, {col}. Strongest: {value}"
        words.say(self.said, "setText", Message(text, said))

    def show_overlay(self, overlay: Overlay, pinned: bool) -> None:
        """Rollout or relevance, over the patches."""
        values = overlay.values
        top = nice_end(float(values.max(initial=0)))
        self.view.set_grid(values.shape[0], values.shape[1], class_token=False)
        self.view.set_map(values, top)
        self.bar.set_range(0, top, False, Message(overlay.mode))
        if overlay.mode == ROLLOUT:
            text = "What flows into the pinned token" if pinned else "What flows into all tokens, on average"
            words.say(self.said, "setText", text)
        elif overlay.label:
            words.say(self.said, "setText", Message("What speaks for {label}", {"label": overlay.label}))
        else:
            words.say(self.said, "setText", "What speaks for the features")

    def mark(self, cell: Cell | None) -> None:
        """Put the tick of the bar at the value of a token."""
        self.bar.set_mark(self.view.share_at(cell))


class HeadsMosaic(Mosaic):
    """The heads of a block: left and right walk through them, up and down through the blocks.

    Signals
    -------
    climbed : int
        One block on (+1) or back (−1).
    """

    climbed = Signal(int)

    def walk(self, rows: int, cols: int) -> bool:
        if rows:
            self.climbed.emit(rows)
            return True
        new = self.at() + cols
        if 0 <= new < len(self._maps):
            self.pick(new)
        return True


class HeadsCard(Card):
    """The same token's attention in every head of the block."""

    def __init__(self) -> None:
        self.view = HeadsMosaic()
        words.say(
            self.view, "setToolTip",
            "Bits: entropy of the weights, mean over all tokens. ↔: mean distance to what they attend to, in tokens. "
            "(Dosovitskiy 2021)",
        )  # fmt: skip
        words.say(self.view, "setAccessibleName", "Heads of the block")
        self.bar = ColorBar()
        self.bar.drive(self.view)
        super().__init__("Heads of the block", self.view, foot=self.bar)

    def show_heads(self, answer: Answer, info: ModelInfo, maps: Floats, params: SwinParams) -> Floats:
        """Maps of all heads (H, rows, cols); returns the ends of their scales (H,)."""
        tops = ends_of(maps, params.scale)
        block, head, measures = answer.weights.block, answer.head, answer.measures
        stage, number = info.place_of(block)
        self.set_title("Heads of block {n}", n=block)
        self.set_note("stage {stage}, block {number}", stage=stage, number=number)
        self.view.set_maps(maps, tops)
        captions = [Message("H{n}", {"n": i + 1}) for i in range(len(maps))]
        measured = zip(measures.entropy.tolist(), measures.distance.tolist(), strict=True)
        self.view.set_captions(captions, [measure(*pair) for pair in measured])
        self.view.set_off([int(i) for i in measures.off.nonzero()[0]])
        self.view.set_at(head - 1)
        self.bar.set_range(0, float(tops[head - 1]), False, Message(SCALE_NAMES[params.scale], {"head": head}))
        self.set_empty(None)
        return tops


def what_is_new(cut: Cut, number: int) -> Message:
    """Under a block: the grid of a stage where it begins, four tokens merged into one since the last; or the shift.

    Where one window is as large as the grid, a shift would change nothing, and no block has one.
    """
    if number == 1:
        return Message("{cols} × {rows}", {"cols": cut.cols, "rows": cut.rows})
    if cut.shift:
        return Message("shift {n}", {"n": cut.shift})
    return Message("one window" if cut.window >= max(cut.rows, cut.cols) else "no shift")


def measure(bits: float, far: float) -> Message:
    """Entropy and distance under a map."""
    return Message("{bits} bits ↔ {far}", {"bits": words.number(bits, 1), "far": words.number(far, 1)})


class BlocksCard(Card):
    """One head in all blocks, on the patches of the photo: where the place under the hand looks, block by block."""

    def __init__(self) -> None:
        self.view = Mosaic()
        words.say(self.view, "setAccessibleName", "All blocks")
        words.say(
            self.view, "setToolTip",
            "Below: how many tokens a stage begins with; merging makes one of each 2 × 2. Then the shift; "
            "a single window has nothing to shift. (Liu 2021, 3.1)",
        )  # fmt: skip
        self.bar = ColorBar(least=80)
        self.bar.drive(self.view)
        super().__init__("All blocks", self.view, tools=[self.bar])

    def show_blocks(self, blocks: AllBlocks, info: ModelInfo, place: tuple[int, int], params: SwinParams) -> None:
        """Maps of all blocks: a token of a later stage covers more patches, and shows its weight on each of them."""
        first = blocks.cuts[0]
        maps = np.zeros((len(blocks.cuts), first.rows, first.cols), np.float32)
        for index, (cut, weights) in enumerate(zip(blocks.cuts, blocks.weights, strict=True)):
            line = line_of(cut, weights, cut.token_at(place), params)
            maps[index] = line.repeat(cut.scale, 0).repeat(cut.scale, 1)[: first.rows, : first.cols]
        tops = ends_of(maps, params.scale)
        self.view.set_maps(maps, tops)
        names = [info.place_of(index + 1) for index in range(len(maps))]
        captions = [Message("{stage}.{block}", {"stage": stage, "block": block}) for stage, block in names]
        self.view.set_captions(captions, [what_is_new(cut, names[i][1]) for i, cut in enumerate(blocks.cuts)])
        self.view.set_at(min(params.block, len(maps)) - 1)
        self.set_title("Head {n} in all blocks", n=params.head)
        at = min(params.block, len(maps)) - 1
        self.bar.set_range(0, float(tops[at]), False, Message("Attention"))
        self.set_empty(None)
