"""The page "Kernel": the kernel under the hand, shapes to begin with, and the answer on the photo."""

from __future__ import annotations

from typing import Any

import numpy as np

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.shell import Shell
from app.steady import Steady
from app.tabs.large_kernel.kernel.grid import KernelGrid
from app.tabs.large_kernel.maps import NumberMosaic, PixelMap
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.mosaic import Mosaic
from app.widgets import box, col, row
from engines.core.errors import Message
from engines.core.pictures import Picture
from engines.core.protocol import Event
from engines.large_kernel.kernel.spec import SHAPES, KernelFrame, KernelParams, OfKernel, Seen

RESERVE = 430  #: px of the window's height for everything but the picture


class AnswerMap(PixelMap):
    """The answer over the photo; there is nothing to pin."""

    def __init__(self) -> None:
        super().__init__()
        self.export_name = "answer-on-photo"
        self.reserve = RESERVE

    def written(self, value: float) -> str:
        """An answer, −1 to 1."""
        return words.number(value, 2, signed=True)

    def _choose(self, cell: object) -> None:
        """A click chooses nothing."""


class KernelPage(Page):
    """Three cards and what they show."""

    title = "Kernel"
    params_type = KernelParams
    engine = "engines.large_kernel.kernel.engine:Engine"
    asks = OfKernel
    takes_pictures = True
    params: KernelParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.photo: Seen | None = None
        self.shown: KernelFrame | None = None
        self.view, self.grid, self.shapes = AnswerMap(), KernelGrid(), NumberMosaic(2, columns=6)
        self.shapes.export_name = "shapes"
        words.say(self.grid, "setAccessibleName", "Kernel")
        words.say(self.shapes, "setAccessibleName", "Shapes to begin with")
        self.answer_bar = ColorBar(Message("Answer"), "diff")
        self.answer_bar.drive(self.view)
        self.bar = ColorBar(Message("Weight"), "diff")
        self.bar.drive(self.grid)
        self.said = Steady()
        self.photo_card = card("Answer on the photo", self.view, foot=self.answer_bar)
        self.kernel_card = card("Kernel", self.grid, foot=col(self.said, self.bar))
        self.shape_card = card("Shapes to begin with", self.shapes)
        self.spectrum = Mosaic(columns=1, captions=False)
        self.spectrum.export_name = "spectrum"
        words.say(self.spectrum, "setAccessibleName", "What it lets through")
        self.spectrum_bar = ColorBar(Message("Share that passes"))
        self.spectrum_bar.drive(self.spectrum)
        self.spectrum_card = card(
            "What it lets through", self.spectrum, "middle: even, edge: finest", foot=self.spectrum_bar
        )
        self.grid.painted.connect(self._painted)
        self.grid.settled.connect(self.settle)
        self.shapes.chosen.connect(self._begin)
        left = col(self.photo_card, (self.shape_card, 1), gap=S3)
        right = col((self.kernel_card, 3), (self.spectrum_card, 2), gap=S3)
        self.lay(box(row((left, 3), (right, 2), gap=S3)), ParamsForm(self.params), resets=False)

    # -- the hand
    def _painted(self, kernel: np.ndarray) -> None:
        self.change(cells=tuple(round(float(value), 4) for value in kernel.ravel()))

    def _begin(self, index: int) -> None:
        """Begin with a shape; the same again wipes what was painted."""
        self.step(shape=SHAPES[index], cells=())

    # -- the contract
    def on(self, event: Event) -> None:
        match event:
            case Seen():
                self.photo = event
                self.view.set_photo(event.photo)
            case KernelFrame():
                self.shown = event
                self._draw(event)

    def show_params(self, params: KernelParams) -> None:
        self.view.set_opacity(params.opacity)
        self.grid.set_brush(params.brush)

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        return {"picture": picture}

    def exported(self) -> dict[str, object]:
        made = super().exported()
        if made.pop("picture") is not None and self.photo is not None:
            made["picture"] = self.photo.name
        return made

    # -- drawing
    def _draw(self, shown: KernelFrame) -> None:
        cells = self.params.cells
        if not cells or (len(cells) == shown.kernel.size and np.allclose(shown.kernel.ravel(), cells, atol=1e-3)):
            self.grid.set_kernel(shown.kernel)  # else the hand is ahead of it
        size = len(shown.kernel)
        self.kernel_card.set_note("{k} × {k}", k=size)
        self.shapes.set_maps(shown.shapes, 1.0, -1.0, "diff")
        self.shapes.set_captions([Message(name) for name in SHAPES])
        painted = bool(self.params.cells)
        self.shapes.set_at(-1 if painted else SHAPES.index(self.params.shape))
        end = max(1.0, float(np.abs(shown.kernel).max(initial=0)))
        self.bar.set_range(-end, end)
        top = max(float(shown.spectrum.max()), 1e-6)
        self.spectrum.set_maps(shown.spectrum[None], top)
        self.spectrum_bar.set_range(0, top)
        if self.photo is None:
            return
        rows, cols = shown.answer.shape
        self.view.set_grid(rows, cols, class_token=False)
        top = max(float(np.abs(shown.answer).max()), 1e-6)
        self.view.set_map(shown.answer, top, -top, ramp="diff")
        self.answer_bar.set_range(-top, top)
        values: dict[str, object] = {"n": words.number(int(np.count_nonzero(shown.kernel))), "k": size * size}
        values["ms"] = words.number(1000 * shown.seconds, 1)
        words.say(self.said, "setText", Message("{n} of {k} cells are not 0. Answer in {ms} ms", values))
