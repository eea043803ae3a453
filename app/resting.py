"""What leaves the window is what is set, not what lies under the pointer just then."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget


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
    """Act once the page of a view shows what is pinned: where an engine has to answer for that, after its answer."""
    rest(view)
    feed = getattr(page_of(view), "feed", None)
    if feed is None or not feed.is_busy:
        act()
        return

    def answered(busy: bool) -> None:
        if not busy:
            feed.busy.disconnect(link)
            act()

    link = feed.busy.connect(answered)
