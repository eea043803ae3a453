"""The page "Windows": a shifted block on the picture and after the roll, the mask of a window, the reach of blocks."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.shell import Shell
from app.tabs.swin.windows.grid import MaskView, WindowGrid
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.grid import Pair
from app.widgets import box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.swin.windows.spec import WindowsFrame, WindowsParams

MAY = 0.6  # where pairs that may attend stand on the ramp


class WindowsPage(Page):
    """Three cards and what they show."""

    title = "Windows"
    params_type = WindowsParams
    engine = "engines.swin.windows.engine:Engine"
    params: WindowsParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.frame: WindowsFrame | None = None
        self.picture, self.rolled = WindowGrid("Windows on the picture"), WindowGrid("After the cyclic shift")
        self.picture.export_name, self.rolled.export_name = "windows", "after-the-shift"
        self.pairs = MaskView("Mask")
        self.pairs.export_name = "mask"
        self.said, self.rule = quiet("", wrap=True), quiet("", wrap=True)
        self.picture_card = card("Windows on the picture", self.picture, foot=self.said)
        self.rolled_card = card("After the cyclic shift", self.rolled, foot=self.rule)
        self.mask_card = card("Mask of the query's window", self.pairs)
        self._from = 0  # the shift where a drag began
        for view in (self.picture, self.rolled):
            view.settled.connect(self._let_go)
        self.picture.dragged.connect(self._dragged)
        self.picture.clicked.connect(lambda cell: self._choose(cell))
        self.rolled.clicked.connect(self._choose_rolled)
        self._drags = False
        form = ParamsForm(self.params)
        right = col((self.rolled_card, 1), (self.mask_card, 1), gap=S3)
        self.lay(box(row((self.picture_card, 3), (right, 2), gap=S3)), form, resets=False)

    # -- the hand
    def _dragged(self, moved: Pair) -> None:
        """The windows go with the hand; they repeat, so that a whole window is no way at all."""
        if not self._drags:
            self._drags, self._from = True, self.params.shift
        way = moved[0] if abs(moved[0]) > abs(moved[1]) else moved[1]
        self.change(shift=(self._from + way) % self.params.window)

    def _let_go(self) -> None:
        self._drags = False
        self.settle()

    def _choose(self, cell: Pair) -> None:
        self.change(query=cell)

    def _choose_rolled(self, cell: Pair) -> None:
        shown = self.frame
        if shown is None:
            return
        token = int(self._order(shown)[cell])
        if token < shown.side**2:
            self.change(query=divmod(token, shown.side))

    # -- content
    def on(self, event: Event) -> None:
        if isinstance(event, WindowsFrame):
            self.frame = event
            self._draw(event)

    @staticmethod
    def _unpartitioned(windows: np.ndarray, window: int) -> np.ndarray:
        """Windows (W, n) -> a square grid."""
        count = round(len(windows) ** 0.5)
        return windows.reshape(count, count, window, window).transpose(0, 2, 1, 3).reshape(count * window, -1)

    def _order(self, shown: WindowsFrame) -> np.ndarray:
        """The token at each place of the grid after the roll."""
        return self._unpartitioned(shown.place, shown.window)

    def _draw(self, shown: WindowsFrame) -> None:
        side, tokens = shown.side, shown.side**2
        blocks = len(shown.reached)
        steps = shown.reached[-1]
        far = np.where(steps < 0, blocks + 1, steps).astype(np.float32)
        masked = not shown.may_attend.all()
        number = np.zeros(tokens + 1, int)
        number[shown.place] = np.arange(len(shown.place))[:, None] * 16 + (shown.region if masked else 0)
        groups = number[:-1].reshape(side, side)
        regions = np.full(tokens + 1, -1)
        if shown.shift:
            regions[shown.place] = shown.region
        query = divmod(shown.query, side)
        inside = np.zeros((side, side), bool)
        self.picture.set_tokens(
            far.reshape(side, side), blocks + 1, groups, regions[:-1].reshape(side, side), inside, query
        )
        order = self._order(shown)
        rolled_groups = self._unpartitioned(
            np.arange(len(shown.place))[:, None] * 16 + (shown.region if masked else 0 * shown.region), shown.window
        )
        rolled_regions = self._unpartitioned(shown.region, shown.window) if shown.shift else np.full(order.shape, -1)
        values = np.append(far, blocks + 1)[order]
        at = np.argwhere(order == shown.query)[0]
        self.rolled.set_tokens(
            values, blocks + 1, rolled_groups, rolled_regions, order == tokens, (int(at[0]), int(at[1]))
        )
        self._draw_mask(shown)
        self._say(shown, masked)

    def _draw_mask(self, shown: WindowsFrame) -> None:
        window, slot = (int(v) for v in np.argwhere(shown.place == shown.query)[0])
        may = shown.may_attend[window]
        none = np.zeros(may.shape, int)
        may_color = np.full(may.shape, MAY, np.float32)
        self.pairs.set_tokens(may_color, 1.0, none, none - 1, ~may, None)
        self.pairs.set_at((slot, -1))
        self.mask_card.set_note("window {n} of {count}, query by key", n=window + 1, count=len(shown.place))

    def _say(self, shown: WindowsFrame, masked: bool) -> None:
        tokens = shown.side**2
        counts = [int((line >= 0).sum()) for line in shown.reached]
        values = {"n": words.number(len(counts)), "k": words.number(counts[-1]), "total": words.number(tokens)}
        one = len(counts) == 1
        text = "1 block: {k} of {total} tokens reach this one." if one else (
            "{n} blocks: {k} of {total} tokens reach this one, the darker the sooner."
        )  # fmt: skip
        words.say(self.said, "setText", Message(text, values))
        self.picture_card.set_note("{side} × {side} tokens, shift {shift}", side=shown.side, shift=shown.shift)
        if not shown.shift:
            told = "No shift: each token sees its own window alone, in every block."
        elif masked:
            told = "Numbers: regions. Tokens of one window attend to each other where their regions are the same."
        else:
            told = "No mask: the windows at the end also hold what the roll brought from the other end."
        words.say(self.rule, "setText", told)
