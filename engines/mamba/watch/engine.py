"""Answers the page "Watch": a Mamba of the bundled races on a sequence, beside the Transformer that raced it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.checkpoints import catalog
from engines.checkpoints.folder import Tensors
from engines.core.errors import LabError
from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.mamba.block import Changes, Inside
from engines.mamba.hidden import implicit_attention
from engines.mamba.load import load_checkpoint
from engines.mamba.model import Layer, Mamba
from engines.mamba.race.nets import AttentionBlock, RaceNet
from engines.mamba.race.spec import ATTENTION, COPYING, INDUCTION, SYMBOLS, TRAINED
from engines.mamba.race.tasks import NOISE, draw, places
from engines.mamba.watch.spec import LAYERS, LETTERS, NAMES, SEQUENCES, Floats, OfWatch, WatchFrame

SIGNS = {COPYING: "·", INDUCTION: "!"}  # of noise, and of the trigger


@dataclass(frozen=True, eq=False)
class Nets:
    """What was trained on a task, and sequences (n, L) to count over, with their answers and where these stand."""

    mamba: Mamba
    attention: RaceNet
    ids: Tensor
    answers: Tensor
    places: Tensor


@dataclass(frozen=True)
class Counted:
    """How often the strongest token is the right one, for one layer; and how often the answer is right."""

    influence: float
    hidden: float
    heads: float
    right: float


@dataclass(frozen=True, eq=False)
class Look:
    """A sequence in a layer: all that does not hang on the channel that is shown.

    Ids (1, L), what enters the block (L, width), hidden attention (D, L, L), the Transformer's weights (H, L, L),
    influence (L,), and logits (1, L, V): as it is set now, untouched, and the Transformer's.
    """

    ids: Tensor
    answer: int
    source: int
    inside: Inside
    x: Tensor
    hidden: Tensor
    heads: Tensor
    influence: Tensor
    logits: tuple[Tensor, Tensor, Tensor]


class Engine:
    """Yields one `WatchFrame`, and once more with the share of right answers where that is still to be counted."""

    def __init__(self) -> None:
        self._nets: Memo[Nets] = Memo(2)
        self._counted: Memo[Counted] = Memo(4)
        self._right: Memo[float] = Memo(8)
        self._looks: Memo[Look] = Memo(4)
        self._untouched: Memo[tuple[Tensor, Tensor]] = Memo(4)

    def run(self, job: Job[OfWatch]) -> Iterator[Event]:
        """Answer as ``job.params`` ask for."""
        params = job.params
        nets = self._nets.get(params.task, lambda: load(params.task))
        changes = changed(params)
        kept = tuple(sorted(changes.items()))
        counted = self._counted.get((params.task, params.layer), lambda: count(nets, params.layer - 1))
        untouched = self._untouched.get((params.task, params.sequence), lambda: said(nets, params))
        look = self._looks.get(
            (params.task, params.sequence, params.layer, kept), lambda: looked(nets, params, changes, untouched)
        )  # fmt: skip
        frame = watched(params, look, counted)
        key = params.task, kept
        if changes and key not in self._right:
            yield frame  # a hand is not to wait for 64 sequences
        right = self._right.get(key, lambda: answered(nets, changes)) if changes else counted.right
        yield replace(frame, right=right)


def load(task: str) -> Nets:
    """The bundled nets of a task.

    Raises
    ------
    LabError
        If they are not there, or damaged.
    """
    source = NAMES[task]
    mamba = load_checkpoint(source)
    found = catalog.locate(source)
    attention, tensors = RaceNet(ATTENTION, 0), Tensors([found.path])
    own = {key.removeprefix("attention."): tensors[key] for key in tensors if key.startswith("attention.")}
    try:
        attention.load_state_dict(own)
    except RuntimeError as error:
        raise LabError("{name}: can't be read ({reason}).", name=source, reason=str(error)) from error
    ids, answers = draw(task, SEQUENCES, TRAINED, torch.Generator().manual_seed(1000))
    attention.eval().requires_grad_(False)
    return Nets(mamba, attention, ids, answers, places(task, ids))


def changed(params: OfWatch) -> dict[int, Changes]:
    """What is done to which layer."""
    still = {"delta": params.freeze_delta, "B": params.freeze_B, "C": params.freeze_C}
    off = frozenset({params.channel - 1}) if params.off else frozenset[int]()
    made = Changes(frozenset(name for name, on in still.items() if on), not params.remembers, off)
    if made == Changes():
        return {}
    return dict.fromkeys(range(LAYERS) if params.both else (params.layer - 1,), made)


def influence(net: Mamba, ids: Tensor, at: int, symbols: Tensor, changes: Mapping[int, Changes]) -> Tensor:
    """‖∂ log p / ∂ embedding‖ of each token, (n, L): of symbols (n,) at a place of ids (n, L)."""
    x = net.embed(ids).detach().requires_grad_(True)
    *_, (last, _) = net.steps(x, changes)
    said = F.log_softmax(net.head(last)[:, at], -1)
    (found,) = torch.autograd.grad(said.gather(1, symbols[:, None]).sum(), x)
    return found.norm(dim=-1)


@torch.no_grad()
def hidden_row(net: Mamba, ids: Tensor, layer: int, at: int, changes: Mapping[int, Changes]) -> Tensor:
    """What a place takes by a layer's hidden attention, (n, L): mean size over the channels."""
    inside = net.trace(ids, changes).layers[layer]
    return implicit_attention(inside.delta, inside.A, inside.B, inside.C, row=at)[:, :, 0].abs().mean(1)


