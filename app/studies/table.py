"""The runs of a study as a table: settings, state, what was found, why one failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from app import theme, words
from app.studies.subject import spelled
from app.theme import BODY, SMALL
from app.words import Text
from engines.core.errors import Message
from engines.core.params import rules
from engines.studies.spec import Outcome, Row, Study

Index = QModelIndex | QPersistentModelIndex
ROW = 24  #: px


class Runs(QAbstractTableModel):
    """Only rows in sight are asked for: a study may have a hundred thousand."""

    END: ClassVar[tuple[str, ...]] = ("Seed", "State", "Result", "Seconds")

    def __init__(self) -> None:
        super().__init__()
        self._study: Study | None = None
        self._outcomes: Mapping[str, Outcome] = {}
        self._at: dict[str, int] = {}
        self.measure = ""

    def show_study(self, study: Study | None, outcomes: Mapping[str, Outcome]) -> None:
        """Another study; ``outcomes`` may grow."""
        self.beginResetModel()
        self._study, self._outcomes = study, outcomes
        self._at = {row.key: at for at, row in enumerate(study.rows)} if study is not None else {}
        self.endResetModel()

    def show_measure(self, name: str) -> None:
        """Another number of each run."""
        self.measure = name
        self.told(None)

    def told(self, key: str | None) -> None:
        """A run has ended; None: all may have changed."""
        count = self.rowCount()
        if count:
            first = self._at[key] if key is not None else 0
            last = first if key is not None else count - 1
            self.dataChanged.emit(self.index(first, 0), self.index(last, self.columnCount() - 1))

    def row(self, index: Index) -> Row:
        """The run of a line."""
        assert self._study is not None
        return self._study.rows[index.row()]

    # -- Qt
    def rowCount(self, _parent: Index | None = None) -> int:
        return len(self._study.rows) if self._study is not None else 0

    def columnCount(self, _parent: Index | None = None) -> int:
        return len(self._study.over) + len(self.END) if self._study is not None else 0

    def headerData(self, at: int, way: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role != Qt.ItemDataRole.DisplayRole or way != Qt.Orientation.Horizontal or self._study is None:
            return None
        over = self._study.over
        if at >= len(over):
            return words.tr(self.END[at - len(over)])
        rule = rules(self._study.kind.params).get(over[at])
        return words.tr(rule.label) if rule is not None else over[at]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(index)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.text(index) if self._outcome(index) is not None else None
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._color(index)
        return None

    def _outcome(self, index: Index) -> Outcome | None:
        return self._outcomes.get(self.row(index).key)

    def _color(self, index: Index) -> QColor:
        outcome = self._outcome(index)
        if outcome is None:
            return theme.color("text2")
        return theme.color("danger" if outcome.error is not None else "text")

    def text(self, index: Index) -> str:
        """What stands in a cell."""
        assert self._study is not None
        row, at, over = self.row(index), index.column(), self._study.over
        if at < len(over):
            return words.drawn(_message(spelled(rules(row.params).get(over[at]), row.settings[over[at]])))
        outcome = self._outcomes.get(row.key)
        match at - len(over):
            case 0:
                return str(row.seed)
            case 1:
                return words.tr(state(outcome))
            case 2 if outcome is not None and self.measure in outcome.found:
                return f"{outcome.found[self.measure]:.4g}".replace("-", "−")
            case 3 if outcome is not None:
                return words.number(outcome.seconds, 1)
        return ""


def _message(text: Text) -> Message:
    return text if isinstance(text, Message) else Message(text)


def state(outcome: Outcome | None) -> Text:
    """How a run stands."""
    if outcome is None:
        return "waiting"
    if outcome.error is not None:
        return Message("failed: {reason}", {"reason": outcome.error})
    return "done" if outcome.tries == 1 else "done at the second try"


class RunTable(QTableView):
    """The table itself."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = Runs()
        self.setModel(self.runs)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMinimumHeight(96)
        words.say(self, "setAccessibleName", "Runs")
        rows, head = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(ROW)
        head.setHighlightSections(False)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.restyled()

    def fit_columns(self) -> None:
        """The state has what the others leave; a hundred rows say how wide they are."""
        head, count = self.horizontalHeader(), self.runs.columnCount()
        for at in range(count):
            is_state = at == count - 3
            head.setSectionResizeMode(
                at, QHeaderView.ResizeMode.Stretch if is_state else QHeaderView.ResizeMode.ResizeToContents
            )

    def restyled(self) -> None:
        """Theme or fonts changed."""
        self.setFont(theme.font(BODY))
        self.horizontalHeader().setFont(theme.font(SMALL))
        self.viewport().update()

    def retranslated(self) -> None:
        """Language changed."""
        self.runs.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, max(0, self.runs.columnCount() - 1))
        self.viewport().update()
