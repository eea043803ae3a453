"""What an assignment costs: the set loss of each pair as stacked bars, and optimal against greedy in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea

from app import words
from app.cards import card
from app.legend import Key
from app.steady import hold_lines
from app.tabs.detr.matching.costs import weight_text
from app.theme import BODY, S2, SMALL, set_kind
from app.views.bars import Bar, Bars
from app.widgets import box, col, label, quiet, row
from engines.core.errors import Message
from engines.detr.matching.spec import Matched
from engines.detr.objects import object_name

PARTS = ("cat0", "cat1", "cat2")  # class, L1, GIoU
FEW_PAIRS = 4  # that are written out
DETRS = 'Averaged over all predictions; the target of unmatched ones is "no object". (Carion et al. 2020, eq. 2)'
RT_DETRS = (
    "As in RT-DETR: the target is the IoU of the box for the matched class, 0 for all others. α = 0.75, γ = 2. "
    "(Zhang et al. 2021)"
)


class SetLoss(QObject):
    """The card "Set loss".

    Signals
    -------
    pointed_at : (prediction, object) or None
    """

    pointed_at = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.bars = Bars(pitch=38, least_name=56, widest="00.00")
        self._key = Key()
        area = QScrollArea()  # of many pairs not all are in sight
        area.setWidget(self.bars)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        words.say(self.bars, "setAccessibleName", "Set loss")
        self.card = card("Set loss", area, foot=self._key)
        self._weights: tuple[bool | float, ...] = ()
        self._pairs: list[tuple[int, int]] = []
        self.bars.hovered.connect(self._hovered)

    def _hovered(self, index: int | None) -> None:
        self.pointed_at.emit(None if index is None or index >= len(self._pairs) else self._pairs[index])

    def show(self, found: Matched) -> None:
        """Draw a result: each pair with what it adds to the loss, so that the bars sum up to it."""
        params = found.params
        weights = (params.focal, params.bbox_cost, params.giou_cost)
        if weights != self._weights:
            self._weights = weights
            names = [Message("Varifocal" if params.focal else "Cross-entropy")]
            names += [
                Message(name, {"weight": weight_text(weight)})
                for name, weight in zip(("{weight} × L1", "{weight} × GIoU"), weights[1:], strict=True)
            ]
            self._key.set_items(list(zip(PARTS, names, strict=True)))
            words.say(self._key, "setToolTip", RT_DETRS if params.focal else DETRS)
        self._pairs = [(int(row), int(column)) for row, column in found.pairs]
        bars = [
            stacked(words.plain(f"{row + 1} → {object_name(column)}"), parts)
            for (row, column), parts in zip(self._pairs, found.loss, strict=True)
        ]
        if found.error is None:
            bars.append(stacked(Message("no object"), np.array([found.none.sum()])))
        self.bars.set_empty(found.error or "")
        self.bars.set_bars(bars)
        sums = {"value": words.number(found.total_loss, 2), "none": words.number(float(found.none.sum()), 2)}
        self.card.set_note("" if found.error else "sum {value}, no object {none}", **sums)


class Assignment(QObject):
    """The card "Assignment"."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._lines = [
            (label(name, BODY, not i), quiet(""), label("", BODY, True), label("", SMALL, True, "warn"))
            for i, name in enumerate(("Optimal", "Greedy"))
        ]
        for name, _, value, more in self._lines:
            name.setMinimumWidth(58)
            for one in (name, value):
                hold_lines(one, 1)
            value.setMinimumWidth(56)
            more.setMinimumWidth(50)
            for one in (value, more):
                one.setAlignment(one.alignment() | Qt.AlignmentFlag.AlignRight)
        self._verdict = quiet("", wrap=True)
        hold_lines(self._verdict, 2)
        rows = [row(name, (pairs, 1), value, more) for name, pairs, value, more in self._lines]
        self.card = card("Assignment", box(col(*rows, 1, gap=S2)), foot=self._verdict)

    def show(self, found: Matched) -> None:
        """Write both assignments, what they cost, and whether greedy is worse."""
        gap = found.greedy_cost - found.cost
        for (_, pairs, value, more), which, cost, extra in zip(
            self._lines, (found.pairs, found.greedy), (found.cost, found.greedy_cost), (0.0, gap), strict=True
        ):
            said = words.plain("   ".join(arrow(p) for p in which))
            words.say(
                pairs, "setText", said if len(which) <= FEW_PAIRS else Message("{n} {n:pair|pairs}", {"n": len(which)})
            )
            value.setText("" if found.error else words.number(cost, 2))
            more.setText(words.number(extra, 2, signed=True) if extra > 5e-3 else "")
        words.say(self._verdict, "setText", self._verdict_on(found, gap))
        set_kind(self._verdict, "quiet" if found.error is None else "warn")

    def _verdict_on(self, found: Matched, gap: float) -> Message:
        if found.error is not None:
            return found.error
        if found.notes:
            first, *more = found.notes
            return Message("{first} {second}", {"first": first, "second": more[0]}) if more else first
        best = {(int(r), int(c)) for r, c in found.pairs}
        taken = found.greedy[found.order]
        wrong = next((pair for pair in taken if (int(pair[0]), int(pair[1])) not in best), None)
        if gap > 5e-3 and wrong is not None:
            return Message("Greedy is worse here: it takes {pair} first.", {"pair": arrow(wrong)})
        return Message("Greedy finds the optimum here. Costs and assignment took {ms} ms.",
                       {"ms": words.number(1000 * found.seconds, 1)})  # fmt: skip


def arrow(pair: Sequence[int] | np.ndarray) -> str:
    """A pair as it is written: prediction → object."""
    return f"{int(pair[0]) + 1}→{object_name(int(pair[1]))}"


def stacked(name: Message, parts: np.ndarray) -> Bar:
    """A row of the loss."""
    values = [float(v) for v in parts]
    return Bar(name, tuple(zip(values, PARTS, strict=False)), words.number(sum(values), 2))
