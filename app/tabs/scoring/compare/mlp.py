"""The additive score as one MLP over query and key concatenated, for the chosen pair."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app import theme, words
from app.theme import CAPTION, S1, S2, SMALL
from app.views.base import CENTER, LEFT, PixelView, indexed_image, outline, text_width, write
from app.words import Text
from engines.core.errors import Message
from engines.scoring.compare.spec import Compared

STRIP = 22  #: px, height of a strip of numbers
FEWEST = 26  #: px, narrowest cell that holds a number


class MlpStrips(PixelView):
    """Input [q; k], hidden layer and score, as strips of numbers; each on its own symmetric scale."""

    zooms = True

    def __init__(self) -> None:
        super().__init__((240, 92))
        self.export_name = "one-mlp"
        self._seen: Compared | None = None
        self._cell = (0, 0)
        words.say(self, "setAccessibleName", "The additive score as one MLP")

    def show_pair(self, seen: Compared, cell: tuple[int, int]) -> None:
        """Show a pair of query and key."""
        self._seen, self._cell = seen, cell
        self.renew()
        self.tell()

    def _strips(self) -> tuple[np.ndarray, np.ndarray]:
        assert self._seen is not None
        i, j = self._cell
        return np.concatenate([self._seen.queries[i], self._seen.keys[j]]), self._seen.hidden[i, j]

    def numbers(self) -> dict[str, np.ndarray]:
        if self._seen is None:
            return {}
        joined, hidden = self._strips()
        return {
            "query_and_key": joined,
            "hidden": hidden,
            "w_v": self._seen.w_v,
            "score_as_one_mlp": np.array(self._seen.mlp[self._cell]),
            "additive_score": np.array(self._seen.raw[0][self._cell]),
        }

    def report(self) -> str:
        if self._seen is None:
            return ""
        i, j = self._cell
        return f"q{i + 1}, k{j + 1}: {words.number(float(self._seen.mlp[i, j]), 2)}"

    def draw(self, painter: QPainter) -> None:
        if self._seen is None:
            return
        i, j = self._cell
        joined, hidden = self._strips()
        count = self._seen.queries.shape[1]
        names: tuple[Text, ...] = (f"[q{i + 1}; k{j + 1}]", "tanh(W [q; k])", "w · tanh")
        left = max(text_width(words.drawn(name), SMALL) for name in names) + S2 + S1
        wide = self.width() - left - 1
        gap = max(2.0, (self.height() - 3 * STRIP - 16) / 2)
        tops = [16 + n * (STRIP + gap) for n in range(3)]
        for name, top in zip(names, tops, strict=True):
            write(painter, QRectF(0, top, left, STRIP), name, theme.color("text"), SMALL)
        share = wide * count / len(joined)
        for text, x, room in ((f"q{i + 1}: {count}", 0.0, share), (f"k{j + 1}: {len(joined) - count}", share, wide)):
            if room - (x if room == wide else 0) >= text_width(text) + S1:
                write(painter, QRectF(left + x + (S1 if x else 0), 0, room, 15), text, None, CAPTION)
        self._strip(painter, QRectF(round(left), tops[0], wide, STRIP), joined)
        cut = round(left + share)
        painter.fillRect(QRectF(cut - 1, tops[0] - 3, 3, STRIP + 6), theme.color("surface"))
        painter.fillRect(QRectF(cut, tops[0] - 3, 1, STRIP + 6), theme.color("text"))
        self._strip(painter, QRectF(round(left), tops[1], wide, STRIP), hidden)
        self._draw_scores(painter, QRectF(round(left), tops[2], wide, STRIP))

    def _strip(self, painter: QPainter, place: QRectF, values: np.ndarray) -> None:
        end = max(float(np.abs(values).max()), 1e-6)
        levels = np.rint(255 * np.clip((values / end + 1) / 2, 0, 1)).astype(np.uint8)
        painter.drawImage(place, indexed_image(levels[None], theme.ramp_table("diff")), QRectF(0, 0, len(values), 1))
        outline(painter, place.adjusted(0, 0, -1, -1), theme.color("border"), 1)
        cell = place.width() / len(values)
        if cell < FEWEST:
            return
        inks = theme.inks_on("diff")
        for n, value in enumerate(values.tolist()):
            spot = QRectF(place.x() + n * cell, place.y(), cell, place.height())
            write(painter, spot, words.number(value, 1), inks[levels[n]], CAPTION, align=CENTER)

    def _draw_scores(self, painter: QPainter, place: QRectF) -> None:
        assert self._seen is not None
        one, two = float(self._seen.mlp[self._cell]), float(self._seen.raw[0][self._cell])
        said = Message("= {one}; additive: {two}", {"one": words.number(one, 2), "two": words.number(two, 2)})
        write(painter, place, said, theme.color("text"), SMALL, True, LEFT)


def scientific(value: float) -> str:
    """A tiny number: ``4e−7``."""
    return "0" if value == 0 else f"{value:.0e}".replace("e-0", "e−").replace("e-", "e−")
