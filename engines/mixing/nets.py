"""The nets whose mixing can be looked at, from whatever topic they come. No torch: asking is instant."""

from __future__ import annotations

from collections.abc import Callable

from engines.blocks.mixers import KIND, Mixer
from engines.checkpoints import catalog
from engines.core import offers
from engines.core.errors import LabError


def load(source: str, device: str = "cpu") -> Mixer:
    """The net of a source, on a device.

    Raises
    ------
    LabError
        In words: not there, damaged, or of a topic that offers no way to look at its mixing.
    """
    topic = catalog.topic_of(source)
    for offer in offers.found(KIND):
        if offer.topic == topic:
            make: Callable[[str, str], Mixer] = offer.load()
            return make(source, device)
    if not topic:
        catalog.family_of(source)  # says what is wrong with a folder, where something is
    raise LabError("{name}: nobody here can tell how it mixes.", name=catalog.describe(source).title)
