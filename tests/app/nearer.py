"""The hand that goes nearer: what any plot or map does with the wheel, with drags, and with "show all"."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtWidgets import QApplication

from app.plots.surface import Surface
from app.plots.view import View
from app.views.base import PixelView
from app.views.photo import PhotoView
from tests.app.views_help import send, wheel

RIGHT, MIDDLE = Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
PLAIN = Qt.KeyboardModifier.NoModifier


def sight(view: View) -> np.ndarray:
    """What is in sight, (2, 2): from and to, across and down, in units of what is shown."""
    if isinstance(view, PhotoView):
        view.arranged()  # the next painting may be a while off
        corners = (view.to_photo(QPointF(*at)) for at in ((0, 0), (view.width(), view.height())))
        return np.array([(corner.x(), corner.y()) for corner in corners]).T
    assert isinstance(view, Surface | PixelView)
    assert view.box is not None, f"{view.export_name} lies still"
    return np.array(view.box.viewRange())


def stiff(view: View) -> str:
    """What the hand can't do with a view; empty where it can do all. The view is whole again afterwards."""
    view.fit()
    QApplication.processEvents()
    whole = sight(view)
    middle = QPointF(view.width() / 2, view.height() / 2)
    port = view.viewport()
    wheel(port, middle, 4)
    near = sight(view)
    failed = [] if (np.ptp(near, axis=1) < 0.95 * np.ptp(whole, axis=1)).any() else ["wheel"]
    pull(port, MIDDLE, middle, middle + QPointF(30, 24))
    failed += [] if not np.allclose(sight(view), near) else ["pan"]
    view.fit()
    QApplication.processEvents()
    failed += [] if np.allclose(sight(view), whole) else ["show all"]
    reach = QPointF(view.width() / 5, view.height() / 5)
    pull(port, RIGHT, middle - reach, middle + reach)
    failed += [] if (np.ptp(sight(view), axis=1) < 0.95 * np.ptp(whole, axis=1)).any() else ["rectangle"]
    view.fit()
    QApplication.processEvents()
    return ", ".join(failed)


def pull(port, button: Qt.MouseButton, start: QPointF, end: QPointF) -> None:
    """Drag with a button."""
    none = Qt.MouseButton.NoButton
    send(port, QEvent.Type.MouseButtonPress, start, button, button, PLAIN)
    for share in (0.3, 0.7, 1.0):
        send(port, QEvent.Type.MouseMove, start + (end - start) * share, none, button, PLAIN)
    send(port, QEvent.Type.MouseButtonRelease, end, button, none, PLAIN)


def same_axis(one: Surface, other: Surface) -> bool:
    """Whether two plots show the same thing along x, as far as can be seen: numbers from the same to the same."""
    if not all(any(array.size for array in plot.numbers().values()) for plot in (one, other)):
        return False  # an empty one shows nothing
    spans = [plot.box.viewRange()[0] for plot in (one, other)]
    numbered = all("bottom" in plot.plot.axes and plot.plot.axes["bottom"].isVisible() for plot in (one, other))
    return numbered and type(one) is type(other) and bool(np.allclose(*spans))
