"""The dock of the page "Training": data, what changes at once, what starts a new run."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app import words
from app.pending import Pending
from app.sections import section
from app.tabs.detr.nested import NestedForm
from app.theme import BODY, S1, S2, S3, SMALL
from app.widgets import MenuButton, box, button, col, label, quiet, rule
from app.words import say
from engines.core.errors import Message
from engines.core.params import Choice, rules
from engines.detr.training_spec import BUNDLED, DetrTraining, RunBegan

LIVE = ("rate", "no_object")
NUMBERS = ("queries", "batch")
SWITCHES = ("auxiliary", "backbone", "aids")
CHOICES = ("begin", "model", "scenes")
TOLD = 12  # faults that the tooltip lists


class TrainDock(QWidget):
    """The controls; the page puts them into settings.

    Signals
    -------
    changed : (str, object)
        A setting of `DetrTraining` and its new value.
    settled
        The hand let go.
    restarted, foldered, unfoldered
        A new run, a folder to be chosen, drawn scenes again.
    """

    changed = Signal(str, object)
    settled = Signal()
    restarted = Signal()
    foldered = Signal()
    unfoldered = Signal()

    def __init__(self) -> None:
        super().__init__()
        plain = DetrTraining()
        self._kinds = {name: type(getattr(plain, name)) for name in (*LIVE, *NUMBERS, *SWITCHES)}
        self.live, self.numbers = NestedForm(plain, LIVE), NestedForm(plain, (*NUMBERS, *SWITCHES))
        for form in (self.live, self.numbers):
            form.changed.connect(self._changed)
            form.settled.connect(self.settled)
        self.choices: dict[str, MenuButton] = {}
        self._holders: dict[str, QWidget] = {}
        for name in CHOICES:
            rule_ = rules(plain)[name]
            assert isinstance(rule_, Choice)
            menu = MenuButton(rule_.options, rule_.options.index(getattr(plain, name)), tip=rule_.tip)
            words.say(menu, "setAccessibleName", rule_.label)
            menu.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            menu.chosen.connect(lambda i, name=name, options=rule_.options: self._picked(name, options[i]))
            self.choices[name], self._holders[name] = menu, box(col(label(rule_.label, BODY), menu, gap=S1))
        self.name, self.note = label("Drawn scenes", BODY), quiet("", wrap=True)
        self.open = button("Open a folder", "folder", "boxed", FOLDER_TIP, SMALL, clicked=self.foldered.emit)
        self.drawn = button("Drawn scenes", "shapes", "boxed", px=SMALL, clicked=self.unfoldered.emit)
        for one in (self.open, self.drawn):
            one.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.pending, self.large = Pending(), quiet("", wrap=True)
        self.pending.anew.clicked.connect(lambda _checked=False: self.restarted.emit())
        self._kept = QVBoxLayout()  # where runs from the disk are offered
        data = section("Data", col(self.name, self.note, self.open, self.drawn, self._holders["scenes"], gap=S2))
        new = col(self._holders["begin"], self._holders["model"], self.numbers, self.large, gap=S3)
        self.setLayout(
            col(
                self._kept,
                data,
                rule(),
                section("Changes at once", self.live),
                rule(),
                section("Starts a new run", col(self.pending, new, gap=S3)),
                gap=S3,
            )
        )
        self.drawn.hide()

    def show_kept(self, runs: QWidget) -> None:
        """Offer runs from the disk, above all else."""
        self._kept.addWidget(runs)

    def show_params(self, params: DetrTraining) -> None:
        """Show these settings."""
        self.live.show_params(params)
        self.numbers.show_params(params)
        for name, menu in self.choices.items():
            rule_ = rules(params)[name]
            assert isinstance(rule_, Choice)
            at = rule_.options.index(getattr(params, name))
            if menu.at() != at:
                menu.set_at(at)
        self._holders["scenes"].setVisible(not params.folder)
        self.drawn.setVisible(bool(params.folder))
        self.choices["model"].setEnabled(params.begin != BUNDLED)

    def show_run(self, began: RunBegan) -> None:
        """Say what the run trains, and on what."""
        figures = {"n": words.number(began.learned), "all": words.number(began.parameters)}
        text = "{n} of {all} parameters learn" if began.learned < began.parameters else "{all} parameters learn"
        say(self.large, "setText", Message(text, figures))
        held = {"n": words.number(began.validation), "objects": words.number(began.objects)}
        if began.drawn:
            say(self.name, "setText", "Drawn scenes")
            say(self.note, "setText", Message("New ones at each step; {n} to validate on, {objects} objects", held))
            self.note.setToolTip("")
            return
        parts = {**held, "pictures": words.number(began.pictures), "classes": len(began.classes)}
        told = Message(
            "{classes} classes, {pictures} pictures to train on, {n} with {objects} objects to validate on", parts
        )
        if began.skipped:
            left = {"told": told, "skipped": words.number(began.skipped)}
            told = Message("{told}; annotations left out: {skipped}", left)
        if began.crowds:
            told = Message(
                "{told}; crowds and difficult ones left out: {n}", {"told": told, "n": words.number(began.crowds)}
            )
        if began.unused:
            told = Message("{told}; {n} further pictures are not used", {"told": told, "n": words.number(began.unused)})
        say(self.note, "setText", told)
        faults = [words.tr(fault) for fault in began.faults[:TOLD]]
        self.note.setToolTip("\n".join(faults))

    def show_folder(self, name: str) -> None:
        """The name of the folder that is trained on."""
        say(self.name, "setText", words.plain(name))

    def _changed(self, name: str, value: object) -> None:
        kind = self._kinds[name]
        if kind is int and isinstance(value, float):
            value = round(value)
        self.changed.emit(name, value)

    def _picked(self, name: str, value: str) -> None:
        self.settled.emit()
        self.changed.emit(name, value)
        self.settled.emit()


FOLDER_TIP = "Pictures with boxes in COCO or Pascal VOC format; dropping the folder does the same."
