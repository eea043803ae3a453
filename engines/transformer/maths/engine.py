"""The engine behind the page Maths: one pass with every intermediate result written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engines.blocks.attention import MultiHeadAttention
from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.transformer import proofs
from engines.transformer.maths import backward
from engines.transformer.maths.spec import ANSWER, Checked, Walked, WalkParams
from engines.transformer.model import Tape, Transformer
from engines.transformer.norms import SequenceBatchNorm
from engines.transformer.recipe import Floats
from engines.transformer.showing import array
from engines.transformer.subject import Collection, Specimen
from engines.transformer.switches import CROSS, DECODER, DECODER_FFN, ENCODER, ENCODER_FFN, Place

#: That a number is moved by for a finite difference, in double precision: rounding would be seen from 1e-7 on, and at
#: 1e-4 now and then a ReLU changes its mind on the way.
STEP = 1e-5


class Engine:
    """Takes `WalkParams` and yields one `Walked`."""

    def __init__(self) -> None:
        self._collection = Collection()
        self._traced: Memo[Tape] = Memo()
        self._exact: Memo[Exact] = Memo()

    def run(self, job: Job[WalkParams]) -> Iterator[Event]:
        """Trace the model if it or its input is another one; then tell the layer that is asked for."""
        params = job.params
        specimen = self._collection.specimen(params.task, params.read, params.weights)
        tape = self._traced.get(specimen, lambda: traced(specimen))
        exact = self._exact.get(specimen, lambda: Exact(specimen))
        back = exact.back(params.token, params.label)
        yield walked(specimen, tape, params.walk_at, back)
        if params.back_check is not None and params.back_check[0] in back.found:
            yield exact.checked(back, *params.back_check)


@dataclass(frozen=True, eq=False)
class Back:
    """Gradients of one loss, by the names of the tape; see `engines.transformer.maths.backward`."""

    place: int
    label: int
    loss: float
    found: dict[str, Tensor]
    tape: Tape


class Exact:
    """A specimen in double precision, and the way back through it."""

    def __init__(self, specimen: Specimen) -> None:
        self._specimen = specimen
        self._model = proofs.exact(specimen.model).requires_grad_(False)
        with torch.no_grad():
            self._tape = self._model.trace(
                specimen.source[None], specimen.target[None], switches=specimen.plain, tape=True
            ).tape
        self._back: Memo[Back] = Memo()

    def back(self, token: int, label: str) -> Back:
        """All gradients of the loss at a place of the target, or at the last one there is."""
        place = min(token, len(self._specimen.target) - 1)
        return self._back.get((place, label), lambda: self._make(place, label))

    @torch.no_grad()
    def _make(self, place: int, label: str) -> Back:
        logits = self._tape["logits"][0, place]
        wanted = int(logits.topk(2).indices[0 if label == ANSWER else 1])
        found = backward.by_hand(self._model, self._tape, place, wanted)
        return Back(place, wanted, float(-logits.log_softmax(-1)[wanted]), found, self._tape)

    def checked(self, back: Back, name: str, cell: tuple[int, ...]) -> Checked:
        """One gradient by a finite difference."""
        one = self._specimen
        shape = back.found[name].shape
        cell = tuple(min(at, most - 1) for at, most in zip(cell, shape, strict=True))
        step = STEP
        if name == backward.PROBABILITIES:  # −log p bends with p and ends at 0: a step must stay small beside it
            p = float(self._tape["logits"][0, cell[0]].softmax(-1)[cell[1]])
            step = max(STEP * p, torch.finfo(torch.float64).tiny)
        more, less = backward.by_trying(
            self._model, (one.source, one.target, one.plain), back.place, back.label, name, cell, step
        )
        word = one.task.target.tokens[back.label]
        return Checked(name, cell, word, back.place, more, less, step, float(back.found[name][cell]))


@torch.no_grad()
def traced(specimen: Specimen) -> Tape:
    """Every intermediate result of the specimen's pass."""
    source, target = specimen.source[None], specimen.target[None]
    return specimen.model.trace(source, target, switches=specimen.plain, tape=True).tape


@torch.no_grad()
def walked(specimen: Specimen, tape: Tape, wanted: Place, back: Back) -> Walked:
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
        {key: array(value) for key, value in gradients(specimen.model, back, at).items()},
        back.place,
        task.target.tokens[back.label],
        back.loss,
        side,
        f"{ENCODER_FFN if kind == ENCODER else DECODER_FFN}.{i}",
    )


@torch.no_grad()
def gradients(model: Transformer, back: Back, at: Place) -> dict[str, Tensor]:
    """The gradients around one attention, named as `walked` names what they are of."""
    (kind, i), found, tape = at, back.found, back.tape
    name, places = f"{kind}.{i}", proofs.places(model)
    ffn_kind = ENCODER_FFN if kind == ENCODER else DECODER_FFN
    ffn, first = f"{ffn_kind}.{i}", bool(model.sizes["norm_first"])
    behind = {ENCODER: ENCODER_FFN, DECODER: CROSS, CROSS: DECODER_FFN}[kind]
    bottom = ENCODER if kind == ENCODER else DECODER
    side = "src" if kind == ENCODER else "tgt"
    probabilities = tape["logits"][0].softmax(-1)
    only = torch.zeros_like(probabilities)
    only[back.place] = 1
    label = torch.zeros_like(probabilities)
    label[back.place, back.label] = 1
    projected = [found[f"{name}.{part}"].transpose(0, 1).flatten(1) for part in ("queries", "keys", "values")]
    made = {
        "x": found[f"{side}.embedded"],
        "x_skip": found[f"{bottom}.0.skip"],
        "x_via": found[f"{bottom}.0.via"],
        "projected": projected[0] if kind == CROSS else torch.cat(projected, 1),
        **{part: found[f"{name}.{part}"] for part in ("queries", "keys", "values", "scores", "weights", "sum")},
        "head": found[f"{name}.heads"],
        "attended": found[f"{name}.branch"],
        "next_skip": found[f"{behind}.{i}.skip"],
        "next_via": found[f"{behind}.{i}.via"],
        "hidden": found[f"{ffn}.hidden"],
        "before_relu": found[f"{ffn}.before_relu"],
        "ffn": found[f"{ffn}.branch"],
        "ffn_sum": found[f"{ffn}.sum"],
        "p": probabilities * only,
        "y": label,
        "logits": found["logits"],
        "probabilities": found["probabilities"],
    }
    if first:
        made |= {"input": found[f"{name}.normed"], "ffn_input": found[f"{ffn}.normed"]}
    else:
        made |= {"normed": found[f"{name}.output"], "ffn_normed": found[f"{ffn}.output"]}
        for prefix, place in (("", at), ("ffn_", (ffn_kind, i))):
            _, norm = proofs.part(model, place)
            made[f"{prefix}standard"] = standard(norm, tape[f"{place[0]}.{place[1]}.sum"][0])
    if (bottom, i + 1) in places:
        made |= {"above_skip": found[f"{bottom}.{i + 1}.skip"], "above_via": found[f"{bottom}.{i + 1}.via"]}
    return made


def standard(norm: nn.Module, x: Tensor) -> Tensor:
    """What a normalization makes of x (N, E) before gain and bias."""
    if isinstance(norm, SequenceBatchNorm):
        return (x - norm.running_mean) * torch.rsqrt(norm.running_var + norm.eps)
    assert isinstance(norm, nn.LayerNorm)
    return backward.standard(x, norm.eps)[0]


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
