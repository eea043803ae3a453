"""Runs DETR for its tab: what a slider does not touch is not computed again.

Kept for one photo: the input of every encoder layer, the memory, the untouched answer, and the answer under the
present interventions. Kept for one model: the weights. The slowest piece without a ``yield`` is one block of the
backbone, one encoder layer, or the decoder.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from engines.blocks.backends import FASTEST, FLOAT32
from engines.blocks.choosing import FIRST
from engines.checkpoints import catalog
from engines.checkpoints.hashed import hashed
from engines.core.device import resolve
from engines.core.errors import Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Job, Progress
from engines.core.training import Weights
from engines.detr.asked import best_query, changes
from engines.detr.backends.steps import Backends
from engines.detr.checkpoint import load_checkpoint
from engines.detr.frames import (
    Look,
    begin,
    cell_at,
    describe,
    detections,
    name_of,
    refuse_undefined,
    rows,
    show,
    trained,
)
from engines.detr.interventions import ENCODER_SELF, UNTOUCHED
from engines.detr.model import Detr
from engines.detr.relevance.spec import RelevanceParams
from engines.detr.relevance.stage import Explainer
from engines.detr.spec import TRAINED_HERE, Detections, DetrParams, EncoderAttention, ModelInfo, PictureShown
from engines.detr.stages import Answer, Encoding, Rerun, decode

KEPT = 2  # models kept in memory: the toy and a real one, so that switching back is instant


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model in memory, and the backends that compute it."""

    model: Detr
    info: ModelInfo
    backends: Backends


@dataclass(frozen=True, eq=False)
class Answered:
    """One answer of the model, and what it was computed from.

    Attributes
    ----------
    key : object
        Of the model, the picture and the backend.
    used, why : str, Message or None
        The backend, and why it is another one than asked for.
    """

    loaded: Loaded
    picture: PictureShown
    encoding: Encoding
    found: Detections
    key: tuple[object, str]
    used: str
    why: Message | None


