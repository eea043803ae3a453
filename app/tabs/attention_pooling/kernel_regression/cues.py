"""Query, keys, values and output in today's numbers, and the formula that joins them."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from app import theme, words
from app.plots.points import ember
from app.tabs.attention_pooling.points import two
from app.terms import signed
from app.theme import BODY, CAPTION, FORMULA, S2, S3, S4, TITLE
from app.views.base import CENTER, LEFT, MIDDLE, PixelView, outline, pen, text_width, write
from app.words import Text
from engines.attention_pooling.kernel_regression.spec import PooledFrame
from engines.attention_pooling.spec import KERNELS
from engines.core.errors import Message

ROW, CELL, BLOCK = 22, 56, 112  # px: a line of the table, its cells, query and output
MOST_CELLS = 12
NAMES = (
    ("Keys", "sensory inputs: x of each point"),
    ("Weights", "how close each key is to the query"),
    ("Values", "sensory inputs: y of each point"),
)


def nearest(shown: PooledFrame, count: int) -> np.ndarray:
    """Indices of the points with the largest weights, largest first; the nearest of those that weigh the same."""
    x = np.array(shown.points)[:, 0]
    return np.lexsort((np.abs(x - shown.query), -shown.query_weights))[:count]


class CueStrip(PixelView):
    """One query at the left, the keys and values that answer it in a table, their weighted sum at the right."""

    is_list = True

    def __init__(self) -> None:
        super().__init__((560, 3 * ROW + 6))
        self.setFixedHeight(3 * ROW + 6)
        self.export_name = "query-key-value"
        self._shown: PooledFrame | None = None
        self._lit: int | None = None

    def set_shown(self, shown: PooledFrame) -> None:
        """Show these numbers."""
        self._shown = shown
        self.tell()
        self.renew()

    def set_lit(self, index: int | None) -> None:
        """Light up a point that is pointed at elsewhere, if it is in the table."""
        if index != self._lit:
            self._lit = index
            self.update()

    def columns(self) -> int:
        """How many points the table has room for."""
        room = self.width() - 2 * (BLOCK + S4 + S3) - self._names_width() - CELL - S2
        return max(1, min(MOST_CELLS, int(room // CELL)))

    def _names_width(self) -> float:
        return max(self._name_width(*pair) for pair in NAMES) + S3

    def _name_width(self, name: str, note: str) -> float:
        wide = text_width(words.tr(name), BODY, True)
        return wide + S2 + text_width(words.tr(note), CAPTION) if self.width() >= 860 else wide

    def numbers(self) -> dict[str, np.ndarray]:
        shown = self._shown
        if shown is None:
            return {}
        points = np.array(shown.points)
        return {
            "query": np.array([shown.query]),
            "keys": points[:, 0],
            "weights": shown.query_weights,
            "values": points[:, 1],
            "output": np.array([shown.output]),
        }

    def report(self) -> str:
        shown = self._shown
        return (
            "" if shown is None else f"{words.tr('Query')} {two(shown.query)}, {words.tr('Output')} {two(shown.output)}"
        )

    def draw(self, painter: QPainter) -> None:
        shown = self._shown
        if shown is None:
            return
        self._block(painter, 0, "Query", "volitional cue", two(shown.query), "accent")
        answer = Message("none") if shown.empty else two(shown.output)
        self._block(painter, self.width() - BLOCK, "Output", "weighted sum", answer, "cat0")
        left = BLOCK + S4
        for i, (name, note) in enumerate(NAMES):
            line = QRectF(left, 3 + i * ROW, 300, ROW)
            write(painter, line, Message(name), theme.color("text"), BODY, True)
            if self.width() >= 860:
                after = text_width(words.tr(name), BODY, True) + S2
                write(painter, line.adjusted(after, 0, 0, 0), Message(note))
        self._table(painter, shown, left + self._names_width())

    def _block(self, painter: QPainter, x: float, name: str, note: str, value: Text, token: str) -> None:
        place = QRectF(x + 0.5, 0.5, BLOCK - 1, self.height() - 1)
        painter.setPen(pen(theme.color(token)))
        painter.setBrush(theme.color("sunken"))
        painter.drawRoundedRect(place, 4, 4)
        inside = place.adjusted(S2, 3, -S2, -3)
        write(
            painter, QRectF(inside.x(), inside.y(), inside.width(), 18), Message(name), theme.color("text"), BODY, True
        )
        write(painter, QRectF(inside.x(), inside.y() + 17, inside.width(), 15), Message(note))
        line = QRectF(inside.x(), inside.y() + 36, inside.width(), 26)
        write(painter, line, value, theme.color(token), TITLE, True)

    def _table(self, painter: QPainter, shown: PooledFrame, left: float) -> None:
        top = float(shown.weights.max(initial=1e-12))
        chosen = nearest(shown, self.columns())
        points = np.array(shown.points)
        for j, i in enumerate(chosen.tolist()):
            x, weight = left + j * CELL, float(shown.query_weights[i])
            for line, text in ((0, two(points[i, 0])), (2, two(points[i, 1]))):
                place = QRectF(x, 3 + line * ROW, CELL, ROW)
                write(painter, place, text, theme.color("text"), BODY, align=CENTER)
            color = ember(weight / top)
            place = QRectF(x + 1, 3 + ROW + 1, CELL - 2, ROW - 2)
            painter.fillRect(place, color)
            write(painter, place, words.percent(weight, 1), theme.ink_on(color.name()), CAPTION, True, CENTER)
            if i == self._lit:
                outline(painter, QRectF(x + 0.5, 2.5, CELL - 1, 3 * ROW), theme.color("accent"), 1.5)
        rest = len(points) - len(chosen)
        if rest:
            x = left + len(chosen) * CELL
            share = float(shown.query_weights.sum() - shown.query_weights[chosen].sum())
            write(painter, QRectF(x, 3, CELL + S2, ROW), Message("{n} more", {"n": rest}), align=CENTER)
            write(painter, QRectF(x, 3 + ROW, CELL + S2, ROW), words.percent(max(0.0, share), 1), align=CENTER)


class Formula(PixelView):
    """Lines of a formula with live numbers; a sum shows as many terms as there is room for."""

    is_list = True

    def __init__(self) -> None:
        super().__init__((400, 48))
        self.setFixedHeight(48)
        self.export_name = "formula"
        self._shown: PooledFrame | None = None

    def set_shown(self, shown: PooledFrame) -> None:
        """Show this query's numbers."""
        self._shown = shown
        self.tell()
        self.renew()

    def lines(self) -> tuple[str, str]:
        """The weighted sum, and where its weights come from."""
        shown = self._shown
        if shown is None:
            return "", ""
        return self._sum(shown), self._weight(shown)

    def _sum(self, shown: PooledFrame) -> str:
        if shown.empty:
            return words.tr("ŷ({q}) has no neighbor: every weight is 0", q=two(shown.query))
        points, weights = np.array(shown.points), shown.query_weights
        order = nearest(shown, len(points))
        order = order[weights[order] > 0]
        best = ""
        for count in range(1, len(order) + 1):
            terms = [f"{words.number(float(weights[i]), 3)}×{signed(points[i, 1], two)}" for i in order[:count]]
            more = len(order) - count
            if more:
                terms.append(words.tr("({n} more)", n=more))
            text = f"ŷ({two(shown.query)}) = {' + '.join(terms)} = {two(shown.output)}"
            if best and not self._fits(text):
                break
            best = text
        return best

    def _fits(self, text: str) -> bool:
        return QFontMetricsF(theme.font(FORMULA, mono=True)).horizontalAdvance(text) <= self.width()

    def _weight(self, shown: PooledFrame) -> str:
        """The weight of the first key in the table."""
        key = float(np.array(shown.points)[int(nearest(shown, 1)[0]), 0])
        q, h = two(shown.query), f"{words.number(shown.bandwidth, 2)}"
        u = f"({q} − {signed(key, two)}) / {h}"
        kernel = (
            "exp(−u²/2) / Σ exp(−u²/2)",
            "[|u| ≤ 1] / Σ [|u| ≤ 1]",
            "max(0, 1 − u²) / Σ max(0, 1 − u²)",
            "max(0, 1 − |u|) / Σ max(0, 1 − |u|)",
            f"1 / {len(shown.points)}",
        )[KERNELS.index(shown.kernel)]
        weight = words.number(float(shown.query_weights.max()), 3)
        found = f"α({two(key)}) = {kernel} = {weight}"
        whole = found if shown.kernel == KERNELS[-1] else f"{found},  u = {u}"
        return whole if self._fits(whole) else found  # the dock has u in its formula

    def numbers(self) -> dict[str, np.ndarray]:
        return {"formula": np.array(self.lines())}

    def report(self) -> str:
        return "; ".join(self.lines())

    def draw(self, painter: QPainter) -> None:
        painter.setFont(theme.font(FORMULA, mono=True))
        for i, text in enumerate(self.lines()):
            painter.setPen(theme.color("text" if i == 0 else "text2"))
            place = QRectF(0, i * 24, self.width(), 24)
            painter.drawText(place, int(LEFT | MIDDLE) | int(Qt.TextFlag.TextDontClip), text)
