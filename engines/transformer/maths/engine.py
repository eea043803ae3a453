"""The engine behind the page Maths: one pass with every intermediate result written down."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from engines.blocks.attention import MultiHeadAttention
from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.transformer import proofs
from engines.transformer.maths.spec import Walked, WalkParams
from engines.transformer.model import Tape
from engines.transformer.norms import SequenceBatchNorm
from engines.transformer.recipe import Floats
from engines.transformer.showing import array
from engines.transformer.subject import Collection, Specimen
from engines.transformer.switches import CROSS, DECODER, DECODER_FFN, ENCODER, ENCODER_FFN, Place


class Engine:
    """Takes `WalkParams` and yields one `Walked`."""

    def __init__(self) -> None:
        self._collection = Collection()
        self._traced: Memo[Tape] = Memo()

    def run(self, job: Job[WalkParams]) -> Iterator[Event]:
        """Trace the model if it or its input is another one; then tell the layer that is asked for."""
        params = job.params
        specimen = self._collection.specimen(params.task, params.read, params.weights)
        tape = self._traced.get(specimen, lambda: traced(specimen))
        yield walked(specimen, tape, params.walk_at)


@torch.no_grad()
def traced(specimen: Specimen) -> Tape:
    """Every intermediate result of the specimen's pass."""
    source, target = specimen.source[None], specimen.target[None]
    return specimen.model.trace(source, target, switches=specimen.plain, tape=True).tape


@torch.no_grad()
def walked(specimen: Specimen, tape: Tape, wanted: Place) -> Walked:
    """The numbers around one attention; the last one of its kind if the model has fewer layers."""
    model, task = specimen.model, specimen.task
    places = tuple(place for place in proofs.places(model) if place[0] in (ENCODER, DECODER, CROSS))
    at = proofs.nearest(wanted, places)
    kind, i = at
    name, side = f"{kind}.{i}", "src" if kind == ENCODER else "tgt"
    source = [task.source.tokens[t] for t in specimen.source.tolist()]
    target = [task.target.tokens[t] for t in specimen.target.tolist()]
    module, norm = proofs.part(model, at)
    assert isinstance(module, MultiHeadAttention)

    def row(key: str) -> Tensor:
        """Without the batch axis."""
        return tape[key][0]

    seen = row(f"{name}.normed") if f"{name}.normed" in tape else row(f"{name}.input")  # (Q, E)
    queries, keys = row(f"{name}.queries"), row(f"{name}.keys")  # (H, Q, d), (H, K, d)
    mask = tape.get(f"{name}.mask", torch.ones(1, 1, queries.shape[1], keys.shape[1]))[0, 0]  # (Q, K)
    embedded = tape[f"{side}.embedding"][0]
    found: dict[str, Tensor] = {
        "embedding": embedded,
        "positions": tape.get(f"{side}.positions", torch.zeros_like(embedded)),
        "x": row(f"{side}.embedded"),
        "residual": row(f"{name}.input"),
        "input": seen,
        "looked_at": tape["memory"][0] if kind == CROSS else seen,
        "queries": queries,
        "keys": keys,
        "values": row(f"{name}.values"),
        "scores": row(f"{name}.scores"),
        "mask": mask,
        "weights": row(f"{name}.weights"),
        "head": row(f"{name}.heads"),
        "joined": row(f"{name}.heads").transpose(0, 1).flatten(1),
        "attended": row(f"{name}.branch"),
        "sum": row(f"{name}.sum"),
        "normed": seen if model.sizes["norm_first"] else row(f"{name}.output"),
        **linear("q", module.q_proj),
        **linear("k", module.k_proj),
        **linear("v", module.v_proj),
        **linear("o", module.out_proj),
        **normalization("", norm, row(f"{name}.input" if model.sizes["norm_first"] else f"{name}.sum")),
        "decoded": row("decoded"),
        "unembed": model.unembed.weight.T,
        "unembed_b": model.unembed.bias[None],
        "logits": row("logits"),
        "probabilities": row("logits").softmax(-1),
    }
    found |= feed_forward(specimen, tape, ENCODER_FFN if kind == ENCODER else DECODER_FFN, i)
    arrays: dict[str, Floats] = {key: array(value) for key, value in found.items()}
    return Walked(
        task.name,
        places,
        at,
        tuple(source if kind == ENCODER else target),
        tuple(target if kind == DECODER else source),
        tuple(target),
        task.target.tokens,
        model.num_heads,
        bool(model.sizes["norm_first"]),
        isinstance(norm, SequenceBatchNorm),
        specimen.trained,
        specimen.step,
        arrays,
    )


def feed_forward(specimen: Specimen, tape: Tape, kind: str, i: int) -> dict[str, Tensor]:
    """The numbers of the layer's FFN: activations (Q, E), hidden ones (Q, F), weights as `linear` gives them."""
    model, name = specimen.model, f"{kind}.{i}"
    ffn, norm = proofs.part(model, (kind, i))
    assert isinstance(ffn, proofs.FeedForward)
    first = bool(model.sizes["norm_first"])
    given = tape[f"{name}.input"][0]  # (Q, E)
    seen = tape[f"{name}.normed"][0] if first else given
    total = tape[f"{name}.sum"][0]
    return {
        "ffn_residual": given,
        "ffn_input": seen,
        "hidden": torch.relu(ffn.fc1(seen)),
        "ffn": tape[f"{name}.branch"][0],
        "ffn_sum": total,
        "ffn_normed": seen if first else tape[f"{name}.output"][0],
        **linear("1", ffn.fc1),
        **linear("2", ffn.fc2),
        **normalization("ffn_", norm, given if first else total),
    }


def linear(name: str, module: nn.Linear) -> dict[str, Tensor]:
    """Weight (in, out) and bias (1, out) as they stand in ``x @ w + b``."""
    return {f"w_{name}": module.weight.T, f"b_{name}": module.bias[None]}


def normalization(prefix: str, norm: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """Gain, bias, mean and deviation that a normalization used on x (N, E); the deviation holds its ε."""
    if isinstance(norm, SequenceBatchNorm):
        mean, variance = norm.running_mean[None], norm.running_var[None]  # (1, E)
        gain, bias, eps = norm.weight, norm.bias, norm.eps
    else:
        assert isinstance(norm, nn.LayerNorm)
        mean, variance = x.mean(-1, keepdim=True), x.var(-1, correction=0, keepdim=True)  # (N, 1)
        gain, bias, eps = norm.weight, norm.bias, norm.eps
    made = {"gamma": gain[None], "beta": bias[None], "mean": mean, "deviation": (variance + eps).sqrt()}
    return {prefix + key: value for key, value in made.items()}
