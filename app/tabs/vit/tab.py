"""The ViT tab: its pages share a photo and a model, which are chosen in the header."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QWidget

from app import choosers, words
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.topic.tab import Tab
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.vit.events import ModelInfo, PhotoGrid
from engines.vit.spec import ViTParams

#: Of the blocks of the architecture, in their order.
SIZES = (
    "{n} × ({p} × {p} × 3) → ({n}, {e})\nParameters: {count}, {share}",
    "{prefix} × {e}; with the patches ({tokens}, {e})\nParameters: {count}, {share}",
    "{layers} layers, {heads} heads of {d}: ({tokens}, {e}) → ({tokens}, {e})\nParameters: {count}, {share}",
    "{layers} layers: ({tokens}, {e}) → ({tokens}, {e})\nParameters: {count}, {share}",
    "({e}) → {classes} classes\nParameters: {count}, {share}",
    "Parameters in all: {all}. These five parts hold every one: an encoder and a head, no decoder.",
)


class VitTab(Tab):
    """Chooses for all pages, and says in the header what they show."""

    _info: ModelInfo | None = None
    _grid: PhotoGrid | None = None

    def choosers(self) -> Sequence[QWidget]:
        self.model_button, self.picture_button = choosers.model_chooser(self), choosers.picture_chooser(self)
        return self.model_button, self.picture_button

    def make_page(self, kind: type[Page], state: State, feed: Feed | None) -> Page:
        if isinstance(state.params, ViTParams) and not choosers.is_usable(state.params.model):
            state.put(model="")  # the folder has gone
        if feed is not None:
            feed.heard.connect(lambda event: self._show_names(state, event))
        return super().make_page(kind, state, feed)

    def takes_path(self, path: Path) -> bool:
        """A folder is for the scale study only while that is on screen: elsewhere it holds a model or pictures."""
        return self.now.accepts(path)

    def _show_names(self, state: State, event: Event) -> None:
        match event:
            case ModelInfo():
                self._info = event
                self._show_sizes()
                self.model_button.show_model(event.source, event.title)
            case PhotoGrid():
                self._grid = event
                self._show_sizes()
                picture = state.params.picture
                self.picture_button.show_picture(event.name, "" if picture is None else picture.source)

    def _show_sizes(self) -> None:
        """What goes into each block of the architecture and out of it, and where the parameters are: all of them."""
        info, grid = self._info, self._grid
        if self.doors is None or info is None or grid is None or not info.parts:
            return
        values = {
            "n": words.number(grid.rows * grid.cols), "p": info.patch_size, "e": words.number(info.width),
            "tokens": words.number(grid.tokens), "prefix": grid.prefix, "layers": info.layers, "heads": info.heads,
            "d": info.width // info.heads, "classes": words.number(len(info.labels)),
            "all": words.number(sum(info.parts)),
        }  # fmt: skip
        counts = (*info.parts, sum(info.parts))
        shares = [words.percent(count / counts[-1], 1 if 100 * count > counts[-1] else 3) for count in counts]
        self.doors.view.set_numbers(
            [
                Message(text, values | {"count": words.number(count), "share": share})
                for text, count, share in zip(SIZES, counts, shares, strict=True)
            ]
        )
