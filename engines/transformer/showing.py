"""What is shown of a pass: the fixed example of a task, and attention weights as arrays."""

from __future__ import annotations

import torch
from torch import Tensor

from engines.data.sequences import Task
from engines.data.vocabulary import BOS, EOS
from engines.transformer.model import Trace
from engines.transformer.recipe import Floats
from engines.transformer.training.spec import Example


def array(x: Tensor) -> Floats:
    """A copy for the window, of the same shape."""
    return x.detach().float().cpu().numpy().copy()


def arrays(traced: Trace) -> dict[str, Floats]:
    """Attention weights of the first sample, by kind: (L, H, queries, keys)."""
    kinds = (("encoder", traced.encoder), ("decoder", traced.decoder), ("cross", traced.cross))
    return {name: torch.stack([w[0] for w in layers]).numpy().copy() for name, layers in kinds}


def example_of(one: Task) -> tuple[Tensor, Tensor, Example]:
    """The task's fixed example: source (1, S), what the decoder reads (1, T), and both in words."""
    right = one.right_answer(one.sample)
    assert right is not None
    source, _ = one.read(one.sample)
    said = one.target.ids(one.target.pieces(right))
    names_in, names_out = one.source.tokens, one.target.tokens
    example = Example(
        tuple(names_in[i] for i in source),
        tuple(names_out[i] for i in (BOS, *said)),
        tuple(names_out[i] for i in (*said, EOS)),
    )
    return torch.tensor([source]), torch.tensor([[BOS, *said]]), example
