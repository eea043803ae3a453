"""The picture in a model that all pages' engines look at: what a setting does not touch is not computed again.

Stages, each kept until its own input changes: model, picture, memory of the encoder, what each location says.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from engines.blocks.backends import FASTEST, FLOAT32
from engines.blocks.boxes import xyxy_to_cxcywh
from engines.blocks.choosing import FIRST
from engines.checkpoints import catalog
from engines.checkpoints.hashed import hashed
from engines.core.device import resolve
from engines.core.errors import LabError, Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Progress
from engines.core.training import Weights
from engines.data.detector_training import TRAINED_HERE
from engines.data.scenes import KINDS
from engines.rt_detr.asking import SHOWN, OfPicture
from engines.rt_detr.backends import Backends, Encoding
from engines.rt_detr.checkpoint import from_weights, load_checkpoint
from engines.rt_detr.events import ModelInfo, PictureShown
from engines.rt_detr.model import Memory, Proposals, RtDetr
from engines.rt_detr.survey import Survey

KEPT = 2  # models kept in memory: the toy and a real one, so that switching back is instant


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model on its device, what there is to say about it, and the backends that compute it."""

    model: RtDetr
    info: ModelInfo
    backends: Backends


@dataclass(frozen=True, eq=False)
class Specimen:
    """One picture in one model, as far as no query is chosen yet.

    Attributes
    ----------
    key : object
        Of model, picture, scene and backend.
    encoding : Encoding
    asked, used, why : str, str, Message or None
        The backend that was asked for, the one used, and why it is another one.
    """

    loaded: Loaded
    picture: PictureShown
    memory: Memory
    proposals: Proposals
    key: tuple[object, str]
    encoding: Encoding
    asked: str
    used: str
    why: Message | None


class Collection:
    """What the engines of all pages share."""

    def __init__(self) -> None:
        self._memos: list[Memo[Any]] = []
        self._models: Memo[Loaded] = Memo(KEPT)
        self._trained: Memo[Loaded] = Memo()
        self._pictures: Memo[PictureShown] = self.memo()
        self._encodings: Memo[Encoding] = self.memo()
        self._other: Memo[Encoding] = self.memo()
        self._survey: Memo[Survey] = self.memo()
        self._first: object = None  # the picture answered in float32 before the backends were tried

    def memo(self) -> Memo[Any]:
        """The newest result of a stage, until another model is read."""
        made: Memo[Any] = Memo()
        self._memos.append(made)
        return made

    def specimen(self, params: OfPicture, device: str) -> Generator[Event, None, Specimen]:
        """The picture in the model; tells both."""
        loaded, place = yield from self._load(params, resolve(device))
        yield loaded.info
        drawn = loaded.info.toy or params.picture is None
        seen = (place, params.picture, params.scene if drawn else None)
        picture = self._pictures.get(seen, lambda: shown(params, drawn))
        yield picture
        backends = loaded.backends
        used, why = backends.choose(params.compute)
        if params.compute == FASTEST and (backends.to_try() or self._first == seen):
            self._first, used, why = seen, FLOAT32, FIRST  # to try all backends takes longer than to answer
        else:
            self._first = None
        key = seen, used
        encoding = self._encodings.get(key, lambda: begin(loaded, params, picture, used))
        yield from work(encoding, Message("Encoding the picture"))
        memory, proposals = encoding.finish()
        if not bool(torch.isfinite(proposals.logits.sum())):
            raise LabError("{name}: its output is not finite (inf or NaN).", name=Message(loaded.info.title))
        return Specimen(loaded, picture, memory, proposals, key, encoding, params.compute, used, why)

    def survey(self, one: Specimen) -> Survey:
        """The drawn scenes that the model is measured on."""
        return self._survey.get(one.loaded, lambda: Survey(one.loaded.model))

    def settle(self, one: Specimen, params: OfPicture) -> Generator[Event, None, bool]:
        """Say how a picture was computed; whether it is to be answered anew. See `Choosing.settle`."""
        place = one.key[0]

        def again(backend: str) -> Generator[Event, None, Encoding]:
            other = self._other.get((place, backend), lambda: begin(one.loaded, params, one.picture, backend))
            yield from work(other, Message("Comparing with float32"))
            return other

        anew = yield from one.loaded.backends.settle(
            one.asked, one.used, one.why, one.encoding, one.picture.name, again
        )
        if anew:
            plain = self._other.values()[-1]
            self._encodings.get((place, FLOAT32), lambda: plain)
        self._other.clear()
        return anew

    def _load(self, params: OfPicture, device: torch.device) -> Generator[Event, None, tuple[Loaded, object]]:
        source, weights = params.source, params.weights
        if source == TRAINED_HERE and weights is not None:
            of_run = weights, device
            return self._trained.get(of_run, lambda: trained(weights, device)), of_run

        def read() -> Generator[Event, None, Loaded]:
            yield Progress(0, 0, Message("Loading {name}", {"name": catalog.describe(source).title}))
            for memo in self._memos:
                memo.clear()
            with hashed(source) as sha256:
                model = load_checkpoint(source).to(device)
                return Loaded(model, describe(source, model, sha256.result()), Backends(model))

        place = source, device
        return (yield from self._models.get_in_steps(place, read)), place


