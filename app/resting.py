"""What leaves the window is what is set, not what lies under the pointer just then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from engines.core.protocol import Event, Frame, Started


def page_of(view: QWidget) -> QWidget:
    """The page around a view: what says which settings go into its files; the window where there is none."""
    above: QWidget | None = view
    while above is not None:
        if callable(getattr(above, "exported", None)):
            return above
        above = above.parentWidget()
    return view.window()


def rest(view: QWidget) -> None:
    """Let go of all that is pointed at on the page of a view: it shows what is pinned, without marks of the hand.

    The next move of the mouse points again.
    """
    page = page_of(view)
    for part in (view, *page.findChildren(QWidget)):
        nowhere = getattr(part, "point_nowhere", None)
        if callable(nowhere):
            nowhere()


def at_rest(view: QWidget, act: Callable[[], object]) -> None:
    """Act once the page of a view shows what is pinned: where an engine has to answer for that, after its answer.

    A long run is not waited for: its next frame is of what is set.
    """
    page = page_of(view)
    feed, state = getattr(page, "feed", None), getattr(page, "state", None)
    before = None if state is None else state.params
    rest(view)
    if feed is None or state is None or not feed.is_busy:
        act()
    else:
        _Waiting(feed, act, state.params == before)


class _Waiting(QObject):
    """Acts once: with the first frame of the question that is asked now, or with its end.

    Parameters
    ----------
    feed : Feed
    act : callable
    asked : bool
        The question on its way is that one already; else a frame of another may still come before it.
    """

    def __init__(self, feed: Any, act: Callable[[], object], asked: bool) -> None:
        super().__init__(feed)
        self._feed, self._act, self._asked = feed, act, asked
        feed.heard.connect(self._hear)
        feed.busy.connect(self._over)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Started):
            self._asked = True
        elif isinstance(event, Frame) and self._asked:
            self._over(False)

    def _over(self, busy: bool) -> None:
        if not busy:
            self._feed.heard.disconnect(self._hear)
            self._feed.busy.disconnect(self._over)
            self.deleteLater()
            self._act()
