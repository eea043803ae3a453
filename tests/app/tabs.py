"""What tests ask of any tab, whatever its topic."""

from __future__ import annotations

from collections.abc import Callable

from app.params_form import ParamsForm
from app.stream import Stream
from app.topic.page import Page
from app.topic.tab import Tab
from engines.core.params import Rule, rules
from engines.core.protocol import Event


def controls(page: Page) -> dict[str, Rule]:
    """The fields that a person can set in the dock of a page."""
    shown = {name for form in page.dock.findChildren(ParamsForm) for name in form._rules}
    return {name: rule for name, rule in rules(page.params).items() if name in shown}


def listen(tab: Tab, heard: Callable[[Event], object]) -> None:
    """Hear what the engines tell, whichever page it is for; every page is made."""
    for feed in dict.fromkeys(page.feed for page in tab.pages if page.feed is not None):
        feed.heard.connect(heard)


def rests(tab: Tab) -> bool:
    """Whether nothing is computed for any page."""
    return not any(stream.is_busy for stream in tab.findChildren(Stream))
