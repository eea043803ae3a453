"""Sets and backbones in hand, and the features of one by the other: computed once, kept on disk, found again."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.blocks.backbone import Backbone
from engines.checkpoints import backbones, catalog
from engines.checkpoints.hashed import hashed
from engines.core.aside import aside
from engines.core.device import resolve
from engines.core.errors import LabError, Message
from engines.core.protocol import Progress
from engines.core.reading import mapped
from engines.data.class_folders import Refusals
from engines.transfer.events import Bytes, Floats, Ints
from engines.transfer.learn.spec import RunParams
from engines.transfer.sets import PictureSet, open_set
from engines.transfer.spec import MOST_TESTED, SMALL, TransferParams
from engines.transfer.store import FeatureStore, model_hash, picture_hash

PAUSE = 0.08  #: seconds of work between two places to stop, about
LARGEST = 32  #: pictures that are tested at once, at most
SMALL_MODEL = 3_000_000  #: parameters of a model that is quick
PIXELS = 256 * 2**20  #: bytes of pictures kept for fine-tuning; more are read again each time
KEPT = 2  #: backbones in memory


@dataclass(frozen=True, eq=False)
class Loaded:
    """A frozen backbone, and what is known about it."""

    source: str
    title: str
    net: Backbone
    hash: str
    device: torch.device
    sha256: str = ""

    @cached_property
    def parameters(self) -> int:
        """How many numbers it has."""
        return sum(value.numel() for value in self.net.parameters())

    def piece(self, side: int) -> int:
        """How many pictures of this side go through at once: about ``PAUSE`` seconds of one processor core."""
        if self.parameters < SMALL_MODEL:
            return 16
        return max(1, round(4 * (112 / side) ** 2))


@dataclass(eq=False)
class Prepared:
    """The pictures in use, one class after the other, with their features.

    Attributes
    ----------
    set : PictureSet
    backbone : Loaded
    side : int
        Pixels, as the backbone gets them.
    truth, place : ndarray int64 (n,)
        Class of each picture, and its number within the class of the set.
    tests : ndarray bool (n,)
        Whether a picture is for testing; the others can be labeled.
    rank : ndarray int64 (n,)
        Its turn to be labeled, or to be tested, within its class.
    features : ndarray float32 (n, F)
    refusals : Refusals
    throughput : float
        Pictures per second of the backbone.
    cached : int
    unkept : tuple of Message
        Why the features could not be kept on disk, if so.
    """

    set: PictureSet
    backbone: Loaded
    side: int
    truth: Ints
    place: Ints
    tests: npt.NDArray[np.bool_]
    rank: Ints
    features: Floats
    refusals: Refusals
    throughput: float
    cached: int
    unkept: tuple[Message, ...] = ()
    _pixels: dict[int, Bytes] = field(default_factory=dict)

    @property
    def classes(self) -> int:
        """C."""
        return len(self.set.names)

    def labeled(self, count: int) -> npt.NDArray[np.bool_]:
        """Which pictures (n,) have their label used, with so many labels per class."""
        found: npt.NDArray[np.bool_] = ~self.tests & (self.rank < count)
        return found

    def pixels(self, indices: Sequence[int] | Ints, side: int | None = None) -> Bytes:
        """Pictures (m, side, side, 3), in the backbone's size if none is given; kept in that one, within bounds."""
        return np.stack([self._one(int(index), side or self.side) for index in indices])

    def _one(self, index: int, side: int) -> Bytes:
        if side == self.side and index in self._pixels:
            return self._pixels[index]
        label, place = int(self.truth[index]), int(self.place[index])
        found = self.set.square(label, place, self.set.content(label, place), side)
        if side == self.side and len(self._pixels) * found.nbytes < PIXELS:
            self._pixels[index] = found
        return found


