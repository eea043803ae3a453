"""The class that is asked about: a menu of the likeliest, and a field that finds the others."""

from __future__ import annotations

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtWidgets import QCompleter, QLineEdit, QSizePolicy, QWidget

from app import theme, words
from app.classlist import class_name
from app.theme import BODY, S2
from app.widgets import MenuButton, col, label, quiet
from engines.core.errors import Message
from engines.vit.events import ModelInfo, OfOneClass

LISTED = 12  # classes that a menu lists; of more it lists the likeliest, and a field finds the others


class ClassPicker(QWidget):
    """The class that is asked about: the likeliest in a menu, any other by a few letters of its name.

    Signals
    -------
    chosen : int
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.menu = MenuButton(tip="The class whose score is explained; the model's likeliest one at first.")
        self.menu.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.menu.chosen.connect(lambda at: self.chosen.emit(self._listed[at]))
        self.field = QLineEdit()
        theme.set_font(self.field, BODY)
        words.say(self.field, "setPlaceholderText", "Find another class")
        words.say(self.field, "setAccessibleName", "Find another class")
        self._names = QStringListModel(self)
        completer = QCompleter(self._names, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.activated.connect(self._found)
        self.field.setCompleter(completer)
        self.field.returnPressed.connect(lambda: self._found(self.field.text()))
        self.none = quiet("This model has no classification head.", wrap=True)
        self.setLayout(col(label("Class"), self.menu, self.field, self.none, gap=S2))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)  # a dock gives room to no gaps
        self._labels: tuple[str, ...] = ()
        self._listed: tuple[int, ...] = ()
        self._show(False)
        self.none.hide()  # nobody knows before the model is read

    def _show(self, named: bool) -> None:
        self.menu.setVisible(named)
        self.field.setVisible(named and len(self._labels) > LISTED)
        self.none.setVisible(not named)

    def show_class(self, info: ModelInfo, event: OfOneClass) -> None:
        """The classes of a model, and which one was asked about."""
        if info.labels != self._labels:
            self._labels = info.labels
            self._names.setStringList(list(info.labels))
        listed = tuple(range(len(info.labels)))
        if len(listed) > LISTED:
            listed = event.candidates if event.target in event.candidates else (*event.candidates, event.target)
        if event.target >= 0 and listed != self._listed:
            self.menu.set_options([class_name(info.labels[index]) for index in listed], listed.index(event.target))
        elif event.target >= 0:
            self.menu.set_at(listed.index(event.target))
        self._listed = listed
        self._show(event.target >= 0)

    def _found(self, text: str) -> None:
        sought = text.strip().casefold()
        at = next((i for i, name in enumerate(self._labels) if name.casefold() == sought), None)
        if at is None and sought:
            at = next((i for i, name in enumerate(self._labels) if sought in name.casefold()), None)
        theme.set_kind(self.field, "bad" if at is None and sought else "")
        if at is not None:
            self.field.clear()
            self.chosen.emit(at)


def asked_about(event: OfOneClass) -> Message:
    """The class in words: its name, or what stands for it without a head."""
    return class_name(event.label) if event.target >= 0 else Message("class token")
