"""What topics offer to each other and to the rooms, found by its kind: nobody needs another topic's name.

A topic that has something for others says so in ``engines/<topic>/offers.py``, which imports nothing heavy::

    OFFERS = {"backbone": "engines.vit.backbone:load"}

The kind is agreed on between who offers and who asks; the place, ``module:name`` within the topic's own package, is
imported when it is used. Who asks says what he takes: `engines.checkpoints.catalog` lists ``models`` and ``families``,
`engines.checkpoints.backbones` loads a ``backbone`` or a ``feature_map``, ``--export`` asks for ``stills``
(`engines.core.stills`), the tab "Mixing" for ``mixing`` (`engines.blocks.mixers`), who trains a detector for a
``learner`` beside it (`engines.data.learners`), who compares detectors for a ``detector`` (`engines.blocks.detectors`).
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import Any

import engines


@dataclass(frozen=True)
class Offer:
    """One thing that a topic has for others.

    Attributes
    ----------
    topic : str
        Package name of who offers it.
    kind : str
    place : str
        ``module:name`` of a function or a value.
    """

    topic: str
    kind: str
    place: str

    def load(self) -> Any:
        """Import the module and return what is offered."""
        module, name = self.place.split(":")
        return getattr(importlib.import_module(module), name)


def found(kind: str) -> tuple[Offer, ...]:
    """All offers of a kind, by the topic's name."""
    return tuple(offer for offer in every() if offer.kind == kind)


@cache
def every() -> tuple[Offer, ...]:
    """All offers of all topics.

    Raises
    ------
    ValueError
        If a place is not ``module:name`` in the package of the topic that offers it.
    """
    offers = []
    for package in pkgutil.iter_modules(engines.__path__):
        name = f"{engines.__name__}.{package.name}.offers"
        if package.ispkg and package.name != "core" and importlib.util.find_spec(name) is not None:
            table: dict[str, str] = importlib.import_module(name).OFFERS
            offers += [_checked(Offer(package.name, kind, place)) for kind, place in table.items()]
    return tuple(offers)


def _checked(offer: Offer) -> Offer:
    module, _, name = offer.place.partition(":")
    if not module.startswith(f"{engines.__name__}.{offer.topic}.") or not name.isidentifier():
        raise ValueError(f"offers of {offer.topic}: {offer.kind} lies at {offer.place}, not in engines.{offer.topic}")
    return offer
