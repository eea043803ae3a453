"""Sliders: the scale of a number, the slider itself, its typed field, and the three in a row with a name."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QSlider, QWidget

from app import theme, words
from app.rings import Ringed
from app.theme import BODY, SMALL
from app.widgets import col, label, row
from app.words import Text

LOG_STEPS = 200  # arrow-key steps over the whole range of a logarithmic slider
FIELD = 68  # px, the typed value


class Scale:
    """Values of a slider and how they are written: bounds, step, linear or logarithmic, digits, unit."""

    def __init__(
        self,
        low: float,
        high: float,
        step: float,
        digits: int,
        unit: str = "",
        log: bool = False,
        percent: bool = False,
    ) -> None:
        self.low, self.high, self.step, self.digits = low, high, step, digits
        self.unit, self.log, self.percent = ("%" if percent else unit), log, percent
        self.count = LOG_STEPS if log else max(1, round((high - low) / step))
        if log and all(float(v).is_integer() for v in (low, high, step)):
            self.count = min(LOG_STEPS, round((high - low) / step))  # whole numbers: no step without effect

    def value(self, position: int) -> float:
        """The value at a position 0..count."""
        if position <= 0:
            return self.low
        if position >= self.count:
            return self.high
        if self.log:
            return self.snap(self.low * (self.high / self.low) ** (position / self.count))
        return self.snap(self.low + position * self.step)

    def position(self, value: float) -> int:
        """The nearest position 0..count."""
        return round(self.share(value) * self.count)

    def share(self, value: float) -> float:
        """Where a value stands, 0..1."""
        value = min(self.high, max(self.low, value))
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def snap(self, value: float) -> float:
        """Within the bounds and without a tail of binary digits."""
        value = min(self.high, max(self.low, value))
        if self.log and not float(self.step).is_integer():
            return float(f"{value:.3g}")
        return round(value / self.step) * self.step if float(self.step).is_integer() else round(value, 10)

    def written(self, value: float) -> str:
        """As it stands in the field, unit included."""
        shown = 100 * value if self.percent else value
        if (self.log and 0 < abs(shown) < 1e-2) or abs(shown) >= 1e6:
            mantissa, exponent = f"{shown:.1e}".split("e")
            text = f"{mantissa.removesuffix('.0')}e{int(exponent)}".replace("-", "−")
        else:
            text = words.number(shown, self.digits)
        return f"{text} {words.tr(self.unit)}" if self.unit else text

    def parsed(self, text: str) -> float | None:
        """The typed value within the bounds; None for what is not a number."""
        text = text.strip()
        for unit in {self.unit, words.tr(self.unit) if self.unit else "", "%", "％"} - {""}:
            text = text.removesuffix(unit).strip()
        text = text.replace("−", "-").replace("–", "-").replace(",", "").replace(" ", "").replace("×10^", "e")
        try:
            value = float(text)
        except ValueError:
            return None
        if not math.isfinite(value):
            return None
        value = value / 100 if self.percent else value
        value = min(self.high, max(self.low, value))
        if all(float(v).is_integer() for v in (self.low, self.high, self.step)):
            value = float(round(value))
        return value


class Slider(Ringed, QSlider):
    """Groove, filled part from default to now, a tick at the default, a round handle; a ring with the keyboard.

    Signals
    -------
    changed : float
        The hand moved it (not emitted by `set_number`).
    settled : float
        The hand let go: one undo step.
    """

    changed = Signal(float)
    settled = Signal(float)

    def __init__(self, scale: Scale, value: float, default: float | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.scale_ = scale
        self.default = value if default is None else default
        self._number = value
        self._marks: tuple[float, ...] = ()
        self.setRange(0, scale.count)
        self.setPageStep(max(1, scale.count // 10))
        self.setFixedHeight(22)
        self.setMinimumWidth(60)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_number(value)
        self.valueChanged.connect(self._walked)

    # -- value
    def number(self) -> float:
        """The value, exactly as it was set or as the position gives it."""
        return self._number

    def set_number(self, value: float) -> None:
        """Move without telling anybody."""
        self._number = value
        with QSignalBlocker(self):
            self.setValue(self.scale_.position(value))
        self.update()

    def set_marks(self, marks: Sequence[float]) -> None:
        """Ticks under the groove, such as kept checkpoints."""
        self._marks = tuple(marks)
        self.update()

    def set_scale(self, scale: Scale) -> None:
        """Other bounds, such as a run that grew; the value is kept."""
        self.scale_ = scale
        with QSignalBlocker(self):
            self.setRange(0, scale.count)
            self.setValue(scale.position(self._number))
        self.update()

    def reset(self) -> None:
        """Back to the default."""
        if self._number != self.default:
            self.set_number(self.default)
            self.changed.emit(self._number)
            self.settled.emit(self._number)

    def _walked(self, position: int) -> None:
        self._number = self.scale_.value(position)
        self.changed.emit(self._number)
        if not self.isSliderDown():
            self.settled.emit(self._number)

    # -- hand
    def _ends(self) -> tuple[float, float]:
        return 8.0, self.width() - 8.0

    def _at(self, x: float) -> int:
        left, right = self._ends()
        return round(min(1.0, max(0.0, (x - left) / max(1.0, right - left))) * self.scale_.count)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._show_ring(False)
        self.setSliderDown(True)
        self.setValue(self._at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self.setValue(self._at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.isSliderDown():
            self.setSliderDown(False)
            self.settled.emit(self._number)

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self.setSliderDown(False)
        self.reset()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only with focus: a page that is scrolled must not change a model."""
        if not self.hasFocus():
            event.ignore()
            return
        steps = event.angleDelta().y() / 120
        self.setValue(self.value() + (math.ceil(steps) if steps > 0 else math.floor(steps)))
        event.accept()

    def sizeHint(self) -> QSize:
        return QSize(120, 22)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 22)

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            left, right = self._ends()
            middle = 11.0
            now = left + (right - left) * self.scale_.share(self._number)
            start = left + (right - left) * self.scale_.share(self.default)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("border"))
            painter.drawRoundedRect(QRectF(left, middle - 2, right - left, 4), 2, 2)
            painter.setBrush(theme.color("accent" if self.isEnabled() else "control"))
            painter.drawRoundedRect(QRectF(min(now, start), middle - 2, abs(now - start), 4), 2, 2)
            painter.setBrush(theme.color("control"))
            wide, share = right - left, self.scale_.share
            marks = [round(left + wide * share(mark)) - 0.5 for mark in self._marks or (self.default,)]
            painter.drawRects([QRectF(x, middle + 5, 1, 5) for x in marks])
            if self.rings:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(theme.color("accent"), 2))
                painter.drawEllipse(QPointF(now, middle), 9.5, 9.5)
            painter.setPen(QPen(theme.color("accent" if self.isEnabled() else "control"), 2))
            painter.setBrush(theme.color("surface"))
            painter.drawEllipse(QPointF(now, middle), 6, 6)


