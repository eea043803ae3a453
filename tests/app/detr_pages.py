"""The pages of the DETR tab that have engines of their own, beside a model that answers when a test wants it to."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QPointF, Signal

from app import theme, words
from app.tabs.detr import TOPIC
from app.tabs.detr.model import Answer, ModelPage
from app.topic.tab import Tab
from engines.detr.spec import DetrParams
from tests.app import detr_fake
from tests.app.reading import cut

MATCHING, NMS, TRAINING = range(3)


class OwnFeed(QObject):
    """Of the model; it counts how often what was cut short is taken up again."""

    busy = Signal(bool)

    def __init__(self, parent):
        super().__init__(parent)
        self.resumed = 0

    def resume(self):
        self.resumed += 1


class FakeModel(QObject):
    """What `app.tabs.detr.model.Model` is to the pages, without a tab."""

    answered = Signal()
    picture_changed = Signal()
    model_changed = Signal()

    def __init__(self):
        super().__init__()
        self.feed = OwnFeed(self)
        self.params = DetrParams()
        self.newest = None
        self.holds = False  # answers come when `answer` is called
        self.asked = self.got = 0

    def ask(self, _chosen=False):
        self.asked += 1
        if self.newest is None and not self.holds:
            self.answer()

    def get_real(self):
        self.got += 1

    def answer(self, **fields):
        """Answer anew, to other settings if there are any; the picture stays the same object."""
        self.params = replace(self.params, **fields)
        told = detr_fake.info(self.params.source)
        same = self.newest is not None and not fields.keys() & {"source", "picture", "drawing"}
        shown = self.newest.shown if same else detr_fake.picture(self.params, told.toy)
        self.newest = Answer(told, shown, detr_fake.detections(self.params, told, shown), self.params)
        self.answered.emit()

    def show(self, picture):
        """Another picture is chosen."""
        self.params, self.newest = replace(self.params, picture=picture), None
        self.picture_changed.emit()


class PagesTab(Tab):
    """Only the pages, and the model that they ask."""

    def __init__(self, topic, shell):
        self.model = FakeModel()
        super().__init__(topic, shell)
        self.model.setParent(self)

    def make_page(self, kind, state, feed):
        if issubclass(kind, ModelPage):
            return kind(state, feed, self.shell, self.model)
        return super().make_page(kind, state, feed)


PAGES = replace(
    TOPIC,
    tab="tests.app.detr_pages:PagesTab",
    pages=(
        "app.tabs.detr.matching.page:MatchingPage",
        "app.tabs.detr.nms.page:NmsPage",
        "app.tabs.detr.training.page:DetrTrainingPage",
    ),
)


def open_pages(open_window, monkeypatch):
    """A window whose DETR tab has these pages alone."""
    for module in ("app.topics", "app.window", "app.intake"):
        monkeypatch.setattr(f"{module}.topics", lambda: (PAGES,))
    monkeypatch.setattr("app.window.topic", lambda name: PAGES if name == "detr" else None)
    return open_window()


# ------------------------------------------------------------------ what the tests of these pages share
WAIT = 30_000  # ms: torch may have to be imported first


def turn_to(tab, qtbot, index):
    """Turn to a page, and wait until it shows the answer to its settings."""
    tab.show_page(index)
    rest(qtbot, tab.now)
    return tab.now


def rest(qtbot, page):
    """Wait until what is on screen is the answer to the settings."""
    qtbot.waitUntil(
        lambda: page.found is not None and page.found.params == page.params and not page.feed.is_busy, timeout=WAIT
    )


def at(view, x, y):
    """A place of a scene, as shares, on the screen."""
    view.arranged()
    width, height = view.photo_size()
    return view.on_screen(QPointF(x * width, y * height))


def speak(tab, language):
    """Say the page on screen in a language."""
    words.forget_missing()
    words.set_language(language)
    words.retranslate(tab.now)


def looks(tab, qtbot, size):
    """The window in both languages and themes; each gives what waits until everything is said whole."""
    window = tab.window()
    for language, look in (("zh", "dark"), ("en", "light")):
        theme.switch(window, theme=look, language=language)
        window.resize(*size)
        qtbot.waitUntil(lambda: window.side.rail == (size[0] < theme.NARROW))
        yield lambda: qtbot.waitUntil(lambda: not list(cut(tab)), timeout=WAIT)
