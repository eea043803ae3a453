"""The page "Watch": a trained block as a flow, token by token in lanes, and its hidden attention beside what counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.shell import Shell
from app.steady import Steady
from app.tabs.mamba.numbers import digits
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.bars import Bar, Bars, probability
from app.views.colorbar import ColorBar
from app.views.flow import Block, Flow
from app.views.lanes import BARS, HEAT, Lane, Lanes
from app.views.scoregrid import ScoreGrid
from app.views.tokenmap import TokenMap
from app.widgets import box, col, quiet, row
from engines.checkpoints import catalog
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.mamba.watch.spec import (
    LETTERS,
    NAMES,
    OF_CHANNEL,
    SEQUENCES,
    OfWatch,
    WatchFrame,
    WatchParams,
)


class WatchPage(Page):
    """Five cards and what they show."""

    title = "Watch"
    params_type = WatchParams
    engine = "engines.mamba.watch.engine:Engine"
    asks = OfWatch
    params: WatchParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.shown: WatchFrame | None = None
        self.flow, self.lanes = Flow(), Lanes()
        self.hidden, self.heads = ScoreGrid("diff", (14, 14)), TokenMap()
        for grid in (self.hidden, self.heads):
            grid.setMinimumSize(120, 104)
        self.flow.setMinimumHeight(112)
        self.bars = Bars(18, 20, widest="100.0 %", widest_note="+100.0")
        self.peaks = Bars(18, 60, widest="100.0 %")
        for view, name, export in (
            (self.flow, "The block", "block"), (self.lanes, "Token by token", "tokens"),
            (self.hidden, "Hidden attention", "hidden-attention"), (self.heads, "A Transformer's head", "head"),
            (self.bars, "What comes next", "next"),
            (self.peaks, "Strongest on the right token", "strongest"),
        ):  # fmt: skip
            words.say(view, "setAccessibleName", name)
            view.export_name = export
        self.hidden_bar, self.head_bar = ColorBar(Message("Weight"), "diff"), ColorBar(Message("Attention"))
        self.hidden_bar.drive(self.hidden)
        self.head_bar.drive(self.heads)
        self.flow_card = card("The block", self.flow)
        self.lane_card = card("Token by token", self.lanes)
        self.hidden_card = card("Hidden attention", self.hidden, foot=self.hidden_bar)
        self.head_card = card("A Transformer's head", self.heads, foot=self.head_bar)
        self.right = Steady()
        self.bar_card = card("What comes next", self.bars, foot=self.right)
        self.peak_card = card(
            "Strongest on the right token",
            self.peaks,
            Message("of {n} sequences", {"n": SEQUENCES}),
            foot=quiet("Hidden attention is not influence: the gradient is."),
        )
        self.lanes.chosen.connect(lambda at: self.change(token=at))
        self.lanes.hovered.connect(self._point)
        for grid in (self.hidden, self.heads):
            grid.hovered.connect(lambda cell: self._point(None if cell is None else cell[0]))
            grid.clicked.connect(lambda cell: self.change(token=cell[0]))
        upper = row((self.flow_card, 5), (self.bar_card, 2), gap=S3)
        grids = row((self.hidden_card, 1), (self.head_card, 1), gap=S3)
        lower = row((self.lane_card, 4), (col((grids, 1), self.peak_card, gap=S3), 5), gap=S3)
        self.lay(box(col((upper, 1), (lower, 2), gap=S3)), ParamsForm(self.params))

    def _point(self, at: int | None) -> None:
        """Light up the token under the pointer, everywhere."""
        self.lanes.set_lit(at)
        for grid in (self.hidden, self.heads):
            grid.set_lit(None if at is None else (at, -1))

    # -- the contract
    def on(self, event: Event) -> None:
        if isinstance(event, WatchFrame):
            self.shown = event
            self._draw(event)

    def show_params(self, params: WatchParams) -> None:
        self.lanes.set_at(params.token)
        for grid in (self.hidden, self.heads):
            grid.set_at(None if params.token < 0 else (params.token, -1))
        if self.shown is not None:
            self._draw_maps(self.shown)

    def escape(self) -> None:
        self.change(token=-1)

    def exported(self) -> dict[str, object]:
        return super().exported() | catalog.credited(NAMES[self.params.task])

    # -- drawing
    def _draw(self, shown: WatchFrame) -> None:
        names: Sequence[str | Message] = (
            "x", "u", "Δ", "B", "C", "h", "y", Message("output"),
        )  # fmt: skip
        values = (shown.x, shown.u, shown.delta, shown.B, shown.C, shown.states, shown.y, shown.out)
        links: Sequence[str | Message] = (
            "", Message("conv, SiLU"), Message("softplus"), "", "", Message("scan"), "C h + D u", Message("gate")
        )  # fmt: skip
        blocks = []
        for name, value, shape, link in zip(names, values, shown.shapes, links, strict=True):
            ramp = "ember" if name == "Δ" else "diff"
            blocks.append(Block(name, f"({', '.join(map(str, shape))})", value, ramp=ramp, link=link))
        self.flow.set_blocks(blocks, 1)
        self.flow_card.set_note("layer {n}; states of channel {channel}", n=shown.layer, channel=shown.channel)
        self._draw_lanes(shown)
        self._draw_maps(shown)
        changed = self.params.changes() > 0
        self.bars.set_bars(
            [
                probability(LETTERS[i], float(now), float(before) if changed else None,
                            "truth" if i == shown.answer else "accent")
                for i, (now, before) in enumerate(zip(shown.predicted, shown.plain, strict=True))
            ],
            1.0,
        )  # fmt: skip
        self.bar_card.set_note("right: {letter}", letter=LETTERS[shown.answer])
        self.peaks.set_bars(self._peaks(shown), 1.0)
        now = "…" if shown.right is None else words.percent(shown.right, 1)
        right = {"n": SEQUENCES, "before": words.percent(shown.right_plain, 1), "now": now}
        said = "Right in {n} sequences: {before}, now {now}" if changed else "Right in {n} sequences: {before}"
        words.say(self.right, "setText", Message(said, right))

    def _draw_lanes(self, shown: WatchFrame) -> None:
        at = shown.channel - 1
        lanes = [
            Lane("Δ", shown.delta, HEAT, weight=3, ramp="ember", digits=2, key="delta", note=Message("all channels")),
            Lane("Δ", shown.delta[at], tokens=("cat2",), digits=digits(shown.delta[at]), key="delta_of_channel",
                 note=Message("this channel")),
            Lane(Message("Written"), shown.written, BARS, digits=digits(shown.written), tokens=("cat0",),
                 key="written", note="‖Δ B u‖"),
            Lane("h", shown.states, HEAT, weight=2, key="states", note=Message("states")),
            Lane(Message("Read"), shown.read, BARS, digits=digits(shown.read), tokens=("cat0",), key="read",
                 note="|C h|"),
            Lane(Message("Influence"), shown.influence, BARS, digits=digits(shown.influence), tokens=("truth",),
                 key="influence", note=Message("its gradient")),
            Lane(Message("Hidden"), shown.row, BARS, digits=digits(shown.row), tokens=("cat5",), key="hidden",
                 note=Message("of the last")),
        ]  # fmt: skip
        self.lanes.set_lanes(lanes, shown.tokens, (shown.source, shown.asked))
        self.lane_card.set_note(
            "channel {channel}; the answer stands at {n}", channel=shown.channel, n=shown.source + 1
        )

    def _draw_maps(self, shown: WatchFrame) -> None:
        one = self.params.matrix == OF_CHANNEL
        values = shown.hidden if one else shown.hidden_all
        end = float(np.abs(values).max()) or 1.0
        self.hidden.set_table(values, end)
        self.hidden.set_names(shown.tokens, shown.tokens)
        self.hidden_bar.set_range(-end, end)
        self.hidden_card.set_note("channel {n}" if one else "mean of all channels", n=shown.channel)
        head = min(self.params.head, len(shown.heads)) - 1
        self.heads.set_values(shown.heads[head], 1.0, 0.0)
        self.heads.set_tokens(shown.tokens, shown.tokens)
        self.head_bar.set_range(0, 1)
        self.head_card.set_note("layer {layer}, head {n}", layer=shown.layer, n=head + 1)

    @staticmethod
    def _peaks(shown: WatchFrame) -> list[Bar]:
        """How often each measure is strongest on the right token."""
        layer = {"n": shown.layer}
        return [
            probability(Message("Gradient to the embedding"), shown.found_by_influence, token="truth"),
            probability(Message("Hidden attention, layer {n}", layer), shown.found_by_hidden, token="cat5"),
            probability(Message("Transformer's heads, layer {n}", layer), shown.found_by_heads, token="cat0"),
        ]
