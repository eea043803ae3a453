"""Settings of the ResNeSt tab's page on a photo. Imports no torch.

See `engines.resnest.asking` for how blocks, splits and channels are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from engines.core.params import Choice, Range, drawn, looked
from engines.resnest.asking import CHANGE, LOOK
from engines.resnest.events import ModelInfo
from engines.resnest.watch.spec import WatchParams

DRAW = "Display"
ONE_CHANNEL, ALL_CHANNELS = "One channel", "All channels"


@dataclass(frozen=True)
class ResNeStParams(WatchParams):
    """Settings of the page "Watch".

    Attributes
    ----------
    channel : int
        The chosen one, counted from 1.
    answered_by : ModelInfo, optional
        The model on screen: numbers stay within what it has, once it is the one that is asked for.
    """

    channel: int = drawn(
        1, Range(1, 1024, 1, "Channel", group=LOOK, tip="Channel whose splits and sum are shown large.")
    )
    hand: str = drawn(
        ONE_CHANNEL,
        Choice((ONE_CHANNEL, ALL_CHANNELS), "The hand moves", group=CHANGE, tip="Weights of the channel under the "
               "hand, or of all channels of the block."),
    )  # fmt: skip
    opacity: float = drawn(
        0.6,
        Range(0.0, 1.0, 0.05, "Opacity", group=DRAW, percent=True, tip="Opacity of the overlay on the photo."),
    )
    answered_by: ModelInfo | None = looked(None, asked=False, passing=True)

    def following(self, before: Self) -> Self:
        """Numbers within what the model has."""
        info = self.answered_by
        if info is None or self.model not in ("", info.source):
            return self
        block = min(self.block, info.blocks)
        return replace(self, block=block, channel=min(self.channel, info.channels[block - 1]))

    def changes(self) -> int:
        """Everything that is not as the model was read; the scope alone is none."""
        return len(self.held) + self.equal + self.swapped
