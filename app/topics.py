"""The topics of the app, found by looking into ``app/tabs``: no list to edit when one is added.

Each ``app/tabs/<name>/__init__.py`` holds one ``TOPIC`` and imports nothing heavy, so that the window can name all
topics before any of them is built.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import app.tabs
from app.collecting import importing

if TYPE_CHECKING:
    from app.tab import TopicTab

GROUPS = ("Foundations", "Models", "Measure and learn", "Relatives")


@dataclass(frozen=True)
class Topic:
    """What the side list needs to know of a topic.

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
    tab : str
        ``module:Class`` of the `TopicTab`, imported when the topic is first shown.
    engine : str
        ``module:Class`` of the engine, imported on the compute thread.
    pictures : bool
        Whether pictures may be dropped on it.
    families : tuple of str
        ``model_type`` of the model folders it reads.
    """

    name: str
    title: str
    group: str
    order: int
    icon: str
    tab: str
    engine: str
    pictures: bool = False
    families: tuple[str, ...] = ()

    def tab_class(self) -> type[TopicTab]:
        """Import and return the tab's class."""
        module, name = self.tab.split(":")
        with importing():
            found: type[TopicTab] = getattr(importlib.import_module(module), name)
        return found


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
