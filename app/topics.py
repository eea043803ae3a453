"""The topics of the app, found by looking into ``app/tabs``: no list to edit when one is added.

Each ``app/tabs/<name>/__init__.py`` holds one ``TOPIC`` and imports nothing heavy, so that the window can name all
topics before any of them is built.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import app.tabs
from app.block import Block
from app.collecting import importing

if TYPE_CHECKING:
    from app.topic.page import Page
    from app.topic.tab import Tab

GROUPS = ("Foundations", "Models", "Measure and learn", "Relatives")


@dataclass(frozen=True)
class Shot:
    """Two more pages of a topic for the README, counted from 1: one in light English, one in dark Chinese."""

    caption: str
    light: int
    dark: int


@dataclass(frozen=True)
class Topic:
    """What the side list needs to know of a topic, and what the README says of it.

    Attributes
    ----------
    name : str
        Package name of topic and engine, as typed after ``--tab``.
    title : str
        English title, also the key of its translation.
    group : str
        One of `GROUPS`.
    order : int
        Place within the group.
    icon : str
        Name of a file in ``assets/icons``.
    pages : tuple of str
        ``module:Class`` of each `app.topic.page.Page`, imported when the topic is first shown.
    tab : str
        ``module:Class`` of the tab, where the topic has one of its own.
    pictures : bool
        Whether pictures may be dropped on it.
    trains : bool
        Whether one of its pages can train.
    architecture : tuple of Block
        The model as a picture whose blocks open pages; empty for none.
    takes : tuple of str
        Kinds of what other topics may hand to its tab, such as ``mask``; see `app.shell.Shell.send`.
    tagline, about : str
        What the tab is about in a few words, and what it shows in a few sentences; for the README, in English only.
    shots : tuple of Shot
        Pages that the README shows besides the first.
    """

    name: str
    title: str
    group: str
    order: int
    icon: str
    tab: str = "app.topic.tab:Tab"
    pages: tuple[str, ...] = ()
    pictures: bool = False
    trains: bool = False
    architecture: tuple[Block, ...] = ()
    takes: tuple[str, ...] = ()
    tagline: str = ""
    about: str = ""
    shots: tuple[Shot, ...] = ()

    def tab_class(self) -> type[Tab]:
        """Import and return the tab's class; its pages are imported with it."""
        self.page_classes()
        found: type[Tab] = _found(self.tab)
        return found

    def page_classes(self) -> tuple[type[Page], ...]:
        """Import and return the classes of the pages, in the order of the header."""
        return tuple(_found(place) for place in self.pages)


def _found(place: str) -> Any:
    """What ``module:Class`` stands for."""
    module, name = place.split(":")
    with importing():
        return getattr(importlib.import_module(module), name)


@cache
def topics() -> tuple[Topic, ...]:
    """All topics, in the order of the side list."""
    found = [
        importlib.import_module(f"app.tabs.{module.name}").TOPIC
        for module in pkgutil.iter_modules(app.tabs.__path__)
        if module.ispkg
    ]
    return tuple(sorted(found, key=lambda t: (GROUPS.index(t.group), t.order)))


def topic(name: str) -> Topic | None:
    """The topic of that package name."""
    return next((t for t in topics() if t.name == name), None)


def taking(kind: str) -> Topic | None:
    """The first topic that takes such a thing from others."""
    return next((t for t in topics() if kind in t.takes), None)
