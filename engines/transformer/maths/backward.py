"""The way back through a Transformer by hand: dL/d(everything) from the loss of one place, formula by formula.

What autograd does, written out, so that each step can be shown; and a pass with something added to a number on the way,
against which each can be checked.

Sources: Rumelhart et al. 1986 (back-propagation); the softmax's and the normalization's derivatives are textbook.
Shapes: as in `engines.transformer.model`, without the batch axis where a tape's entry has been taken out of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from engines.blocks.attention import MultiHeadAttention, softmax_where
from engines.transformer import proofs
from engines.transformer.model import Transformer
from engines.transformer.norms import SequenceBatchNorm
from engines.transformer.passing import Pass, Tape
from engines.transformer.switches import CROSS, DECODER, DECODER_FFN, ENCODER, ENCODER_FFN, Place, Switches

PROBABILITIES = "probabilities"
#: What a gradient is told by, beside the names of the tape: what came through the residual connection and through the
#: branch, before both are added to the gradient of the sublayer's input.
SKIP, VIA, BEFORE_RELU = "skip", "via", "before_relu"


# ------------------------------------------------------------------ by hand
def by_hand(model: Transformer, tape: Tape, place: int, label: int) -> dict[str, Tensor]:
    """dL/d(entry) of a tape's entries by their names, L = −log p(label) at one place of the target.

    Parameters
    ----------
    model : Transformer
        In evaluation mode.
    tape : dict of str to Tensor
        With a batch of one.
    place, label : int

    Returns
    -------
    dict of str to Tensor
        Each as its entry, without the batch axis. Beside them ``kind.i.skip`` and ``kind.i.via`` (N, E), whose sum is
        the gradient of the sublayer's input, and ``kind.i.before_relu`` (N, F).
    """
    found: dict[str, Tensor] = {}
    p = tape["logits"][0].softmax(-1)  # (T, V)
    found[PROBABILITIES] = torch.zeros_like(p)
    found[PROBABILITIES][place, label] = -1 / p[place, label]
    found["logits"] = torch.zeros_like(p)
    found["logits"][place] = p[place]
    found["logits"][place, label] -= 1  # p − y
    found["decoded"] = found["logits"] @ model.unembed.weight  # (T, E)
    last = len(model.decoder) - 1
    g = through_norm(model.decoder_norm, found["decoded"], entry(tape, f"{DECODER_FFN}.{last}.output"))
    memory = torch.zeros_like(tape["memory"][0])  # (S, E), from all cross-attentions
    for place_ in down(model, (DECODER, CROSS, DECODER_FFN), last):
        g, of_memory = sublayer(model, tape, place_, g, found)
        memory = memory if of_memory is None else memory + of_memory
    found["tgt.embedded"], found["memory"] = g, memory
    last = len(model.encoder) - 1
    g = through_norm(model.encoder_norm, memory, entry(tape, f"{ENCODER_FFN}.{last}.output"))
    for place_ in down(model, (ENCODER, ENCODER_FFN), last):
        g, _ = sublayer(model, tape, place_, g, found)
    found["src.embedded"] = g
    return found


def down(_model: Transformer, kinds: tuple[str, ...], last: int) -> Iterator[Place]:
    """Sublayers from the last one to the first."""
    for i in range(last, -1, -1):
        for kind in reversed(kinds):
            yield kind, i


def sublayer(
    model: Transformer, tape: Tape, place: Place, g: Tensor, found: dict[str, Tensor]
) -> tuple[Tensor, Tensor | None]:
    """The gradient g (N, E) of a sublayer's output through it; what it finds goes into ``found``.

    Returns
    -------
    Tensor (N, E)
        Of the sublayer's input.
    Tensor (S, E) or None
        What goes to the encoder's output, of a cross-attention.
    """
    (kind, i), (module, norm) = place, proofs.part(model, place)
    name, first = f"{kind}.{i}", bool(model.sizes["norm_first"])
    found[f"{name}.output"] = g
    g = g if first else through_norm(norm, g, entry(tape, f"{name}.sum"))
    found[f"{name}.sum"] = found[f"{name}.branch"] = found[f"{name}.{SKIP}"] = g  # a sum hands on what it gets
    seen = entry(tape, f"{name}.normed" if first else f"{name}.input")  # (N, E)
    of_memory = None
    if isinstance(module, MultiHeadAttention):
        looked_at = tape["memory"][0] if kind == CROSS else seen
        given, of_keys = attention(module, tape, name, g, looked_at, found)
        if kind == CROSS:
            of_memory = of_keys
        else:
            given = given + of_keys
    else:
        assert isinstance(module, proofs.FeedForward)
        hidden = entry(tape, f"{name}.hidden")  # (N, F)
        found[f"{name}.hidden"] = g @ module.fc2.weight
        found[f"{name}.{BEFORE_RELU}"] = found[f"{name}.hidden"] * (hidden > 0)
        given = found[f"{name}.{BEFORE_RELU}"] @ module.fc1.weight
    if first:
        found[f"{name}.normed"] = given
        given = through_norm(norm, given, entry(tape, f"{name}.input"))
    found[f"{name}.{VIA}"] = given
    found[f"{name}.input"] = g + given
    return g + given, of_memory


def attention(
    module: MultiHeadAttention, tape: Tape, name: str, g: Tensor, _looked_at: Tensor, found: dict[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """The gradient g (Q, E) of an attention's output through it: what queries (Q, E), keys and values (K, E) are of."""
    q, k, v = (entry(tape, f"{name}.{part}") for part in ("queries", "keys", "values"))  # (H, N, d)
    weights = entry(tape, f"{name}.weights")  # (H, Q, K)
    of_heads = (g @ module.out_proj.weight).unflatten(-1, (module.num_heads, -1)).transpose(0, 1)  # (H, Q, d)
    of_weights = of_heads @ v.transpose(1, 2)  # (H, Q, K)
    of_scores = through_softmax(weights, of_weights)
    root = math.sqrt(module.head_dim)
    of_q, of_k, of_v = of_scores @ k / root, of_scores.transpose(1, 2) @ q / root, weights.transpose(1, 2) @ of_heads
    for part, value in (("heads", of_heads), ("weights", of_weights), ("scores", of_scores), ("queries", of_q),
                        ("keys", of_k), ("values", of_v)):  # fmt: skip
        found[f"{name}.{part}"] = value
    of_q, of_k, of_v = (value.transpose(0, 1).flatten(1) for value in (of_q, of_k, of_v))  # (N, E)
    return of_q @ module.q_proj.weight, of_k @ module.k_proj.weight + of_v @ module.v_proj.weight


