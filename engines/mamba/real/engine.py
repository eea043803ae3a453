"""Answers the page "Real": layer after layer, so that a text in a large model can be left at any time."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.checkpoints import catalog
from engines.checkpoints.hashed import hashed
from engines.core.device import resolve
from engines.core.errors import LabError, Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Job, Progress
from engines.mamba.block import PLAIN, Changes
from engines.mamba.load import load_checkpoint
from engines.mamba.model import Mamba
from engines.mamba.real.spec import LONGEST, SHOWN, Absent, Floats, ModelInfo, RealParams, TextFrame
from engines.mamba.weights import MODELS

WORDLESS = "{name}: knows no words. Here a Mamba with a tokenizer is needed."
HALF = "\N{REPLACEMENT CHARACTER}"  # stands for bytes that are no whole character
EMPTY = "There is no token in this text. Type a word."


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model on its device."""

    net: Mamba
    info: ModelInfo


@dataclass(frozen=True, eq=False)
class Passed:
    """A text that went through: logits (L, V), mean Δ and ‖h‖ of each layer (M, L), Δ of one (D, L)."""

    logits: Tensor
    delta: Tensor
    norms: Tensor
    own: Tensor


class Engine:
    """Yields `Absent`, or the model and one `TextFrame`."""

    def __init__(self) -> None:
        self._loaded: Memo[Loaded] = Memo()
        self._plain: Memo[Tensor] = Memo(2)
        self._passed: Memo[Passed] = Memo(2)

    def run(self, job: Job[RealParams]) -> Iterator[Event]:
        """Answer as ``job.params`` ask for."""
        params = job.params
        source = params.model or first_at_hand()
        if not source:
            yield Absent(MODELS[0].name, round(MODELS[0].size_mb))
            return
        device = resolve(job.device)
        loaded = yield from self._loaded.get_in_steps((source, device), lambda: load(source, device))
        net, info = loaded.net, loaded.info
        yield info
        speller = net.speller
        assert speller is not None
        ids, cut = speller.read(params.text, LONGEST)
        if not ids:
            raise LabError(EMPTY)
        layer = min(params.layer, info.layers) - 1
        changes = changed(params, info, layer)
        removed = params.removed if params.removed < len(ids) else -1
        key = source, device, ids
        passed = yield from self._passed.get_in_steps(
            (*key, layer, removed, tuple(changes.items())), lambda: through(net, ids, layer, removed, changes)
        )
        untouched = passed.logits
        if changes or removed >= 0:
            untouched = yield from self._plain.get_in_steps(key, lambda: logits(net, ids))
        yield framed(loaded, params, (ids, cut, removed), layer, passed, untouched)


def first_at_hand() -> str:
    """The first model of the list that knows words and is on this machine; empty for none."""
    return next((model.name for model in MODELS if model.ready), "")


def load(source: str, device: torch.device) -> Generator[Event, None, Loaded]:
    """Read a model; its hash is taken on the way.

    Raises
    ------
    LabError
        It can't be read, or knows no words.
    """
    title = catalog.describe(source).title
    yield Progress(0, 0, Message("Reading {name}", {"name": title}))
    with hashed(source) as hashing:
        net = load_checkpoint(source)
        sha256 = hashing.result()
    if net.speller is None:
        raise LabError(WORDLESS, name=title)
    config = net.config
    count = sum(p.numel() for p in net.parameters())
    info = ModelInfo(source, title, sha256, config.layers, net.mixer(0).inner, config.state, count)
    return Loaded(net.to(device), info)


def changed(params: RealParams, info: ModelInfo, layer: int) -> dict[int, Changes]:
    """What is done to the chosen layer."""
    off = frozenset({min(params.channel, info.channels) - 1}) if params.off else frozenset[int]()
    made = Changes(forgets=not params.remembers, off=off)
    return {} if made == PLAIN else {layer: made}


