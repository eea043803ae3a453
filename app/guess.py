"""Guess first: the answer is covered, the hand says what it expects, then the truth comes with a score.

A `GuessFirst` is a sheet over a view, its button, and what judges it. A page that offers one says what is known before
(the points, the photo) and what is true.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app import theme, words
from app.theme import SMALL
from app.views.guesssheet import ASKED, OFF, SHOWN, Sheet
from app.widgets import Button
from engines.core.errors import Message

NAMES = ("Guess first", "Show the truth", "Hide the guess")
TIP = "Cover the answer, say what you expect, then compare."
SCORED = "{score} of 100. {said}"


def curve_score(guess: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """How good a drawn curve is, 0..1.

    Parameters
    ----------
    guess, truth : array_like (n,)
        Values at the same places; NaN where nothing was drawn, which counts as the mean of the truth would.

    Returns
    -------
    float
        1 minus half the mean distance from the truth, in units of that of its own mean, at least 0: a flat line at the
        right height is worth 0.5.
    """
    guessed, true = np.asarray(guess, float), np.asarray(truth, float)
    kept = np.isfinite(true)
    guessed, true = guessed[kept], true[kept]
    if not len(true):
        return 0.0
    flat = np.abs(true - true.mean())
    away = np.where(np.isfinite(guessed), np.abs(guessed - true), flat)
    scale = float(flat.mean())
    if scale < 1e-12:  # a flat truth: as good as it is near, on the scale of its own height
        scale = max(abs(float(true.mean())), 1e-12)
    return float(np.clip(1 - away.mean() / (2 * scale), 0, 1))


def pick_score(values: npt.ArrayLike, chosen: int) -> tuple[float, int]:
    """How good a pick is: its value in shares of the largest, 0..1, and its rank, 1 for the largest.

    Values of a map are counted row by row.
    """
    every = np.asarray(values, float).ravel()
    top = float(every.max(initial=0.0))
    share = float(every[chosen]) / top if top > 0 else 1.0
    return max(0.0, share), int((every > every[chosen]).sum()) + 1


class GuessFirst(QObject):
    """A guess that a page offers.

    Parameters
    ----------
    parent : QObject
    sheet : Sheet
    task : str
        What is asked for, and how it is said.
    judge : callable
        Gives the score, 0..1, and what is said of the truth.
    covers : sequence of QWidget
        Other views that would tell: they are covered meanwhile.

    Attributes
    ----------
    button : Button
        Belongs among the tools of the view's card.
    scores : list of float
        Of all guesses so far.

    Signals
    -------
    phased : int
        `OFF`, `ASKED` or `SHOWN`.
    told : Message or None
        What is asked for, or how good the guess was; for the status bar, as a small view has no room for it.
    """

    phased = Signal(int)
    told = Signal(object)

    def __init__(
        self,
        parent: QObject,
        sheet: Sheet,
        task: str,
        judge: Callable[[], tuple[float, Message]],
        covers: Sequence[QWidget] = (),
    ) -> None:
        super().__init__(parent)
        self.sheet, self._task, self._judge = sheet, task, judge
        self.button = Button(NAMES[OFF], kind="boxed", tip=TIP, px=SMALL)
        self.button.clicked.connect(lambda _checked=False: self.go_on())
        self._covers = [Cover(one) for one in covers]
        self.scores: list[float] = []
        sheet.changed.connect(self._show_button)

    @property
    def phase(self) -> int:
        """`OFF`, `ASKED` or `SHOWN`."""
        return self.sheet.phase

    def go_on(self) -> None:
        """To the next phase, as the button does."""
        if self.phase == OFF:
            self._set(ASKED, Message(self._task))
        elif self.phase == ASKED and not self.sheet.is_empty():
            score, said = self._judge()
            self.scores.append(score)
            self._set(SHOWN, Message(SCORED, {"score": words.number(100 * score), "said": said}))
        else:
            self.drop()

    def drop(self) -> None:
        """Nothing is guessed any more."""
        if self.phase != OFF:
            self._set(OFF, Message(""))

    def settings_changed(self) -> None:
        """What was judged is no longer what is on screen."""
        if self.phase == SHOWN:
            self.drop()

    def _set(self, phase: int, said: Message) -> None:
        for one in self._covers:
            one.set_on(phase == ASKED)
        self.sheet.set_phase(phase, said)
        self._show_button()
        self.told.emit(said if phase != OFF else None)
        self.phased.emit(phase)

    def _show_button(self) -> None:
        self.button.set_text(NAMES[self.phase])
        self.button.setEnabled(self.phase != ASKED or not self.sheet.is_empty())


class Cover(QWidget):
    """Plain paper over a view that would tell."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self._view = view
        view.installEventFilter(self)
        self.hide()

    def set_on(self, on: bool) -> None:
        """Cover the view, or not."""
        self.setGeometry(self._view.rect())
        self.setVisible(on)
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self._view.rect())
        return super().eventFilter(watched, event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), theme.color("surface"))