class Field(QLineEdit):
    """A typed number: Enter takes it, Esc and leaving bring the old text back, up and down step."""

    typed = Signal(float)

    def __init__(self, scale: Scale, value: float) -> None:
        super().__init__()
        self._scale, self._number = scale, value
        theme.set_font(self, SMALL)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setFixedWidth(FIELD)
        self.returnPressed.connect(self._enter)
        self.textEdited.connect(lambda _text: theme.set_kind(self, ""))
        self.set_number(value)

    def set_number(self, value: float) -> None:
        """Write a value."""
        self._number = value
        theme.set_kind(self, "")
        self.setText(self._scale.written(value))
        self._widen()

    def set_scale(self, scale: Scale) -> None:
        """Other bounds or digits."""
        self._scale = scale
        self.set_number(self._number)

    def retranslated(self) -> None:
        """A unit may be a word."""
        self.set_number(self._number)

    restyled = retranslated

    def _widen(self) -> None:
        ends = (self._scale.written(v) for v in (self._scale.low, self._scale.high, self._number))
        need = max(self.fontMetrics().horizontalAdvance(text) for text in ends) + 24
        self.setFixedWidth(max(FIELD, need))

    def _enter(self) -> None:
        value = self._scale.parsed(self.text())
        if value is None:
            theme.set_kind(self, "bad")
            self.selectAll()
            return
        changed = value != self._number
        self.set_number(value)
        self.selectAll()
        if changed:
            self.typed.emit(value)

    def event(self, event: QEvent) -> bool:
        """What is typed and not taken yet is undone here; else the key is the window's: it takes the setting back."""
        if event.type() == QEvent.Type.ShortcutOverride and self.text() == self._scale.written(self._number):
            assert isinstance(event, QKeyEvent)
            if event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo):
                event.ignore()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Escape:
            self.set_number(self._number)
            self.selectAll()
        elif step is not None:
            value = self._scale.value(self._scale.position(self._number) + step)
            if value != self._number:
                self.set_number(value)
                self.typed.emit(value)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QEvent) -> None:
        super().focusInEvent(event)  # type: ignore[arg-type]  # Qt's stub wants QFocusEvent, which this is
        self.selectAll()

    def focusOutEvent(self, event: QEvent) -> None:
        super().focusOutEvent(event)  # type: ignore[arg-type]  # as above
        if self._scale.parsed(self.text()) is None:
            self.set_number(self._number)
        elif self.text() != self._scale.written(self._number):
            self._enter()


