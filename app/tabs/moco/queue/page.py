"""The page "Queue": the dictionary as a ring, its staleness, the loss, and the encoder that follows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QWidget

from app import words
from app.cards import Card, card
from app.legend import Key
from app.params_form import ParamsForm
from app.plots.curves import Curve, Curves
from app.plots.surface import link
from app.sections import section
from app.shell import Shell
from app.tabs.moco.figures import Figures
from app.tabs.moco.pages import LEAST, LIVE, NEW_RUN, RunPage
from app.tabs.moco.queue.saved import QueueRuns
from app.tabs.moco.run import MocoRun
from app.theme import S2, S3
from app.topic.feed import Feed
from app.topic.state import State
from app.views.base import PixelView
from app.views.colorbar import ColorBar
from app.views.ring import QueueRing
from app.widgets import box, col, quiet, row
from app.words import Text, say
from engines.core.errors import Message
from engines.moco.settings import AT_ONCE, BANK, END_TO_END, IN_BATCH, MOCO
from engines.moco.settings import NEW_RUN as STARTS_ANEW
from engines.moco.spec import MocoParams, QueueFrame, RunBegan

WEIGHT = ("θ_k before", "θ_q, the query encoder's", "θ_k = m θ_k + (1 − m) θ_q")
RISES = (
    "The loss rises first: the queue is initialized with noise, which is easy to tell from a picture. Once filled "
    "with real keys it approaches ln(K + 1), chance among K + 1, and then falls."
)
WHY: dict[str, str] = {
    MOCO: RISES,
    END_TO_END: "Keys come from the same encoder, with gradient, and from this batch only: always fresh, but few.",
    BANK: (
        "One stored vector per picture, updated when the picture is sampled: up to an epoch old, from many "
        "different encoders."
    ),
    IN_BATCH: "Each view is a query, and all other views of the batch are its negatives: it takes a large batch.",
}


SHUFFLE = (
    "Avoided rather than shuffled: the key encoder normalizes with running statistics that follow the query "
    "encoder's, so batch statistics cannot leak which key belongs to a query. (Cai 2021, EMAN)"
)


class QueuePage(RunPage):
    """Views of the page; drawn from what the run has told."""

    title = "Queue"

    def __init__(self, state: State, feed: Feed | None, shell: Shell, run: MocoRun) -> None:
        super().__init__(state, feed, shell, run)
        self.ring = QueueRing()
        self.loss, self.stale = Curves(widest="00.00"), Curves(zero=False, widest="0.000")
        self.distance = Curves(widest="0.000")
        link((self.loss, self.distance))
        self.age_bar = ColorBar(Message("age, steps"), "tide")
        self.age_bar.drive(self.ring)
        self.weight = Figures(WEIGHT, strong=(2,))
        self.why, self.said = quiet("", wrap=True), quiet("", wrap=True)
        for view, name, file in (
            (self.ring, "Queue", "queue"),
            (self.loss, "Loss", "loss"),
            (self.stale, "Staleness", "staleness"),
            (self.distance, "Momentum encoder", "distance"),
        ):
            say(view, "setAccessibleName", name)
            view.export_name = file
        self.loss_key = Key((("cat0", "InfoNCE"), ("text2", "chance, ln(K + 1)")), "00.00")
        self.distance_key = Key((("cat1", "‖θ_q − θ_k‖ / ‖θ_q‖"),), "0.000")
        self.ring_card = card("Queue", self.ring, foot=self.age_bar)
        self.loss_card = card("Loss", col((self.loss, 1), self.why, gap=S2), foot=self.loss_key)
        self.stale_card = card(
            "Staleness", col((self.stale, 1), self.said, gap=S2), "cosine with the key computed now, by age"
        )
        self.momentum_card = card(
            "Momentum encoder",
            col((self.distance, 1), self.weight, gap=S2),
            "one weight of the first layer",
            foot=self.distance_key,
        )
        left = col((self.ring_card, 11), (self.stale_card, 8), gap=S3)
        right = col((self.loss_card, 11), (self.momentum_card, 11), gap=S3)
        centre = box(col((row((left, 1), (right, 1), gap=S3), 1), self.slot, gap=S3))
        self.loss.pointed.connect(self._point)
        self.distance.pointed.connect(self._point)
        self.lay(centre, *self._controls(), resets=False)
        self.catch_up()

    def _controls(self) -> Sequence[QWidget]:
        form = ParamsForm(self.params, (*LIVE, *NEW_RUN))
        self.saved = QueueRuns(self, self.state, self.run)
        self.sizes, self.notes = quiet("", wrap=True), quiet("", wrap=True)
        form.add(AT_ONCE, self.saved, at=0)
        for part in (self.pending, self.sizes, self.notes):
            form.add(STARTS_ANEW, part)
        return form, box(section("Batch norm", quiet(SHUFFLE, wrap=True)))

    @property
    def cards(self) -> tuple[Card, ...]:
        return self.ring_card, self.loss_card, self.stale_card, self.momentum_card

    @property
    def views(self) -> tuple[PixelView | Curves, ...]:
        """All views that can be exported."""
        return self.ring, self.loss, self.stale, self.distance, self.age_bar

    @property
    def plots(self) -> tuple[Curves, ...]:
        """Plots over steps."""
        return self.loss, self.distance

    # -- the contract
    def show_params(self, params: MocoParams) -> None:
        super().show_params(params)
        share = words.number(params.queue_size / params.batch, 1)
        say(self.sizes, "setText", Message("K / B = {n}: a key stays in the queue for that many steps.", {"n": share}))
        self.saved.look()

    def activated(self) -> None:
        super().activated()
        self.saved.look(again=True)

    # -- what the run tells
    def begin(self, began: RunBegan) -> None:
        for ready in self.cards:
            ready.set_empty(None)
        method = began.params.method
        queue = method == MOCO
        titles = {MOCO: "Queue", BANK: "Memory bank"}
        self.ring_card.set_title(titles.get(method, "Keys of the batch"))
        say(self.why, "setText", WHY[method])
        guess: Text = "chance, ln(K + 1)" if method in (MOCO, BANK) else "guess"
        self.loss_key.set_items((("cat0", "InfoNCE"), ("text2", guess)), "00.00")
        self.momentum_card.set_note("one weight of the first layer" if queue else "")
        if not queue:
            self.momentum_card.set_empty("One encoder only: it computes queries and keys.")
        if method in (END_TO_END, IN_BATCH):
            self.stale_card.set_empty("All keys are computed in this step: none is stale.")
        values = {"n": words.number(began.pictures), "p": words.number(began.parameters)}
        lines = [Message("{n} pictures, {p} weights in an encoder.", values), *began.notes]
        text = " ".join(f"{{line{i}}}" for i in range(len(lines)))
        say(self.notes, "setText", Message(text, {f"line{i}": line for i, line in enumerate(lines)}))

    def draw_queue(self) -> None:
        history = self.run.history
        queue, _ = history.at(self.run.looked)
        if history.began is not None and queue is not None:
            self._draw_ring(queue, history.began)

    def draw(self) -> None:
        history, looked = self.run.history, self.run.looked
        began = history.began
        if began is None:
            return
        queue, _ = history.at(looked)
        if queue is not None:
            self._draw_ring(queue, began)
            self._draw_stale(queue, began)
            before, query, after = (words.number(v, 6, True) for v in (queue.before, queue.query, queue.after))
            self.weight.set_values([before, query, after])
        x = history.curve("step")
        end = np.array([0.0, x.max(initial=LEAST)])
        guess = Curve(Message("guess"), end, np.full(2, began.chance), "text2", dashed=True)
        loss = Curve(Message("InfoNCE"), x, history.curve("smoothed"), "cat0", raw=history.curve("loss"))
        self.loss.set_curves([loss, guess], end[1])
        self.distance.set_curves([Curve(Message("distance"), x, history.curve("distance"), "cat1", digits=3)], end[1])
        self._point(None if looked is None else float(looked))

    def _draw_ring(self, queue: QueueFrame, began: RunBegan) -> None:
        method = began.params.method
        self.ring.set_queue(queue.ages, queue.pointer, queue.batch, method == MOCO)
        count, oldest = len(queue.ages), self.ring.oldest
        noise = int((queue.ages < 0).sum())
        lines: list[tuple[Text, bool]] = [(Message("{n} {n:key|keys}", {"n": words.number(count)}), True)]
        if noise:
            lines.append((Message("{n} still noise", {"n": words.number(noise)}), False))
        lines.append((Message("oldest: {n} {n:step|steps}", {"n": words.number(oldest)}), False))
        if method == MOCO:
            share = words.number(began.params.queue_size / began.params.batch, 1)
            lines.append((Message("K / B = {n}", {"n": share}), False))
        self.ring.set_lines(tuple(lines))
        self.age_bar.set_range(0, max(1, oldest))
        if queue.own:
            values = {"n": words.number(queue.own), "all": words.number(began.params.batch)}
            self.ring_card.set_note(Message("{n} of {all} queries have their own picture as a negative", values))
        else:
            self.ring_card.set_note("colored by age")

    def _draw_stale(self, queue: QueueFrame, began: RunBegan) -> None:
        ages, cosines = queue.sample_ages, queue.sample_cosines
        if not len(ages):
            self.stale.set_curves([], max(1.0, float(len(queue.ages) // max(1, queue.batch))))
            say(self.said, "setText", "No keys yet.")
            return
        steps = np.unique(ages)
        mean = np.array([cosines[ages == age].mean() for age in steps])
        low, high = (np.array([f(cosines[ages == age]) for age in steps]) for f in (np.min, np.max))
        curve = Curve(Message("cosine"), steps.astype(float), mean, "cat2", low=low, high=high, digits=3)
        self.stale.set_curves([curve], max(1.0, float(steps[-1])))
        oldest = words.number(float(mean[-1]), 3)
        values = {"c": words.number(float(cosines.mean()), 3), "o": oldest, "m": words.number(began.params.momentum, 3)}
        text = "mean {c}, oldest {o}. The closer to 1, the more consistent old keys are with new queries."
        say(self.said, "setText", Message(text, values))

    def _point(self, x: float | None) -> None:
        for plot, key, digits in ((self.loss, self.loss_key, 2), (self.distance, self.distance_key, 3)):
            plot.set_cursor(x)
            key.set_values(["" if v is None else words.number(v, digits) for v in plot.values_at(x)])
