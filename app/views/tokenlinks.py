"""A sequence decoded token by token: what each step read and looked at, and what it might have said instead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPainterPath

from app import theme, words
from app.plots.view import empty_note
from app.theme import BODY, CAPTION, S1, S2, SMALL
from app.views.base import CENTER, RIGHT, PixelView, chip, outline, pen, text_width, write
from app.views.photomap import weight_percent
from app.views.tokenmap import token
from app.words import Text
from engines.core.errors import Message

CHIP = 26  #: px, height of a token
ROW = 18  #: px, one candidate
LEAST_LINKS, MOST_LINKS = 26, 110  #: px between source and target
SIZES = (BODY, SMALL, CAPTION, 10, 9)  # px of the letters: the largest that fit
VALUE = 10  # px of the letters of a probability
FAINT = 0.02  # weights below are no line
Candidates = Sequence[tuple[str, float]]


class TokenLinks(PixelView):
    """Source tokens above, target tokens below, links between them, and the candidates under each target token.

    Column t is one step: the token that the decoder read last, colored by how much the marked step attends to it, and
    below it the likeliest next tokens; the one that was said is framed.

    Signals
    -------
    chosen : int
        A step was clicked or walked to.
    hovered : int or None
        The step that is pointed at.
    """

    zooms = True

    chosen = Signal(int)
    hovered = Signal(object)

    def __init__(self) -> None:
        super().__init__((300, 180))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "decoding"
        self._source: tuple[str, ...] = ()
        self._read: tuple[str, ...] = ()
        self._said: tuple[str, ...] = ()
        self._candidates: tuple[Candidates, ...] = ()
        self._cross = np.zeros((0, 0), np.float32)
        self._causal = np.zeros((0, 0), np.float32)
        self._at, self._hover, self._until = 0, -1, -1
        self._point: QPointF | None = None
        self._top: list[QRectF] = []
        self._columns: list[QRectF] = []
        self._read_y, self._left, self._px = 0.0, 60.0, (BODY, BODY, SMALL)

    # -- content
    def set_tokens(
        self, source: Sequence[str], read: Sequence[str], said: Sequence[str], candidates: Sequence[Candidates]
    ) -> None:
        """S source tokens; T tokens read and as many said; the likeliest next tokens of each step."""
        self._source, self._read, self._said = tuple(source), tuple(read), tuple(said)
        self._candidates = tuple(candidates)
        self._at = min(self._at, len(self._read) - 1)
        self._hover = self._hover if self._hover < len(self._read) else -1
        self.renew()

    def set_weights(self, cross: np.ndarray, causal: np.ndarray) -> None:
        """Weights of one head: (T, S) on the source and (T, T) on what was read."""
        self._cross, self._causal = cross, causal
        self.update()

    def set_at(self, step: int) -> None:
        """Mark a step without telling anybody."""
        self._at = step
        self.tell()
        self.update()

    def set_lit(self, step: int | None) -> None:
        """Light up a step that is pointed at elsewhere."""
        now = -1 if step is None or step >= len(self._read) else step
        if now != self._hover:
            self._hover = now
            self.update()

    def until(self) -> int:
        """The last step that is there; −1 for all."""
        return self._until

    def set_until(self, step: int) -> None:
        """Show only steps up to this one; −1 for all."""
        self._until = step
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        most = max((len(c) for c in self._candidates), default=0)
        return {
            "source": np.array(self._source, dtype=np.str_),
            "read": np.array(self._read, dtype=np.str_),
            "said": np.array(self._said, dtype=np.str_),
            "candidates": np.array([[t for t, _ in c] for c in self._candidates if len(c) == most], dtype=np.str_),
            "probabilities": np.array([[p for _, p in c] for c in self._candidates if len(c) == most]),
            "cross": self._cross,
            "causal": self._causal,
        }

    def report(self) -> str:
        at = self._hover if self._hover >= 0 else self._at
        if not 0 <= at < len(self._said):
            return ""
        likely = ", ".join(f"{t} {words.percent(p, 1)}" for t, p in self._candidates[at])
        return f"{at + 1} / {len(self._said)}: {self._said[at]}; {likely}"

    # -- places
    def arrange(self, width: int, height: int) -> None:
        if not self._read:
            return
        names = [words.tr(name) for name in ("reads", "attends", "says")]
        self._left = max(text_width(name, CAPTION) for name in names) + S2
        room = width - self._left - 1
        stack = ROW * max(len(c) for c in self._candidates)
        links = min(MOST_LINKS, max(LEAST_LINKS, height - 2 * CHIP - stack - S2 - 2))
        self._read_y = CHIP + links
        self._top = self._line(self._source, 0.0, room)
        below = self._line(self._read, self._read_y, room)
        self._columns = [QRectF(p.x(), self._read_y, p.width(), CHIP + S2 + stack) for p in below]
        said = [t for c in self._candidates for t, _ in c]
        self._px = (
            self._fitting(self._source, self._top),
            self._fitting([*self._read, *said], below),
            self._fitting(said, below, SMALL, text_width("100", VALUE) + 6),
        )

    def _line(self, tokens: Sequence[str], y: float, room: float) -> list[QRectF]:
        pitch = min(120.0, room / max(1, len(tokens)))
        gap = 4 if pitch > 30 else 2
        return [QRectF(round(self._left + i * pitch), y, max(4, round(pitch) - gap), CHIP) for i in range(len(tokens))]

    @staticmethod
    def _fitting(tokens: Sequence[str], places: Sequence[QRectF], most: int = BODY, beside: float = 0.0) -> int:
        """The largest letters, up to ``most``, with which tokens fit their places and leave room ``beside`` them."""
        room = min((p.width() for p in places), default=40.0) - 4 - beside
        sizes = [px for px in SIZES if px <= most]
        fits = (px for px in sizes if all(text_width(words.drawn(token(t)), px, True) <= room for t in tokens))
        return next(fits, sizes[-1])

    def column_rect(self, step: int) -> QRectF:
        """Where a step stands: the token read and its candidates."""
        self.arranged()
        return self._columns[step]

    def source_rect(self, index: int) -> QRectF:
        """Where a source token stands."""
        self.arranged()
        return self._top[index]

    # -- hand
    def _step_at(self, point: QPointF) -> int:
        self.arranged()
        return next((i for i, place in enumerate(self._columns) if place.contains(point)), -1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point = event.position()
        step = self._step_at(event.position())
        if step != self._hover:
            self._hover = step
            self.tell()
            self.hovered.emit(step if step >= 0 else None)
        self.update()

    def leaveEvent(self, _event: object) -> None:
        self._point = None
        if self._hover >= 0:
            self._hover = -1
            self.hovered.emit(None)
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        step = self._step_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and step >= 0:
            self.chosen.emit(step)

    def walk(self, rows: int, cols: int) -> bool:
        new = self._at + cols
        if cols and 0 <= new < len(self._read):
            self.chosen.emit(new)
        return bool(cols) and bool(self._read)

    # -- painting
    def draw(self, painter: QPainter) -> None:
        if not self._read or not self._cross.size:
            empty_note(painter, QRectF(self.rect()), Message("Nothing to show yet."))
            return
        at = self._hover if self._hover >= 0 else self._at
        shown = len(self._read) - 1 if self._until < 0 else self._until
        at = min(at, shown)
        ramp = theme.ramp("ember")
        self._say(painter, 0.0, CHIP, "attends")
        self._say(painter, self._read_y, CHIP, "reads")
        self._say(painter, self._read_y + CHIP + S2, ROW, "says")
        self._draw_links(painter, at)
        for i, (text, place) in enumerate(zip(self._source, self._top, strict=True)):
            self._draw_chip(painter, place, text, ramp[level(self._cross[at, i])], self._px[0])
        for i, text in enumerate(self._read):
            column = self._columns[i]
            place = QRectF(column.x(), self._read_y, column.width(), CHIP)
            if i > shown:
                outline(
                    painter, place.adjusted(0.5, 0.5, -0.5, -0.5), theme.color("border"), 1, None, Qt.PenStyle.DashLine
                )
                continue
            color = ramp[level(self._causal[at, i])] if i <= at else None
            self._draw_chip(painter, place, text, color, self._px[1])
            self._draw_candidates(painter, i)
        mark = self._columns[min(self._at, shown)].adjusted(-1.5, -1.5, 1.5, 1.5)
        outline(painter, mark, theme.color("accent"), 2)
        self._draw_value(painter, at)

    def _say(self, painter: QPainter, y: float, high: float, name: str) -> None:
        write(painter, QRectF(0, y, self._left - S2, high), Message(name), px=CAPTION)

    def _draw_chip(self, painter: QPainter, place: QRectF, text: str, fill: np.ndarray | None, px: int) -> None:
        if fill is None:
            painter.fillRect(place, theme.color("sunken"))
            write(painter, place, token(text), theme.color("text2"), px, False, CENTER)
            return
        red, green, blue = (int(v) for v in fill)
        painter.fillRect(place, QColor(red, green, blue))
        light = 0.299 * red + 0.587 * green + 0.114 * blue > 140
        write(painter, place, token(text), theme.color("ink" if light else "chalk"), px, True, CENTER)

    def _draw_links(self, painter: QPainter, at: int) -> None:
        start = QPointF(self._columns[at].center().x(), self._read_y)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for weight, place in zip(self._cross[at].tolist(), self._top, strict=True):
            if weight < FAINT:
                continue
            end = QPointF(place.center().x(), place.bottom() + 1)
            half = (start.y() - end.y()) / 2
            path = QPainterPath(start)
            path.cubicTo(QPointF(start.x(), start.y() - half), QPointF(end.x(), end.y() + half), end)
            painter.setPen(pen(theme.color("pred", round(70 + 185 * min(1.0, weight))), 1 + 4 * weight, square=False))
            painter.drawPath(path)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _draw_candidates(self, painter: QPainter, step: int) -> None:
        column, said = self._columns[step], self._said[step]
        y = self._read_y + CHIP + S2
        for text, chance in self._candidates[step]:
            place = QRectF(column.x(), y, column.width(), ROW - 2)
            on = text == said
            painter.fillRect(place, theme.color("sunken"))
            wide = round(place.width() * chance)
            painter.fillRect(QRectF(place.x(), place.y(), wide, place.height()), theme.color("accent_soft"))
            if wide >= 1:
                painter.fillRect(QRectF(place.x(), place.bottom() - 2, wide, 2), theme.color("accent"))
            if on:
                outline(painter, place.adjusted(0.5, 0.5, -0.5, -0.5), theme.color("accent"), 1)
            px = self._px[2]
            name = text_width(words.drawn(token(text)), px, True) + 10
            value = words.percent(chance, 0)
            if name + text_width(value, VALUE) > place.width():
                value = words.number(100 * chance)  # without its sign
            color = theme.color("text" if on else "text2")
            if name + text_width(value, VALUE) <= place.width():
                write(painter, place.adjusted(4, 0, 0, 0), token(text), color, px, on)
                write(painter, place.adjusted(0, 0, -3, 0), value, theme.color("text2"), VALUE, align=RIGHT)
            else:
                write(painter, place, token(text), color, px, on, CENTER)
            y += ROW

    def _draw_value(self, painter: QPainter, at: int) -> None:
        """The value under the pointer."""
        point = self._point
        if point is None:
            return
        inside = QRectF(self.rect())
        for weights, places in ((self._cross[at], self._top), (self._causal[at], self._columns)):
            for weight, place in zip(weights.tolist(), places, strict=True):
                spot = QRectF(place.x(), place.y(), place.width(), CHIP)
                if spot.contains(point):
                    chip(painter, spot, weight_percent(weight), inside)
                    return
        step = self._step_at(point)
        index = int((point.y() - self._read_y - CHIP - S2) // ROW)
        if step >= 0 and 0 <= index < len(self._candidates[step]):
            text, chance = self._candidates[step][index]
            spot = QRectF(
                self._columns[step].x(), self._read_y + CHIP + S2 + index * ROW, self._columns[step].width(), ROW
            )
            shown: Text = token(text)
            chip(painter, spot, f"{words.drawn(shown)} {words.percent(chance, 1)}", inside.adjusted(S1, 0, -S1, 0))


def level(weight: float) -> int:
    """A weight's place on the ramp 0..255."""
    return round(255 * min(1.0, max(0.0, float(weight))))
