"""The page "Merge": the kernels of branches, the one they are merged into, and how far apart the answers are."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.shell import Shell
from app.tabs.large_kernel.maps import NumberMosaic
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.verdicts import Finding, Verdict, Verdicts
from app.widgets import box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.large_kernel.merge.spec import MergeFrame, MergeParams

NEAR = 1e-5  #: of the largest answer, that rounding may make
MILLIONTH = 1e-6


def small(value: float) -> str:
    """A number that may be very small: ``2.26``, ``5.96e−06``."""
    return words.number(value, 2) if value >= 0.01 or not value else f"{value:.2e}".replace("-", "\u2212")


class MergePage(Page):
    """Three cards and what they show."""

    title = "Merge"
    params_type = MergeParams
    engine = "engines.large_kernel.merge.engine:Engine"
    params: MergeParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.shown: MergeFrame | None = None
        self.kernels, self.answers = NumberMosaic(4), NumberMosaic(2, columns=2)
        self.apart = NumberMosaic(1, signed=False, columns=1)
        for view, name, export in (
            (self.kernels, "Kernels", "kernels"), (self.answers, "What they say of a photo", "answers"),
            (self.apart, "Where they differ", "difference"),
        ):  # fmt: skip
            words.say(view, "setAccessibleName", name)
            view.export_name = export
        self.bar, self.answer_bar = ColorBar(Message("Weight"), "diff"), ColorBar(Message("Answer"), "diff")
        self.apart_bar = ColorBar(Message("Difference, millionths"))
        for bar, view in ((self.bar, self.kernels), (self.answer_bar, self.answers), (self.apart_bar, self.apart)):
            bar.drive(view)
        self.said = quiet("A batch norm at rest is a factor and an offset: both go into the kernel. Kernels over the "
                          "same middle add up. (Ding 2021, RepVGG)", wrap=True)  # fmt: skip
        self.verdicts = Verdicts("One for all")
        self.kernel_card = card("Kernels", self.kernels, "norms folded in, one channel",
                                foot=col(self.said, self.bar))  # fmt: skip
        self.answer_card = card("What they say of a photo", self.answers, foot=self.answer_bar)
        self.apart_card = card("Where they differ", self.apart, foot=self.apart_bar)
        self.verdict_card = card("One for all", self.verdicts)
        upper = row((self.kernel_card, 3), (self.verdict_card, 2), gap=S3)
        lower = row((self.answer_card, 3), (self.apart_card, 2), gap=S3)
        self.lay(box(col((upper, 1), (lower, 1), gap=S3)), ParamsForm(self.params), resets=False)

    def on(self, event: Event) -> None:
        if isinstance(event, MergeFrame):
            self.shown = event
            self._draw(event)

    # -- drawing
    def _draw(self, shown: MergeFrame) -> None:
        end = float(np.abs(shown.kernels).max())
        self.kernels.set_maps(shown.kernels, end, -end, "diff")
        names = [Message("{k} × {l}", {"k": k, "l": other}) for k, other in shown.sides]
        size = len(shown.kernels[-1])
        names.append(Message("merged, {k} × {k}", {"k": size}))
        subs = [Message("bias {value}", {"value": words.number(bias, 2)}) for bias in shown.biases]
        self.kernels.set_captions(names, subs)
        self.kernels.set_at(len(shown.sides))
        self.bar.set_range(-end, end)
        both = np.stack([shown.said, shown.merged])
        end = float(np.abs(both).max())
        self.answers.set_maps(both, end, -end, "diff")
        self.answers.set_captions([Message("Branches, added up"), Message("Merged kernel")])
        self.answer_bar.set_range(-end, end)
        apart = shown.apart / MILLIONTH
        top = max(float(apart.max()), 1e-3)
        self.apart.set_maps(apart[None], top)
        self.apart.set_captions([Message("all channels, the largest")])
        self.apart_bar.set_range(0, top)
        self._say(shown)

    def _say(self, shown: MergeFrame) -> None:
        most = float(shown.apart.max())
        share = most / max(shown.largest, 1e-12)
        before, after = shown.operations
        count = len(shown.sides)
        answers = (
            Finding(Message("Largest difference"), small(most)),
            Finding(Message("over the largest answer"), small(share), share <= NEAR),
        )
        cells = len(shown.kernels[-1]) ** 2
        cost = (
            Finding(Message("{n} {n:branch|branches}", {"n": count}), words.number(before)),
            Finding(Message("Merged kernel"), words.number(after), after <= before),
            Finding(Message("Its cells that are not 0"), words.percent(after / cells, 0)),
        )
        self.verdicts.set_verdicts(
            [
                Verdict(Message("The same answer"), answers),
                Verdict(Message("Multiply-adds a place and channel"), cost),
            ]
        )
