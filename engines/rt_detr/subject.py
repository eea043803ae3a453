"""The picture in a model that all pages' engines look at: what a setting does not touch is not computed again.

Stages, each kept until its own input changes: model, picture, memory of the encoder, what each location says.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from engines.blocks.boxes import xyxy_to_cxcywh
from engines.checkpoints import catalog
from engines.checkpoints.hashed import hashed
from engines.core.device import resolve
from engines.core.errors import LabError, Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Progress
from engines.data.scenes import KINDS
from engines.rt_detr.asking import SHOWN, OfPicture
from engines.rt_detr.checkpoint import load_checkpoint
from engines.rt_detr.events import ModelInfo, PictureShown
from engines.rt_detr.model import Memory, Proposals, RtDetr

KEPT = 2  # models kept in memory: the toy and a real one, so that switching back is instant


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model on its device, and what there is to say about it."""

    model: RtDetr
    info: ModelInfo


@dataclass(frozen=True, eq=False)
class Specimen:
    """One picture in one model, as far as no query is chosen yet.

    Attributes
    ----------
    key : object
        Of model, picture and scene.
    """

    loaded: Loaded
    picture: PictureShown
    memory: Memory
    proposals: Proposals
    key: object


class Collection:
    """What the engines of all pages share."""

    def __init__(self) -> None:
        self._memos: list[Memo[Any]] = []
        self._models: Memo[Loaded] = Memo(KEPT)
        self._pictures: Memo[PictureShown] = self.memo()
        self._memories: Memo[tuple[Memory, Proposals]] = self.memo()

    def memo(self) -> Memo[Any]:
        """The newest result of a stage, until another model is read."""
        made: Memo[Any] = Memo()
        self._memos.append(made)
        return made

    def specimen(self, params: OfPicture, device: str) -> Generator[Event, None, Specimen]:
        """The picture in the model; tells both."""
        loaded, place = yield from self._load(params.source, resolve(device))
        yield loaded.info
        drawn = loaded.info.toy or params.picture is None
        key = (place, params.picture, params.scene if drawn else None)
        picture = self._pictures.get(key, lambda: shown(params, drawn))
        yield picture

        def see() -> tuple[Memory, Proposals]:
            memory, proposals = look_at(loaded.model, params, loaded.info.toy, picture)
            if not bool(torch.isfinite(proposals.logits.sum())):
                raise LabError("{name}: its output is not finite (inf or NaN).", name=Message(loaded.info.title))
            return memory, proposals

        if key not in self._memories:
            yield Progress(0, 0, Message("Encoding the picture"))
        return Specimen(loaded, picture, *self._memories.get(key, see), key)

    def _load(self, source: str, device: torch.device) -> Generator[Event, None, tuple[Loaded, object]]:
        def read() -> Generator[Event, None, Loaded]:
            yield Progress(0, 0, Message("Loading {name}", {"name": catalog.describe(source).title}))
            for memo in self._memos:
                memo.clear()
            with hashed(source) as sha256:
                model = load_checkpoint(source).to(device)
                return Loaded(model, describe(source, model, sha256.result()))

        place = source, device
        return (yield from self._models.get_in_steps(place, read)), place


_here = threading.local()


def shared() -> Collection:
    """The collection of this thread: the engines of all pages live on the compute thread and look at the same."""
    if not hasattr(_here, "collection"):
        _here.collection = Collection()
    found: Collection = _here.collection
    return found


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


@torch.inference_mode()
def look_at(model: RtDetr, params: OfPicture, toy: bool, picture: PictureShown) -> tuple[Memory, Proposals]:
    """The encoder's memory of a picture; the toy model gets the scene drawn at its own size."""
    rgb = params.drawn_on(model.side)[0] if toy else picture.rgb
    device = next(model.parameters()).device
    memory = model.encode(model.preprocess(rgb).to(device), need_weights=True)
    return memory, model.propose(memory)
