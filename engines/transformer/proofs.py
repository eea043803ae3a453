"""The experiments as plain functions of a model: each takes one part away and measures what that does.

Where a difference has to be nothing but rounding, the model should be in double precision (`exact`), so that a sum
taken in another order is not mistaken for a leak.
Shapes: B batch, S source tokens, T target tokens, N either, E width, F inside the FFN, V words.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.data.vocabulary import PAD
from engines.transformer.model import DecoderLayer, EncoderLayer, FeedForward, Transformer
from engines.transformer.norms import SequenceBatchNorm
from engines.transformer.switches import (
    CROSS,
    DECODER,
    DECODER_FFN,
    ENCODER,
    ENCODER_FFN,
    UNTOUCHED,
    Place,
    Switches,
)

ORDINARY = 3  #: the first token that is none of padding, start and end


def exact(model: Transformer, room: int = 0) -> Transformer:
    """A copy in double precision, in evaluation mode and without dropout, for inputs up to ``room`` tokens longer.

    Its running statistics never change: looking at a batch in training mode leaves them as they are.
    """
    twin = like(model, max_len=model.max_len + room).double()
    twin.load_state_dict(model.state_dict())
    for module in twin.modules():
        if isinstance(module, SequenceBatchNorm):
            module.momentum = 0.0
    return twin.eval()


def like(model: Transformer, **other: object) -> Transformer:
    """A fresh model of the same sizes but for ``other``, without dropout."""
    return Transformer(**(model.sizes | other))


@torch.no_grad()
def accuracy(
    model: Transformer,
    source: Tensor,
    source_lens: Tensor,
    target: Tensor,
    switches: Switches = UNTOUCHED,
    causal: bool = True,
) -> tuple[float, float]:
    """Share of tokens, and of whole sequences, of target (B, T) that are right given the right tokens before them.

    A sequence that is right throughout is what greedy decoding answers too, so the second number needs no decoding.
    """
    tokens, all_, sequences = right_ones(model, source, source_lens, target, switches, causal)
    return tokens / all_, sequences / len(source)


@torch.no_grad()
def right_ones(
    model: Transformer,
    source: Tensor,
    source_lens: Tensor,
    target: Tensor,
    switches: Switches = UNTOUCHED,
    causal: bool = True,
) -> tuple[int, int, int]:
    """Tokens of ``target`` (B, T) that are right, tokens, and sequences right throughout; as in `accuracy`."""
    lens = (target != PAD).sum(-1) - 1
    logits = model(source, target[:, :-1], source_lens, causal, lens, switches)  # (B, T, V)
    counts = target[:, 1:] != PAD  # (B, T)
    right = (logits.argmax(-1) == target[:, 1:]) & counts
    return int(right.sum()), int(counts.sum()), int((right | ~counts).all(-1).sum())


# ------------------------------------------------------------------ causal mask
@torch.no_grad()
def moved_logits(
    model: Transformer, source: Tensor, target: Tensor, causal: bool, switches: Switches = UNTOUCHED
) -> tuple[Tensor, Tensor]:
    """What changing each target token does to the logits of each place.

    Parameters
    ----------
    source, target : Tensor int64 (S,), (T,)

    Returns
    -------
    moved : Tensor (T, T)
        Row j, column i: the largest change of a logit at place i if token j is another one.
    changed : Tensor int64 (T,)
        What each token was changed to: the next of the vocabulary.
    """
    words = model.unembed.out_features - ORDINARY
    changed = (target + 1 - ORDINARY) % words + ORDINARY  # (T,)
    rows = target.repeat(len(target) + 1, 1)  # (T + 1, T), the last one untouched
    rows[:-1].diagonal().copy_(changed)
    memory = model.encode(source[None], go=model.begin(switches)).expand(len(rows), -1, -1)
    logits = model.decode(rows, memory, causal=causal, go=model.begin(switches))  # (T + 1, T, V)
    return (logits[:-1] - logits[-1]).abs().amax(-1), changed


def earlier(moved: Tensor) -> float:
    """The largest change, of moved (T, T), at a position before the changed token."""
    before = moved.tril(-1)
    return float(before.max()) if before.numel() else 0.0


# ------------------------------------------------------------------ residual connections
def places(model: Transformer) -> list[Place]:
    """All sublayers in the order in which the model runs them."""
    found: list[Place] = []
    for i in range(len(model.encoder)):
        found += [(ENCODER, i), (ENCODER_FFN, i)]
    for i in range(len(model.decoder)):
        found += [(DECODER, i), (CROSS, i), (DECODER_FFN, i)]
    return found


def nearest(wanted: Place, there: Sequence[Place]) -> Place:
    """The wanted sublayer, or the last one of its kind where there are fewer layers; the first of all if none is."""
    alike = [place for place in there if place[0] == wanted[0]] or there[:1]
    return alike[min(max(0, wanted[1]), len(alike) - 1)]


def part(model: Transformer, place: Place) -> tuple[nn.Module, nn.Module]:
    """The branch of a sublayer and its normalization."""
    kind, i = place
    if kind in (ENCODER, ENCODER_FFN):
        encoder = model.encoder[i]
        assert isinstance(encoder, EncoderLayer)
        if kind == ENCODER:
            return encoder.self_attention, encoder.self_norm
        return encoder.ffn, encoder.ffn_norm
    decoder = model.decoder[i]
    assert isinstance(decoder, DecoderLayer)
    if kind == DECODER_FFN:
        return decoder.ffn, decoder.ffn_norm
    if kind == CROSS:
        return decoder.cross_attention, decoder.cross_norm
    return decoder.self_attention, decoder.self_norm


def gradient_norms(
    model: Transformer, source: Tensor, source_lens: Tensor, target: Tensor, switches: Switches = UNTOUCHED
) -> tuple[list[float], float]:
    """L2 norm of the loss's gradient over the parameters of each sublayer's branch, and the loss.

    Source (B, S), its lengths (B,), target (B, T).
    """
    work = gradients_in_parts(model, source, source_lens, target, switches, len(source))
    while True:
        try:
            next(work)
        except StopIteration as stop:
            found: tuple[list[float], float] = stop.value
            return found


def gradients_in_parts(
    model: Transformer, source: Tensor, source_lens: Tensor, target: Tensor, switches: Switches, at_once: int
) -> Generator[None, None, tuple[list[float], float]]:
    """`gradient_norms`, with a ``yield`` after every ``at_once`` examples, so that a deep model can be left.

    Source (B, S), its lengths (B,), target (B, T).
    """
    branches = [list(part(model, place)[0].parameters()) for place in places(model)]
    values = [p for group in branches for p in group]
    tokens = int((target[:, 1:] != PAD).sum())
    flat, loss = [torch.zeros_like(v) for v in values], 0.0
    for some in torch.arange(len(source)).split(at_once):
        logits = model(source[some], target[some, :-1], source_lens[some], switches=switches)  # (b, T, V)
        labels = target[some, 1:].flatten()
        share = F.cross_entropy(logits.flatten(0, 1), labels, ignore_index=PAD, reduction="sum") / tokens
        flat = [a + b for a, b in zip(flat, torch.autograd.grad(share, values), strict=True)]
        loss += float(share.detach())
        yield
    at, norms = 0, []
    for group in branches:
        norms.append(float(torch.stack([g.norm() for g in flat[at : at + len(group)]]).norm()))
        at += len(group)
    return norms, loss


# ------------------------------------------------------------------ normalization
@torch.no_grad()
def batch_twin(model: Transformer) -> Transformer:
    """The same network with the same weights, batch normalization in place of layer normalization.

    Its running statistics are still to be taken: `take_statistics`.
    """
    twin = like(model, norm="batch").to(model.unembed.weight.dtype)
    twin.load_state_dict(model.state_dict(), strict=False)  # what is missing: the running statistics
    return twin.eval()


@torch.no_grad()
def layer_twin(model: Transformer) -> Transformer:
    """The same network with the same weights, layer normalization in place of batch normalization."""
    twin = like(model, norm="layer").to(model.unembed.weight.dtype)
    twin.load_state_dict({k: v for k, v in model.state_dict().items() if "running_" not in k})
    return twin.eval()


@torch.no_grad()
def take_statistics(
    twin: Transformer, batch: tuple[Tensor, Tensor, Tensor], n: int, switches: Switches = UNTOUCHED
) -> None:
    """Make batch ``n`` (source, source_lens, target) part of the running statistics: the plain mean over all so far."""
    source, source_lens, target = batch
    for module in twin.modules():
        if isinstance(module, SequenceBatchNorm):
            module.momentum = 1 / (n + 1)
    twin.train()
    twin(source, target[:, :-1], source_lens, tgt_valid_lens=(target != PAD).sum(-1) - 1, switches=switches)
    twin.eval()


@torch.no_grad()
def first_normed(
    model: Transformer,
    source: Tensor,
    source_lens: Tensor,
    live: bool,
    count_padding: bool = False,
    switches: Switches = UNTOUCHED,
) -> tuple[Tensor, Tensor, Tensor]:
    """What the encoder's first normalization makes of a batch.

    Parameters
    ----------
    source, source_lens : Tensor int64 (B, S), (B,)
    live : bool
        Batch normalization with the statistics of this batch (training) instead of the running ones (evaluation).
    count_padding : bool
        Whether its statistics are taken over padding too.

    Returns
    -------
    output : Tensor (B, S, E)
    mean, variance : Tensor (B, S) for layer normalization, (E,) for batch normalization
    """
    above = frozenset((ENCODER, i) for i in range(1, len(model.encoder)))  # not needed
    go = model.begin(replace(switches, norm_counts_padding=count_padding, layers_off=above))
    go.tape = {}
    layer = model.encoder[0]
    assert isinstance(layer, EncoderLayer)
    for module in (layer.self_norm, layer.ffn_norm):  # nothing else knows of training here
        module.train(live)
    model.encode(source, source_lens, go)
    for module in (layer.self_norm, layer.ffn_norm):
        module.eval()
    before, after = ("input", "normed") if layer.norm_first else ("sum", "output")
    x = go.tape[f"{ENCODER}.0.{before}"]  # (B, S, E)
    norm = layer.self_norm
    if not isinstance(norm, SequenceBatchNorm):
        return go.tape[f"{ENCODER}.0.{after}"], x.mean(-1), x.var(-1, correction=0)
    if live:
        mean, variance, _ = norm.statistics(x, None if count_padding else go.src_valid)
    else:
        mean, variance = norm.running_mean, norm.running_var
    return go.tape[f"{ENCODER}.0.{after}"], mean, variance


# ------------------------------------------------------------------ positions
@torch.no_grad()
def shuffled_apart(model: Transformer, source: Tensor, order: Tensor, positions: bool) -> float:
    """Largest difference between the memory of a shuffled source (S,) and the shuffled memory of the source.

    Without positions the encoder can't know the order, so it is nothing but rounding.
    """
    switches = Switches(positions=positions)
    one, two = (model.encode(x[None], go=model.begin(switches))[0] for x in (source, source[order]))  # (S, E)
    return float((two - one[order]).abs().max())


# ------------------------------------------------------------------ FFN
@torch.no_grad()
def as_convolutions(ffn: FeedForward, x: Tensor) -> tuple[Tensor, Tensor]:
    """The FFN as two convolutions of kernel size 1 over the positions, with the very same weights.

    Takes x (B, N, E); returns the hidden activations (B, N, F) and the answer (B, N, E).
    """
    channels = x.transpose(1, 2)  # (B, E, N): the numbers of a token are channels
    hidden = F.relu(F.conv1d(channels, ffn.fc1.weight[..., None], ffn.fc1.bias))  # (B, F, N)
    out = F.conv1d(hidden, ffn.fc2.weight[..., None], ffn.fc2.bias)  # (B, E, N)
    return hidden.transpose(1, 2), out.transpose(1, 2)
