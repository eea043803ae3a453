"""Pretrained models to learn on top of, from whatever topic they come. No torch: asking is instant.

A topic that has some offers a ``backbone``: the function that makes a `engines.blocks.backbone.Backbone` of a source.
It is imported when one is loaded, so that topics go on knowing nothing of each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engines.checkpoints import catalog
from engines.core import offers
from engines.core.errors import LabError

if TYPE_CHECKING:
    from engines.blocks.backbone import Backbone

OFFER = "backbone"  #: kind of `engines.core.offers`
MAP = "feature_map"  #: the same, of those whose backbones tell of each place of a picture (`Backbone.stages`)
LAYERS = "layer_maps"  #: the same, of those that tell of each place after each layer (`Backbone.maps`)
_AT_HAND_FIRST = ("bundled", "package", "hub")


def topics(kind: str = OFFER) -> tuple[str, ...]:
    """Topics whose models can be learned on."""
    return tuple(offer.topic for offer in offers.found(kind))


def available(kind: str = OFFER) -> list[catalog.KnownModel]:
    """All models whose features can be used, those of this project first; ``ready`` tells which need no download."""
    models = [model for topic in topics(kind) for model in catalog.available(topic)]
    return catalog.better_first(sorted(models, key=lambda model: _AT_HAND_FIRST.index(model.kind)))


def usable(source: str, kind: str = OFFER) -> bool:
    """Whether the features of a source can be used: it is in the list, or a folder of a family that is read for it."""
    return catalog.topic_of(source) in topics(kind)


def load(source: str, kind: str = OFFER) -> Backbone:
    """The backbone of a source (see `engines.checkpoints.catalog`), frozen, in eval mode, on the CPU.

    Raises
    ------
    LabError
        In words: not there, damaged, or of a family whose features nobody here reads.
    """
    topic = catalog.topic_of(source)
    for offer in offers.found(kind):
        if offer.topic == topic:
            make: Callable[[str], Backbone] = offer.load()
            return make(source)
    if not topic:
        catalog.family_of(source)  # says what is wrong with a folder, where something is
    raise LabError("{name}: its features can't be used here.", name=catalog.describe(source).title)