def tested_of(count: int, classes: int) -> int:
    """How many of so many pictures of a class are for testing."""
    return min(count // 2, max(1, MOST_TESTED // classes))


def embed(loaded: Loaded, pictures: Bytes) -> Floats:
    """Features (B, F) of pictures (B, side, side, 3).

    They go through in pieces of one size, the last one filled up: sums are rounded by the shape of what is multiplied,
    and so a picture has the same features to the last bit whatever it is computed with.
    """
    size, parts = loaded.piece(pictures.shape[1]), []
    for first in range(0, len(pictures), size):
        some = pictures[first : first + size]
        filled = np.zeros((size, *pictures.shape[1:]), np.uint8)
        filled[: len(some)] = some
        parts.append(_through(loaded, filled)[: len(some)])
    found: Floats = np.concatenate(parts)
    if not np.isfinite(found).all():
        raise LabError("{name}: its features are not finite: the weights are damaged or too large.", name=loaded.title)
    return found


@torch.inference_mode()
def _through(loaded: Loaded, pictures: Bytes) -> Floats:
    features: Tensor = loaded.net(loaded.net.normalize(torch.from_numpy(pictures).to(loaded.device)))
    found: Floats = features.float().cpu().numpy()
    return found


class Library:
    """What was read and computed last, for the engine and the trainer of one thread."""

    def __init__(self) -> None:
        self._nets: dict[tuple[str, str], Loaded] = {}
        self._sets: tuple[tuple[str, ...], PictureSet] | None = None
        self._key: object = None
        self._prepared: Prepared | None = None

    def backbone(self, source: str, device: str) -> Iterator[Progress | Loaded]:
        """Progress, then the backbone of a source."""
        source = source or SMALL
        place = source, str(resolve(device))
        if place not in self._nets:
            title = catalog.describe(source).title
            yield Progress(0, 0, Message("Loading {name}", {"name": title}))
            with hashed(source) as sha256:
                net = backbones.load(source).to(torch.device(place[1])).eval().requires_grad_(False)
                of_file = sha256.result()
            while len(self._nets) >= KEPT:
                del self._nets[next(iter(self._nets))]
            self._nets[place] = Loaded(source, title, net, model_hash(net), torch.device(place[1]), of_file)
        self._nets[place] = self._nets.pop(place)  # the newest last
        yield self._nets[place]

    def prepare(self, params: TransferParams | RunParams, device: str) -> Generator[Progress, None, Prepared]:
        """Read the set, and compute the features that are not on disk; what is computed is kept at once."""
        loaded: Loaded | None = None
        for step in self.backbone(params.model, device):
            if isinstance(step, Loaded):
                loaded = step
            else:
                yield step
        assert loaded is not None
        side = loaded.net.nearest(params.side)
        key = params.folders, params.max_per_class, params.sample, loaded.hash, str(loaded.device), side
        if self._prepared is None or self._key != key:
            if self._sets is None or self._sets[0] != params.folders:
                yield Progress(0, 0, Message("Scanning the folders"))
                looking = Message("Scanning the folders")
                told = mapped(open_set(params.folders), lambda seen: Progress(seen, 0, looking))
                found = yield from aside(told, Progress(0, 0, looking))
                self._sets = params.folders, found
            self._prepared, self._key = None, None
            self._prepared = yield from _extracted(self._sets[1], loaded, side, params.max_per_class, params.sample)
            self._key = key
        return self._prepared

    def forget_set(self) -> None:
        """Look into the folders again next time."""
        self._sets, self._prepared, self._key = None, None, None


class _Extraction:
    """Pictures on their way through the backbone."""

    def __init__(self, loaded: Loaded, side: int) -> None:
        self.loaded = loaded
        self.store = FeatureStore(loaded.hash, side)
        self.features: dict[tuple[int, int], Floats] = {}
        self._waiting: list[tuple[tuple[int, int], bytes, Bytes]] = []
        self._piece, self._seconds, self._computed = loaded.piece(side), 0.0, 0

    @property
    def full(self) -> bool:
        """Whether a piece is together."""
        return len(self._waiting) >= self._piece

    @property
    def throughput(self) -> float:
        """Pictures per second."""
        return self._computed / self._seconds if self._seconds else 0.0

    def add(self, place: tuple[int, int], key: bytes, square: Bytes) -> None:
        """One picture to be computed."""
        self._waiting.append((place, key, square))

    def compute(self) -> None:
        """Send what waits through the backbone, and keep it."""
        if not self._waiting:
            return
        began = time.perf_counter()
        found = embed(self.loaded, np.stack([square for _, _, square in self._waiting]))
        if self._computed != self._piece:  # the first call of a model is slow: it is forgotten
            self._seconds, self._computed = self._seconds + time.perf_counter() - began, self._computed + len(found)
        else:
            self._seconds, self._computed = time.perf_counter() - began, len(found)
        self.store.put((key, row) for (_, key, _), row in zip(self._waiting, found, strict=True))
        for (place, _, _), row in zip(self._waiting, found, strict=True):
            self.features[place] = row
        self._waiting = []


def _extracted(
    pictures: PictureSet, loaded: Loaded, side: int, max_per_class: int, sample: int
) -> Generator[Progress, None, Prepared]:
    classes = len(pictures.names)
    orders = [
        np.random.default_rng((sample, label)).permutation(count).tolist()
        for label, count in enumerate(pictures.counts)
    ]
    wanted = [min(max_per_class, count) for count in pictures.counts]
    used: list[list[int]] = [[] for _ in range(classes)]
    total, done, cached = sum(wanted), 0, 0
    refusals, work = Refusals(), _Extraction(loaded, side)
    text = Message("Features by {name}", {"name": loaded.title})
    told = time.perf_counter()
    try:
        while left := [label for label in range(classes) if orders[label] and len(used[label]) < wanted[label]]:
            for label in left:  # one of each class in turn
                index = orders[label].pop(0)
                try:
                    content = pictures.content(label, index)
                    key = picture_hash(content)
                    row = work.store.get(key)
                    if row is None:
                        work.add((label, index), key, pictures.square(label, index, content, side))
                    else:
                        work.features[label, index] = row
                        cached += 1
                except LabError as error:
                    refusals.add(error.message)
                    continue
                used[label].append(index)
                done += 1
                if work.full or time.perf_counter() - told > PAUSE:
                    if work.full:
                        work.compute()
                    yield Progress(done, total, text)
                    told = time.perf_counter()
        work.compute()
    finally:
        work.store.close()
    made = _arranged(pictures, loaded, side, used, work, refusals, cached)
    if not made.throughput:  # all was on disk
        yield from measure_throughput(made)
    return made


def _arranged(
    pictures: PictureSet, loaded: Loaded, side: int, used: list[list[int]], work: _Extraction, refusals: Refusals,
    cached: int,
) -> Prepared:  # fmt: skip
    classes = len(used)
    good = sum(len(each) > 0 for each in used)
    tests = [tested_of(len(each), classes) for each in used]
    if good < 2:
        raise LabError(
            "{name}: pictures of one class only could be read ({n} could not). Two classes or more are needed.",
            name=pictures.title,
            n=refusals.count,
        )
    if not any(tests):
        raise LabError(
            "{name}: one picture per class. Two or more are needed: one to learn from, one to test with.",
            name=pictures.title,
        )
    truth = np.concatenate([np.full(len(each), label, np.int64) for label, each in enumerate(used)])
    place = np.concatenate([np.array(each, np.int64) for each in used])
    is_test = np.concatenate([np.arange(len(each)) < count for each, count in zip(used, tests, strict=True)])
    rank = np.concatenate(
        [
            np.concatenate([np.arange(count), np.arange(len(each) - count)])
            for each, count in zip(used, tests, strict=True)
        ]
    )
    features = np.stack([work.features[int(label), int(index)] for label, index in zip(truth, place, strict=True)])
    return Prepared(
        pictures, loaded, side, truth, place, is_test, rank.astype(np.int64), features, refusals, work.throughput,
        cached, () if work.store.refused is None else (work.store.refused,),
    )  # fmt: skip


def measure_throughput(prepared: Prepared) -> Iterator[Progress]:
    """Find the pictures per second of the backbone, by a few of them; the first call does not count, it is slow."""
    size = prepared.backbone.piece(prepared.side)
    some = prepared.pixels(np.arange(size) % len(prepared.truth))
    for _ in range(2):
        yield Progress(0, 0, Message("Features by {name}", {"name": prepared.backbone.title}))
        began = time.perf_counter()
        embed(prepared.backbone, some)
        prepared.throughput = size / max(time.perf_counter() - began, 1e-6)


def results_key(prepared: Prepared, max_per_class: int) -> str:
    """What results of runs are kept under."""
    return f"{prepared.set.key}-{prepared.backbone.hash[:16]}-{prepared.side}-{max_per_class}"


#: The compute thread's: the engine that draws and the trainer that learns look at the same set.
SHARED = Library()
