"""Writing the target token by token: greedy, and beam search with a length penalty (Wu et al. 2016, section 7).

Shapes: K beams, S source tokens, T target tokens, V words, E width.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.data.vocabulary import BOS, EOS, PAD
from engines.transformer.model import Transformer
from engines.transformer.switches import UNTOUCHED, Switches


@dataclass(frozen=True)
class Path:
    """A sequence that is followed.

    Attributes
    ----------
    tokens : tuple of int
        What was said so far, without the start token.
    log_probability : float
    parent : int
        Which path of the step before it goes on with.
    """

    tokens: tuple[int, ...] = ()
    log_probability: float = 0.0
    parent: int = 0

    @property
    def ended(self) -> bool:
        """Whether the end token was said."""
        return bool(self.tokens) and self.tokens[-1] == EOS

    def score(self, penalty: float) -> float:
        """Log probability over ``((5 + length) / 6)^penalty``."""
        return self.log_probability / length_penalty(len(self.tokens), penalty)


def length_penalty(length: int, penalty: float) -> float:
    """``((5 + length) / 6)^penalty`` (Wu et al. 2016, section 7)."""
    return float(((5 + length) / 6) ** penalty)


def greedy(model: Transformer, source: Tensor, max_length: int, switches: Switches = UNTOUCHED) -> list[int]:
    """The likeliest token at each place: source (1, S) -> at most ``max_length`` ids, the end token last if it came."""
    return list(beam_search(model, source, 1, max_length, 0.0, switches)[0][0].tokens)


def beam_search(
    model: Transformer,
    source: Tensor,
    beams: int,
    max_length: int,
    penalty: float = 0.0,
    switches: Switches = UNTOUCHED,
) -> tuple[list[Path], list[list[Path]]]:
    """The likeliest sequences.

    Parameters
    ----------
    model : Transformer
        In eval mode.
    source : Tensor int64 (1, S)
    beams : int
        Paths followed side by side; 1 is greedy.
    max_length : int
        Tokens to say at most, the end token counted.
    penalty : float
        Of the length; 0 ranks by probability alone.

    Returns
    -------
    best : list of Path
        Those that ended, best first; those that were cut where none ended.
    steps : list of list of Path
        The paths kept after each step, best first; ended ones stand in the step in which they ended.
    """
    steps = list(beam_steps(model, source, beams, max_length, penalty, switches))
    return ranked(steps, beams, penalty), steps


def ranked(steps: list[list[Path]], beams: int, penalty: float) -> list[Path]:
    """Of all paths kept, those that ended, best first; those that were cut where none ended."""
    best = [path for kept in steps for path in kept if path.ended] or steps[-1]
    return sorted(best, key=lambda path: -path.score(penalty))[:beams]


def beam_steps(
    model: Transformer,
    source: Tensor,
    beams: int,
    max_length: int,
    penalty: float = 0.0,
    switches: Switches = UNTOUCHED,
) -> Iterator[list[Path]]:
    """`beam_search` of a source (1, S) one step at a time: the paths kept after each, so that it can be left there."""
    memory = _memory(model, source, switches)  # (1, S, E)
    live, ended = [Path()], list[Path]()
    for length in range(1, max_length + 1):
        following = _next(model, memory, live, switches)  # (K, V)
        total = torch.tensor([path.log_probability for path in live])[:, None] + following
        values, places = total.flatten().topk(min(2 * beams, total.numel()))
        kept: list[Path] = []
        for value, place in zip(values.tolist(), places.tolist(), strict=True):
            if len(kept) == beams or not math.isfinite(value):
                break
            parent, token = divmod(place, following.shape[1])
            kept.append(Path((*live[parent].tokens, token), value, parent))
        yield kept
        ended += [path for path in kept if path.ended]
        live = [path for path in kept if not path.ended]
        if not live or len(ended) >= beams:
            return
        if ended:  # no path can overtake the best one any more, however sure its next tokens are
            reach = max(path.log_probability for path in live) / length_penalty(
                max_length if penalty else length, penalty
            )
            if max(path.score(penalty) for path in ended) >= reach:
                return


@torch.no_grad()
def _memory(model: Transformer, source: Tensor, switches: Switches) -> Tensor:
    return model.encode(source, go=model.begin(switches))


@torch.no_grad()
def _next(model: Transformer, memory: Tensor, live: list[Path], switches: Switches) -> Tensor:
    """Log probabilities (K, V) of the token after each path."""
    read = torch.tensor([[BOS, *path.tokens] for path in live])  # (K, T)
    logits = model.decode(read, memory.expand(len(live), -1, -1), go=model.begin(switches))[:, -1]
    return may_be_said(logits).log_softmax(-1)


def may_be_said(logits: Tensor) -> Tensor:
    """Logits (..., V) without padding and start, which are no answer."""
    allowed = logits.clone()
    allowed[..., [PAD, BOS]] = -math.inf
    return allowed
