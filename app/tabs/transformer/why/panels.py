"""The two cards below the formula: tables, curves and bars, whichever a claim is shown by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedLayout, QWidget

from app import words
from app.cards import card
from app.plots.depthplot import Depth, DepthPlot
from app.plots.logplot import LogPlot, Trace
from app.tabs.transformer.labwords import numbered, spoken
from app.tabs.transformer.why.wording import part_name, strongest
from app.theme import S2
from app.views.bars import Bar, Bars
from app.views.colorbar import ColorBar
from app.views.scoregrid import ScoreGrid
from app.widgets import box, col
from app.words import Text
from engines.blocks.naming import SENTENCE as COSINE
from engines.core.errors import Message
from engines.transformer.why.spec import (
    COLLAPSE,
    KERNEL,
    KEYS,
    MATRICES,
    ONLY,
    OV,
    ROTATION,
    SOFTMAX,
    SPHERE,
    STREAM,
    TO_QUERIES,
    VARIANCE,
    WHOLE,
    WITH_FFN,
    WITH_SKIPS,
    Reasons,
    WhyParams,
)

LARGEST = (72, 40)  #: px, a cell
MOST_BARS, MOST_ANSWERS = 12, 12
NOTHING = 1e-30  #: a table of such numbers is one of zeros: colors over 1e−40 are beyond single precision
WAYS: tuple[tuple[str, Text, str, bool], ...] = (
    (ONLY, Message("Attention alone"), "cat1", False),
    (WITH_FFN, Message("and FFN"), "cat2", True),
    (WITH_SKIPS, Message("and skips"), "cat0", True),
    (WHOLE, Message("all"), "cat5", False),
)


class Table(QWidget):
    """A table of numbers with the bar of its colors."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.grid = ScoreGrid("diff", LARGEST)
        self.grid.export_name = name
        self.bars = {ramp: ColorBar("", ramp, 60) for ramp in ("diff", "ember")}
        for bar in self.bars.values():
            bar.drive(self.grid)
        self.setLayout(col((self.grid, 1), *self.bars.values(), gap=S2))

    def show_table(
        self,
        values: np.ndarray,
        ramp: str,
        rows: Sequence[Text] = (),
        cols: Sequence[Text] = (),
        top: float | None = None,
    ) -> None:
        """Show values (rows, cols): weights from 0 to the largest, or signed ones."""
        end = top or float(np.abs(values).max(initial=0.0))
        end = end if end > NOTHING else 1.0
        self.grid.set_table(values, end, ramp)
        self.grid.set_names(rows, cols)
        for name, bar in self.bars.items():
            bar.setVisible(name == ramp)
            bar.set_range(0.0 if ramp == "ember" else -end, end)


