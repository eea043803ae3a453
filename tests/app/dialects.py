"""Tabs whose pages hold the settings, and tabs that hold them for all their pages, spoken to in one way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from app.params_form import ParamsForm
from app.stream import Stream
from app.tab import AnyTab
from app.topic.page import Page
from app.topic.tab import Tab
from engines.core.params import Rule, rules
from engines.core.protocol import Event


def parts(tab: AnyTab) -> Sequence[Any]:
    """What has settings and hears events: each page, or the tab; every page is made."""
    return list(tab.pages) if isinstance(tab, Tab) else [tab]


def part(tab: AnyTab, page: int) -> Any:
    """What holds the settings of a page."""
    return tab.pages[page] if isinstance(tab, Tab) else tab


def pages_of(tab: AnyTab) -> Sequence[tuple[Any, range]]:
    """Each part, and the pages that show its settings."""
    if isinstance(tab, Tab):
        return [(page, range(at, at + 1)) for at, page in enumerate(tab.pages)]
    return [(tab, range(len(tab.pages)))]


def put(one: Any, **fields: Any) -> None:
    """Change settings of a part; no step to undo where that can be said."""
    if isinstance(one, Page):
        one.state.put(**fields)
    else:
        one.change(undoable=False, **fields)


def reset(one: Any) -> None:
    """Take every change to the model back."""
    if isinstance(one, Page):
        one.state.reset()
    else:
        one.reset_changes()


def begin_again(one: Any) -> None:
    """Settings of a part as they are at the very first start."""
    put(one, **vars(one.plain() if isinstance(one, Page) else type(one.params)()))


def controls(one: Any) -> dict[str, Rule]:
    """The fields of a part that a person can set; of a page, those in its dock."""
    every = rules(one.params)
    if not isinstance(one, Page):
        return every
    shown = {name for form in one.dock.findChildren(ParamsForm) for name in form._rules}
    return {name: rule for name, rule in every.items() if name in shown}


def listen(tab: AnyTab, heard: Callable[[Event], object]) -> None:
    """Hear the events of a tab, whichever of its pages they are for."""
    if isinstance(tab, Tab):
        for feed in dict.fromkeys(page.feed for page in tab.pages if page.feed is not None):
            feed.heard.connect(heard)
    else:
        tab.stream.arrived.connect(heard)


def rests(tab: AnyTab) -> bool:
    """Whether nothing is computed for any page."""
    return not any(stream.is_busy for stream in tab.findChildren(Stream))
