"""Settings of the Swin tab that its pages on a photo share. Imports no torch.

See `engines.swin.asking` for how blocks, heads and places are counted; each page's own events and what its engine is
asked with stand in its room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from engines.core.params import Choice, Range, Switch, drawn, looked
from engines.swin.asking import DRAW, LOOK
from engines.swin.events import ModelInfo
from engines.swin.watch.spec import WatchParams

ATTENDS_TO, ATTENDED_BY, MASK = "Attends to", "Attended by", "Mask"
SHARED, PER_HEAD, ABSOLUTE = "Shared", "Per head", "Absolute (0–1)"


@dataclass(frozen=True)
class SwinParams(WatchParams):
    """Settings of the pages "Watch" and "Position bias".

    Attributes
    ----------
    answered_by : ModelInfo, optional
        The model on screen: numbers stay within what it has, once it is the one that is asked for.
    """

    direction: str = drawn(
        ATTENDS_TO,
        Choice(
            (ATTENDS_TO, ATTENDED_BY, MASK),
            "Direction",
            group=LOOK,
            tip="A row of the weights (where the token attends), a column (which tokens attend to it), or patches to "
            "mask.",
        ),
    )
    opacity: float = drawn(
        0.8,
        Range(0.0, 1.0, 0.05, "Opacity", group=DRAW, percent=True, tip="Opacity of the overlay on the photo."),
    )
    windows: bool = drawn(True, Switch("Windows", group=DRAW, tip="Lines between the windows of the block."))
    torus: bool = drawn(
        False,
        Switch(
            "As a torus",
            group=DRAW,
            tip="The photo as a shifted block sees it: what lies before the first window comes in at the other end, "
            "then windows are cut. Dashed: where the ends meet; the mask lets nobody look across. (Liu 2021, figure 4)",
        ),
    )
    scale: str = drawn(
        SHARED,
        Choice(
            (SHARED, PER_HEAD, ABSOLUTE),
            "Color scale",
            group=DRAW,
            tip="One upper limit of the scale for all maps, one per map, or 0 to 1.",
        ),
    )
    answered_by: ModelInfo | None = looked(None, asked=False, passing=True)

    def following(self, before: Self) -> Self:
        """Numbers within what the model has; a pin of another resolution stays at its place."""
        new, info = self, self.answered_by
        if info is not None and self.model in ("", info.source):
            block = min(self.block, info.blocks)
            new = replace(self, block=block, head=min(self.head, info.heads_of(block)))
        if new.resolution != before.resolution and new.pinned is not None and new.pinned == before.pinned:
            share = new.resolution / before.resolution
            new = replace(new, pinned=(int(new.pinned[0] * share), int(new.pinned[1] * share)))
        return new if new.resolution == before.resolution else replace(new, removed=())

    def changes(self) -> int:
        """Everything that is not as the model was read; the scope alone is none."""
        plain = SwinParams()
        single = ("temperature", "bias", "masked", "mask_padding")
        count = sum(getattr(self, name) != getattr(plain, name) for name in single)
        return count + len(self.heads_off) + bool(self.removed) + len(self.cells)
