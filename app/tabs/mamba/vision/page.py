"""The page "Vision": a patch of the photo, what reaches it, what it reaches, and the ways of the scans."""

from __future__ import annotations

from typing import Any

import numpy as np

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.shell import Shell
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.mosaic import Mosaic
from app.views.photomap import PhotoMap
from app.views.verdicts import Finding, Verdict, Verdicts
from app.widgets import box, col, quiet, row
from engines.core.errors import Message
from engines.core.pictures import Picture
from engines.core.protocol import Event
from engines.mamba.vision.spec import TO, OfVision, Seen, VisionFrame, VisionParams

RESERVE = 240  #: px of the window's height for everything but the picture
DECADES = 6.0  #: powers of ten below the strongest that are told apart
WAYS = ("Along the rows", "Backwards", "Down the columns", "Up the columns")


class ReachMap(PhotoMap):
    """How much patches count for one, over the photo."""

    def __init__(self) -> None:
        super().__init__()
        self.export_name = "reach-on-photo"
        self.reserve = RESERVE

    def _scales(self, width: float, height: float) -> tuple[float, float]:
        wide, high = self.photo_size()
        scale = min(width / wide, height / high)
        return scale, scale

    def written(self, value: float) -> str:
        """Powers of ten below the strongest; what is exactly 0 lies below the scale and says so."""
        return words.tr("exactly 0") if value < -DECADES else words.number(value, 1)


class VisionPage(Page):
    """Three cards and what they show."""

    title = "Vision"
    params_type = VisionParams
    engine = "engines.mamba.vision.engine:Engine"
    asks = OfVision
    takes_pictures = True
    params: VisionParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.photo: Seen | None = None
        self.shown: VisionFrame | None = None
        self.view, self.ways = ReachMap(), Mosaic(columns=2)
        self.ways.export_name = "ways"
        words.say(self.ways, "setAccessibleName", "Ways of the scans")
        self.bar, self.way_bar = (
            ColorBar(Message("Powers of ten below the strongest other")),
            ColorBar(Message("Place in the way")),
        )
        self.bar.drive(self.view)
        self.way_bar.drive(self.ways)
        self.verdicts = Verdicts("Which patch reaches which")
        says = quiet("Random weights: zeros are the doing of the order of the scans alone, and nothing is claimed of "
                     "accuracy.", wrap=True)  # fmt: skip
        self.photo_card = card("Patches on the photo", self.view, foot=self.bar)
        self.way_card = card("Ways of the scans", self.ways, foot=self.way_bar)
        self.verdict_card = card("Which patch reaches which", self.verdicts, foot=says)
        self.view.clicked.connect(self._pick)
        right = col((self.way_card, 1), (self.verdict_card, 1), gap=S3)
        form = ParamsForm(self.params)
        self.lay(box(row((self.photo_card, 3), (right, 2), gap=S3)), form, resets=False)

    def _pick(self, cell: object) -> None:
        if isinstance(cell, tuple):
            self.change(patch=(int(cell[0]), int(cell[1])))

    # -- the contract
    def on(self, event: Event) -> None:
        match event:
            case Seen():
                self.photo = event
                self.view.set_photo(event.photo)
            case VisionFrame():
                self.shown = event
                self._draw(event)

    def show_params(self, params: VisionParams) -> None:
        self.view.set_opacity(params.opacity)
        if self.shown is not None:
            self._draw(self.shown)

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        return {"picture": picture}

    def exported(self) -> dict[str, object]:
        made = super().exported()
        if made.pop("picture") is not None and self.photo is not None:
            made["picture"] = self.photo.name
        return made

    # -- drawing
    def _draw(self, shown: VisionFrame) -> None:
        if self.photo is None:
            return
        side = len(shown.to)
        values = shown.to if self.params.shown == TO else shown.of
        others = np.delete(values.ravel(), shown.patch[0] * side + shown.patch[1])
        share = values / max(float(others.max()), 1e-12)  # the patch itself is 1 by its skip connections, and more
        powers = np.maximum(np.log10(np.clip(share, 1e-30, 1.0)), -DECADES)
        self.view.set_grid(side, side, class_token=False)
        self.view.set_map(np.where(share > 0, powers, -DECADES - 1).astype(np.float32), 0.0, -DECADES)
        self.view.set_pin(shown.patch)
        self.bar.set_range(-DECADES, 0, clipped=bool(share.max() > 1))
        self.photo_card.set_note(Message(self.params.shown))
        top = float(side * side - 1)
        self.ways.set_maps(shown.orders, top)
        self.ways.set_captions([Message(name) for name in WAYS[: shown.directions]])
        self.ways.set_mark(shown.patch)
        self.way_bar.set_range(0, top)
        count = side * side
        where = {"row": shown.patch[0] + 1, "col": shown.patch[1] + 1}
        zeros = count - shown.reaching
        self.verdicts.set_verdicts(
            [
                Verdict(
                    Message("Patch in row {row}, column {col}", where),
                    (
                        Finding(Message("Reached by"), self._of(shown.reaching, count),
                                shown.reaching == shown.can_reach),
                        Finding(Message("The order allows"), self._of(shown.can_reach, count)),
                        Finding(Message("Gradients that are exactly 0"), words.number(zeros)),
                        Finding(Message("Reaches"), self._of(shown.reached, count)),
                    ),
                )
            ]
        )  # fmt: skip

    @staticmethod
    def _of(count: int, whole: int) -> str:
        return f"{words.number(count)} / {words.number(whole)}"
