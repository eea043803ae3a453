"""Which normalization won when both were trained beforehand: a table, and who won where."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QWidget

from app import words
from app.theme import S1
from app.views.scoregrid import ScoreGrid
from app.widgets import col, quiet
from engines.core.errors import Message, joined
from engines.transformer.experiments.norm_results import STEPS, Case, Outcome, read, summary

BEFORE = "Trained beforehand, {steps} steps, {n} {n:seed|seeds}; held-out accuracy in %, below by batch size:"
LN, BN, BN_ALONE = "LN", "BN", "BN alone"
PADDED = "{batch} *"
TIP = "LN: LayerNorm. BN: BatchNorm with its running statistics; alone: one example at a time."
CASES = "Batches of {batches}: {verdict}"
ALONE = "One at a time, after batches of {batches}: {verdict}"
COUNTED = "* {padding} tokens of padding are counted."
VERDICTS = ("LayerNorm wins.", "BatchNorm wins.", "No difference beyond the seeds'.")
CELL = (56, 20)  #: px


class Before(QWidget):
    """Mean accuracy of both by batch size; the deviations of the seeds where the hand points."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = Accuracies()
        words.say(self.grid, "setToolTip", TIP)
        words.say(self.grid, "setAccessibleName", "LayerNorm and BatchNorm")
        self.head, self.verdict = quiet("", wrap=True), quiet("", wrap=True)
        self.setLayout(col(self.head, self.grid, self.verdict, gap=S1))
        found = read()
        self.cases = sorted({one.case for one in found})
        if not self.cases:
            return
        seeds = min(len([one for one in found if one.case == case]) for case in self.cases)
        words.say(self.head, "setText", BEFORE, steps=STEPS, n=seeds)
        rows = [_means(found, case) for case in self.cases]
        self.grid.spreads = 100 * np.array([spread for _, spread in rows])
        self.grid.set_table(100 * np.array([mean for mean, _ in rows]), 100.0)
        named = [Message(PADDED if case.count_padding else "{batch}", {"batch": case.batch}) for case in self.cases]
        self.grid.set_names(named, [words.plain(LN), words.plain(BN), Message(BN_ALONE)])
        self.grid.setFixedHeight(CELL[1] * (len(rows) + 1) + 4)
        words.say(self.verdict, "setText", verdicts(found, self.cases))


class Accuracies(ScoreGrid):
    """Percentages with one digit."""

    spreads = np.zeros((0, 0))

    def __init__(self) -> None:
        super().__init__("tide", CELL)

    @property
    def most(self) -> int:
        return 1

    def said_at(self, cell: tuple[int, int]) -> str:
        spread = words.number(float(self.spreads[cell]), 1)
        return f"{words.number(float(self.values()[cell]), 1)} ± {spread} %"


def verdicts(found: list[Outcome], cases: list[Case]) -> Message:
    """Who won at which batch sizes, with running statistics and one example at a time."""
    lines = []
    for text, alone in ((CASES, False), (ALONE, True)):
        won: dict[int, list[Message]] = {}
        for case in cases:
            mean, spread = _means(found, case)
            both = [0, 2] if alone else [0, 1]
            name = Message(PADDED if case.count_padding else "{batch}", {"batch": case.batch})
            won.setdefault(winner(np.array(mean)[both], np.array(spread)[both]), []).append(name)
        lines += [
            Message(text, {"batches": words.listed(batches), "verdict": Message(VERDICTS[at])})
            for at, batches in sorted(won.items())
        ]
    padding = [case.padding for case in cases if case.count_padding]
    return joined([*lines, *(Message(COUNTED, {"padding": n}) for n in padding[:1])])


def _means(found: list[Outcome], case: Case) -> tuple[list[float], list[float]]:
    """Of layer normalization, of batch normalization, and of that one at a time: means and deviations."""
    mean, spread, _ = summary(found, case, "evaluation")
    alone, apart, _ = summary(found, case, "alone")
    return [*map(float, mean), float(alone[1])], [*map(float, spread), float(apart[1])]


def winner(mean: np.ndarray, spread: np.ndarray) -> int:
    """0 for layer normalization, 1 for batch normalization, 2 where their deviations overlap; (2,) each."""
    apart = float(mean[0] - mean[1])
    if abs(apart) <= float(spread.sum()):
        return 2
    return int(apart < 0)
