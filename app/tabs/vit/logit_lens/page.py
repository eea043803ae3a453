"""The page "Logit lens": what the model would say if it ended after each layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app import words
from app.cards import Card
from app.classlist import class_name
from app.plots.curves import Curve, Curves
from app.shell import Shell
from app.tabs.vit.page import ModelForm, PhotoPage
from app.tabs.vit.photo import Photo
from app.tabs.vit.picker import ClassPicker, asked_about
from app.tabs.vit.shown import nice_end
from app.theme import S3, SMALL
from app.topic.feed import Feed
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.views.colorbar import ColorBar
from app.views.mosaic import Mosaic
from app.views.photomap import Cell, weight_percent
from app.widgets import box, col, label, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.vit.logit_lens.spec import LensParams, LogitLens
from engines.vit.spec import ViTParams


class LogitLensPage(PhotoPage):
    """Photo with one layer's reading, the class token layer by layer, all layers small, one class's course."""

    title = "Logit lens"
    engine = "engines.vit.logit_lens.engine:Engine"
    asks = LensParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.photo = Photo()
        self.bar = ColorBar(least=120)
        self.diff_bar = ColorBar(Message("Cosine similarity"), "diff", least=120)
        self.said = label("", SMALL)
        self.bars = Bars(pitch=40, least_name=90)
        self.course = Curves()
        self.course.export_name = "course-of-a-class"
        self.course.setMinimumSize(200, 110)
        self.small = Mosaic(captions=True)
        self.small.export_name = "lens"
        for bar in (self.bar, self.diff_bar):
            bar.drive(self.photo, self.small)
        self._photo = Card("Patches", self.photo, foot=row(self.said, 1, (self.bar, 0), (self.diff_bar, 0)))
        self._bars = Card("Class token", self.bars, "after each layer")
        self.caution = quiet("", wrap=True)
        self._small = Card("All layers", self.small, foot=self.caution)
        self._course = Card("By layer", self.course, foot=self.course.key)
        self._cards = self._photo, self._bars, self._small, self._course
        words.say(self._photo.title, "setToolTip", "Norm and head on each patch token, as if it were the class token.")
        words.say(self._bars.title, "setToolTip", "Norm and head on the class token after each layer. "
                                                  "(nostalgebraist 2020)")  # fmt: skip
        left = col((self._photo, 56), (self._small, 44), gap=S3)
        right = col((self._bars, 56), (self._course, 44), gap=S3)
        self.picker = ClassPicker()
        self.form = ModelForm(("layer", "opacity", "outline"))
        self.lay(box(row((left, 57), (right, 43), gap=S3)), self.picker, self.form)
        for one in self._cards:
            one.set_empty("Waiting for the model")
        self.answer: LogitLens | None = None
        self._labels: Sequence[str] = ()  # of the model that the event is of: another one may have come since
        self.picker.chosen.connect(lambda at: self.step(target=at))
        self.bars.clicked.connect(lambda at: self._go(at))
        self.small.chosen.connect(lambda at: self._go(at + 1))
        self.small.hovered.connect(lambda place: self._mark(None if place is None else place[1:]))
        self.course.pointed.connect(self.course.set_cursor)
        self.photo.hovered.connect(self._pointed)
        self.photo.clicked.connect(self.photo.set_pin)

    def waiting(self) -> Sequence[Card]:
        return self._cards

    # -- hand
    def _go(self, depth: int) -> None:
        if depth:
            self.step(layer=depth)

    def _mark(self, cell: Cell | None) -> None:
        self.photo.set_hover(cell)
        self._read(cell)

    def _pointed(self, cell: Cell | None) -> None:
        self.small.set_mark(cell)
        self._read(cell)

    # -- showing
    def show_params(self, params: ViTParams) -> None:
        self.photo.set_opacity(params.opacity)
        self.photo.set_mass(params.outline)
        self._draw_layer()

    def draw(self, event: Event) -> None:
        shown = self.shown
        if not isinstance(event, LogitLens) or shown.info is None or shown.grid is None:
            return
        self.answer, self._labels = event, shown.info.labels
        left, top, right, bottom = shown.grid.rectangle
        self.photo.set_photo(shown.grid.photo)
        self.photo.set_grid(shown.grid.rows, shown.grid.cols, (left, top, right - left, bottom - top))
        self.picker.show_class(shown.info, event)
        for one in self._cards:
            one.set_empty(None)
        depths = np.arange(len(event.course))
        named = event.target >= 0
        words.say(
            self.caution, "setText",
            "The head was trained on the last layer only: what it reads earlier, or from a patch, is a hint."
            if named else ("This model has no classification head. Shown: similarity of each token to the final "
                          "class token."),
        )  # fmt: skip
        name = Message("probability of {name}" if named else "cosine with the final class token",
                       {"name": asked_about(event)})  # fmt: skip
        self._course.set_note(name)
        mean = event.patches.mean((1, 2))
        self.course.set_curves(
            [Curve(Message("class token"), depths, event.course, "cat0"),
             Curve(Message("mean of the patches"), depths, mean, "cat1", dashed=True)], event.depths - 1,
        )  # fmt: skip
        self._small.set_note(name)
        top_value, low, ramp = self._scale(event)
        if len(event.patches) > 1:
            self.small.set_maps(event.patches[1:], top_value, low, ramp)
            self.small.set_captions([Message("L{n}", {"n": i + 1}) for i in range(len(event.patches) - 1)])
        self._show_bars(event)
        self.show_params(self.params)

    @staticmethod
    def _scale(event: LogitLens) -> tuple[float, float, str]:
        """Upper and lower end of the maps, and their ramp."""
        if event.target < 0:
            return 1.0, -1.0, "diff"
        return min(1.0, nice_end(float(event.patches.max(initial=0.0)))), 0.0, "ember"

    def _show_bars(self, event: LogitLens) -> None:
        rows = []
        for depth, course in enumerate(event.course.tolist()):
            place = Message("L{n}", {"n": depth}) if depth else Message("Input")
            if event.target < 0:
                rows.append(Bar(place, ((max(0.0, course), "accent"),), words.number(course, 2)))
                continue
            best, share = int(event.top[depth, 0]), float(event.shares[depth, 0])
            said = Message("{layer}  {name}", {"layer": place, "name": class_name(self._labels[best])})
            token = "accent" if best == event.target else "control"
            rows.append(Bar(said, ((share, token),), words.percent(share)))
        self.bars.set_bars(rows, 1.0)

    def _draw_layer(self) -> None:
        """The chosen layer on the photo."""
        event, shown = self.answer, self.shown
        if event is None or shown.grid is None or event.patches.shape[1:] != shown.shape:
            return
        depth = min(shown.layer(self.params), len(event.patches) - 1)
        self._photo.set_title("Patches after layer {n}", n=depth)
        top, low, ramp = self._scale(event)
        self.photo.set_map(event.patches[depth], top, low, float(event.course[depth]), ramp)
        named = event.target >= 0
        self.bar.setVisible(named)
        self.diff_bar.setVisible(not named)
        self.bar.set_range(0, top, name=asked_about(event))
        self.diff_bar.set_range(-1, 1)
        self.small.set_at(depth - 1)
        self.course.set_cursor(depth)
        self._read(None)

    def _read(self, cell: Cell | None) -> None:
        """What the patch under the pointer reads as."""
        event, shown = self.answer, self.shown
        bar = self.bar if event is not None and event.target >= 0 else self.diff_bar
        bar.set_mark(self.photo.share_at(cell))
        if event is None or shown.info is None or event.target < 0:
            words.say(self.said, "setText", words.plain(""))
            return
        depth = min(shown.layer(self.params), len(event.patches) - 1)
        says = event.says[depth]
        if cell is None or not (0 <= cell[0] < says.shape[0] and 0 <= cell[1] < says.shape[1]):
            count = int((says == event.target).sum())
            text = Message("{n} of {count} patches read as {name}",
                           {"n": count, "count": says.size, "name": asked_about(event)})  # fmt: skip
        else:
            text = Message("Patch {row}, {col} reads as {name}, {value}",
                           {"row": cell[0] + 1, "col": cell[1] + 1,
                            "name": class_name(self._labels[int(says[cell])]),
                            "value": weight_percent(float(event.sure[depth][cell]))})  # fmt: skip
        words.say(self.said, "setText", text)
