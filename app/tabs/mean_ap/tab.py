"""The tab "Average precision": pages over one engine and one set of settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtWidgets import QMenu, QWidget

from app import words
from app.choosers import Chooser, known
from app.header import entry
from app.params_form import ParamsForm
from app.sections import section
from app.tab import Dock, Page, TopicTab
from app.tabs.mean_ap.look import LookPage
from app.tabs.mean_ap.numbers import NumbersPage
from app.widgets import WideButton, box, quiet
from engines.core.errors import Message
from engines.core.params import Params
from engines.core.protocol import Ended, Event
from engines.mean_ap.spec import (
    FIRST,
    RESULTS_ALONE,
    ConfusionSeen,
    Corners,
    CurveSeen,
    DataShown,
    MeanApParams,
    Moved,
    NumbersSeen,
    PictureSeen,
    StripSeen,
)

HINT = (
    "Drag a box or the IoU: rings mark the steps that changed, the dashed curve is the one before. "
    "Drop COCO files (.json) to measure your own."
)
OF_DATA = ("files", "moved", "label", "chosen", "missed", "picture", "cell")  #: mean something in one data set alone
LOOKS = ("files", "label", "chosen", "missed", "picture", "cell")  #: no part of an undo step
MOST_FILES = 4


class DataChooser(Chooser):
    """What is measured: the sample, or files."""

    def __init__(self, tab: MeanApTab) -> None:
        super().__init__(tab, "Sample", "Data: {name}")
        self._owner = tab

    def fill(self, menu: QMenu) -> None:
        owner = self._owner
        entry(menu, "Toy DETR, 40 scenes", owner.use_sample, checked=not owner.params.files)
        menu.addSeparator()
        text = Message("{text}\t{keys}", {"text": Message("Open COCO files"), "keys": "Ctrl+O"})
        entry(menu, text, owner.shell.open_files)


class MeanApTab(TopicTab):
    """Pages "Detections" and "Numbers"."""

    params_type = MeanApParams
    intervenes: ClassVar[tuple[str, ...]] = ("moved",)
    file_kinds: ClassVar[tuple[str, ...]] = (".json",)
    file_title: ClassVar[str] = "COCO ground truth and results"

    data: DataShown | None = None
    _waiting: tuple[str, ...] = ()  # results that came before their ground truth
    _home: MeanApParams | None = None  # how the data on screen were looked at before others were asked for

    # -- building
    def build(self) -> Sequence[Page]:
        self._latest: dict[type[Event], Event] = {}
        self.look, self.table = LookPage(), NumbersPage()
        defaults = MeanApParams()
        names = ("style", "iou", "size", "threshold")
        self.form, self.table_form = ParamsForm(defaults, names), ParamsForm(defaults, ("style",))
        self.moved_note = quiet("", wrap=True)
        self.back_button = WideButton("Put the boxes back", "reset")
        self.back_button.clicked.connect(lambda _checked=False: self.reset_changes())
        hint = quiet(HINT, wrap=True)
        boxes = box(section("Boxes", self.moved_note, self.back_button))
        page = self.look
        page.walked.connect(lambda place: self.look_at(chosen=place))
        page.picked.connect(lambda label, *place: self.look_at(label=label, chosen=place))
        page.lost.connect(lambda label, *place: self.look_at(label=label, missed=place))
        page.owned.connect(lambda label, image: self.look_at(label=label, picture=image))
        page.classed.connect(lambda label: self.look_at(label=label))
        page.pictured.connect(lambda image: self.look_at(picture=image))
        page.celled.connect(self.choose_cell)
        page.dragged.connect(self.move_box)
        page.settled.connect(self.history.seal)
        return [
            Page("Detections", page.centre, Dock(self.form, boxes, hint, resets=False)),
            Page("Numbers", self.table.centre, Dock(self.table_form, resets=False)),
        ]

    def choosers(self) -> Sequence[QWidget]:
        self._chooser = DataChooser(self)
        return (self._chooser,)

    # -- acts
    def look_at(self, **fields: Any) -> None:
        """Look at a detection, a missed object, a class or a picture. Looking is no step to undo."""
        self.change(undoable=False, **({"chosen": None, "missed": None, "picture": -1} | fields))

    def choose_cell(self, cell: tuple[int, int]) -> None:
        """Offer the pictures of a cell of the confusion matrix and show the first; the same again offers all."""
        if cell == self.params.cell:
            self.look_at(cell=None)
            return
        named = [label for label in reversed(cell) if self.data is not None and label < len(self.data.classes)]
        self.look_at(cell=cell, **({"label": named[0]} if named else {}))

    def move_box(self, image: int, is_truth: bool, index: int, corners: Corners) -> None:
        """A box follows the hand."""
        place = (image, is_truth, index)
        others = tuple(one for one in self.params.moved if (one.image, one.truth, one.index) != place)
        self.change(moved=(*others, Moved(*place, corners)))

    def use_sample(self) -> None:
        """Back to what is bundled."""
        self._measure(())

    def take_paths(self, paths: Sequence[Path]) -> None:
        """COCO files: ground truth, results, or both; what is missing stays as it is."""
        self.error.dismiss()
        mine = (*self.params.files, *self._waiting, *(str(path) for path in paths))
        self._measure(tuple(dict.fromkeys(reversed(mine)))[:MOST_FILES][::-1])

    def _measure(self, files: tuple[str, ...]) -> None:
        self._waiting = ()
        if self.data is not None and self.params.files == self.data.files:
            self._home = self.params
        fields: dict[str, Any] = {"files": files, "moved": (), "label": FIRST if files else 0, "cell": None}
        if files == self.params.files:
            self.ask(again=True)
        self.look_at(**fields)
        self.history.clear()

    def escape(self) -> None:
        self.look_at(cell=None)

    def undo(self) -> None:
        """One step back; what is looked at is no part of a step."""
        self._go_back(self.history.undo(self.params))

    def redo(self) -> None:
        """One step forward, as `undo`."""
        self._go_back(self.history.redo(self.params))

    def _go_back(self, params: Params | None) -> None:
        if isinstance(params, MeanApParams):
            self._use(replace(params, **{name: getattr(self.params, name) for name in LOOKS}))

    # -- showing
    def show_params(self) -> None:
        super().show_params()
        params: MeanApParams = self.params
        self.look.set_threshold(params.threshold)
        count = len(params.moved)
        texts = {0: "All boxes are where they were.", 1: "1 box was moved."}
        words.say(self.moved_note, "setText", texts.get(count, "{n} boxes were moved."), n=count)
        self.back_button.setEnabled(count > 0)
        settings: dict[str, object] = asdict(params)
        for view in (*self.look.views(), *self.table.views()):
            view.settings = settings

    def on(self, event: Event) -> None:
        if isinstance(event, Ended):
            if event.error is not None:
                self._went_wrong(event.error, event.memory)
            elif event.cancelled and self._given_up:
                self._go_home()
        elif event is not self._latest.get(type(event)):
            self._latest[type(event)] = event
            self._show(event)

    def _show(self, event: Event) -> None:
        match event:
            case DataShown():
                if self.data is not None and event is not self.data:
                    self._latest = {DataShown: event}
                self.data = event
                self.look.show_data(event, self.params.label)
                self._chooser.show_name(known(event.name))
                for note in event.notes[:1]:
                    self.complain(note, word="Note")
            case PictureSeen():
                self.look.show_picture(event)
            case CurveSeen():
                self.look.show_curve(event)
            case ConfusionSeen():
                self.look.show_confusion(event, self.params.cell)
            case StripSeen():
                self.look.show_strip(event)
            case NumbersSeen() if self.data is not None:
                self.look.show_numbers(event)
                self.table.show_numbers(event, self.data)

    def _went_wrong(self, reason: Message, memory: bool) -> None:
        """Files that were refused are not asked for again, unless by hand."""
        new = self._go_home()
        if reason.text == RESULTS_ALONE:
            self._waiting = new
            self.complain(reason, "Open COCO files", self.shell.open_files, word="Note")
        elif new and not memory:
            self.complain(reason, "Try again", lambda: self.take_paths([Path(name) for name in new]))

    def _go_home(self) -> tuple[str, ...]:
        """Files that were refused or given up leave the data on screen as they are; without any, to the sample."""
        good = self.data.files if self.data is not None else ()
        if self.params.files == good:
            return ()
        new, home = tuple(name for name in self.params.files if name not in good), self._home or MeanApParams()
        self.params = replace(self.params, **{name: getattr(home, name) for name in OF_DATA})
        self.show_params()
        if self.data is None:
            self.ask(again=True)
        return new

    def retranslated(self) -> None:
        """Some texts are made from numbers when an answer comes: make them anew."""
        for event in list(self._latest.values()):
            if not isinstance(event, DataShown | PictureSeen):
                self._show(event)
