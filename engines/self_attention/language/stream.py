"""A text in a model, layer by layer: each computed once, and only when it is needed. No maps are kept but the newest.

What enters each layer is kept (N × d numbers); its maps (H × N × N) are computed again from that when they are wanted.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from engines.core.errors import NOT_FINITE, LabError
from engines.self_attention.language.changes import Plan
from engines.self_attention.language.model import UNCHANGED, Change, LanguageModel
from engines.self_attention.language.text import Tokens


class Stream:
    """A forward pass that can stop after any layer, and that another one can branch off from.

    Parameters
    ----------
    net : LanguageModel
    entering : list of Tensor (1, N, d)
        What enters each layer that has been reached; at least the embeddings.
    allowed : Tensor (1, 1, N, N), optional
        See `LanguageModel.allowed`.
    hidden : Tensor of bool (1, N), optional
        Tokens that nobody attends to, and that do not count in the sentence's mean.
    plan : Plan
    """

    def __init__(
        self, net: LanguageModel, entering: list[Tensor], allowed: Tensor | None, hidden: Tensor | None, plan: Plan
    ) -> None:
        self.net, self.entering, self.allowed, self.hidden, self.plan = net, entering, allowed, hidden, plan
        self._changes: dict[int, Change] = plan.changes(net.config.heads, entering[0].device)
        self._newest: tuple[int, Tensor] | None = None  # the maps that were computed last
        self._last: Tensor | None = None

    @classmethod
    @torch.inference_mode()
    def of(cls, net: LanguageModel, tokens: Tokens, hidden: tuple[int, ...] = ()) -> Stream:
        """The untouched stream of a text, of which some tokens may be hidden; no layer is computed yet."""
        device = net.words.weight.device
        ids = torch.tensor([tokens.ids], device=device)
        types = torch.tensor([tokens.types], device=device)
        out = None
        if hidden:
            out = torch.zeros(1, len(tokens), dtype=torch.bool, device=device)
            out[0, list(hidden)] = True
        return cls(net, [net.embed(ids, types)], net.allowed(len(tokens), out), out, Plan())

    def branch(self, plan: Plan) -> Stream:
        """A stream under a plan that shares everything before the first changed layer. Itself if none is."""
        if plan.first is None:
            return self
        return Stream(self.net, self.entering[: plan.first + 1], self.allowed, self.hidden, plan)

    @property
    def reached(self) -> int:
        """Layers computed so far."""
        return len(self.entering) - 1

    @property
    def complete(self) -> bool:
        """Whether all layers are computed."""
        return self.reached == self.net.config.layers

    @torch.inference_mode()
    def advance(self) -> Tensor:
        """Compute the next layer; returns its maps (H, N, N)."""
        at = self.reached
        step = next(self.net.steps(self.entering[-1], self.allowed, self._changes, at))
        if not math.isfinite(float(step.after.sum())) and not torch.isfinite(step.after).all():
            raise LabError(NOT_FINITE, n=at + 1)
        self.entering.append(step.after)
        self._newest = at, step.weights[0]
        return step.weights[0]

    def finish(self) -> Stream:
        """Compute all layers that are left."""
        while not self.complete:
            self.advance()
        return self

    @torch.inference_mode()
    def grown(self, piece: int) -> Stream:
        """The complete stream of the text and one piece more, of a complete one in which nobody looks ahead.

        What was computed stays as it is; of each layer only the new token is computed.
        """
        net, count = self.net, self.entering[0].shape[1]
        more = net.words.weight[piece] + net.places.weight[count]  # (d,)
        more, entering = more[None, None], list[Tensor]()
        for at, x in enumerate(self.entering):
            entering.append(torch.cat([x, more], 1))
            if at < net.config.layers:
                more = net.layer(at).grown(x, more, self._changes.get(at, UNCHANGED))
                if not torch.isfinite(more).all():
                    raise LabError(NOT_FINITE, n=at + 1)
        return Stream(net, entering, net.allowed(count + 1), None, self.plan)

    @torch.inference_mode()
    def weights(self, layer: int) -> Tensor:
        """Maps (H, N, N) of a layer that can be entered, counted from 0: the same bits as when it is computed."""
        if self._newest is None or self._newest[0] != layer:
            made = self.net.layer(layer)
            q, k = made.asked_for(self.entering[layer], made.q_proj, made.k_proj)
            self._newest = layer, made.weights(q, k, self.allowed, self._changes.get(layer, UNCHANGED))[0]
        return self._newest[1]

    @torch.inference_mode()
    def last(self) -> Tensor:
        """The last hidden states (N, d), once all layers are computed."""
        if self._last is None:
            self._last = self.net.concluded(self.entering[-1])[0]
        return self._last

    @torch.inference_mode()
    def sentence(self, first_token: bool = False) -> Tensor:
        """What stands for the sentence, (d,) of length 1: the mean of all tokens but hidden ones, or the first."""
        return pooled(self.last()[None], self.hidden, first_token)[0]


def pooled(last: Tensor, hidden: Tensor | None = None, first_token: bool = False) -> Tensor:
    """Sentences (B, d) of length 1, of last hidden states (B, N, d) and hidden tokens (B, N)."""
    if first_token:
        found = last[:, 0]
    elif hidden is None:
        found = last.mean(1)
    else:
        kept = (~hidden).to(last.dtype)[..., None]  # (B, N, 1)
        found = (last * kept).sum(1) / kept.sum(1).clamp(min=1)
    return torch.nn.functional.normalize(found, dim=-1)
