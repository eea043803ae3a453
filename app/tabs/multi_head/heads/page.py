"""The page "Heads": the flow with its shapes, the maps of all heads, the mask on one of them, how alike they are."""

from __future__ import annotations

import math

import numpy as np

from app import words
from app.cards import Card, card
from app.controls import HeadChips
from app.params_form import ParamsForm
from app.rows import Rows
from app.shell import Shell
from app.tabs.multi_head.powers import set_powers
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.base import PixelView
from app.views.colorbar import ColorBar
from app.views.flow import Block, Flow
from app.views.maskmap import MaskMap
from app.views.matrix import Matrix
from app.views.mosaic import Mosaic
from app.widgets import Segments, button, col, quiet
from app.words import say
from engines.core.errors import Message
from engines.core.protocol import Ended, Event
from engines.multi_head.heads.spec import LOOK, HeadsFrame, HeadsParams, causal

MEASURED = 8  # heads; with more of them the maps need the room
AGREEMENTS = ("Maps", "Outputs")
AGREEMENT_TIPS = (
    "1 − Jensen-Shannon divergence of the weights, mean over queries. 1: the same map. (Lin 1991)",
    "Linear centered kernel alignment (CKA) of the outputs. 1: equal up to rotation and scale. (Kornblith 2019)",
)


class Agreement(Matrix):
    """Heads × heads, in cells as large as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self._largest, self._square = (96, 96), True
        self.export_name = "head-agreement"


class HeadsPage(Page):
    """Views of the page and the frame they show."""

    title = "Heads"
    params_type = HeadsParams
    engine = "engines.multi_head.heads.engine:Engine"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.flow = Flow()
        self.mosaic = Mosaic()
        self.mask_map = MaskMap()
        self.agreement = Agreement()
        self.mosaic_bar, self.mask_bar = ColorBar(Message("Weight")), ColorBar(Message("Weight"))
        self.flow_bar = ColorBar(Message("Values"), "diff", least=190)
        self.agreement_bar = ColorBar(Message("Agreement"), "tide")
        self.mosaic_bar.drive(self.mosaic)
        self.mask_bar.drive(self.mask_map)
        self.agreement_bar.drive(self.agreement)
        self.flow_bar.drive(self.flow)
        self.kind = Segments(AGREEMENTS, tips=AGREEMENT_TIPS)
        self.causal = button("Causal", kind="boxed", tip="No query sees a later key.")
        self.clear = button(icon="trash", kind="boxed", tip="Clear the mask")
        self.mask_note, self.flow_note = quiet(""), quiet("")
        for view, name in (
            (self.flow, "Inside the layer"),
            (self.mosaic, "Weights per head"),
            (self.mask_map, "Mask"),
            (self.agreement, "Head agreement"),
        ):
            say(view, "setAccessibleName", name)
        self.flow_card = card("Inside the layer", self.flow, tools=[self.flow_bar], foot=self.flow_note)
        self.mosaic_card = card("Weights per head", self.mosaic, foot=self.mosaic_bar)
        self.mask_card = card(
            Message("Head {n}", {"n": 1}),
            self.mask_map,
            "",
            [self.causal, self.clear],
            col(self.mask_note, self.mask_bar),
        )
        self.agreement_card = card("Head agreement", self.agreement, tools=[self.kind], foot=self.agreement_bar)
        lower = (self.mosaic_card, 10), (self.mask_card, 10), (self.agreement_card, 9)
        self.frame: HeadsFrame | None = None
        self._top = 1.0
        for waiting in self.cards:
            waiting.set_empty("Sampling tokens")
        self._connect()
        self.lay(Rows(([(self.flow_card, 1)], lower), (11, 14)), self._form())

    def _form(self) -> ParamsForm:
        form = ParamsForm(self.params)
        set_powers(form, "heads", "width")
        self.chips = HeadChips("On or off")
        self.chips.changed.connect(lambda off: self.step(heads_off=off))
        form.add(LOOK, self.chips, at=1)
        form.add("Layer", quiet("The weights are random, not trained.", wrap=True))
        return form

    def _connect(self) -> None:
        self.kind.chosen.connect(lambda _i: self._show_agreement())
        self.mosaic.hovered.connect(lambda place: self._lit(None if place is None else place[1:]))
        self.mask_map.hovered.connect(self._lit)
        self.mosaic.chosen.connect(lambda head: self.step(head=head))
        self.flow.chosen.connect(lambda head: self.step(head=head))
        self.agreement.clicked.connect(lambda cell: self.step(head=cell[0]))
        self.mask_map.painted.connect(lambda cells: self.change(blocked=self._with_outer(cells)))
        self.mask_map.finished.connect(self.settle)
        self.causal.clicked.connect(lambda _checked=False: self.step(blocked=causal(self.params.tokens)))
        self.clear.clicked.connect(lambda _checked=False: self.step(blocked=()))

    def _with_outer(self, cells: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        """Painted pairs, and those that a shorter sequence hides."""
        outer = (cell for cell in self.params.blocked if max(cell) >= self.params.tokens)
        return tuple(sorted({*cells, *outer}))

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards."""
        return self.flow_card, self.mosaic_card, self.mask_card, self.agreement_card

    @property
    def views(self) -> tuple[PixelView, ...]:
        """All views that can be exported."""
        return self.flow, self.mosaic, self.mask_map, self.agreement

    # -- drawing
    def on(self, event: Event) -> None:
        match event:
            case HeadsFrame():
                self._show_frame(event)
                for ready in self.cards:
                    ready.set_empty(None)
            case Ended() if event.error is not None and self.frame is None:
                for waiting in self.cards:
                    waiting.set_empty("Nothing to show yet.")

    def show_params(self, params: HeadsParams) -> None:
        self.chips.show_heads(params.heads, params.heads_off)
        self._show_head(params)

    def exported(self) -> dict[str, object]:
        return super().exported() | {"head": self.params.head + 1}

    def _show_frame(self, frame: HeadsFrame) -> None:
        self.frame = frame
        self._top = float(frame.weights.max(initial=0.0)) or 1.0
        self.mosaic.set_maps(frame.weights, self._top)
        captions = [Message("H{n}", {"n": i + 1}) for i in range(frame.heads)]
        measured = [Message("{bits} bits", {"bits": words.number(float(e), 1)}) for e in frame.entropy]
        self.mosaic.set_captions(captions, measured if frame.heads <= MEASURED else ())
        self.mosaic.set_off(frame.off)
        for bar in (self.mosaic_bar, self.mask_bar):
            bar.set_range(0, self._top, name=Message("Shared scale"))
        end = reach(frame.x)
        self.flow.set_blocks(blocks(frame, self._top, end), frame.heads)
        self.flow.set_off(frame.off)
        self.flow_bar.set_range(-end, end, clipped=True, clipped_low=True)
        self._say(frame)
        self._show_agreement()
        self._show_head(self.params)

    def _say(self, frame: HeadsFrame) -> None:
        count = words.number(frame.parameters)
        self.flow_card.set_note("{n} parameters with any number of heads", n=count)
        if frame.empty:
            names = ", ".join(frame.names[i] for i in frame.empty[:6]) + (" …" if len(frame.empty) > 6 else "")
            text = "Nothing is left to attend to for {names}: weights and output of the heads are 0 there."
            said = Message(text, {"names": names})
        elif frame.off:
            share = {"share": words.percent(frame.change, 0)}
            said = Message("Switching these heads off changes the output by {share} of its norm.", share)
        else:
            said = Message("All heads are on. Switch one off to see the output change.")
        say(self.flow_note, "setText", said)

    def _show_agreement(self) -> None:
        frame = self.frame
        if frame is None:
            return
        table = frame.map_agreement if self.kind.at() == 0 else frame.output_agreement
        self.agreement.set_values(table, 1.0, 0.0)
        names = [str(i + 1) for i in range(frame.heads)]
        self.agreement.set_names(names, names)
        self.agreement_bar.set_range(0, 1)

    def _show_head(self, params: HeadsParams) -> None:
        """Mark the chosen head in every view, and paint the mask on its map."""
        frame = self.frame
        if frame is None:
            return
        at = min(params.head, frame.heads - 1)
        self.mosaic.set_at(at)
        self.flow.set_at(at)
        self.agreement.set_at((at, -1))
        self.mask_map.set_values(frame.weights[at], self._top, 0.0)
        self.mask_map.set_tokens(frame.names, frame.names)
        self.mask_map.set_blocked([c for c in params.blocked if max(c) < frame.tokens])
        self.mask_card.set_title("Head {n}", n=at + 1)
        share = words.percent(float(frame.contribution[at]), 0)
        if at in frame.off:
            say(self.mask_note, "setText", Message("Off; it was {share} of the output.", {"share": share}))
        else:
            say(self.mask_note, "setText", Message("{share} of the output. Drag to mask pairs.", {"share": share}))
        self.clear.setEnabled(bool(params.blocked))

    def _lit(self, cell: tuple[int, int] | None) -> None:
        self.mosaic.set_mark(cell)
        self.mask_map.set_lit(cell)
        share = self.mask_map.share_at(cell)
        self.mask_bar.set_mark(share)


