"""Pretrained models to learn on top of, from whatever topic they come. No torch: asking is instant.

A topic that has one names here the function that makes a `engines.blocks.backbone.Backbone` of a source; it is
imported when one is loaded, so that topics go on knowing nothing of each other.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from engines.checkpoints import catalog

if TYPE_CHECKING:
    from engines.blocks.backbone import Backbone

#: ``module:function`` by the topic on a model's card; hub models and folders are those of ``vit``.
HOMES = {"vit": "engines.vit.backbone:load", "moco": "engines.moco.backbone:load"}


def available() -> list[catalog.KnownModel]:
    """All models whose features can be used; ``ready`` tells which need no download."""
    return [model for topic in HOMES for model in catalog.available(topic)]


def load(source: str) -> Backbone:
    """The backbone of a source (see `engines.checkpoints.catalog`), frozen, in eval mode, on the CPU.

    Raises
    ------
    LabError
        In words: not there, damaged, or of a family that is not read here.
    """
    topic = catalog.describe(source).topic
    module, function = HOMES.get(topic, HOMES["vit"]).split(":")
    found: Backbone = getattr(importlib.import_module(module), function)(source)
    return found
