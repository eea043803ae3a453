"""The left of a study's window: what differs, how often, how long, and where the runs are made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QSizePolicy, QWidget

from app import theme, words
from app.controls import Check
from app.lastfolder import OPENED, keep, start_in
from app.sliders import ParamRow, Scale
from app.studies.subject import SEEDS, STEPS, USUAL, Subject, proposed, read_values, typed
from app.theme import S1, S3
from app.widgets import MenuButton, Segments, box, button, col, label, quiet, rule
from engines.core.errors import LabError
from engines.core.params import Choice, Range, Switch

MANY_SEEDS = 20
HERE, RAY = range(2)


def likely(subject: Subject) -> str:
    """The setting to begin with: a learning rate, else a number, else the first."""
    names, rules = list(subject.rules), subject.rules
    numbers = [name for name in names if isinstance(rules[name], Range)]
    return next((name for name in numbers if name.endswith("rate")), next(iter(numbers), names[0]))


class Varied(QWidget):
    """A setting and its values.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, subject: Subject, title: str, optional: bool) -> None:
        super().__init__()
        self._subject, self._optional = subject, optional
        self._names = list(subject.rules)
        options = [rule_.label for rule_ in subject.rules.values()]
        self.chooser = MenuButton(["None", *options] if optional else options)
        self.chooser.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        words.say(self.chooser, "setAccessibleName", title)
        self.line = QLineEdit()
        words.say(self.line, "setAccessibleName", "Values")
        words.say(self.line, "setToolTip", "Numbers, parted by commas")
        self.checks: list[tuple[Check, Any]] = []
        self._options = box(col(gap=S1))
        self.setLayout(col(label(title), self.chooser, self.line, self._options, gap=S1))
        self.chooser.chosen.connect(lambda _at: self._renew())
        self.line.textEdited.connect(lambda _text: self.changed.emit())
        if not optional and self._names:
            self.chooser.set_at(self._names.index(likely(subject)))
        self._renew()

    @property
    def field(self) -> str:
        """The setting; empty for none."""
        at = self.chooser.at() - self._optional
        return self._names[at] if 0 <= at < len(self._names) else ""

    def choose(self, field: str, values: list[Any] | None = None) -> None:
        """Show a setting with values, by default those that are proposed."""
        self.chooser.set_at(self._names.index(field) + self._optional if field in self._names else 0)
        self._renew(values)

    def _renew(self, values: list[Any] | None = None) -> None:
        field, rules = self.field, self._subject.rules
        rule_ = rules.get(field)
        for check, _ in self.checks:
            check.hide()
            check.deleteLater()
        self.checks = []
        self.line.setVisible(isinstance(rule_, Range))
        self._options.setVisible(isinstance(rule_, Choice | Switch))
        if rule_ is not None:
            shown = proposed(rule_, getattr(self._subject.params, field)) if values is None else values
            if isinstance(rule_, Range):
                self.line.setText(typed(rule_, shown))
            else:
                every: list[tuple[str, Any]] = [("off", False), ("on", True)]
                if isinstance(rule_, Choice):
                    every = [(option, option) for option in rule_.options]
                for name, value in every:
                    check = Check(words.known(name), value in shown)
                    check.toggled.connect(lambda _on: self.changed.emit())
                    self.checks.append((check, value))
                    inside = self._options.layout()
                    assert inside is not None
                    inside.addWidget(check)
        self.changed.emit()

    def values(self) -> list[Any]:
        """The values.

        Raises
        ------
        LabError
            Something is no value of this setting.
        """
        rule_ = self._subject.rules[self.field]
        if isinstance(rule_, Range):
            return list(read_values(rule_, self.line.text(), type(getattr(self._subject.params, self.field)) is int))
        found = [value for check, value in self.checks if check.isChecked()]
        if not found:
            raise LabError("Values are missing.")
        return found

    def mark(self, bad: bool) -> None:
        """Show that the values are none."""
        theme.set_kind(self.line, "bad" if bad else "")


