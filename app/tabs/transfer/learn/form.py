"""The dock of the page "Learn": settings of the map and of the run, and what is said of the run beside them."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app import words
from app.classlist import KnownLine
from app.params_form import ParamsForm
from app.widgets import quiet
from app.words import say
from engines.core.errors import Message
from engines.transfer.learn.spec import LAST_STEP, TESTS
from engines.transfer.spec import LIVE, NEW_RUN, PCA, SetRead, TransferParams

NAMES = (
    "projection", "perplexity", "probe_lr", "fine_tuning_lr", "from_scratch_lr", "labels", "max_per_class", "side",
    "fine_tune", "from_scratch", "batch",
)  # fmt: skip
BACKWARD = 2.0  #: a step back costs about two forward
USUAL_SIDES = 56, 224, 14  #: px of pictures, at least, at most, and between two


class LearnForm(ParamsForm):
    """The sections.

    Parameters
    ----------
    params : TransferParams
    pending, kept_runs : QWidget
        How many settings wait for a new run; the runs that were left.
    """

    def __init__(self, params: TransferParams, pending: QWidget, kept_runs: QWidget) -> None:
        super().__init__(params, NAMES)
        self.set_limits("side", *USUAL_SIDES)  # until the backbone says which ones it has
        self._set: SetRead | None = None
        self.duration, self.frozen = quiet("", wrap=True), quiet("", wrap=True)
        for part in (self.duration, pending):
            self.add(NEW_RUN, part)
        self.add(LIVE, self.frozen)
        self.known = KnownLine()
        self.add(LIVE, self.known)
        self.lead(kept_runs)
        say(self.frozen, "setText", "The probe's backbone is frozen.")

    def show_params(self, params: TransferParams) -> None:  # type: ignore[override]  # of this topic alone
        super().show_params(params)
        self.set_shown("perplexity", params.projection != PCA)
        self._show_duration(params)

    def show_set(self, found: SetRead, params: TransferParams) -> None:
        """Narrow the sliders to what the set and the backbone have."""
        self._set = found
        self.known.show_model(found.source, ())
        self.set_limits("labels", 1, max(2, found.most_labels))
        fixed = len(found.sides) == 1
        self.set_shown("side", not fixed)
        if not fixed:
            self.set_limits("side", found.sides[0], found.sides[-1], found.sides[1] - found.sides[0])
        self._show_duration(params)

    def show_intact(self, model_hash: str) -> None:
        """The frozen backbone was found to be as it was."""
        short = {"hash": model_hash[:12]}
        say(self.frozen, "setText", Message("The probe's backbone is bit for bit as it was: {hash}", short))

    def _show_duration(self, params: TransferParams) -> None:
        """What a run will take on this machine."""
        found = self._set
        models = params.fine_tune + params.from_scratch
        if found is None or not found.throughput:
            return
        learned = LAST_STEP * params.batch * (1 + BACKWARD)
        seconds = models * (learned + len(TESTS) * int(found.tests.sum())) / found.throughput
        said = {"n": LAST_STEP, "time": words.number(max(1, round(seconds)))}
        text = "{n} steps take about {time} s here."
        if seconds > 120:
            said["time"] = words.number(round(seconds / 60))
            text = "{n} steps take about {time} min here. Smaller pictures, or the probe alone, take less."
        say(self.duration, "setText", Message(text, said))
