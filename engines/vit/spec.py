"""Settings of the ViT tab that its pages share. Imports no torch.

See `engines.vit.asking` for how layers, heads and tokens are counted; each page's own events and what its engine is
asked with stand in its room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from engines.core.params import Choice, Range, Switch, drawn, looked
from engines.vit.asking import DRAW, LOOK, MEASURE
from engines.vit.events import ModelInfo, PhotoGrid
from engines.vit.intervene.spec import AblationParams
from engines.vit.logit_lens.spec import LensParams
from engines.vit.relevance.spec import RelevanceParams
from engines.vit.step_through.spec import StepParams
from engines.vit.watch.spec import WatchParams

ATTENDS_TO, ATTENDED_BY = "Attends to", "Attended by"
SHARED, PER_HEAD, ABSOLUTE = "Shared", "Per head", "Absolute (0–1)"
BY_NUMBER, BY_ENTROPY, BY_DISTANCE = "By number", "By entropy", "By distance"
PROBABILITY, LOGIT = "Probability", "Logit"


@dataclass(frozen=True)
class Layout:
    """The patches that a resolution has made of the photo on screen.

    Attributes
    ----------
    resolution : int
    prefix : int
        Tokens before the patches.
    rows, cols : int
    """

    resolution: int
    prefix: int
    rows: int
    cols: int

    @classmethod
    def of(cls, resolution: int, grid: PhotoGrid) -> Self:
        """The layout of a grid."""
        return cls(resolution, grid.prefix, grid.rows, grid.cols)

    def place_of(self, token: int | None) -> tuple[float, float] | None:
        """The middle of a patch, as shares of height and width; None for the class token and others without one."""
        if token is None or token < self.prefix:
            return None
        row, col = divmod(token - self.prefix, self.cols)
        return (row + 0.5) / self.rows, (col + 0.5) / self.cols

    def token_at(self, place: tuple[float, float]) -> int:
        """The patch under a place."""
        down, across = place
        return self.prefix + int(down * self.rows) * self.cols + int(across * self.cols)


@dataclass(frozen=True)
class ViTParams(WatchParams, RelevanceParams, AblationParams, StepParams, LensParams):
    """Settings of all pages but the scale study.

    Attributes
    ----------
    answered_by : ModelInfo, optional
        The model on screen: numbers stay within what it has, once it is the one that is asked for.
    layout : Layout, optional
        The grid on screen, which tells where a pinned patch lies.
    pinned_place : (down, across), optional
        Where on the photo the pin was, while there is no grid yet for a new resolution.
    """

    direction: str = drawn(
        ATTENDS_TO,
        Choice(
            (ATTENDS_TO, ATTENDED_BY),
            "Direction",
            group=LOOK,
            tip="A row of the weights (where the patch attends) or a column (which patches attend to it).",
            former=(("Looks at", ATTENDS_TO), ("Looked at by", ATTENDED_BY)),
        ),
    )
    opacity: float = drawn(
        0.8,
        Range(0.0, 1.0, 0.05, "Opacity", group=DRAW, percent=True, tip="Opacity of the overlay on the photo."),
    )
    outline: float = drawn(
        0.5,
        Range(
            0.0,
            1.0,
            0.05,
            "Outlined mass",
            group=DRAW,
            percent=True,
            tip="Fewest patches that together hold this share of the attention mass. (Caron 2021)",
        ),
    )
    grid: bool = drawn(True, Switch("Patch grid", group=DRAW, tip="Lines between the patches."))
    scale: str = drawn(
        SHARED,
        Choice(
            (SHARED, PER_HEAD, ABSOLUTE),
            "Color scale",
            group=DRAW,
            tip="One upper limit of the scale for all maps, one per map, or 0 to 1.",
        ),
    )
    order: str = drawn(
        BY_NUMBER,
        Choice((BY_NUMBER, BY_ENTROPY, BY_DISTANCE), "Sort heads", group=DRAW, tip="Order of the maps of a layer."),
    )
    effect: str = drawn(
        PROBABILITY,
        Choice(
            (PROBABILITY, LOGIT),
            "Effect on",
            group=MEASURE,
            tip="What the effect of a head is measured on. Where the model is certain, the logit is more informative.",
        ),
    )
    answered_by: ModelInfo | None = looked(None, asked=False, passing=True)
    layout: Layout | None = looked(None, asked=False, passing=True)
    pinned_place: tuple[float, float] | None = looked(None, asked=False)

    def following(self, before: Self) -> Self:
        """Numbers within what the model has; a pin that stays in its place when the grid becomes another."""
        new = self._within()
        if new.resolution != before.resolution and new.pinned == before.pinned:  # tokens of the new grid are others
            place = before.layout.place_of(before.pinned) if before.layout is not None else None
            new = replace(new, pinned=None, masked_patches=(), pinned_place=place or before.pinned_place)
        elif new.pinned != before.pinned:
            new = replace(new, pinned_place=None)
        layout, place = new.layout, new.pinned_place
        if layout is not None and layout != before.layout and layout.resolution == new.resolution and place is not None:
            new = replace(new, pinned=layout.token_at(place), pinned_place=None)
        return new

    def _within(self) -> Self:
        """These settings with their numbers within what the model on screen has, if they are for that one."""
        info = self.answered_by
        if info is None or self.model not in ("", info.source):
            return self
        low, high, step = info.resolutions
        resolution = self.resolution
        if high > low:
            near = low + round((resolution - low) / max(1, step)) * max(1, step)
            resolution = max(low, min(high, near))
        return replace(
            self,
            layer=min(self.layer, info.layers),
            head=min(self.head, info.heads),
            start_layer=min(self.start_layer, info.layers),
            resolution=resolution,
        )

    def changes(self) -> int:
        """Temperature, each head that is off, and the mask of patches, as one each; the scope alone is none."""
        return (self.temperature != ViTParams.temperature) + len(self.heads_off) + bool(self.masked_patches)
