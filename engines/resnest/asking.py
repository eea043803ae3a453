"""What the engine of the page on a photo is asked about: a photo in a model, as it is changed. Imports no torch.

Counting: *blocks (over all stages), splits and channels are counted from 1*, in settings and in events, because that is
what a person reads; array axes start at 0 as ever.

A run yields, in this order: `Progress` while something takes long, `ModelInfo`, `Photo`, and one frame that holds all
that is to be drawn; then, once for each model, how its weights differ over photos.
"""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.params import PHOTO, Choice, Params, Range, Switch, setting
from engines.core.pictures import Picture

THIS_BLOCK, ALL_BLOCKS = "This block", "All blocks"
LOOK, CHANGE = "Selection", "Interventions"  # sections of the dock
ALL = 0  #: in place of a channel's number: all of them

Hand = tuple[int, int, int, float]  # block, channel (or `ALL`), split, weight


@dataclass(frozen=True)
class OfPhoto(Params):
    """A photo in a model, and what is changed in the model.

    Attributes
    ----------
    picture : Picture, optional
        None shows a sample photo.
    model : str
        Source as `engines.checkpoints.catalog.locate` takes it; empty for the best one that is here at once.
    held : tuple of (block, channel, split, weight)
        Weights by hand; the other splits of the channel share the rest.
    block : int
        The chosen one; a number past the model's last is taken as its last.
    """

    picture: Picture | None = setting(None, remembered=PHOTO)
    model: str = setting("", kept=True)
    held: tuple[Hand, ...] = setting((), changes_model=True)
    block: int = setting(
        3,
        Range(1, 100, 1, "Block", group=LOOK, tip="Block whose split attention is shown. (Zhang 2020)"),
    )  # fmt: skip
    resolution: float = setting(
        1.0,
        Range(
            0.25, 2.0, 0.01, "Resolution", group=LOOK, percent=True,
            tip="Side of the square that the photo is squeezed into, of the side that the model was made for.",
        ),
    )  # fmt: skip
    equal: bool = setting(
        False,
        Switch("Equal weights", group=CHANGE, tip="Each split weighs 1 / radix: a plain grouped convolution, divided "
               "by the radix. With radix 1: no gate."),
        changes_model=True,
    )  # fmt: skip
    swapped: bool = setting(
        False,
        Switch("Swap splits", group=CHANGE, tip="The first split gets the last one's weight, and so on."),
        changes_model=True,
    )
    scope: str = setting(
        THIS_BLOCK,
        Choice((THIS_BLOCK, ALL_BLOCKS), "Applies to", group=CHANGE, tip="What equal weights and the swap change."),
        changes_model=True,
    )