class ParamRow(QWidget):
    """A named setting: name, typed value with unit, slider. A changed name turns bold and accent.

    Signals
    -------
    changed : float
        A new value, at each move of the hand.
    settled : float
        The hand let go, or a value was typed: one undo step.
    """

    changed = Signal(float)
    settled = Signal(float)

    def __init__(self, name: Text, scale: Scale, value: float, default: float | None = None, tip: Text = "") -> None:
        super().__init__()
        default = value if default is None else default
        self.name = label(name, BODY)
        self.field = Field(scale, value)
        self.slider = Slider(scale, value, default)
        self.setLayout(col(row(self.name, 1, self.field), self.slider, gap=2))
        self.slider.changed.connect(self._slid)
        self.slider.settled.connect(self.settled)
        self.field.typed.connect(self._typed)
        self.name.installEventFilter(self)
        for part in (self.slider, self.field):
            words.say(part, "setAccessibleName", name)
        if tip:
            for told in (self.name, self.slider, self.field):
                words.say(told, "setToolTip", tip)
        self._mark()

    def number(self) -> float:
        """The value."""
        return self.slider.number()

    def set_number(self, value: float) -> None:
        """Show a value without telling anybody."""
        self.slider.set_number(value)
        self.field.set_number(value)
        self._mark()

    def set_scale(self, scale: Scale, default: float | None = None) -> None:
        """Other bounds, such as a model with more layers."""
        if default is not None:
            self.slider.default = default
        self.slider.set_scale(scale)
        self.field.set_scale(scale)
        self._mark()

    def is_changed(self) -> bool:
        """Whether the value is not the default."""
        return not math.isclose(self.number(), self.slider.default, rel_tol=1e-9, abs_tol=1e-12)

    def reset(self) -> None:
        """Back to the default, as by a double-click."""
        self.slider.reset()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.name and event.type() == QEvent.Type.MouseButtonDblClick:
            self.reset()
            return True
        return super().eventFilter(watched, event)

    def _slid(self, value: float) -> None:
        self.field.set_number(value)
        self._mark()
        self.changed.emit(value)

    def _typed(self, value: float) -> None:
        self.slider.set_number(value)
        self._mark()
        self.changed.emit(value)
        self.settled.emit(value)

    def _mark(self) -> None:
        changed = self.is_changed()
        kind = "accent" if changed else ""
        if self.name.property("kind") != kind or self.name.font().bold() != changed:
            theme.set_kind(self.name, kind)  # first: polishing brings the style sheet's font back
            theme.set_font(self.name, BODY, bold=changed)