class FolderLine(QWidget):
    """The folder of pictures that the runs look at, and a button that asks for one.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = ""
        self.name = quiet("No folder chosen.", wrap=True)
        self.choose = button("Choose folder", "folder", "boxed", clicked=self._ask)
        self.setLayout(col(self.choose, self.name, gap=S1))
        self.show_path(path)

    def show_path(self, path: str) -> None:
        """Show a folder."""
        self.path = path
        words.say(self.name, "setText", words.plain(Path(path).name or path) if path else "No folder chosen.")
        self.name.setToolTip(path)

    def take(self, path: str) -> None:
        """Look at another folder."""
        keep(self, OPENED, path, folder=True)
        self.show_path(str(Path(path).resolve()))
        self.changed.emit()

    def _ask(self) -> None:
        dialog = QFileDialog(self, words.tr("A folder of photos"), self.path or str(start_in(self, OPENED)))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self.take)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


class Setup(QWidget):
    """All of them.

    Signals
    -------
    changed
        What would be studied is another thing.
    told : QWidget
        It says what a choice means, and has to be seen.
    """

    changed = Signal()
    told = Signal(object)

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.subject = subject
        self.preset = MenuButton(tip="Studies that are worth a look")
        words.say(self.preset, "setAccessibleName", "Presets")
        self.preset.set_options(["Presets", *(one.title for one in subject.presets)])
        self.preset.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.preset.setVisible(bool(subject.presets))
        self.preset.chosen.connect(self._take)
        self.folder, self.data = FolderLine(subject.data), label("Pictures")
        self.folder.setVisible(bool(subject.kind.part))
        self.data.setVisible(bool(subject.kind.part))
        self.first = Varied(subject, "Setting", subject.kind.arrays)
        self.second = Varied(subject, "Second setting", True)
        alone = subject.kind.arrays  # a run for each part of the folder, which draws nothing
        seeds = 1 if alone else SEEDS
        self.seeds = ParamRow("Seeds", Scale(1, MANY_SEEDS, 1, 0), seeds, None, "Runs of each combination.")
        self.seeds.setVisible(not alone)
        least = min(USUAL, subject.most) if subject.most else 1
        now = int(getattr(subject.params, STEPS, 0)) or least
        self.steps = ParamRow("Steps", Scale(1, max(2, subject.most), 1, 0, log=True), float(now), None,
                              "Of each run. What is measured is what it told last.")  # fmt: skip
        self.steps.setVisible(bool(subject.most))
        self.where = Segments(
            ("This computer", words.plain("Ray")), tips=("A process for each core, after all else", RAY_TIP)
        )
        self.address = QLineEdit()
        self.address.setPlaceholderText("127.0.0.1:6379")
        words.say(self.address, "setAccessibleName", "Address of the cluster")
        self.trust = quiet(SENT if subject.kind.part else TRUST, wrap=True)
        for part in (self.address, self.trust):
            part.hide()
        self.where.chosen.connect(self._moved)
        how = box(col(self.seeds, self.steps, rule(), gap=S3 - S1))
        how.setVisible(not alone or bool(subject.most))
        above = self.data, self.folder, self.preset, self.first, self.second, rule(), how, label("Where"), self.where
        self.setLayout(col(*above, self.address, self.trust, gap=S3 - S1))
        for varied in (self.first, self.second):
            varied.changed.connect(self.changed)
        for row_ in (self.seeds, self.steps):
            row_.changed.connect(lambda _value: self.changed.emit())
        self.folder.changed.connect(self.changed)
        if subject.kind.part and subject.presets:
            self.preset.set_at(1)
            self._take(1)

    def _take(self, at: int) -> None:
        """Show what a preset asks for; the hand may change it."""
        if not at:
            return
        preset = self.subject.presets[at - 1]
        over = [(field, list(values)) for field, values in preset.over]
        self.show_said(
            {"over": dict(over), "seeds": preset.seeds, "settings": {STEPS: preset.steps} if preset.steps else {}}
        )
        self.changed.emit()

    def _moved(self, at: int) -> None:
        for part in (self.address, self.trust):
            part.setVisible(at == RAY)
        if at == RAY:
            self.address.setFocus()
            self.told.emit(self.trust)

    @property
    def ray(self) -> str:
        """The address of the cluster; empty for this computer."""
        return self.address.text().strip() if self.where.at() == RAY else ""

    @property
    def wants_address(self) -> bool:
        """Whether a cluster is meant whose address is missing."""
        return self.where.at() == RAY and not self.ray

    def said(self) -> dict[str, Any]:
        """What would be studied, as a file says it.

        Raises
        ------
        LabError
            Something is no value of its setting.
        """
        over: dict[str, list[Any]] = {}
        self.steps.setEnabled(STEPS not in (self.first.field, self.second.field))
        for varied in (self.first, self.second):
            varied.mark(False)
            if not varied.field:
                continue
            if varied.field in over:
                raise LabError("Both settings are the same.")
            try:
                over[varied.field] = varied.values()
            except LabError:
                varied.mark(True)
                raise
        return self.subject.said(over, round(self.seeds.number()), round(self.steps.number()), self.folder.path)

    def show_said(self, said: dict[str, Any]) -> None:
        """Show what a file says."""
        self.folder.show_path(str(said.get("data", self.folder.path)))
        over = list(said.get("over", {}).items())
        for varied, (field, values) in zip((self.first, self.second), [*over, ("", None), ("", None)], strict=False):
            varied.choose(field, values)
        seeds = said.get("seeds", 1)
        self.seeds.set_number(float(seeds if isinstance(seeds, int) else len(seeds)))
        if STEPS in said.get("settings", {}):
            self.steps.set_number(float(said["settings"][STEPS]))

    def set_open(self, free: bool) -> None:
        """Let the hand change it, or not."""
        for part in (
            self.folder,
            self.preset,
            self.first,
            self.second,
            self.seeds,
            self.steps,
            self.where,
            self.address,
        ):
            part.setEnabled(free and (part is not self.steps or STEPS not in (self.first.field, self.second.field)))


SENT = (
    "Whoever reaches this port runs programs on the cluster: keep it behind authentication, and come in by SSH. The "
    "settings above and the pictures of the folder are sent there."
)
RAY_TIP = "A cluster: its nodes need this program in the same version. (Moritz et al. 2018)"
TRUST = (
    "Whoever reaches this port runs programs on the cluster: keep it behind authentication, and come in by SSH. The "
    "settings above are sent there, pictures are not."
)