class Panels(QObject):
    """Two cards, each with a table and plots of which one is seen.

    Signals
    -------
    row_chosen : int
        A row of a table of the tokens.
    answer_chosen : int
        The answer whose logit is taken apart.
    sharpened : float
        A temperature, from its curve.
    settled
        The hand let go of it.
    """

    row_chosen = Signal(int)
    answer_chosen = Signal(int)
    sharpened = Signal(float)
    settled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = Table("left"), Table("right")
        self.curves, self.others = DepthPlot("Over the layers", "layers"), DepthPlot("Over the layers", "other-layers")
        self.sharp = LogPlot("Norm over temperature", log_y=True, digits=4)
        self.parts = Bars(30, 90, "−00.00", least=40)
        for unnamed in (self.left.grid, self.right.grid, self.parts):
            words.say(unnamed, "setAccessibleName", "Nothing to show yet.")
        self._answers: list[int] = []
        self._claim = ""
        self._left, self._right = QStackedLayout(), QStackedLayout()
        left, right = box(self._left), box(self._right)  # first: a view shown without a parent would be a window
        for stack, views in ((self._left, (self.left, self.curves, self.parts)),
                             (self._right, (self.right, self.others, self.sharp))):  # fmt: skip
            for view in views:
                stack.addWidget(view)
        keys = [one.key for one in (self.curves, self.others, self.sharp)]
        self.left_card = card("Weights", left, foot=col(keys[0]))
        self.right_card = card("Weights", right, foot=col(*keys[1:]))
        self._keys = dict(zip((self.curves, self.others, self.sharp), keys, strict=True))
        self.left.grid.clicked.connect(self._clicked)
        self.right.grid.clicked.connect(self._clicked_right)
        for plot in (self.curves, self.others):
            plot.picked.connect(self._read)
        self.sharp.picked.connect(self.sharpened)
        self.sharp.settled.connect(self.settled)

    # -- the hand
    def _clicked(self, cell: tuple[int, int]) -> None:
        if self._claim in (KEYS, KERNEL):
            self.row_chosen.emit(cell[0])

    def _clicked_right(self, cell: tuple[int, int]) -> None:
        if self._claim in (KEYS, KERNEL, SPHERE):
            self.row_chosen.emit(cell[0])
        elif self._claim == STREAM and cell[1] < len(self._answers):
            self.answer_chosen.emit(self._answers[cell[1]])

    def _read(self, x: float) -> None:
        for plot in (self.curves, self.others):
            plot.set_cursor(round(x))

    # -- showing
    def show_claim(self, name: str, seen: Reasons, params: WhyParams, token: int, answer: int) -> None:
        """Show what was measured for a claim."""
        if name != self._claim:
            self._claim = name
            for plot in (self.curves, self.others):
                plot.set_cursor(None)
        shown = {
            KEYS: self._weights, MATRICES: self._matrices, COLLAPSE: self._collapse, SPHERE: self._sphere,
            KERNEL: self._kernel, ROTATION: self._rotation, SOFTMAX: self._softmax, VARIANCE: self._variance,
        }  # fmt: skip
        for table in (self.left, self.right):
            table.grid.set_at(None)
        if name == STREAM:
            self._stream(seen, token, answer)
        else:
            shown[name](seen, params)

    def _show(self, left: QWidget, right: QWidget, *titles: Text) -> None:
        self._left.setCurrentWidget(left)
        self._right.setCurrentWidget(right)
        for plot, key in self._keys.items():
            key.setVisible(plot in (left, right))
        for one, view, title in zip((self.left_card, self.right_card), (left, right), titles, strict=True):
            one.set_title(title)
            words.say(view.grid if isinstance(view, Table) else view, "setAccessibleName", title)

    def _tables(self, seen: Reasons, names: tuple[str, str], ramp: str, titles: tuple[Text, Text], row: int) -> None:
        """Two tables of one scale, token by token."""
        claim = seen.claims[self._claim]
        both = [claim.arrays[name] for name in names]
        top = float(max(np.abs(values).max(initial=0.0) for values in both))
        rows, cols = spoken(claim.rows), spoken(claim.cols)
        for table, values in zip((self.left, self.right), both, strict=True):
            table.show_table(values, ramp, rows, cols, top)
            table.grid.set_at((row, -1) if row >= 0 else None)
        self._show(self.left, self.right, *titles)

    def _weights(self, seen: Reasons, params: WhyParams) -> None:
        moved = "Weights, noise on the queries" if params.added_to == TO_QUERIES else "Weights, noise on the keys"
        self._tables(seen, ("weights", "moved"), "ember", ("Weights as they are", moved), seen.row)

    def _kernel(self, seen: Reasons, _params: WhyParams) -> None:
        titles = "Softmax of dot products", "Gaussian kernel"
        self._tables(seen, ("weights", "kernel"), "ember", titles, seen.row)

    def _rotation(self, seen: Reasons, _params: WhyParams) -> None:
        claim = seen.claims[ROTATION]
        for table, name in ((self.left, "shifted"), (self.right, "turned")):
            table.show_table(claim.arrays[name], "diff", claim.rows, numbered(claim.arrays[name].shape[1]), 1.0)
        self._show(self.left, self.right, "Positions, shifted", "Positions, turned")

    def _matrices(self, seen: Reasons, params: WhyParams) -> None:
        claim, of_values = seen.claims[MATRICES], params.matrix == OV
        wide = numbered(claim.arrays["matrix"].shape[1])
        self.left.show_table(claim.arrays["matrix"], "diff", wide, wide)
        lines = [
            Depth("QK", claim.arrays["qk"], "cat0", x=np.arange(1, len(claim.arrays["qk"]) + 1)),
            Depth("OV", claim.arrays["ov"], "cat1", True, np.arange(1, len(claim.arrays["ov"]) + 1)),
        ]
        self.others.set_lines(lines, "Singular value")
        self.others.set_level(None)
        title = words.plain("W_V W_O") if of_values else words.plain("W_Q W_Kᵀ")
        self._show(self.left, self.others, title, "Singular values")

    def _stream(self, seen: Reasons, token: int, answer: int) -> None:
        claim = seen.claims[STREAM]
        parts, logits = claim.arrays["parts"][:, token], claim.arrays["logits"][token]  # (P, V), (V,)
        added = parts[:, answer]
        places = strongest(added, MOST_BARS)
        rest = float(added.sum() - added[places].sum())
        bars = [bar(part_name(claim.parts[at]), float(added[at])) for at in places]
        if len(added) > len(places):
            bars.append(bar(Message("All {n} others", {"n": len(added) - len(places)}), rest))
        end = float(max(abs(one.total) for one in bars)) or 1.0
        self.parts.set_bars(bars, end, -end)
        self._answers = [int(at) for at in np.argsort(-logits, kind="stable")[:MOST_ANSWERS]]
        if answer not in self._answers:
            self._answers[-1] = answer
        names = spoken(tuple(seen.answers[at] for at in self._answers))
        self.right.show_table(parts[:, self._answers], "diff", [part_name(part) for part in claim.parts], names)
        self.right.grid.set_at((-1, self._answers.index(answer)))
        word = str(spoken((seen.answers[answer],))[0])
        what = "What adds to the cosine with {word}" if seen.answered == COSINE else "What adds to the logit of {word}"
        self._show(self.parts, self.right, Message(what, {"word": word}), "Each part on each answer")

    def _collapse(self, seen: Reasons, _params: WhyParams) -> None:
        claim = seen.claims[COLLAPSE]
        self.curves.set_lines([Depth(name, claim.arrays[key], token, dashed) for key, name, token, dashed in WAYS],
                              valued=False)  # fmt: skip
        self.curves.set_level(None)
        names = spoken(claim.rows[: len(claim.arrays["alike"])])
        self.right.show_table(claim.arrays["alike"], "diff", names, names, 1.0)
        self._show(self.curves, self.right, "How much tokens differ", "Cosine of tokens, attention alone")

    def _sphere(self, seen: Reasons, _params: WhyParams) -> None:
        claim = seen.claims[SPHERE]
        at = np.arange(1, len(claim.arrays["lengths"]) + 1, dtype=float)
        lines = [
            Depth(Message("before"), claim.arrays["lengths_before"], "cat1", True, at),
            Depth(Message("after"), claim.arrays["lengths"], "cat0", False, at),
        ]
        self.curves.set_lines(lines, "Token")
        self.curves.set_level(claim.values["radius"])
        self.right.show_table(claim.arrays["normed"], "diff", spoken(claim.rows),
                              numbered(claim.arrays["normed"].shape[1]))  # fmt: skip
        self.right.grid.set_at((min(seen.row, len(at) - 1), -1))
        self._show(self.curves, self.right, "Length of each token", "Tokens, normalized")

    def _softmax(self, seen: Reasons, params: WhyParams) -> None:
        claim = seen.claims[SOFTMAX]
        names = spoken(claim.rows)
        self.left.show_table(claim.arrays["jacobian"], "diff", names, names)
        x, y = claim.arrays["temperatures"], np.maximum(claim.arrays["norms"], 1e-6)
        ends = 10.0 ** np.floor(np.log10(float(y.min()))), 10.0 ** np.ceil(np.log10(float(y.max())))
        self.sharp.set_traces([Trace("‖J‖", x, y)], ends, Message("Temperature"))
        self.sharp.set_cursor(params.sharpness)
        self._show(self.left, self.sharp, "Jacobian of the row", "Its norm over the temperature")

    def _variance(self, seen: Reasons, _params: WhyParams) -> None:
        claim = seen.claims[VARIANCE]
        self.curves.set_level(None)
        self.others.set_level(None)
        self.curves.set_lines([Depth(Message("standard deviation"), claim.arrays["deviation"], "cat0")])
        self.others.set_lines([Depth(Message("gradient norm"), claim.arrays["gradients"], "cat1")])
        self._show(self.curves, self.others, "Activations", "Gradients")


def bar(name: Text, value: float) -> Bar:
    """What one part adds, or takes away."""
    return Bar(name, ((value, "cat0" if value >= 0 else "cat1"),), words.number(value, 2, signed=True))