def reach(values: np.ndarray) -> float:
    """Where a scale of signed values ends: 99 of 100 values lie within."""
    return float(np.quantile(np.abs(values), 0.99)) or 1.0


def blocks(frame: HeadsFrame, top: float, end: float) -> list[Block]:
    """The layer as a row of arrays; ``top`` ends the scale of the weights, ``end`` that of the values."""
    b, h, n, e = frame.batch, frame.heads, frame.tokens, frame.width
    d = e // h
    down = h if h <= 2 else math.isqrt(h - 1) + 1
    across = -(-h // down)
    seam = 2 if h <= 8 else 1
    per_head, whole = f"({b}, {h}, {n}, {d})", f"({b}, {n}, {e})"
    qkv = np.concatenate([frame.queries, frame.keys, frame.values])  # (3 H, N, d)
    joined = frame.joined.reshape(n, h, d).swapaxes(0, 1)  # (H, N, d)
    scaled = frame.out_weight.reshape(h, d, e) * math.sqrt(e)  # to the size of the other values
    return [
        Block(Message("Input X"), whole, frame.x, top=end),
        Block("Q, K, V", per_head, qkv, down=3, cut=True, seam=seam, link="W_q W_k W_v", top=end),
        Block(Message("Weights"), f"({b}, {h}, {n}, {n})", frame.weights, down=down, cut=True, seam=2, square=True,
              cell=1.6 * e / (across * n), link="softmax", ramp="ember", top=top),
        Block(Message("Heads"), per_head, frame.head_outputs, cut=True, seam=seam, link="× V", top=end),
        Block(Message("Concatenation"), whole, joined, cut=True, top=end),
        Block(Message("W_o, drawn × √d_model"), f"({e}, {e})", scaled, down=h, cut=True, square=True, sign="×",
              top=end),
        Block(Message("Output"), whole, frame.output, sign="=", top=end),
        Block(Message("Change"), whole, frame.output - frame.untouched, top=end),
    ]  # fmt: skip
