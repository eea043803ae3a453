"""For a projector: full screen, nothing but the cards, a light that goes with the pointer, and everything larger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, Qt, QTimer
from PySide6.QtGui import QCursor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app import theme
from app.questions import ask
from app.settings import BARE, LIGHT, MAXIMIZED, ZOOMS
from app.topics import topics
from engines.core.errors import Message, joined

if TYPE_CHECKING:
    from app.topic.page import Page
    from app.window import Window

HALO = 88  #: px across, of the light around the pointer
FOLLOW = 16  #: ms between two looks at where the pointer is


class Presenter(QObject):
    """What a person shows to many.

    Parameters
    ----------
    window : Window

    Attributes
    ----------
    bare : bool
        Side and dock are hidden.
    starts_anew : bool
        The window closes to be opened again at once.
    """

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        presents, window.settings.presents = window.settings.presents, []
        self.starts_anew = False
        self._said: Message | None = None
        self.bare = BARE in presents
        self._was_maximized = MAXIMIZED in presents
        self._halo = Halo(window) if LIGHT in presents else None
        if self.bare:
            self.apply()

    def full_screen(self) -> None:
        """F11: the whole screen, and back."""
        window = self._window
        if not window.isFullScreen():
            self._was_maximized = window.isMaximized()
            window.showFullScreen()
            self._tell("Full screen: F11 goes back.")
            return
        self._tell("")
        if self._was_maximized:
            window.showMaximized()
        else:
            window.showNormal()

    def toggle_bare(self) -> None:
        """F9: hide the side list and the dock, or show them."""
        self.bare = not self.bare
        self.apply()
        self._tell("F9 shows the side list and the dock again." if self.bare else "")

    def _tell(self, way_back: str) -> None:
        """Say how to go back; nothing once one has, without taking away what others have said since."""
        tab, before = self._window.tab, self._said
        self._said = Message(way_back) if way_back else None
        if tab is not None and (way_back or tab.note is before):
            tab.tell(self._said)

    def apply(self) -> None:
        """Hide or show them."""
        self._window.side.setVisible(not self.bare)
        for tab in self._window.tabs.values():
            for page in tab.pages.made:
                self.dress(page)

    def dress(self, page: Page) -> None:
        """The same for a page that was made since."""
        page.dock.setVisible(not self.bare)

    @property
    def lit(self) -> bool:
        """Whether a light goes with the pointer."""
        return self._halo is not None

    def toggle_light(self) -> None:
        """F8: a light around the pointer, or none."""
        if self._halo is None:
            self._halo = Halo(self._window)
        else:
            self._halo.deleteLater()
            self._halo.hide()
            self._halo = None

    def turn(self, by: int) -> None:
        """The next page of the tab, or the one before; round and round."""
        if (tab := self._window.tab) is not None:
            tab.show_page((tab.page + by) % len(tab.pages))

    def turn_tab(self, by: int) -> None:
        """The next tab, or the one before; round and round."""
        if (tab := self._window.tab) is not None:
            names = [one.name for one in topics()]
            self._window.open_topic(names[(names.index(tab.topic.name) + by) % len(names)])

    def zoom(self, by: int) -> None:
        """Everything larger or smaller; 0 is back to the size of the system.

        Qt asks for the factor once, so the window starts anew, with all that its session keeps.
        """
        window, now = self._window, self._window.settings.zoom
        wanted = ZOOMS[max(0, min(len(ZOOMS) - 1, ZOOMS.index(now) + by))] if by else ZOOMS[0]
        lost = [one for tab in window.tabs.values() for one in tab.at_stake()]
        if wanted == now:
            if window.tab is not None:
                window.tab.tell(Message("Text and controls at {n} %", {"n": now}))
        elif lost:
            ask(window, joined(lost), (("Change the size anyway", lambda: self.start_anew(wanted)),), "Cancel")
        else:
            self.start_anew(wanted)

    def start_anew(self, zoom: int) -> None:
        """Close the window; whoever opened it opens another, at so many percent."""
        shown = ((BARE, self.bare), (LIGHT, self.lit), (MAXIMIZED, self._was_maximized))
        self._window.settings.zoom = zoom
        self._window.settings.presents = [name for name, on in shown if on]
        self.starts_anew = True
        self._window.close()


def factor(zoom: int, own: str) -> str:
    """What Qt is to scale by, where the system's environment already says ``own``."""
    try:
        return f"{float(own or 1) * zoom / 100:g}"
    except ValueError:
        return f"{zoom / 100:g}"


class Halo(QWidget):
    """A circle of light that lets everything through."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFixedSize(HALO, HALO)
        self._ticks = QTimer(self, interval=FOLLOW)
        self._ticks.timeout.connect(self.follow)
        self._ticks.start()
        window.installEventFilter(self)
        self.show()
        self.follow()

    def follow(self) -> None:
        """Stand where the pointer is."""
        at = self.window().mapFromGlobal(QCursor.pos()) - QPoint(HALO // 2, HALO // 2)
        if at != self.pos():
            self.move(at)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Stay above what comes."""
        if event.type() == QEvent.Type.ChildAdded:
            self.raise_()
        return False

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(theme.color("pred", 70))
            painter.setPen(QPen(theme.color("pred"), 3))
            painter.drawEllipse(QRectF(self.rect()).adjusted(2, 2, -2, -2))
