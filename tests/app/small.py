"""A page in a small window: from 1280 × 800 nothing scrolls; below, it scrolls down alone, and nothing is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QScrollArea, QWidget

from app.room import Room
from app.sections import Foldable
from app.strip import PictureStrip
from app.topic.page import Page
from app.topic.training_page import TrainingPage
from app.window import Window
from tests.app import reading
from tests.app.strays import Strays

HELD, SMALL = QSize(1280, 800), QSize(1024, 600)


def room_of(page: Page) -> Room:
    """Where the cards of a page scroll."""
    at = page.centre
    while not isinstance(at, Room):
        at = at.parentWidget()
    return at


def place(widget: QWidget, window: QWidget) -> QRect:
    """Where a widget is in its window."""
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def wrong(window: Window, size: QSize) -> Iterator[str]:
    """What is amiss with the page on screen, in words."""
    tab = window.tab
    page, whole = tab.pages[tab.page], QRect(QPoint(0, 0), size)
    if window.size() != size:
        yield f"the window is {window.size().toTuple()}"
    parts = {"side": window.side, "header": tab.header, "dock": page.dock, "status": window.status}
    places = {name: place(part, window) for name, part in parts.items()} | {"cards": place(room_of(page), window)}
    for name, one in places.items():
        if not whole.contains(one):
            yield f"the {name} at {one.getRect()} is outside of the window"
        for other, two in places.items():
            if name < other and one.intersects(two):
                yield f"{name} and {other} lie over each other"
    if size == HELD:
        topics_ = window.side.findChild(QScrollArea)
        controls = page.dock.findChild(Foldable)
        for name, area in (("cards", room_of(page)), ("topics", topics_), ("dock", controls)):
            if area.verticalScrollBar().maximum() or (name == "cards" and area.horizontalScrollBar().maximum()):
                yield f"{name} scroll: {area.viewport().size().toTuple()} for {area.widget().size().toTuple()}"
    beyond = room_of(page).horizontalScrollBar().maximum()
    if size == SMALL and beyond:  # a smaller one may
        yield f"cards scroll sideways by {beyond} px"
    if (
        size in (HELD, SMALL)
        and isinstance(page, TrainingPage)
        and not places["cards"].contains(place(page.transport, window))
    ):
        yield "one has to scroll to the bar that starts the run"
    yield from reading.cut(window)


def crowded(window: Window, settle: Callable[[], object], folder: Path) -> list[str]:
    """What is amiss while something is said above the page, and the strip holds photos."""
    tab = window.tab
    tab.complain("{name}: this folder holds neither pictures nor a model.", "Try again", lambda: None, word="Note")
    if tab.takes_pictures:
        photos = [folder / f"{name}.png" for name in "ab"]
        for path in photos:
            if not path.exists():
                Image.new("RGB", (90, 60)).save(path)
        window.intake.fill_strip(tab, photos)
    settle()
    found = [f"with bar and strip: {line}" for line in wrong(window, HELD)]
    tab.error.dismiss()
    for strip in tab.findChildren(PictureStrip):
        strip.hide()
    settle()
    return found


def looks(window: Window, topic: str, settle: Callable[[], object], folder: Path) -> list[str]:
    """Open a topic in a small window, then make that one larger: what is amiss with its pages in both sizes."""
    found = []
    strays = Strays(window)
    tab = window.show_topic(topic)
    for size, language in ((SMALL, "en"), (HELD, "zh")):
        window.resize(size)
        window.use_language(language)
        for page in range(len(tab.pages)):
            tab.show_page(page)
            settle()
            here = [*wrong(window, size), *(f"opens as a window: {stray}" for stray in strays.found)]
            strays.found.clear()
            if size == HELD:
                here += crowded(window, settle, folder)
            found += [f"page {page + 1} {size.toTuple()}: {line}" for line in here]
    strays.close()
    return found
