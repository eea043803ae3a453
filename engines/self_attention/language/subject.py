"""The model and the texts in it that all pages' engines look at; what a setting does not touch is computed once."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engines.checkpoints import catalog
from engines.checkpoints.hashed import hashed
from engines.core.device import resolve
from engines.core.errors import LabError, Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Progress
from engines.self_attention.language.asking import OfText
from engines.self_attention.language.changes import Plan, chosen, plan_of
from engines.self_attention.language.events import Floats, LanguageInfo, Written
from engines.self_attention.language.load import Trained, load_checkpoint
from engines.self_attention.language.stream import Stream
from engines.self_attention.language.text import Tokens
from engines.self_attention.language.weights import MINILM, MODELS

KEPT = 2  # models kept in memory, so that going back to the last one is instant
TEXTS = 8  # streams: two sentences and both together, untouched and changed
SENTENCES = 128  # vectors of whole sentences
NO_MODEL = (
    "No language model is on this machine. Choose one in the list of models: it is downloaded on a click. MiniLM also "
    "comes with the package {name}."
)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model on its device, and what there is to say about it."""

    trained: Trained
    info: LanguageInfo
    place: object


@dataclass(frozen=True, eq=False)
class Specimen:
    """A text in a model, untouched and as it is set now.

    Attributes
    ----------
    loaded : Loaded
    tokens : Tokens
    plain, stream : Stream
        The same one where nothing is changed. Both complete.
    plan : Plan
    key, changed : object
        What the one and the other were computed for.
    """

    loaded: Loaded
    tokens: Tokens
    plain: Stream
    stream: Stream
    plan: Plan
    key: object
    changed: object


class Collection:
    """What the engines of all pages share."""

    def __init__(self) -> None:
        self._memos: list[Memo[Any]] = []
        self._models: Memo[Loaded] = Memo(KEPT)
        self._tokens: Memo[Tokens] = self.memo(64)
        self._streams: Memo[Stream] = self.memo(TEXTS)
        self._sentences: Memo[Tensor] = self.memo(SENTENCES)

    def memo(self, most: int = 1) -> Memo[Any]:
        """The newest results of a stage, until another model is read."""
        made: Memo[Any] = Memo(most)
        self._memos.append(made)
        return made

    def load(self, source: str, device: str) -> Generator[Event, None, Loaded]:
        """The model of a source; the first time it tells what it reads, and each time what it is.

        Raises
        ------
        LabError
            No source is given, and no model is here.
        """
        place = source or standard(), str(resolve(device))

        def read() -> Generator[Event, None, Loaded]:
            yield Progress(0, 0, Message("Loading {name}", {"name": catalog.describe(place[0]).title}))
            for memo in self._memos:
                memo.clear()
            with hashed(place[0]) as sha256:
                trained = load_checkpoint(place[0])
                trained.net.to(torch.device(place[1]))
                return Loaded(trained, describe(place[0], trained, sha256.result()), place)

        loaded = yield from self._models.get_in_steps(place, read)
        yield loaded.info
        return loaded

    def tokens(self, loaded: Loaded, first: str, second: str = "") -> Tokens:
        """A text, or two, as the model reads them."""
        key = loaded.place, first, second
        return self._tokens.get(key, lambda: loaded.trained.speller.read(first, second))

    def plain(self, loaded: Loaded, tokens: Tokens, hidden: tuple[int, ...] = ()) -> tuple[Stream, object]:
        """The untouched stream of a text of which some tokens may be hidden, as far as it was computed; and its key."""
        key = loaded.place, tokens, hidden
        return self._streams.get(key, lambda: Stream.of(loaded.trained.net, tokens, hidden)), key

    def changed(self, plain: Stream, key: object, plan: Plan) -> Stream:
        """The stream under a plan, as far as it was computed; ``plain`` must have reached its first changed layer."""
        return self._streams.get((key, plan), lambda: plain.branch(plan))

    def specimen(
        self, loaded: Loaded, tokens: Tokens, plan: Plan, hidden: tuple[int, ...] = ()
    ) -> Generator[Event, None, Specimen]:
        """A text in the model, untouched and under a plan."""
        plain, key = self.plain(loaded, tokens, hidden)
        yield from advance(plain)
        stream, changed = plain, (key, plan)
        if plan.first is not None:
            stream = self.changed(plain, key, plan)
            yield from advance(stream)
        return Specimen(loaded, tokens, plain, stream, plan, key, changed)

    def grown(self, one: Specimen, tokens: Tokens) -> None:
        """Keep the streams of a text that has become one token longer, in a model in which nobody looks ahead."""
        key, piece = (one.loaded.place, tokens, ()), tokens.ids[-1]
        self._streams.get(key, lambda: one.plain.grown(piece))
        if one.plan.first is not None:
            self._streams.get((key, one.plan), lambda: one.stream.grown(piece))

    def sentence(self, loaded: Loaded, tokens: Tokens, plan: Plan, hidden: tuple[int, ...] = ()) -> Tensor:
        """What stands for a whole sentence, (d,) of length 1; its stream is not kept."""
        net, first = loaded.trained.net, loaded.trained.first_token

        def made() -> Tensor:
            stream = Stream.of(net, tokens, hidden)
            return Stream(net, stream.entering, stream.allowed, stream.hidden, plan).finish().sentence(first)

        return self._sentences.get((loaded.place, tokens, hidden, plan), made)

    def both(self, params: OfText, device: str) -> Generator[Event, None, tuple[Specimen, int, int]]:
        """Both texts together as the settings change the model, and the chosen layer and head, from 0."""
        loaded = yield from self.load(params.model, device)
        config = loaded.trained.net.config
        tokens = self.tokens(loaded, params.first, params.second)
        one = yield from self.specimen(loaded, tokens, plan_of(params, config))
        return one, *chosen(params, config)


_here = threading.local()


def shared() -> Collection:
    """The collection of this thread: the engines of all pages live on the compute thread and look at the same."""
    if not hasattr(_here, "collection"):
        _here.collection = Collection()
    found: Collection = _here.collection
    return found


def standard() -> str:
    """The model to begin with: that of the package, else the first of the hub that is here.

    Raises
    ------
    LabError
        None is.
    """
    for model in MODELS:
        if model.ready:
            return model.name
    raise LabError(NO_MODEL, name=MINILM)


def describe(source: str, trained: Trained, sha256: str = "") -> LanguageInfo:
    """What there is to say about a model."""
    config = trained.net.config
    return LanguageInfo(
        source=source,
        title=catalog.describe(source).title,
        family=config.family,
        layers=config.layers,
        heads=config.heads,
        width=config.width,
        positions=config.positions,
        parameters=sum(p.numel() for p in trained.net.parameters()),
        words=config.words if config.causal or trained.speller.mask is not None else "",
        for_sentences=trained.for_sentences,
        sha256=sha256,
    )


def advance(stream: Stream) -> Iterator[Event]:
    """Compute all layers that are left, with a place to stop after each."""
    while not stream.complete:
        stream.advance()
        yield Progress(stream.reached, stream.net.config.layers, Message("Layer by layer"))


def written(tokens: Tokens) -> Written:
    """Tokens as a page is told of them."""
    return Written(tokens.names, tokens.sentence, tokens.spans, tokens.words, tokens.cut)


def array(tensor: Tensor) -> Floats:
    """The same shape as float32 on the CPU; it may share memory with the tensor, so nobody writes into either."""
    found: Floats = tensor.float().contiguous().cpu().numpy()
    return found