class Engine:
    """See `engines.detr.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._models: Memo[Loaded] = Memo(KEPT)
        self._trained: Memo[Loaded] = Memo()
        self._picture: Memo[PictureShown] = Memo()
        self._encoding: Memo[Encoding] = Memo()
        self._other: Memo[Encoding] = Memo()
        self._rerun: Memo[Rerun] = Memo()
        self._plain: Memo[Answer] = Memo()
        self._answer: Memo[Answer] = Memo()
        self._cross: Memo[np.ndarray] = Memo()
        self._shown: Memo[Detections] = Memo()
        self._rows: Memo[EncoderAttention] = Memo()
        self._proven: object = None  # the model that has answered in numbers
        self._first: object = None  # the picture answered in float32 before the backends were tried
        self._explainer = Explainer()

    def run(self, job: Job[DetrParams]) -> Iterator[Event]:
        """Detect, as ``job.params`` ask for; with `RelevanceParams` also say what a query's class rests on."""
        answered = yield from self._detect(job)
        params = job.params  # with the newest of what a run may pick up
        if isinstance(params, RelevanceParams):
            encoding, picture = answered.encoding, answered.picture
            yield from self._explainer.explain(params, answered.key, encoding, picture, answered.found)
        yield from self._compare_backends(job, params, answered)

    def _detect(self, job: Job[DetrParams]) -> Generator[Event, None, Answered]:
        params = job.params
        loaded, place = yield from self._load(params, resolve(job.device))
        model, info, backends = loaded.model, loaded.info, loaded.backends
        proven = self._proven == place
        if proven:  # one that has not answered yet may be refused: what is on screen is another one's till then
            yield info
        seen = (place, params.picture, params.drawing if info.toy or params.picture is None else None)
        picture = self._picture.get(seen, lambda: show(params, info.toy))
        if proven:
            yield picture
        used, why = backends.choose(params.compute)
        if params.compute == FASTEST and (backends.to_try() or self._first == seen):
            self._first, used, why = seen, FLOAT32, FIRST  # to try all backends takes longer than to answer
        else:
            self._first = None
        key = (seen, used)
        encoding = self._encoding.get(
            key, lambda: begin(model, params, info.toy, picture, backends.device, backends.way(used))
        )
        yield from work(encoding, Message("Encoding the picture"))

        chosen = changes(params, model.config)
        in_encoder = chosen.only(ENCODER_SELF)
        encoder: Encoding | Rerun = encoding
        if in_encoder.changes:
            encoder = self._rerun.get((key, in_encoder), lambda: Rerun(encoding, in_encoder))
            yield from work(encoder, Message("Encoding with modified heads"))
        plain = self._plain.get(key, lambda: decode(model, encoding.memory, UNTOUCHED))
        answer_key = (key, chosen)
        answer = plain
        if chosen != UNTOUCHED:
            answer = self._answer.get(answer_key, lambda: decode(model, encoder.memory, chosen))
        refuse_undefined(answer, info)
        if not proven:
            self._proven = place
            yield info
            yield picture

        live = job.params  # a running job may pick these up
        params = replace(params, threshold=live.threshold, rule=live.rule)
        query = best_query(params, answer, chosen)
        shown_key = (answer_key, query, params.threshold, params.rule)
        known = shown_key in self._shown
        cross = self._cross.get((answer_key, query), lambda: answer.looked_at(query, *encoding.grid))
        look = Look(params, info, picture, encoding, answer, plain, chosen)
        frame = self._shown.get(shown_key, lambda: detections(look, query, cross))
        if params.pixel is not None:
            cell = cell_at(params.pixel, picture, encoding)
            if not known:
                yield frame
            yield self._rows.get(
                (key, in_encoder, cell), lambda: rows(model, picture, encoding, encoder, cell, in_encoder)
            )
        if params.pixel is None or known:
            yield frame
        return Answered(loaded, picture, encoding, frame, key, used, why)

    def _load(
        self, params: DetrParams, device: torch.device
    ) -> Generator[Event, None, tuple[Loaded, tuple[str | Weights, torch.device]]]:
        """The model that the settings ask for, and what it is known by."""
        weights = params.weights
        if params.source == TRAINED_HERE and weights is not None:
            of_run = (weights, device)
            return self._trained.get(of_run, lambda: _loaded(*trained(weights, device), device)), of_run
        place = (params.source, device)
        if place not in self._models:
            yield Progress(0, 0, Message("Loading {name}", {"name": catalog.describe(params.source).title}))

        def load() -> Loaded:
            with hashed(params.source) as sha256:
                model = load_checkpoint(params.source).to(device)
                return _loaded(model, describe(params.source, model, sha256.result()), device)

        return self._models.get(place, load), place

    def _compare_backends(self, job: Job[DetrParams], params: DetrParams, answered: Answered) -> Iterator[Event]:
        """Say how the picture was computed; answer it anew where that was not what it was held for."""
        loaded, place = answered.loaded, answered.key[0]
        backends = loaded.backends

        def again(backend: str) -> Generator[Event, None, Encoding]:
            other = self._other.get(
                (place, backend),
                lambda: begin(loaded.model, params, loaded.info.toy, answered.picture, backends.device,
                              backends.way(backend)),
            )  # fmt: skip
            yield from work(other, Message("Comparing with float32"))
            return other

        anew = yield from backends.settle(
            params.compute, answered.used, answered.why, answered.encoding, name_of(params), again
        )
        if anew:
            plain = self._other.values()[-1]
            self._encoding.get((place, FLOAT32), lambda: plain)
        self._other.clear()
        if anew:
            yield from self.run(job)  # in another way; the picture is there in float32 already


def _loaded(model: Detr, info: ModelInfo, device: torch.device) -> Loaded:
    return Loaded(model, info, Backends(model, device))


def work(piece: Encoding | Rerun, text: Message) -> Iterator[Event]:
    """Do all steps that are left, with a place to stop after each."""
    while piece.done < piece.total:
        piece.advance()
        yield Progress(piece.done, piece.total, text)
