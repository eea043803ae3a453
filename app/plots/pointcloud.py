"""Points in a plane, colored by class, with their pictures on hover: a map of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QPainterPath

from app import words
from app.plots.chart import HOLLOW, case, finite, ink
from app.plots.items import Caption
from app.plots.pointmap import HUES, PointMap, class_token
from app.theme import CAPTION
from app.words import Text

REACH = 12.0  #: px around a point within which the pointer takes it
MOST_ZOOM = 40.0
FACE = 96  #: px of the picture beside a point
MARGIN = 14  #: px around the cloud
NAMED = 24  #: classes whose names stand on the map; more would hide it
SHAPES = ("o", "s", "t1", "d")
FAINT = 70  #: of 255, points that others are brought to the fore of


def _path(*strokes: tuple[float, float, float, float], ring: float = 0) -> QPainterPath:
    """A mark of strokes, and a ring, one unit across."""
    path = QPainterPath()
    for x0, y0, x1, y1 in strokes:
        path.moveTo(x0, y0)
        path.lineTo(x1, y1)
    if ring:
        path.addEllipse(-ring / 2, -ring / 2, ring, ring)
    return path


CROSS = _path((-0.5, -0.5, 0.5, 0.5), (-0.5, 0.5, 0.5, -0.5))
SIGHT = _path((-0.5, 0, 0.5, 0), (0, -0.5, 0, 0.5), ring=0.64)


class PointCloud(PointMap):
    """Points with classes.

    Signals
    -------
    clicked : int or None
        A point that was clicked; None beside all of them.
    """

    keys_point = True

    clicked = Signal(object)

    def __init__(self) -> None:
        self._points = np.zeros((0, 2))
        self._labels = np.zeros(0, np.int64)
        self._filled = np.zeros(0, bool)
        self._wrong = np.zeros(0, bool)
        self._lit = np.zeros(0, bool)
        self._names: Sequence[Text] = ()
        self._captions: Sequence[Text] = ()
        self._faces = np.zeros((0, 1, 1, 3), np.uint8)
        self._extra: tuple[float, float] | None = None
        self._at: int | None = None
        self._crosses, self._sight, self._rings = (pg.ScatterPlotItem(antialias=True) for _ in range(3))
        self._said: list[Caption] = []  # the classes' names
        super().__init__((220, 170), REACH)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "feature-map"
        for item, height in ((self._crosses, 2), (self._sight, 6), (self._rings, 7)):
            item.setZValue(height)
            self.plot.addItem(item)
        self.scene().sigMouseClicked.connect(self._clicked)  # type: ignore[attr-defined]  # pyqtgraph's

    # -- content
    def set_points(self, points: np.ndarray, labels: np.ndarray, names: Sequence[Text], filled: np.ndarray) -> None:
        """Show points (n, 2) of classes (n,); ``filled`` (n,) ones are drawn whole, the others as outlines."""
        points = finite(np.asarray(points, float), "points")
        if len(points) != len(self._points):
            self._hover = self._at = None
            self._wrong, self._lit = np.zeros(len(points), bool), np.zeros(len(points), bool)
            self._captions = ()
        self._points, self._labels, self._names, self._filled = points, labels, names, filled
        self._redraw()
        self.refit()
        self.tell()

    def set_faces(self, faces: np.ndarray) -> None:
        """Pictures (n, s, s, 3) of the points, shown beside the one pointed at."""
        if faces is not self._faces:
            self._faces = faces
            self._light()

    def set_said(self, wrong: np.ndarray, captions: Sequence[Text]) -> None:
        """Cross points (n,) that were classified wrongly; ``captions`` stand below their pictures."""
        self._wrong, self._captions = wrong, captions
        self._draw_points()
        self._light()
        self.tell()

    def lit(self) -> np.ndarray:
        """Which points stand out, (n,)."""
        return self._lit

    def set_lit(self, lit: np.ndarray | None) -> None:
        """Bring some points (n,) to the fore; None for all alike."""
        self._lit = np.zeros(len(self._points), bool) if lit is None else lit
        self._draw_points()

    def set_extra(self, place: tuple[float, float] | None) -> None:
        """A point of its own: where a new photo lies."""
        self._extra = place
        self._draw_extra()
        self.refit()

    def at(self) -> int | None:
        """The pinned point."""
        return self._at

    def set_at(self, index: int | None) -> None:
        """Pin a point without telling anybody."""
        self._at = index
        self._light()
        self.tell()

    def numbers(self) -> dict[str, np.ndarray]:
        return {
            "points": self._points,
            "classes": self._labels,
            "names": np.array([words.drawn(name) for name in self._names], np.str_),
            "labeled": self._filled,
            "wrong": self._wrong,
        }

    def report(self) -> str:
        index = self._shown
        if index is None:
            return ""
        said = words.drawn(self._captions[index]) if index < len(self._captions) else ""
        return said or words.drawn(self._names[int(self._labels[index])])

    @property
    def _shown(self) -> int | None:
        return self._hover if self._hover is not None else self._at

    def whole(self) -> None:
        """All points, with some px around them; neither axis has a unit, so both are stretched to the room."""
        every = self._points if self._extra is None else np.vstack([self._points, self._extra])
        if not len(every):
            return
        low, high = every.min(0), every.max(0)
        size = np.array([self.width(), self.height()], float)
        half = np.maximum(high - low, 1e-9) / 2 * size / np.maximum(size - 2 * MARGIN, 8)
        (left, bottom), (right, top) = (low + high) / 2 - half, (low + high) / 2 + half
        self.box.setLimits(xMin=left, xMax=right, yMin=bottom, yMax=top)
        self.box.setLimits(minXRange=(right - left) / MOST_ZOOM, minYRange=(top - bottom) / MOST_ZOOM)
        self.box.setRange(xRange=(left, right), yRange=(bottom, top), padding=0)
        self.box.updateMatrix()  # else in the middle of painting, which is done twice then

    # -- hand
    def _clicked(self, event: Any) -> None:
        place = event.scenePos()
        if event.button() == Qt.MouseButton.LeftButton and not event.double():
            self._choose(self.dots.near(self.box.mapSceneToView(place)))

    def _choose(self, index: int | None) -> None:
        self._at = None if index == self._at else index
        self._light()
        self.tell()
        self.clicked.emit(self._at)

    def walk(self, rows: int, cols: int) -> bool:
        """To the nearest point in the direction of the arrow."""
        if not len(self._points):
            return False
        screen = self._points / self.box.viewPixelSize() * [1, -1]
        now = self._hover if self._at is None else self._at
        if now is None:
            self._choose(int(np.hypot(*(screen - screen.mean(0)).T).argmin()))
            return True
        way = screen - screen[now]
        along, aside = way[:, 0] * cols + way[:, 1] * rows, np.abs(way[:, 0] * rows) + np.abs(way[:, 1] * cols)
        cost = np.where((along > 0.5) & (along >= aside), along + aside, np.inf)
        if np.isfinite(cost).any():
            self._hover = None
            self._choose(int(cost.argmin()))
        return True

    def escape(self) -> bool:
        had = self._at is not None
        if had:
            self._choose(None)
        return had

    # -- items
    def _redraw(self) -> None:
        self._draw_points()
        self._draw_names()
        self._draw_extra()
        self._light()

    def _draw_points(self) -> None:
        """Filled dots, outlines and crosses; those in the fore last."""
        some = bool(self._lit.any())
        order = np.argsort(self._lit, kind="stable")
        looks: dict[tuple[int, bool, bool], tuple[object, ...]] = {}
        chosen = []
        marked = [values[order].tolist() for values in (self._labels, self._filled, self._lit)]
        for label, filled, lit in zip(*marked, strict=True):
            key = label, filled, lit
            if key not in looks:
                looks[key] = self._look(label, filled, FAINT if some and not lit else 255)
            chosen.append(looks[key])
        shapes, sizes, pens, brushes = zip(*chosen, strict=True) if chosen else ((), (), (), ())
        x, y = self._points.T
        self.dots.show_at(x, y, order, symbol=list(shapes), size=list(sizes), pen=list(pens), brush=list(brushes))
        wrong = order[self._wrong[order]]
        edges = [case("danger", 1.6, FAINT if some and not lit else 255) for lit in self._lit[wrong].tolist()]
        self._crosses.setData(*self._points[wrong].T, symbol=CROSS, size=11, pen=edges, brush=HOLLOW)

    @staticmethod
    def _look(label: int, filled: bool, alpha: int) -> tuple[object, ...]:
        """Shape, size, pen and brush."""
        token, shape = class_token(label), SHAPES[label // HUES % len(SHAPES)]
        if filled:
            return shape, 9.0, case("surface", 1, alpha), ink(token, alpha)
        return shape, 6.4, case(token, 1.4, alpha), HOLLOW

    def _draw_names(self) -> None:
        """Each class's name at the median of its points."""
        named = self._names if len(self._names) <= NAMED else ()
        while len(self._said) < len(named):
            self._said.append(Caption((0.5, 0.5), fill=205))
            self._said[-1].dress("text", CAPTION, bold=True)
            self._said[-1].setZValue(5)
            self.plot.addItem(self._said[-1])
        for label, caption in enumerate(self._said):
            mine = self._points[self._labels == label] if label < len(named) else self._points[:0]
            caption.setVisible(bool(len(mine)))
            if len(mine):
                caption.say(named[label])
                caption.setPos(*np.median(mine, axis=0).tolist())

    def _draw_extra(self) -> None:
        at, mark = self._extra, {"symbol": SIGHT, "size": 28, "brush": HOLLOW}
        pens = (case(width=5), case("accent", 2))
        spots = [] if at is None else [{"pos": at, "pen": pen, **mark} for pen in pens]
        self._sight.setData(spots)

    def _light(self) -> None:
        """The point ringed, with its picture and caption beside it."""
        index = self._shown
        shown = index is not None and index < len(self._points)
        self._rings.setVisible(shown)
        self.chip.setVisible(shown)
        if not shown or index is None:
            return
        at = self._points[index].tolist()
        pens = (case(width=4), case("accent", 2))
        self._rings.setData([{"pos": at, "size": 16, "pen": pen, "brush": HOLLOW} for pen in pens])
        if index < len(self._faces):
            face = np.ascontiguousarray(self._faces[index])
            high, wide = face.shape[:2]
            image = QImage(face.data, wide, high, 3 * wide, QImage.Format.Format_RGB888)
            smooth = Qt.TransformationMode.SmoothTransformation
            self.chip.picture(image.scaled(FACE, FACE, mode=smooth), self.report())
        else:
            self.chip.say(self.report())
        self.chip.setPos(*at)

    def apply_theme(self) -> None:
        super().apply_theme()
        for caption in self._said:
            caption.dress("text", CAPTION, bold=True)
        self._redraw()
