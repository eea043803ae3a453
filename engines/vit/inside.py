"""The pages beside "Watch": what each of them is told, stage by stage, each kept until its own input changes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from engines.core.errors import Message
from engines.core.protocol import Event, Progress
from engines.vit import answers, relevance
from engines.vit.ablation import Scan
from engines.vit.answers import Mask, array
from engines.vit.insights import (
    CHEFER,
    GRADIENT,
    RAW,
    ROLLED,
    Ablation,
    HeadSteps,
    Lens,
    Relevance,
)
from engines.vit.lens import TOP, Depth, arithmetic, read
from engines.vit.preprocess import Prepared
from engines.vit.relevance import Curves, Perturbation
from engines.vit.spec import INTERVENE, LENS, RELEVANCE, ViTParams
from engines.vit.stream import Stream

T = TypeVar("T")
HEAVY = 3e8  # multiplications of one depth of the lens from which on its depths are shown one by one


class Kept(Protocol):
    """The newest result of a stage and what it was computed for."""

    key: object
    value: Any

    def get(self, key: object, make: Callable[[], T]) -> T:
        """The kept value, or a new one where the key is another."""


@dataclass(frozen=True, eq=False)
class Scene:
    """One photo in one model, untouched and as it is set now.

    Attributes
    ----------
    params : ViTParams
    labels : tuple of str
    photo : Prepared
    plain, stream : Stream
        Both complete; the same one where nothing is changed.
    untouched, changed : object
        What the one and the other were computed for.
    off : ndarray of bool (L, H)
        Heads that are switched off.
    layer, head : int
        Chosen ones, counted from 0, within what the model has.
    slot : callable
        Gives the place where a stage keeps its result.
    """

    params: ViTParams
    labels: tuple[str, ...]
    photo: Prepared
    plain: Stream
    stream: Stream
    untouched: object
    changed: object
    off: Mask
    layer: int
    head: int
    slot: Callable[[str], Kept] = field(repr=False)

    def asked(self) -> tuple[int, str, tuple[int, ...]]:
        """The class that is asked about, its name, and the likeliest ones; (−1, "", ()) without a head."""
        logits = self.plain.conclusion().logits
        if logits is None:
            return -1, "", ()
        candidates = tuple(logits.topk(min(TOP, len(logits))).indices.tolist())
        target = self.params.target if 0 <= self.params.target < len(logits) else candidates[0]
        return target, self.labels[target], candidates


def answer(scene: Scene) -> Iterator[Event]:
    """What the page that is open shows."""
    pages: dict[str, Callable[[Scene], Iterator[Event]]] = {
        RELEVANCE: _relevance,
        INTERVENE: _ablation,
        LENS: _lens,
    }
    yield from pages.get(scene.params.page, _steps)(scene)


# ------------------------------------------------------------------ relevance
def _relevance(scene: Scene) -> Iterator[Event]:
    target, label, candidates = asked = scene.asked()
    rows = yield from _rows(scene, target)
    prefix = scene.stream.net.config.prefix
    maps = np.stack([relevance.shares(row, prefix, scene.photo.rows, scene.photo.cols) for row in rows])
    count, none = len(maps), np.zeros((len(maps), 0), np.float32)
    named = relevance.methods(scene.stream.net.config)
    empty = Curves(none[0], none, none, np.zeros((relevance.RANDOM_ORDERS, 0), np.float32))
    last: Curves | None = None

    def shown(curves: Curves, complete: bool) -> Relevance:
        return Relevance(target, label, candidates, scene.layer + 1, named, maps, curves.removed, curves.deletion,
                         curves.insertion, curves.random, complete)  # fmt: skip

    assert count == len(named)
    test = scene.slot("perturbation").get(
        scene.changed,
        lambda: Perturbation(
            scene.stream, scene.photo.pixels.to(scene.stream.net.device), scene.plain.conclusion().tokens[0]
        ),
    )
    kept, key = scene.slot("curves"), (scene.changed, asked[0], scene.params.points, maps.tobytes())
    if kept.key != key:
        yield shown(empty, False)
        for found in test.curves([relevance.ranked(one) for one in maps], target, scene.params.points):
            if isinstance(found, Progress):
                yield found
            else:
                if last is not None:
                    yield shown(last, False)
                last = found
        kept.key, kept.value = key, last
    yield shown(kept.value, True)


def _rows(scene: Scene, target: int) -> Generator[Progress, None, list[Tensor]]:
    """Rows (N,) of all methods that the model allows; returned."""
    params, stream = scene.params, scene.stream
    first = min(params.start_layer, stream.net.config.layers) - 1
    flow, settings = scene.slot("rolled"), (scene.changed, params.fusion, params.discard, first)
    if flow.key != settings:
        for found in relevance.rolled(stream, ~scene.off, params.fusion, params.discard, first):
            if isinstance(found, Tensor):
                flow.key, flow.value = settings, found
            else:
                yield found
    rows = {RAW: relevance.raw(stream, scene.layer), ROLLED: flow.value}
    if target >= 0:
        traced, wanted = scene.slot("traced"), (scene.changed, target)
        if traced.key != wanted:
            for each in relevance.class_specific(stream, target):
                if isinstance(each, Progress):
                    yield each
                else:
                    traced.key, traced.value = wanted, each
        rows |= {GRADIENT: traced.value[0][scene.layer], CHEFER: traced.value[1]}
    return [rows[name] for name in relevance.methods(stream.net.config)]


# ------------------------------------------------------------------ ablation and paint
def _ablation(scene: Scene) -> Iterator[Event]:
    target, label, candidates = scene.asked()
    scan = scene.slot("scan").get(scene.untouched, lambda: Scan(scene.plain))
    prediction = scene.slot("prediction").get(
        scene.changed, lambda: answers.prediction(scene.plain, scene.stream, scene.labels)
    )
    logits = scene.plain.conclusion().logits
    base = 1.0 if logits is None else float(_softmax(logits)[target])

    def shown() -> Ablation:
        return Ablation(target, label, candidates, scan.done.copy(), *scan.effects(target), base, prediction)

    yield shown()
    done, text = int(scan.done.sum()), Message("Switching off one head after the other")
    for _ in scan.run():
        now = int(scan.done.sum())
        yield Progress(now, scan.done.size, text)
        if now > done:
            done = now
            yield shown()


@torch.inference_mode()
def _softmax(logits: Tensor) -> Tensor:
    return logits.softmax(-1)


# ------------------------------------------------------------------ one head, step by step
def _steps(scene: Scene) -> Iterator[Event]:
    token = min(max(scene.params.pinned or 0, 0), scene.stream.tokens - 1)
    found = scene.slot("steps").get(
        (scene.changed, scene.layer, scene.head, token),
        lambda: arithmetic(scene.stream, scene.layer, scene.head, token),
    )
    yield HeadSteps(
        *scene.asked(),
        scene.layer + 1,
        scene.head + 1,
        token,
        array(found.query),
        array(found.keys),
        array(found.values),
        array(found.raw),
        found.divisor,
        array(found.scaled),
        found.masked.cpu().numpy(),
        array(found.weights),
        array(found.output),
        found.off,
    )


# ------------------------------------------------------------------ logit lens
def _lens(scene: Scene) -> Iterator[Event]:
    target, label, candidates = scene.asked()
    config, kept, key = scene.stream.net.config, scene.slot("lens"), (scene.changed, target)
    depths = config.layers + 1
    if kept.key != key:
        kept.key, kept.value = key, []
    heavy = scene.stream.tokens * config.width * config.classes > HEAVY
    while len(kept.value) < depths:  # goes on where it was stopped
        kept.value.append(_depth(read(scene.stream, len(kept.value)), target, scene.photo))
        yield Progress(len(kept.value), depths, Message("Reading every layer with the head"))
        if heavy and len(kept.value) < depths:
            yield Lens(target, label, candidates, depths, *_stacked(kept.value))
    yield Lens(target, label, candidates, depths, *_stacked(kept.value))


@torch.inference_mode()
def _depth(depth: Depth, target: int, photo: Prepared) -> tuple[Any, ...]:
    """Arrays of one depth, in the order in which `Lens` has them."""
    shape = photo.rows, photo.cols
    at, headless = max(0, target), target < 0
    shares, top = depth.token.topk(0 if headless else min(TOP, len(depth.token)))
    sure, says = depth.patches.max(-1)
    if headless:
        sure, says = torch.zeros_like(sure), torch.full_like(says, -1)
    return (
        top.cpu().numpy(),
        array(shares),
        float(depth.token[at]),
        array(depth.patches[:, at]).reshape(shape),
        says.cpu().numpy().reshape(shape),
        array(sure).reshape(shape),
    )


def _stacked(rows: list[tuple[Any, ...]]) -> list[Any]:
    top, shares, course, patches, says, sure = zip(*rows, strict=True)
    return [np.stack(top), np.stack(shares), np.array(course, np.float32), np.stack(patches), np.stack(says),
            np.stack(sure)]  # fmt: skip
