"""Walks every widget of the window in both languages and themes: all said, nothing cut, every button named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QApplication

from app import export, theme, words
from app.plots.surface import Surface
from app.stream import Stream
from app.theme import FONT_VARIABLE
from app.topic.page import Page
from app.topic.tab import Tab
from app.topics import topics
from app.views.base import PixelView
from app.views.table import QueryTable
from engines.core.errors import Message
from engines.core.params import Choice, Range, Switch
from tests import examples
from tests.app import reading, tabs
from tests.app.intervals import holds
from tests.app.made_up_language import tiny_bert
from tests.app.models import tiny_vit
from tests.app.small import HELD, SMALL, looks

ALL, SOME, PLAIN = 1, 3, 0
WIDEST = "DejaVu Sans"  #: most machines have it: the program's own fonts come first, and another is asked for by name
#: How many of the states are looked at in a language, a theme and a font. Each choice is looked at in Chinese, where a
#: text may lack its translation; English is longer; a theme moves nothing, so that in the other ones the pages as they
#: open are enough, in the widest font. Each language comes after the other: every text was said in that one first.
LOOKS = {
    ("en", "light", ""): SOME,
    ("zh", "dark", ""): ALL,
    ("en", "dark", WIDEST): PLAIN,
    ("zh", "light", WIDEST): PLAIN,
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Models that are quick to answer, by topic."""
    folder = tmp_path_factory.mktemp("models")
    return {"vit": str(tiny_vit(folder / "ViT 0")), "self_attention": str(tiny_bert(folder / "BERT 0"))}


@pytest.fixture
def opened(open_window, own_home, small, qtbot):
    """Opens a window with some topics, at rest."""
    kept = {topic: {"model": model} for topic, model in small.items()}
    (own_home / "settings.json").write_text(json.dumps({"topics": kept}))

    def make(*names, size=HELD):
        window = open_window(*size.toTuple())
        theme.set_motion(False)
        for name in names:
            window.show_topic(name)
        return window

    yield make
    theme.set_motion(True)


def settle(qtbot, window):
    streams = window.findChildren(Stream)
    qtbot.waitUntil(lambda: not window.intake.reading and not any(one.is_busy for one in streams), timeout=60_000)
    for _ in range(8):  # what was just written asks for its room, from one part that holds it to the next, then gets it
        QApplication.processEvents()


@dataclass(frozen=True)
class State:
    """Something that can be seen: a page of a tab, with some settings other than those it opens with."""

    tab: Tab
    page: int
    variant: str
    settings: dict[str, object]

    @property
    def name(self) -> str:
        return f"{self.tab.topic.name}, page {self.page + 1}{self.variant and ', ' + self.variant}"

    def reach(self, window) -> None:
        if window.tab is not self.tab:
            window.show_topic(self.tab.topic.name)
        self.tab.pages[self.page].state.put(**self.settings)
        if self.tab.page != self.page:
            self.tab.show_page(self.page)


def states(window, every: int) -> Iterator[State]:
    """All pages of all tabs as they open, then with each choice made and the sliders at both ends; or some of them.

    Of ``every`` pages one is looked at with a choice made, each choice on others. What only takes longer with more is
    small, as in other tests: as it is by default it was seen in small windows.
    """
    for tab in window.tabs.values():
        for number, page in enumerate(tab.pages):
            quick = {
                name: value for name, value in examples.fields(type(page.params)).items() if type(value) in (int, float)
            }
            plain: dict[str, object] = {name: getattr(page.params, name) for name in tabs.controls(page)} | quick
            some = [("", {}), *variants(page, set(quick))] if every else [("", {})]
            for at, (name, new) in enumerate(some):
                if not at or (at + number) % every == 0:
                    yield State(tab, number, name, plain | new)
            page.state.put(**plain)


def variants(page: Page, kept: set[str]) -> Iterator[tuple[str, dict[str, object]]]:
    """Choices one by one, switches turned, all ranges but some at their low ends and at their high ends."""
    ends: tuple[dict[str, object], dict[str, object]] = ({}, {})
    for name, rule in tabs.controls(page).items():
        now = getattr(page.params, name)
        match rule:
            case Choice():
                yield from ((f"{name} {option}", {name: option}) for option in rule.options if option != now)
            case Switch():
                yield f"{name} turned", {name: not now}
            case Range() if name not in kept:
                for end, value in zip(ends, (rule.low, rule.high), strict=True):
                    end[name] = type(now)(value)
    yield "low ends", ends[0]
    yield "high ends", ends[1]


def dress(window, language, look):
    window.use_language(language)
    window.use_theme(look)
    QApplication.processEvents()


def complaints(window, language, read=None) -> list[str]:
    """All that is wrong with what is on screen, and with the menus on it that are not ``read``."""
    look = reading.Look(window, read)
    found = [f"cut: {text}" for text in reading.cut(look)]
    found += [f"no name: {text}" for text in reading.nameless(look)]
    for said in set(reading.texts(look)):
        found += [f"{line}: {said}" for line in amiss(said.text, language)]
    return found