_here = threading.local()


def shared() -> Collection:
    """The collection of this thread: the engines of all pages live on the compute thread and look at the same."""
    if not hasattr(_here, "collection"):
        _here.collection = Collection()
    found: Collection = _here.collection
    return found


def trained(weights: Weights, device: torch.device) -> Loaded:
    """The model of a state that a live run has kept."""
    model = from_weights(weights).to(device)
    note = Message("Step {n} of a run on the page Training.", {"n": weights.step})
    info = replace(describe(TRAINED_HERE, model), title=TRAINED_HERE, note=note)
    return Loaded(model, info, Backends(model))


def describe(source: str, model: RtDetr, sha256: str = "") -> ModelInfo:
    """What there is to say about a model."""
    config, entry = model.config, catalog.describe(source)
    labels = tuple(model.labels[index] for index in range(config.num_classes))
    return ModelInfo(
        source=source,
        title=entry.title,
        sha256=sha256,
        labels=labels,
        queries=config.num_queries,
        layers=config.decoder_layers,
        heads=config.decoder_heads,
        levels=len(model.input_projection),
        points=config.points,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        aifi=config.encoder_layers,
        toy=model.drawn,
        note=Message(entry.note) if entry.note else Message("Detects {count} {count:class|classes}.",
                                                            {"count": len(labels)}),
    )  # fmt: skip


def shown(params: OfPicture, drawn: bool) -> PictureShown:
    """The picture as the window shows it."""
    if not drawn and params.picture is not None:
        none = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
        return PictureShown(params.picture.name, params.picture.rgb, *none)
    rgb, boxes = params.drawn_on(SHOWN)
    labels = np.array([KINDS.index(shape.kind) for shape in params.drawing.shapes], np.int64)
    name = "" if params.picture is None else params.picture.name
    return PictureShown(name, rgb, xyxy_to_cxcywh(torch.from_numpy(boxes) / SHOWN).numpy(), labels)


def begin(loaded: Loaded, params: OfPicture, picture: PictureShown, backend: str) -> Encoding:
    """Start on a picture; the toy model gets the scene drawn at its own size."""
    model = loaded.model
    rgb = params.drawn_on(model.side)[0] if loaded.info.toy else picture.rgb
    return Encoding(model, model.preprocess(rgb).to(model.device), loaded.backends.way(backend))


def work(encoding: Encoding, text: Message) -> Iterator[Event]:
    """Do all steps that are left, with a place to stop after each."""
    while encoding.done < encoding.total:
        encoding.advance()
        yield Progress(encoding.done, encoding.total, text)
