"""What the tests of views share: showing, grabbing, and the hand."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app import export

pg.setConfigOptions(mouseRateLimit=-1)  # a test's hand is quicker than pyqtgraph believes


def show(qtbot, view: QWidget, width: int = 480, height: int = 360) -> QWidget:
    """Show a view at a size."""
    qtbot.addWidget(view)
    view.resize(width, height)
    view.show()
    qtbot.waitExposed(view)
    return view


def exported(view: QWidget, ending: str) -> bytes:
    """The content of a file that a view is saved as."""
    store = io.BytesIO()
    export.taken(view, Path(f"view{ending}"))(store)
    return store.getvalue()


def pixels(view: QWidget) -> np.ndarray:
    """What the view paints, uint8 (h, w, 3)."""
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return flat[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def is_drawn(view: QWidget) -> bool:
    """Whether anything but paper is there."""
    shot = pixels(view)
    return bool((shot != shot[0, 0]).any())


def send(view: QWidget, kind: QEvent.Type, point: QPointF, button, buttons, modifier) -> None:
    """Hand a mouse event to a widget, whatever the platform believes of the pointer."""
    event = QMouseEvent(kind, point, view.mapToGlobal(point), button, buttons, modifier)
    QApplication.sendEvent(view, event)


def hover(view: QWidget, point: QPointF) -> None:
    """Move the pointer."""
    none = Qt.MouseButton.NoButton
    send(view, QEvent.Type.MouseMove, point, none, none, Qt.KeyboardModifier.NoModifier)


def click(view: QWidget, point: QPointF, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    """Press and release."""
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, modifier, point.toPoint())


def drag(view: QWidget, start: QPointF, end: QPointF, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    """Press, move in three steps, release."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    send(view, QEvent.Type.MouseButtonPress, start, left, left, modifier)
    for share in (0.3, 0.7, 1.0):
        send(view, QEvent.Type.MouseMove, start + (end - start) * share, none, left, modifier)
    send(view, QEvent.Type.MouseButtonRelease, end, left, none, modifier)


def wheel(view: QWidget, point: QPointF, steps: int) -> None:
    """Turn the wheel at a point."""
    event = QWheelEvent(
        point,
        view.mapToGlobal(point),
        QPoint(0, 0),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def key(view: QWidget, code: Qt.Key) -> None:
    """Press a key."""
    QTest.keyClick(view, code)


def loud(qtlog) -> list[str]:
    """Warnings of Qt; the one of the platform without a screen is not ours."""
    return [r.message for r in qtlog.records if "propagateSizeHints" not in r.message]
