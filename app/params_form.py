"""Builds the dock's controls from a Params class, once for every tab."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app import words
from app.controls import Check
from app.sections import Section
from app.sliders import ParamRow, Scale
from app.theme import BODY, S1, S2, S3
from app.widgets import Item, MenuButton, Segments, box, col, label, row, rule
from engines.core.params import Choice, Params, Range, Rule, Switch, rules

SIDE_BY_SIDE = 3  #: options that stand side by side; more go into a list
FITS = 26  #: letters of two options that fit side by side into the dock
BETWEEN = 2  #: letters that the edges of one more option take


def scale_of(rule: Range) -> Scale:
    """The slider's scale for a range of the settings."""
    return Scale(rule.low, rule.high, rule.step, rule.digits, rule.unit, rule.log, rule.percent)


class ParamsForm(QWidget):
    """Edits some fields of a Params, in sections named after their groups.

    Parameters
    ----------
    params : Params
        Its rules say which controls there are, its values where they stand. The defaults are those of its class.
    names : iterable of str, optional
        The fields to show; all that have a rule if not given.

    Signals
    -------
    changed : (str, object)
        A field and its new value, at each move of the hand.
    settled : str
        The hand let go of that field: the end of one undo step.
    """

    changed = Signal(str, object)
    settled = Signal(str)

    def __init__(self, params: Params, names: Iterable[str] | None = None) -> None:
        super().__init__()
        every = rules(params)
        self._rules = every if names is None else {name: every[name] for name in names}
        self._kinds = {name: type(getattr(params, name)) for name in self._rules}
        self._plain = type(params)()
        self._controls: dict[str, QWidget] = {}
        self._places: dict[str, QVBoxLayout] = {}
        self._around: dict[str, list[QWidget]] = {}  # of a group: the line above it and its section
        groups: dict[str, list[str]] = {}
        for name, rule_ in self._rules.items():
            groups.setdefault(rule_.group, []).append(name)
        self._layout = col(gap=S3)
        for i, (group, members) in enumerate(groups.items()):
            around = self._around[group] = [rule()] if i else []
            for line in around:
                self._layout.addWidget(line)
            inside = col(*(self._control(n, self._rules[n], getattr(params, n)) for n in members), gap=S3)
            self._places[group] = inside
            if group:
                made = Section(group, inside)
                around.append(made)
                self._layout.addLayout(col(made))
            else:
                self._layout.addLayout(inside)
        self.setLayout(self._layout)

    # -- building
    def _control(self, name: str, rule_: Rule, value: Any) -> Item:
        match rule_:
            case Range():
                default = float(getattr(self._plain, name))
                number = ParamRow(rule_.label, scale_of(rule_), float(value), default, rule_.tip)
                number.changed.connect(lambda v, n=name: self.changed.emit(n, self._kinds[n](self._exact(n, v))))
                number.settled.connect(lambda _v, n=name: self.settled.emit(n))
                self._controls[name] = number
                return number
            case Choice():
                return self._choice(name, rule_, value)
            case Switch():
                check = Check(rule_.label, value, rule_.tip)
                check.toggled.connect(lambda on, n=name: self._picked(n, on))
                self._controls[name] = check
                return check

    def _choice(self, name: str, rule_: Choice, value: str) -> Item:
        at = rule_.options.index(value)
        letters = sum(map(len, rule_.options)) + BETWEEN * (len(rule_.options) - 2)
        short = len(rule_.options) <= SIDE_BY_SIDE and letters <= FITS
        control: Segments | MenuButton = Segments(rule_.options, at) if short else MenuButton(rule_.options, at)
        control.chosen.connect(lambda i, n=name, options=rule_.options: self._picked(n, options[i]))
        self._controls[name] = control
        if rule_.tip:
            words.say(control, "setToolTip", rule_.tip)
        words.say(control, "setAccessibleName", rule_.label)
        named = label(rule_.label, BODY)
        beside = not short and len(rule_.label) + max(map(len, rule_.options)) <= FITS - 4
        if not beside:
            control.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return box(row(named, 1, control, gap=S2) if beside else col(named, control, gap=S1))

    def _exact(self, name: str, value: float) -> float:
        return round(value) if self._kinds[name] is int else value

    def _picked(self, name: str, value: object) -> None:
        self.changed.emit(name, value)
        self.settled.emit(name)

    # -- use
    def add(self, group: str, widget: QWidget, at: int | None = None) -> None:
        """Put a control of the tab's own into a section, at its end or at a place."""
        place = self._places[group]
        place.insertWidget(place.count() if at is None else at, widget)

    def lead(self, widget: QWidget) -> None:
        """Put something of the tab's own above all sections."""
        self._layout.insertWidget(0, widget)

    def control(self, name: str) -> QWidget:
        """The control of a field."""
        return self._controls[name]

    def show_params(self, params: Params) -> None:
        """Show these values without telling anybody."""
        for name, control in self._controls.items():
            value, rule_ = getattr(params, name), self._rules[name]
            match control:
                case ParamRow():
                    if control.number() != value:
                        control.set_number(float(value))
                case Segments() | MenuButton():
                    assert isinstance(rule_, Choice)
                    if control.at() != rule_.options.index(value):
                        control.set_at(rule_.options.index(value))
                case Check():
                    control.blockSignals(True)
                    control.setChecked(value)
                    control.blockSignals(False)

    def set_limits(self, name: str, low: float, high: float, step: float | None = None) -> None:
        """Narrow a range, and set its steps, to what the model at hand has, such as its number of layers.

        The default stays that of the class, or is the nearest there is: where the value stands now is none. What the
        setting itself does not allow is not offered, whatever the model has.
        """
        rule_, control = self._rules[name], self._controls[name]
        assert isinstance(rule_, Range)
        assert isinstance(control, ParamRow)
        low, high = (min(max(end, rule_.low), rule_.high) for end in (low, high))
        default = min(max(float(getattr(self._plain, name)), low), high)
        step = step or rule_.step
        control.set_scale(Scale(low, max(high, low + step), step, rule_.digits, rule_.unit, rule_.log, rule_.percent),
                          default)  # fmt: skip
        control.setEnabled(high > low)

    def fields(self) -> dict[str, bool]:
        """The fields it has a control for, and whether that is there for the model and the mode at hand."""
        return {name: not self._holder(name).isHidden() for name in self._controls}

    def set_shown(self, name: str, shown: bool) -> None:
        """Show or hide the control of a field, and the title and line of a section with nothing to show."""
        self._holder(name).setVisible(shown)
        group = self._rules[name].group
        inside = self._places[group]
        items = [item.widget() for i in range(inside.count()) if (item := inside.itemAt(i)) is not None]
        empty = all(widget is not None and widget.isHidden() for widget in items)
        for widget in self._around[group]:
            widget.setVisible(not empty)

    def _holder(self, name: str) -> QWidget:
        """What goes with the control of a field: of a choice its name, too."""
        control = self._controls[name]
        return control if isinstance(control, ParamRow | Check) else control.parentWidget() or control
