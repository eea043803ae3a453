"""Where the cross-attention has its queries, keys and values from: change what may be changed, see what moves.

Source: Vaswani et al. 2017, section 3.2.3: queries come from the decoder, keys and values from the encoder's output.
Shapes: S source tokens, T target tokens, L decoder layers, E width.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engines.data.vocabulary import BOS, EOS
from engines.transformer.decoding import may_be_said
from engines.transformer.model import Transformer
from engines.transformer.passing import Tape
from engines.transformer.proofs import ORDINARY
from engines.transformer.switches import CROSS, UNTOUCHED, Switches

TAPED = ("queries", "keys", "values", "weights")  #: of an attention's tape: Q, K, V, A


def others(tokens: Tensor, words: int) -> Tensor:
    """The next token of a vocabulary of ``words`` in place of each, (N,); start, end and padding are not among them."""
    return (tokens + 1 - ORDINARY) % (words - ORDINARY) + ORDINARY


@torch.no_grad()
def moved(
    model: Transformer, source: Tensor, target: Tensor, of_source: bool, switches: Switches = UNTOUCHED
) -> tuple[Tensor, Tensor]:
    """What changing each token of one side does to the cross-attentions.

    Parameters
    ----------
    model : Transformer
        In double precision, so that what rests is nothing but rounding.
    source, target : Tensor int64 (S,), (T,)
    of_source : bool
        Change the source's tokens, else the target's.

    Returns
    -------
    moved : Tensor (L, 6, N)
        Largest change of a number of `engines.transformer.experiments.spec.PARTS`; column, the token changed.
    changed : Tensor int64 (N,)
        What each was changed to.
    """
    read = source if of_source else target
    table = model.src_embedding if of_source else model.tgt_embedding
    changed = others(read, table.num_embeddings)  # (N,)
    rows = read.repeat(len(read) + 1, 1)  # (N + 1, N), the last one untouched
    rows[:-1].diagonal().copy_(changed)
    go = model.begin(switches)
    go.tape, go.need_weights = {}, True
    memory = model.encode(rows if of_source else source[None], go=go)
    memory = memory.expand(len(rows), -1, -1)  # (N + 1, S, E)
    model.decode(target.expand(len(rows), -1) if of_source else rows, memory, go=go)
    found = [layer_moved(go.tape, memory, i) for i in range(len(model.decoder))]
    return torch.stack(found), changed


def layer_moved(tape: Tape, memory: Tensor, layer: int) -> Tensor:
    """The same of one decoder layer, (6, N); memory (N + 1, S, E)."""
    parts = (memory, *(tape[f"{CROSS}.{layer}.{name}"] for name in TAPED), tape["logits"])
    return torch.stack([(part[:-1] - part[-1]).abs().flatten(1).amax(-1) for part in parts])


@torch.no_grad()
def answer(model: Transformer, memory: Tensor, most: int, switches: Switches = UNTOUCHED) -> list[int]:
    """The likeliest token at each place, given an encoder output (1, S, E); without the end token."""
    said = [BOS]
    while len(said) <= most:
        logits = model.decode(torch.tensor([said]), memory, go=model.begin(switches))[0, -1]  # (V,)
        token = int(may_be_said(logits).argmax())
        if token == EOS:
            break
        said.append(token)
    return said[1:]


@torch.no_grad()
def unevenness(model: Transformer, target: Tensor, memory: Tensor, switches: Switches = UNTOUCHED) -> float:
    """The largest distance of a cross-attention's weight from 1 / S, given target (T,) and memory (1, S, E)."""
    go = model.begin(switches)
    go.need_weights = True
    model.decode(target[None], memory, go=go)
    return max(float((weights - 1 / memory.shape[1]).abs().max()) for weights in go.weights[CROSS])