def through(
    net: Mamba, ids: tuple[int, ...], layer: int, removed: int, changes: Mapping[int, Changes]
) -> Generator[Event, None, Passed]:
    """A text, layer by layer; a token that is removed writes nothing into any layer's state."""
    x = begin(net, ids)
    delta, norms, own = [], [], x.new_zeros(0)
    for index in range(net.config.layers):
        yield Progress(index, net.config.layers, Message("Layer {n}", {"n": index + 1}))
        x, step, size = one_layer(net, x, index, removed, changes.get(index, PLAIN))
        delta.append(step.mean(0))
        norms.append(size)
        own = step if index == layer else own
    return Passed(finish(net, x), torch.stack(delta), torch.stack(norms), own)


def logits(net: Mamba, ids: tuple[int, ...]) -> Generator[Event, None, Tensor]:
    """Logits (L, V) of the untouched model."""
    passed = yield from through(net, ids, 0, -1, {})
    return passed.logits


@torch.inference_mode()
def begin(net: Mamba, ids: tuple[int, ...]) -> Tensor:
    """Embedded tokens, (1, L, width)."""
    return net.embed(torch.tensor([ids], device=net.lm_head.weight.device))


@torch.inference_mode()
def one_layer(net: Mamba, x: Tensor, index: int, removed: int, changes: Changes) -> tuple[Tensor, Tensor, Tensor]:
    """What leaves a layer (1, L, width) that x (1, L, width) enters, its Δ (D, L), and ‖h‖ after each token, (L,)."""
    inside = net.mixer(index).look(net.layer(index).norm(x), changes, states=True, silent=removed)
    assert inside.states is not None
    return x + inside.out, inside.delta[0], inside.states[0].square().sum((0, 1)).sqrt()


@torch.inference_mode()
def finish(net: Mamba, x: Tensor) -> Tensor:
    """Logits (L, V) of what leaves the last layer, (1, L, width)."""
    return net.head(x)[0].float()


@torch.inference_mode()
def framed(
    loaded: Loaded,
    params: RealParams,
    text: tuple[tuple[int, ...], int, int],
    layer: int,
    passed: Passed,
    plain: Tensor,
) -> TextFrame:
    """All that is shown of a text; ``plain`` (L, V) are the untouched model's logits."""
    ids, cut, removed = text
    speller, info = loaded.net.speller, loaded.info
    assert speller is not None
    now = F.softmax(passed.logits[-1] / params.temperature, -1)
    before = F.softmax(plain[-1] / params.temperature, -1)
    best = now.topk(min(SHOWN, len(now))).indices
    following = torch.tensor(ids[1:], device=now.device)
    said = F.log_softmax(passed.logits[:-1], -1).gather(1, following[:, None])[:, 0] if len(ids) > 1 else now[:0]
    surprise = np.zeros(len(ids), np.float32)
    surprise[1:] = -said.cpu().numpy() / np.log(2)
    whole = speller.write(ids)
    chosen = [int(i) for i in best]
    return TextFrame(
        model=info.source,
        title=info.title,
        sha256=info.sha256,
        tokens=tuple(speller.name_of(i) for i in ids),
        cut=cut,
        removed=removed,
        delta=array(passed.delta),
        norms=array(passed.norms / passed.norms.mean(-1, keepdim=True).clamp(min=1e-12)),
        own=array(passed.own),
        layer=layer + 1,
        next_tokens=tuple(speller.name_of(i) for i in chosen),
        next_ids=tuple(chosen),
        chances=array(now[best]),
        plain=array(before[best]),
        pieces=tuple(added(whole, speller.write((*ids, i))) for i in chosen),
        surprise=surprise,
    )


def added(whole: str, longer: str) -> str:
    """What a text has more than it had; empty for a token that is a part of a character, which no text can hold."""
    new = longer.removeprefix(whole)
    return new if longer.startswith(whole) and HALF not in new else ""


def array(x: Tensor) -> Floats:
    """The same numbers, of any shape, for a view."""
    found: Floats = x.float().cpu().numpy().copy()
    return found