@cache  # the same texts stand there in hundreds of states
def amiss(text: str, language: str) -> list[str]:
    """All that is wrong with a text wherever it stands."""
    found = []
    if language == "zh" and (left := reading.english(text)):
        found.append(f"English in Chinese ({left})")
    if language == "en" and reading.HAN.search(reading.without_data(text)):
        found.append("Chinese in English")
    if ("“" in text and language == "en") or "{" in text:
        found.append("a quote or brace")
    try:
        holds(text)
    except AssertionError as error:  # whatever is set, an equation in numbers is true
        found.append(f"{error}")
    return found


def look_around(qtbot, window, language, chosen) -> list[str]:
    found: dict[str, str] = {}
    read = set()
    for state in chosen:
        if not state.variant:
            read.clear()  # on each page as it opens all menus, and after a choice those that came with it
        state.reach(window)
        settle(qtbot, window)
        for line in complaints(window, language, read):
            found.setdefault(line, state.name)
    found.update({f"not translated: {text!r}": "" for text in words.missing()})
    return [f"[{at}] {line}" for line, at in found.items()]


def menus(window, language) -> list[str]:
    """All that is wrong with the context menus of painted views and tables."""
    found = []
    for tab in window.tabs.values():
        for view in (*tab.findChildren(PixelView), *tab.findChildren(Surface), *tab.findChildren(QueryTable)):
            menu = export.menu(view)
            said = list(reading.menu_texts(menu, reading.where(view)))
            if len([one for one in said if one.text]) < 3:
                found.append(f"a menu of {len(said)} lines: {reading.where(view)}")
            found += [f"English in Chinese: {one}" for one in said if language == "zh" and reading.english(one.text)]
            if not view.accessibleName():
                found.append(f"no name: {reading.where(view)}")
            menu.deleteLater()
    return found + [f"not translated: {text!r}" for text in words.missing()]


@pytest.mark.timeout(900)  # the longest has sixty states to look at, perhaps on a machine that is busy
@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.name)
def test_everything_is_said_whole_and_named(topic, opened, qtbot, monkeypatch, tmp_path):
    """Each takes a part of the walk, from small windows to the widest font: no two of them build the same tab."""
    window = opened(size=SMALL)
    words.forget_missing()
    found = looks(window, topic.name, lambda: settle(qtbot, window), tmp_path)
    reading.unfold(window)  # what even this window is too low for
    for (language, look, font), every in LOOKS.items():
        assert words.language() != language
        with monkeypatch.context() as patch:  # taken back before the next window is dressed
            if font in QFontDatabase.families():
                patch.setenv(FONT_VARIABLE, font)
            dress(window, language, look)
        assert font not in QFontDatabase.families() or QApplication.font().families()[0] == font
        here = look_around(qtbot, window, language, states(window, every))
        here += [] if font else menus(window, language)
        found += [f"{language}, {look} {font} {line}" for line in here]
    assert not found, "\n" + "\n".join(found)


def test_states_that_come_rarely_are_whole_too(opened, qtbot):
    window = opened("detr", "vit")
    reading.unfold(window)  # what this window is too low for
    settle(qtbot, window)
    words.forget_missing()
    for language in ("en", "zh"):
        dress(window, language, "light")
        found = rare_states(qtbot, window, language)
        assert not found, "\n" + "\n".join(found)
    assert not words.missing()


def rare_states(qtbot, window, language) -> list[str]:
    """Error bar, busy status, wide side, film strip, nothing detected, everything switched off."""
    detr, vit = window.show_topic("detr"), window.tabs["vit"]
    detr.complain(Message("The device ran out of memory."), "Use the CPU", lambda: None)
    settle(qtbot, window)  # the dock is lower now
    found = [f"error: {line}" for line in complaints(window, language)]
    detr.error.dismiss()
    window.status.set_busy(True)
    window.status.set_progress(
        Message("Reading {name}: {done} of {total} MB, {speed} MB/s",
                {"name": "DETR ResNet-101", "done": "212", "total": "346", "speed": "8.1"}), 212, 346
    )  # fmt: skip
    window.status._announce()
    settle(qtbot, window)  # the cards get the height back that the error took
    found += [f"busy: {line}" for line in complaints(window, language)]
    window.status.set_busy(False)
    detr.now.change(threshold=1.0)
    settle(qtbot, window)
    assert not detr.now.found.passes.any()
    found += [f"nothing passes: {line}" for line in complaints(window, language)]
    detr.now.change(threshold=0.5, temperature=4.0, queries_off=(0, 3, 5))
    settle(qtbot, window)
    found += [f"touched: {line}" for line in complaints(window, language)]
    window.show_topic("vit")
    vit.now.change(
        heads_off=tuple((layer, head) for layer in (1, 2, 3) for head in (1, 2, 3, 4)), temperature=9.0, pinned=7
    )
    settle(qtbot, window)
    found += [f"all heads off: {line}" for line in complaints(window, language)]
    for page in (*detr.pages, vit.now):
        page.state.reset()
        settle(qtbot, window)
    return found