@torch.no_grad()
def heads(net: RaceNet, ids: Tensor, layer: int) -> Tensor:
    """The weights (n, H, L, L) of a layer of the Transformer on ids (n, L)."""
    x = net.embed(ids)
    for index in range(layer):
        x = net.backbone.layers[index](x)
    block = net.backbone.layers[layer]
    assert isinstance(block, Layer)
    assert isinstance(block.mixer, AttentionBlock)
    return block.mixer.attend(block.norm(x))[1]


def count(nets: Nets, layer: int) -> Counted:
    """Over all sequences and questions, in the untouched nets: of the tokens before the questions, the strongest."""
    asked = nets.answers.shape[1]
    length, hits = nets.ids.shape[1], np.zeros(3)
    attended = heads(nets.attention, nets.ids, layer)
    for question in range(asked):
        at, wanted = length - asked + question, nets.places[:, question]
        rows = (
            influence(nets.mamba, nets.ids, at, nets.answers[:, question], {}),
            hidden_row(nets.mamba, nets.ids, layer, at, {}),
            attended[:, :, at].mean(1),
        )
        hits += [float((row[:, : length - asked].argmax(-1) == wanted).float().mean()) for row in rows]
    found = hits / asked
    return Counted(float(found[0]), float(found[1]), float(found[2]), answered(nets, {}))


@torch.no_grad()
def answered(nets: Nets, changes: Mapping[int, Changes]) -> float:
    """Share of all questions that are answered rightly."""
    logits = nets.mamba.trace(nets.ids, changes).logits[:, -nets.answers.shape[1] :]
    return float((logits.argmax(-1) == nets.answers).float().mean())


@torch.no_grad()
def said(nets: Nets, params: OfWatch) -> tuple[Tensor, Tensor]:
    """Logits (1, L, V) of a sequence: the untouched net's, and the Transformer's."""
    ids, _ = draw(params.task, 1, TRAINED, torch.Generator().manual_seed(params.sequence))
    return nets.mamba(ids), nets.attention(ids)


def looked(nets: Nets, params: OfWatch, changes: Mapping[int, Changes], untouched: tuple[Tensor, Tensor]) -> Look:
    """One sequence in one layer, whichever channel is shown; the untouched logits (1, L, V) are those of `said`."""
    ids, answers = draw(params.task, 1, TRAINED, torch.Generator().manual_seed(params.sequence))
    at, layer = ids.shape[1] - 1, params.layer - 1
    pull = influence(nets.mamba, ids, at, answers[:, -1], changes)[0]
    with torch.no_grad():
        trace = nets.mamba.trace(ids, changes, states=True)
        inside = trace.layers[layer]
        return Look(
            ids=ids,
            answer=int(answers[0, -1]),
            source=int(places(params.task, ids)[0, -1]),
            inside=inside,
            x=nets.mamba.layer(layer).norm(trace.hidden[layer])[0],
            hidden=implicit_attention(inside.delta, inside.A, inside.B, inside.C)[0],
            heads=heads(nets.attention, ids, layer)[0],
            influence=pull,
            logits=(trace.logits, untouched[0] if changes else trace.logits, untouched[1]),
        )


@torch.no_grad()
def watched(params: OfWatch, look: Look, counted: Counted) -> WatchFrame:
    """What is shown of it: its last question, and one channel; how often it is right is not known yet."""
    channel, inside, at = params.channel - 1, look.inside, look.ids.shape[1] - 1
    assert inside.states is not None
    u, delta, y, B, C = (each[0] for each in (inside.u, inside.delta, inside.y, inside.B, inside.C))
    states = inside.states[0, channel]  # (N, L)
    inner, length = u.shape
    width = look.x.shape[1]
    shapes = (
        (length, width), (inner, length), (inner, length), (len(B), length), (len(C), length),
        (inner, len(B), length), (inner, length), (length, width),
    )  # fmt: skip
    now, plain, other = look.logits
    sizes = look.hidden.abs()
    return WatchFrame(
        task=params.task,
        layer=params.layer,
        channel=params.channel,
        tokens=tuple(name_of(params.task, int(token)) for token in look.ids[0]),
        asked=at,
        source=look.source,
        answer=look.answer,
        shapes=shapes,
        x=array(look.x.T),
        u=array(u),
        delta=array(delta),
        y=array(y),
        B=array(B),
        C=array(C),
        states=array(states),
        out=array(inside.out[0].T),
        written=array((delta[channel] * u[channel] * B).norm(dim=0)),
        read=array((states * C).sum(0).abs()),
        hidden=array(look.hidden[channel]),
        hidden_all=array(sizes.mean(0)),
        heads=array(look.heads),
        influence=array(look.influence),
        row=array(sizes[:, at].mean(0)),
        predicted=chances(now),
        plain=chances(plain),
        other=chances(other),
        found_by_influence=counted.influence,
        found_by_hidden=counted.hidden,
        found_by_heads=counted.heads,
        right=None,
        right_plain=counted.right,
    )


def chances(logits: Tensor) -> Floats:
    """Probabilities of the symbols at the last place of logits (1, L, V)."""
    return array(F.softmax(logits[0, -1, :SYMBOLS], -1))


def array(x: Tensor) -> Floats:
    """The same numbers, of any shape, for a view."""
    found: Floats = x.detach().float().contiguous().numpy().copy()
    return found


@lru_cache(maxsize=64)
def name_of(task: str, token: int) -> str:
    """What a token is called."""
    if token < SYMBOLS:
        return LETTERS[token]
    return SIGNS[task] if token == NOISE else "?"
