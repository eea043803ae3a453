"""The panel on normalization: one sample's numbers under layer and under batch normalization, and both in training."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFrame

from app import words
from app.cards import card
from app.legend import Key
from app.plots.curves import Curve, Curves
from app.plots.surface import link
from app.tabs.transformer.experiments.labviews import LeftGrid
from app.tabs.transformer.labwords import numbered, spoken, tiny
from app.theme import S2, S3
from app.topic.page import Page
from app.training import Training
from app.transport import Transport
from app.views.colorbar import ColorBar
from app.views.scoregrid import ScoreGrid
from app.widgets import box, col, quiet, row
from app.words import say
from engines.core.errors import Message
from engines.core.protocol import Ended, Event
from engines.transformer.experiments.norm_comparison_spec import (
    COMPARISON_STEPS,
    ComparisonBegan,
    ComparisonMeasured,
    ComparisonSettings,
    ComparisonStep,
)
from engines.transformer.experiments.spec import Normalized
from engines.transformer.spec import TransformerParams

COMPARISON = "engines.transformer.experiments.norm_comparison:NormComparison"
NAMES = ("LayerNorm", "BatchNorm")
SHORT = ("LN", "BN")  # where there is room for no more
TOKENS = ("cat0", "cat1")
SMOOTH = 0.9  #: of the loss curves' moving mean
DRAW = 100  #: ms between two drawings of the curves
SHOWN = 8  #: numbers of a batch normalization's statistics that are written out
STAT_BAR = 180  #: px
ENDS = (
    "LayerNorm {layer}. BatchNorm {batch} with running statistics, {live} with those of all held-out examples "
    "(dashed), {alone} one example at a time. The longer half: {long} and {longer}."
)


def percent(share: float) -> str:
    """Tenths of a percent."""
    return words.percent(share, 1)


class NormPanel(QObject):
    """What batch mates and padding do to a sample."""

    def __init__(self) -> None:
        super().__init__()
        heads = ("Alone", "In this batch", "Difference")
        self.maps = [[LeftGrid("diff", (64, 30)) for _ in heads] for _ in NAMES]
        self.told = [quiet("") for _ in NAMES]
        self.bar = ColorBar(Message("Output of the first normalization"), "diff")
        self.bar.drive(*self.maps[0], *self.maps[1])
        lines = [row(*((quiet(text), 1) for text in heads), gap=S3)]
        for name, grids, told in zip(NAMES, self.maps, self.told, strict=True):
            lines.append(row(quiet(words.plain(name)), told, 1, gap=S3))
            lines.append(row(*((grid, 1) for grid in grids), gap=S3))
            for grid, head in zip(grids, heads, strict=True):
                say(grid, "setAccessibleName", Message("{name}: {what}", {"name": name, "what": Message(head)}))
                grid.setMinimumHeight(54)
                grid.hovered.connect(lambda cell, all_=grids: self._lit(all_, cell))
        body = col(lines[0], lines[1], (lines[2], 1), lines[3], (lines[4], 1), gap=2)
        self.stats = [ScoreGrid("diff", (72, 26)) for _ in NAMES]
        for name, table in zip(NAMES, self.stats, strict=True):
            say(table, "setAccessibleName", Message("{name}: {what}", {"name": name, "what": Message("Statistics")}))
            table.setMinimumHeight(74)
        self.stat_notes = [quiet("") for _ in NAMES]
        stats = row(
            *((col(note, (grid, 1), gap=2), 1) for note, grid in zip(self.stat_notes, self.stats, strict=True)), gap=S3
        )
        self.map_card = card("The sample under both", body, foot=self.bar)
        self.stat_bar = ColorBar("", "diff")
        self.stat_bar.setFixedWidth(STAT_BAR)
        self.stat_bar.drive(*self.stats)
        self.stat_card = card("Statistics", stats, tools=[self.stat_bar])

    def take(self, frame: Normalized, _params: TransformerParams) -> None:
        """Show what was measured."""
        apart = frame.among - frame.alone
        end = float(max(np.abs(frame.alone).max(), np.abs(frame.among).max())) or 1.0
        self.bar.set_range(-end, end)
        for n, grids in enumerate(self.maps):
            for grid, values in zip(grids, (frame.alone[n], frame.among[n], apart[n]), strict=True):
                grid.set_table(values, end, "diff")
            figures = {"a": tiny(frame.moved[n]), "b": tiny(frame.gap[n])}
            say(self.told[n], "setText", Message("changes by {a}; training and evaluation differ by {b}", figures))
        self.map_card.set_note(
            Message("{n} {n:sample|samples}, {m} positions", {"n": frame.samples, "m": frame.positions})
        )
        per = (spoken(frame.tokens), numbered(min(SHOWN, frame.alone.shape[2])))
        notes = (
            Message("LayerNorm: per token, over its {n} features", {"n": frame.alone.shape[2]}),
            Message(
                "BatchNorm: per feature ({m} of {all}), {n} positions",
                {"n": frame.positions, "m": SHOWN, "all": frame.alone.shape[2]},
            ),
        )
        shown = [np.stack([frame.means[n], frame.deviations[n]])[:, : len(per[n])] for n in range(2)]
        end = max(float(np.abs(both).max()) for both in shown) or 1.0
        self.stat_bar.set_range(-end, end)
        for n, (table, both) in enumerate(zip(self.stats, shown, strict=True)):
            table.set_table(both, end, "diff")
            table.set_names((Message("Mean"), Message("Standard deviation")), per[n])
            say(self.stat_notes[n], "setText", notes[n])

    @staticmethod
    def _lit(grids: list[ScoreGrid], cell: tuple[int, int] | None) -> None:
        for grid in grids:
            grid.set_lit(cell)


class ComparisonPanel(QObject):
    """Both normalizations in training, side by side."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._made_of = ComparisonSettings()
        self.bar = Transport(seed=False)
        self.bar.scrubber.hide()
        policy = self.bar.live.sizePolicy()  # no states are kept to go back to
        policy.setRetainSizeWhenHidden(False)
        self.bar.live.setSizePolicy(policy)
        self.note = quiet("")
        self.loss = Curves(widest="0.00")
        self.right = Curves(y_range=(0, 100), y_ticks=(0, 25, 50, 75, 100), widest="100.0")
        link((self.loss, self.right))
        self.loss.export_name, self.right.export_name = "loss", "accuracy"
        for plot, name in ((self.loss, "Loss"), (self.right, "Held-out accuracy, %")):
            say(plot, "setAccessibleName", name)
            plot.pointed.connect(self._point)
        self.loss_card = card("Loss", self.loss, tools=[self.loss.key])
        self.right_key = Key([(token, words.plain(name)) for token, name in zip(TOKENS, SHORT, strict=True)], "100.0")
        self.gap = quiet("", wrap=True)
        self.right_card = card("Accuracy, %", self.right, tools=[self.right_key], foot=self.gap)
        self.curves = box(row((self.loss_card, 1), (self.right_card, 1), gap=S3))
        layout = self.bar.layout()
        assert layout is not None
        layout.addWidget(self.note)
        self.training = Training(page, COMPARISON, self.bar, self._settings, COMPARISON_STEPS)
        self.training.arrived.connect(self.take)
        self.training.renewed.connect(self._renew)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(DRAW)
        self._rest.timeout.connect(self._draw)
        self._renew()

    def _settings(self) -> ComparisonSettings:
        return self._made_of

    def show_settings(self, params: TransformerParams) -> None:
        """Those of the page; others begin another comparison, unless one has made steps."""
        made_of = ComparisonSettings(task=params.task, batch=params.lab_batch, padding=params.lab_padding,
                                     count_padding=params.lab_count_padding)  # fmt: skip
        if made_of == self._made_of and self.training.params is not None:
            return
        self._made_of = made_of
        self.training.settings_changed()

    def _renew(self) -> None:
        self._steps: list[tuple[float, float, float]] = []
        self._smooth: list[tuple[float, float]] = []
        self._measured: list[ComparisonMeasured] = []
        self._stopped = (False, False)
        self._draw()

    def take(self, event: Event) -> None:
        """Keep what the comparison tells."""
        match event:
            case ComparisonBegan():
                self._renew()  # the last steps of the comparison before may have come after it was ended
                params = self.training.params
                of = params if isinstance(params, ComparisonSettings) else self._made_of
                shown = {"task": Message(of.task), "n": words.number(event.parameters), "batch": of.batch}
                say(self.note, "setText", Message("{task}, batches of {batch}: {n} parameters each", shown))
                say(self.note, "setToolTip", event.about)
            case ComparisonStep():
                self._stopped = event.stopped
                self._steps.append((event.step, *event.loss))
                before = self._smooth[-1] if self._smooth else event.loss
                mixed = [SMOOTH * a + (1 - SMOOTH) * b for a, b in zip(before, event.loss, strict=True)]
                self._smooth.append((mixed[0], mixed[1]))
                self._soon()
            case ComparisonMeasured():
                self._measured.append(event)
                self._soon()
            case Ended():
                self._soon()

    def _soon(self) -> None:
        if not self._rest.isActive():
            self._rest.start()

    def _draw(self) -> None:
        steps = np.array(self._steps or np.zeros((0, 3)))
        smooth = np.array(self._smooth or np.zeros((0, 2)))
        if not len(steps) or not self._measured:  # a comparison is measured before its first step
            self.loss_card.set_empty("Trained side by side on the same batches.", "Start", self.training.play)
            self.right_card.set_empty("On held-out examples, while both learn.")
            self.loss.set_curves([])
            self.right.set_curves([])
            say(self.gap, "setText", words.plain(""))
            self._write_key(None)
            return
        for one in (self.loss_card, self.right_card):
            one.set_empty(None)
        end = float(steps[-1, 0])
        self.loss.set_curves(
            [Curve(SHORT[n], steps[:, 0], smooth[:, n], TOKENS[n], raw=steps[:, n + 1]) for n in range(2)], end
        )
        at = np.array([m.step for m in self._measured])
        kinds = [(words.plain(NAMES[n]), [m.evaluation[n] for m in self._measured], TOKENS[n], False) for n in range(2)]
        kinds.append((Message("BatchNorm as in training"), [m.training[1] for m in self._measured], TOKENS[1], True))
        self.right.set_curves(
            [Curve(name, at, 100 * np.array(y), token, dashed=dashed, digits=1) for name, y, token, dashed in kinds],
            end,
        )
        last = self._measured[-1]
        text = Message(ENDS, {
            "layer": percent(last.evaluation[0]), "batch": percent(last.evaluation[1]),
            "live": percent(last.training[1]), "alone": percent(last.alone[1]),
            "long": percent(last.longest[0]), "longer": percent(last.longest[1]),
        })  # fmt: skip
        for name, stopped in zip(NAMES, self._stopped, strict=True):
            if stopped:
                text = Message("{name} diverged (NaN) and was stopped.", {"name": name})
        say(self.gap, "setText", text)
        self._write_key(None)

    def _write_key(self, x: float | None) -> None:
        values = self.right.values_at(x)[:2]
        self.right_key.set_values(["" if v is None else words.number(v, 1) for v in values])

    def _point(self, x: float | None) -> None:
        for plot in (self.loss, self.right):
            plot.set_cursor(x)
        self._write_key(x)


def norm_centre(panel: NormPanel, comparison: ComparisonPanel) -> QFrame:
    """Statistics above, training below."""
    return box(col((panel.map_card, 10), (panel.stat_card, 5), (comparison.curves, 9), comparison.bar, gap=S2))
