"""A graph in the plane: all nodes one item of pyqtgraph, all edges another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QContextMenuEvent, QPainter, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app import theme, words
from app.plots.chart import case, ink
from app.plots.items import Caption
from app.plots.points import Points, embers
from app.plots.surface import Surface, cosmetic
from app.plots.typed import GraphicsObject
from app.theme import CAPTION

REACH = 12.0  #: px around a node that take hold of it
BIG, SMALL, MANY = 16.0, 7.0, 400  #: px of a node, where there are few, and many
FEW = 1_200  #: edges that are drawn as wide as they weigh; more are one pixel wide
NAMED = 120  #: nodes whose names stand beside them; more would hide the graph
CLASSES = 4  # widths that edges are drawn in
WIDTHS = (1.0, 1.0, 2.0, 3.5)
FAINT = (40, 90, 130, 170)  # of 255, by the same
PALE = 90  #: of 255, nodes that are not looked at
MOVE, JOIN, CUT = "Move", "Join", "Cut"


class EdgesItem(GraphicsObject):
    """All edges as lines: those of one width in one call, those into the chosen node in their color above."""

    def __init__(self) -> None:
        super().__init__()
        self._groups: list[tuple[QPen, PrimitiveArray]] = []
        self._smooth = False
        self._bounds = QRectF()

    def show_lines(self, groups: Sequence[tuple[QPen, np.ndarray]]) -> None:
        """Draw lines (n, 4) of x1, y1, x2, y2, group after group with its pen."""
        self.prepareGeometryChange()
        self._groups = [(pen, _packed(lines)) for pen, lines in groups if len(lines)]
        self._smooth = sum(len(lines) for _, lines in groups) <= FEW
        every = [lines for _, lines in groups if len(lines)]
        if every:
            points = np.concatenate(every).reshape(-1, 2)
            low, high = points.min(0), points.max(0)
            self._bounds = QRectF(low[0], low[1], high[0] - low[0], high[1] - low[1]).adjusted(-0.1, -0.1, 0.1, 0.1)
        self.update()

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._smooth)
        for pen, lines in self._groups:
            painter.setPen(pen)
            painter.drawLines(*lines.drawargs())


def _packed(lines: np.ndarray) -> PrimitiveArray:
    """Lines (n, 4) as Qt takes them without one object each."""
    made = PrimitiveArray(QLineF, 4)
    made.resize(len(lines))
    made.ndarray()[:] = lines
    return made


class GraphView(Surface):
    """Nodes and edges, dragged, joined and cut by the hand.

    Parameters
    ----------
    editable : bool
        Nodes can be dragged.
    cuts : bool
        A right click on an edge cuts it.

    Signals
    -------
    chosen : int
        A node was clicked.
    hovered : int or None
    moved : (int, float, float)
        A node is dragged there.
    dropped
        The hand let go.
    joined : (int, int)
        An edge between two nodes was asked for, or is to go.
    """

    chosen = Signal(int)
    hovered = Signal(object)
    moved = Signal(int, float, float)
    dropped = Signal()
    joined = Signal(int, int)

    def __init__(self, editable: bool = False, cuts: bool = False) -> None:
        self.mode, self.cuts = MOVE, cuts
        self._places = np.zeros((0, 2))
        self._names: Sequence[str] = ()
        self._named = True
        self._arcs = np.zeros((2, 0), np.int64)
        self._share = np.zeros(0)
        self._directed = False
        self._lit: tuple[np.ndarray, np.ndarray] = (np.zeros((2, 0), np.int64), np.zeros(0))
        self._brushes: list[QBrush] = []
        self._rings = np.zeros(0, np.int64)
        self._marks: dict[int, str] = {}
        self._at: int | None = None
        self._over: int | None = None
        self._from: int | None = None  # where an edge begins
        self._edges = EdgesItem()
        self._nodes = Points(REACH)
        self._captions: list[Caption] = []
        self.chip = Caption(gap=14, chip=True)
        super().__init__((200, 180), {})
        self.export_name = "graph"
        self.box.setAspectLocked(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._nodes.editable = editable
        self._editable = editable
        for item, height in ((self._edges, 0), (self._nodes, 2), (self.chip, 9)):
            item.setZValue(height)
            self.plot.addItem(item)
        self.chip.hide()
        self._nodes.moved.connect(self._drag)
        self._nodes.dropped.connect(self.dropped)
        self.scene().sigMouseClicked.connect(self._clicked)  # type: ignore[attr-defined]  # pyqtgraph's
        self.pointed_at.connect(lambda at: self._point(None if at is None else self._nodes.near(at)))

    # -- content
    def set_places(self, places: np.ndarray) -> None:
        """Where the nodes stand, (N, 2)."""
        fresh = len(places) != len(self._places)
        self._places = np.asarray(places, float)
        if fresh:
            self._at = self._over = self._from = None
            self.paint_anew()  # while it was empty the scene has not been painted: it would paint its changes only
        self._draw()
        if self._nodes.held is None:
            self.refit()

    def set_edges(self, arcs: np.ndarray, share: np.ndarray, directed: bool) -> None:
        """Edges (2, A) with what each weighs, as a share of the largest, (A,)."""
        self._arcs, self._share, self._directed = arcs, share, directed
        self._draw_edges()

    def set_lit(self, arcs: np.ndarray, share: np.ndarray) -> None:
        """Edges (2, n) above the others, in the colors of attention, by their share (n,) of the largest."""
        self._lit = arcs, share
        self._draw_edges()

    def set_nodes(self, names: Sequence[str], brushes: Sequence[QBrush], rings: np.ndarray | None = None,
                  marks: dict[int, str] | None = None, named: bool = True) -> None:  # fmt: skip
        """How nodes look.

        Parameters
        ----------
        names : sequence of str
        brushes : sequence of QBrush
        rings : ndarray of int (N,), optional
            How many hops away: 0 is ringed strongest, −1 not at all.
        marks : dict of int to str
            Nodes whose class is told: token of the color of their square.
        named : bool
            Names beside the nodes, where there is room.
        """
        if tuple(names) != tuple(self._names) or named != self._named:
            self._names, self._named = tuple(names), named
            self._make_captions()
        self._brushes, self._marks = list(brushes), marks or {}
        self._rings = np.full(len(names), -1) if rings is None else rings
        self._dress_captions()
        self._draw_nodes()

    def set_at(self, node: int | None) -> None:
        """The chosen node."""
        if node != self._at:
            self._at = node
            self._draw_nodes()
            self.tell()

    def at(self) -> int | None:
        """The chosen node."""
        return self._at

    def over(self) -> int | None:
        """The node that is pointed at, here or elsewhere."""
        return self._over

    def set_over(self, node: int | None) -> None:
        """Light a node up that is pointed at elsewhere."""
        if node != self._over:
            self._over = node
            self._draw_nodes()

    def set_mode(self, mode: str) -> None:
        """What a click and a drag do: `MOVE`, `JOIN` or `CUT`."""
        self.mode, self._from = mode, None
        self._nodes.editable = self._editable and mode == MOVE
        self._draw_nodes()

    def place(self, node: int) -> QPointF:
        """Where a node stands on the widget, px."""
        return self.place_of(*self._places[node].tolist())

    def numbers(self) -> dict[str, np.ndarray]:
        return {"places": self._places, "edges": self._arcs, "weights": self._share,
                "messages": self._lit[0], "shares": self._lit[1]}  # fmt: skip

    def report(self) -> str:
        at = self._over if self._over is not None else self._at
        return self._names[at] if at is not None and at < len(self._names) else ""

    def is_empty(self) -> bool:
        return not len(self._places)

    def whole(self) -> None:
        if len(self._places):
            low, high = self._places.min(0), self._places.max(0)
            wide, tall = np.maximum(high - low, 0.5)
            self.box.setRange(QRectF(low[0], low[1], wide, tall).adjusted(-0.08, -0.08, 0.08, 0.08), padding=0.02)

    def resized(self) -> None:
        self.refit()

    # -- hand
    def _drag(self, node: int, at: QPointF, _keys: object) -> None:
        self._places[node] = at.x(), at.y()
        self._draw()
        self.moved.emit(node, at.x(), at.y())

    def _clicked(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not len(self._places):
            return
        at = self.box.mapSceneToView(event.scenePos())
        node = self._nodes.near(at)
        if self.mode == CUT and node is None:
            arc = self.arc_near(at)
            if arc is not None:
                self.joined.emit(*arc)
        elif self.mode in (JOIN, CUT) and node is not None:
            self._from, first = (node, None) if self._from is None else (None, self._from)
            if first is not None and first != node:
                self.joined.emit(first, node)
            self._draw_nodes()
        elif node is not None:
            self.chosen.emit(node)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """An edge that can be cut goes; elsewhere the menu comes."""
        at = self.value_at(QPointF(event.pos()))
        arc = self.arc_near(at) if self.cuts and self._nodes.near(at) is None else None
        if arc is None or event.reason() != QContextMenuEvent.Reason.Mouse:
            super().contextMenuEvent(event)
            return
        event.accept()
        self.joined.emit(*arc)

    def arc_near(self, at: QPointF) -> tuple[int, int] | None:
        """The edge under a place of the axes."""
        if not self._arcs.shape[1]:
            return None
        wide, _ = self.box.viewPixelSize()
        start, end = self._places[self._arcs[0]], self._places[self._arcs[1]]
        way = end - start
        along = (((np.array([at.x(), at.y()]) - start) * way).sum(1) / np.maximum((way**2).sum(1), 1e-12)).clip(0, 1)
        far = np.linalg.norm(start + along[:, None] * way - np.array([at.x(), at.y()]), axis=1)
        best = int(far.argmin())
        return (int(self._arcs[0, best]), int(self._arcs[1, best])) if far[best] <= REACH / 2 * wide else None

    def _point(self, node: int | None) -> None:
        if node != self._over:
            self.set_over(node)
            self.tell()
            self.hovered.emit(node)

    def leaveEvent(self, event: Any) -> None:
        super().leaveEvent(event)
        self._point(None)

    def walk(self, rows: int, cols: int) -> bool:
        if not len(self._places):
            return False
        self.chosen.emit(((self._at if self._at is not None else -1) + (cols or rows)) % len(self._places))
        return True

    def escape(self) -> bool:
        held, self._from = self._from, None
        self._draw_nodes()
        return held is not None

    # -- items
    def _make_captions(self) -> None:
        for old in self._captions:
            self.plot.removeItem(old)
        shown = self._names if self._named and len(self._names) <= NAMED else ()
        self._captions = []
        for name in shown:
            made = Caption(anchor=(0.5, 0.5))
            made.setZValue(3)
            made.setPlainText(name)
            self._captions.append(made)
            self.plot.addItem(made)

    def _dress_captions(self) -> None:
        """Short names stand in their nodes, long ones beside them; those of pale nodes in the color of text."""
        inside = max((len(name) for name in self._names), default=0) <= 2
        for made, brush in zip(self._captions, self._brushes, strict=False):
            filled = brush.color().alpha() == 255 and brush.color() != theme.color("control")
            made.dress("surface" if inside and filled else "text", CAPTION)
            if not inside:
                made.shift(QPointF(7, -20))

    def _draw(self) -> None:
        self._draw_edges()
        self._draw_nodes()

    def _draw_edges(self) -> None:
        count = len(self._places)
        groups: list[tuple[QPen, np.ndarray]] = []
        if count and self._arcs.size and self._arcs.max() < count:
            lines = self._lines(self._arcs)
            level = np.clip((self._share * (CLASSES - 1) + 0.5).astype(int), 0, CLASSES - 1)
            thin = len(lines) > FEW  # wide lines of that many take a tenth of a second
            groups += [(case("text2", 1 if thin else WIDTHS[n], FAINT[n]), lines[level == n]) for n in range(CLASSES)]
            if self._directed:
                groups.append((cosmetic(theme.color("text2", FAINT[2])), self._heads(self._arcs)))
        arcs, share = self._lit
        if count and arcs.size and arcs.max() < count:
            lines, heads = self._lines(arcs), self._heads(arcs)
            for n, brush in enumerate(embers(share)):
                pen = cosmetic(brush.color(), width=1.5 + 5 * float(share[n]))
                groups.append((case(width=4 + 5 * float(share[n])), lines[n : n + 1]))
                groups.append((pen, lines[n : n + 1]))
                groups.append((pen, heads[2 * n : 2 * n + 2]))
        self._edges.show_lines(groups)

    def _lines(self, arcs: np.ndarray) -> np.ndarray:
        """(2, n) -> (n, 4)."""
        return np.concatenate([self._places[arcs[0]], self._places[arcs[1]]], 1)

    def _heads(self, arcs: np.ndarray) -> np.ndarray:
        """Two strokes for each arrow, (2n, 4), a little before its end."""
        start, end = self._places[arcs[0]], self._places[arcs[1]]
        way = end - start
        long = np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
        unit = way / long
        side = np.stack([-unit[:, 1], unit[:, 0]], 1)
        size = np.minimum(0.3 * long, 0.05)
        tip = start + way * 0.62  # beyond the middle, so that both ways of an edge can be told apart
        strokes = [np.concatenate([tip, tip - size * (unit + turn * 0.6 * side)], 1) for turn in (1, -1)]
        return np.stack(strokes, 1).reshape(-1, 4)

    def _draw_nodes(self) -> None:
        count = len(self._places)
        if not count or len(self._brushes) != count:
            return
        size = BIG if count <= MANY else SMALL
        pens = self._pens(size)
        symbols = ["s" if n in self._marks else "o" for n in range(count)] if self._marks else "o"
        x, y = self._places.T
        self._nodes.show_at(x, y, size=size, brush=self._brushes, pen=pens, symbol=symbols)
        for made, (a, b) in zip(self._captions, self._places.tolist(), strict=False):
            made.setPos(a, b)
        over = self._over
        self.chip.setVisible(over is not None and not self._captions)
        if over is not None and over < count and not self._captions:
            self.chip.say(words.plain(self._names[over]))
            self.chip.setPos(*self._places[over].tolist())

    def _pens(self, size: float) -> list[QPen]:
        plain, far = case(width=1), [case("text", w) for w in (1, 2.5, 1.5)]
        pens = [plain if ring <= 0 or ring >= len(far) else far[ring] for ring in self._rings.tolist()]
        for node, token, width in ((self._from, "accent", 3), (self._at, "accent", 3), (self._over, "text", 2.5)):
            if node is not None and node < len(pens):
                pens[node] = case(token, width)
        return pens

    def apply_theme(self) -> None:
        self.chip.dress()
        self._dress_captions()
        self._draw()


def class_brushes(labels: np.ndarray, faint: np.ndarray | None = None) -> list[QBrush]:
    """A brush for each class (N,); nodes without one are gray, those that are ``faint`` (N,) are pale."""
    known = {n: token_of(n) for n in np.unique(labels).tolist()}
    if faint is None:
        return [ink(known[n]) for n in labels.tolist()]
    return [ink(known[n], PALE if dim else 255) for n, dim in zip(labels.tolist(), faint.tolist(), strict=True)]


def token_of(label: int) -> str:
    """Color of a class; −1 where it is not known."""
    return f"cat{label % 6}" if label >= 0 else "control"
