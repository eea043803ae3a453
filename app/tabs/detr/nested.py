"""Controls for settings that lie one level deeper than the tab's own: the labs', which have Params of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app import words
from app.controls import Check
from app.params_form import scale_of
from app.sliders import ParamRow
from app.theme import BODY, S1, S3
from app.widgets import Segments, box, col, label
from engines.core.params import Choice, Params, Range, rules


class NestedForm(QWidget):
    """Edits some fields of a Params that is a field of the tab's.

    Signals
    -------
    changed : (str, object)
        A field and its new value, at each move of the hand.
    settled
        The hand let go: the end of one undo step.
    """

    changed = Signal(str, object)
    settled = Signal()

    def __init__(self, params: Params, names: Iterable[str]) -> None:
        super().__init__()
        self._controls: dict[str, ParamRow | Segments | Check] = {}
        self._options: dict[str, tuple[str, ...]] = {}
        for name in names:
            rule, value = rules(params)[name], getattr(params, name)
            if isinstance(rule, Range):
                number = ParamRow(rule.label, scale_of(rule), float(value), tip=rule.tip)
                number.changed.connect(self._teller(name))
                number.settled.connect(lambda _v: self.settled.emit())
                self._controls[name] = number
            elif isinstance(rule, Choice):
                choice = Segments(rule.options, rule.options.index(value))
                words.say(choice, "setToolTip", rule.tip)
                words.say(choice, "setAccessibleName", rule.label)
                choice.chosen.connect(lambda i, name=name, options=rule.options: self._pick(name, options[i]))
                self._controls[name], self._options[name] = choice, rule.options
            else:
                check = Check(rule.label, value, rule.tip)
                check.clicked.connect(lambda on, name=name: self._pick(name, bool(on)))
                self._controls[name] = check
        parts = [
            box(col(label(rules(params)[name].label, BODY), control, gap=S1))
            if isinstance(control, Segments)
            else control
            for name, control in self._controls.items()
        ]
        self.setLayout(col(*parts, gap=S3))

    def control(self, name: str) -> ParamRow | Segments | Check:
        """The control of a field."""
        return self._controls[name]

    def show_params(self, params: Params) -> None:
        """Show these values without telling anybody."""
        for name, control in self._controls.items():
            value = getattr(params, name)
            match control:
                case ParamRow() if control.number() != value:
                    control.set_number(float(value))
                case Segments():
                    control.set_at(self._options[name].index(value))
                case Check():
                    control.setChecked(value)

    def _teller(self, name: str) -> Callable[[float], None]:
        return lambda value: self.changed.emit(name, float(value))

    def _pick(self, name: str, value: object) -> None:
        self.settled.emit()
        self.changed.emit(name, value)
        self.settled.emit()
