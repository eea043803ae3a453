"""Vectors on a plane: dots colored and shaped by class, keys of a dictionary as small squares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg

from app import theme, words
from app.plots.chart import case, finite, ink
from app.plots.pointmap import HUES, PointMap, class_token
from app.plots.surface import cosmetic
from app.words import Text

REACH = 8.0  # px around a dot that counts as on it
SHAPES = ("o", "t1")
STEP = 0.1  # the range grows by this, so that it does not tremble


class EmbeddingMap(PointMap):
    """A plane with the origin in the middle and the same scale on both axes."""

    def __init__(self) -> None:
        self._points, self._keys = np.zeros((0, 2)), np.zeros((0, 2))
        self._labels = np.zeros(0, int)
        self._names: tuple[Text, ...] = ()
        self._limit = 1.0
        self._squares = pg.ScatterPlotItem(size=4, symbol="s", pen=None)
        self._zeros = pg.InfiniteLine(0, angle=0), pg.InfiniteLine(0, angle=90)
        super().__init__((200, 160), REACH)
        self.export_name = "map"
        self.box.setAspectLocked(True)
        for item in (*self._zeros, self._squares):
            self.plot.addItem(item)
        self.whole()

    def set_map(self, points: np.ndarray, labels: np.ndarray, keys: np.ndarray, names: Sequence[Text]) -> None:
        """Show points.

        Parameters
        ----------
        points : ndarray (n, 2)
        labels : ndarray of int (n,)
            −1 where there is none.
        keys : ndarray (k, 2)
        names : sequence of str or Message
            Of the classes.
        """
        self._points, self._keys = finite(points, "points"), finite(keys, "keys")
        self._labels, self._names = labels, tuple(names)
        reach = np.abs(self._points).max(initial=0.05)
        need = float(np.ceil(1.02 * reach / STEP) * STEP)
        if need > self._limit or need < 0.7 * self._limit:
            self._limit = need
            self.refit()
        self._redraw()
        self._point(None)

    def numbers(self) -> dict[str, np.ndarray]:
        return {"points": self._points, "labels": self._labels, "keys": self._keys}

    def report(self) -> str:
        if self._hover is None:
            return ""
        label = int(self._labels[self._hover])
        return words.drawn(self._names[label]) if 0 <= label < len(self._names) else ""

    def whole(self) -> None:
        side = (-self._limit, self._limit)
        self.box.setRange(xRange=side, yRange=side, padding=0.02)
        self.box.updateMatrix()  # else in the middle of painting, which is done twice then

    # -- items
    def _redraw(self) -> None:
        self._squares.setData(*self._keys.T, brush=ink("control", 150))
        order = np.argsort(self._labels, kind="stable")
        looks = {label: self._look(label) for label in np.unique(self._labels).tolist()}
        chosen = [looks[label] for label in self._labels[order].tolist()]
        shapes, brushes = [shape for shape, _ in chosen], [brush for _, brush in chosen]
        x, y = self._points.T
        self.dots.show_at(x, y, order, symbol=shapes, brush=brushes, size=7, pen=case(width=0.8))
        self._light()

    @staticmethod
    def _look(label: int) -> tuple[str, object]:
        if label < 0:
            return SHAPES[0], ink("accent")
        return SHAPES[label // HUES % 2], ink(class_token(label))

    def _light(self) -> None:
        said = self.report()
        self.chip.setVisible(bool(said))
        if said and self._hover is not None:
            self.chip.say(said)
            self.chip.setPos(*self._points[self._hover].tolist())

    def apply_theme(self) -> None:
        super().apply_theme()
        for line in self._zeros:
            line.setPen(cosmetic(theme.color("border")))
        self._redraw()