def through_softmax(weights: Tensor, g: Tensor) -> Tensor:
    """``a (g − Σ a g)``: the gradient g (..., K) of a softmax's weights (..., K) through it; 0 where a weight is."""
    return weights * (g - (weights * g).sum(-1, keepdim=True))


def through_norm(norm: nn.Module, g: Tensor, x: Tensor) -> Tensor:
    """The gradient g (N, E) of a normalization of x (N, E) through it.

    LayerNorm: ``(γg − mean(γg) − z mean(γg z)) / σ`` with z the normalized x; batch normalization: γg / σ.
    """
    if isinstance(norm, SequenceBatchNorm):
        return g * norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    if isinstance(norm, nn.Identity):
        return g
    assert isinstance(norm, nn.LayerNorm)
    z, deviation = standard(x, norm.eps)
    scaled = g * norm.weight
    return (scaled - scaled.mean(-1, keepdim=True) - z * (scaled * z).mean(-1, keepdim=True)) / deviation


def standard(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """X (N, E) minus its mean over its deviation, and that deviation (N, 1)."""
    deviation = (x.var(-1, correction=0, keepdim=True) + eps).sqrt()
    return (x - x.mean(-1, keepdim=True)) / deviation, deviation


def entry(tape: Mapping[str, Tensor], name: str) -> Tensor:
    """An entry of a tape of one example, without the batch axis; any shape."""
    return tape[name][0]


# ------------------------------------------------------------------ by trying
@dataclass
class Probe(Pass):
    """A pass in which something may be added to any entry of the tape, and gradients reach them.

    Attributes
    ----------
    added : dict of str to Tensor
        What is added, by the name of the entry and of its shape or broadcast to it.
    watched : bool
        Put a 0 that takes gradients on each entry.
    """

    added: dict[str, Tensor] = field(default_factory=dict)
    watched: bool = False

    def keep(self, name: str, x: Tensor) -> Tensor:
        """The entry of any shape, with what is added to it."""
        x = super().keep(name, x)
        if self.watched and name not in self.added:
            self.added[name] = torch.zeros_like(x).requires_grad_(True)
        return x + self.added[name] if name in self.added else x

    def attention(self, name: str, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Every step of an attention by itself: output (B, H, Q, d) and weights (B, H, Q, K)."""
        q, k, v = (self.keep(f"{name}.{part}", x) for part, x in (("queries", q), ("keys", k), ("values", v)))
        scores = self.keep(f"{name}.scores", q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]))
        weights = scores.softmax(-1) if mask is None else softmax_where(scores, mask)
        weights = self.keep(f"{name}.weights", weights)
        return self.keep(f"{name}.heads", weights @ v), weights


def loss(
    model: Transformer, source: Tensor, target: Tensor, switches: Switches, place: int, label: int, probe: Probe
) -> Tensor:
    """−log p(label) at a place, a scalar; source (S,), target (T,)."""
    probe.switches, probe.need_weights = switches, True
    memory = model.encode(source[None], go=probe)
    logits = model.decode(target[None], memory, go=probe)
    p = probe.keep(PROBABILITIES, logits.softmax(-1))
    return -p[0, place, label].log()


def by_autograd(
    model: Transformer, source: Tensor, target: Tensor, switches: Switches, place: int, label: int
) -> dict[str, Tensor]:
    """The same as `by_hand` (the tape's names alone), by torch; source (S,), target (T,)."""
    probe = Probe(watched=True)
    value = loss(model, source, target, switches, place, label, probe)
    names = list(probe.added)
    found = torch.autograd.grad(value, [probe.added[name] for name in names], allow_unused=True)
    return {name: torch.zeros_like(probe.added[name])[0] if g is None else g[0]
            for name, g in zip(names, found, strict=True)}  # fmt: skip


@torch.no_grad()
def by_trying(
    model: Transformer,
    specimen: tuple[Tensor, Tensor, Switches],
    place: int,
    label: int,
    name: str,
    cell: tuple[int, ...],
    step: float = 1e-4,
) -> tuple[float, float]:
    """The loss with a number of the tape a step larger and a step smaller; ``cell`` is its place, without the batch.

    ``specimen``: source (S,), target (T,), and what is switched off.
    """
    source, target, switches = specimen
    plain = Probe(tape={})
    loss(model, source, target, switches, place, label, plain)
    assert plain.tape is not None
    shape = plain.tape[name].shape
    values = []
    for way in (1, -1):
        moved = torch.zeros(shape, dtype=torch.float64)
        moved[(0, *cell)] = way * step
        probe = Probe(added={name: moved})
        values.append(float(loss(model, source, target, switches, place, label, probe)))
    return values[0], values[1]
