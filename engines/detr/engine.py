"""Runs DETR for its tab: what a slider does not touch is not computed again.

Kept for one photo: the input of every encoder layer, the memory, the untouched answer, and the answer under the
present interventions. Kept for one model: the weights. The slowest piece without a ``yield`` is one block of the
backbone, one encoder layer, or the decoder.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch

from engines.checkpoints import catalog
from engines.core.device import resolve
from engines.core.errors import LabError, Message
from engines.core.protocol import Event, Job, Progress
from engines.core.training import Weights
from engines.data.scenes import KINDS, draw_background, render
from engines.detr.checkpoint import from_weights, load_checkpoint
from engines.detr.interventions import UNTOUCHED, Interventions, interventions
from engines.detr.model import Detr
from engines.detr.spec import (
    BEST_REAL_CLASS,
    CROSS,
    DECODER_SELF,
    ENCODER_SELF,
    TRAINED_HERE,
    Detections,
    DetrParams,
    EncoderAttention,
    ModelInfo,
    PictureShown,
)
from engines.detr.speed import Steps, Ways
from engines.detr.speed_spec import FASTEST, FLOAT32
from engines.detr.stages import Answer, Encoding, Rerun, decode, encoder_rows

SHOWN = 384  # side in pixels of a drawn scene as it is shown; the toy model sees it smaller
KEPT = 2  # models kept in memory: the toy and a real one, so that switching back is instant

T = TypeVar("T")
FIRST = Message("This picture was answered first; the other ways were tried after it.")
NO_PICTURE = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)


class Slot:
    """The newest result of one stage and the key it was computed for."""

    def __init__(self) -> None:
        self.key: object = None
        self.value: Any = None

    def get(self, key: object, make: Callable[[], T]) -> T:
        """The kept value, or a new one if the key is another."""
        if self.value is None or self.key != key:
            self.value = None  # gone before the new one is made, so that the two never need memory together
            self.value, self.key = make(), key
        value: T = self.value
        return value


class Engine:
    """See `engines.detr.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._models: OrderedDict[tuple[str, torch.device], tuple[Detr, ModelInfo]] = OrderedDict()
        self._ways: dict[tuple[object, torch.device], Ways] = {}
        self._trained = Slot()
        self._picture, self._encoding, self._rerun = Slot(), Slot(), Slot()
        self._plain, self._answer, self._cross = Slot(), Slot(), Slot()
        self._shown, self._rows, self._reference = Slot(), Slot(), Slot()
        self._first: object = None  # the picture answered in float32 before the ways were tried

    def run(self, job: Job[DetrParams]) -> Iterator[Event]:
        """Detect, as ``job.params`` ask for."""
        params = job.params
        device = resolve(job.device)
        place: tuple[str | Weights, torch.device] = (params.source, device)
        weights = params.weights if params.source == TRAINED_HERE else None
        if weights is not None:
            place = (weights, device)
            model, info = self._trained.get(place, lambda: trained(weights, device))
        else:
            if place not in self._models:
                yield Progress(0, 0, Message("Loading {name}", {"name": catalog.describe(params.source).title}))
                self._load(params.source, device)
            self._models.move_to_end((params.source, device))
            model, info = self._models[params.source, device]
        yield info

        seen = (place, params.picture, params.drawing if info.toy or params.picture is None else None)
        picture = self._picture.get(seen, lambda: show(params, info.toy))
        yield picture
        ways = self._ways_of(place, model, device)
        way, why = ways.choose(params.compute)
        if params.compute == FASTEST and (ways.to_try() or self._first == seen):
            self._first, way, why = seen, FLOAT32, FIRST  # to try all ways takes longer than to answer
        else:
            self._first = None
        picture_key = (seen, way)
        encoding = self._encoding.get(
            picture_key, lambda: begin(model, params, info.toy, picture, device, ways.steps(way))
        )
        yield from work(encoding, Message("Encoding the picture"))

        chosen = changes(params, model)
        in_encoder = chosen.only(ENCODER_SELF)
        encoder: Encoding | Rerun = encoding
        if in_encoder.changes:
            encoder = self._rerun.get((picture_key, in_encoder), lambda: Rerun(encoding, in_encoder))
            yield from work(encoder, Message("Encoding with changed heads"))
        plain = self._plain.get(picture_key, lambda: decode(model, encoding.memory, UNTOUCHED))
        answer_key = (picture_key, chosen)
        answer = plain
        if chosen != UNTOUCHED:
            answer = self._answer.get(answer_key, lambda: decode(model, encoder.memory, chosen))
        refuse_undefined(answer, info)

        params = self._live(job, params)
        query = best_query(params, answer, chosen)
        shown_key = (answer_key, query, params.threshold, params.rule)
        known = self._shown.key == shown_key
        cross = self._cross.get((answer_key, query), lambda: answer.looked_at(query, *encoding.grid))
        look = Look(params, info, picture, encoding, answer, plain, chosen)
        frame = self._shown.get(shown_key, lambda: detections(look, query, cross))
        if params.pixel is not None:
            cell = cell_at(params.pixel, picture, encoding)
            rows_key = (picture_key, in_encoder, cell)
            if not known:
                yield frame
            yield self._rows.get(rows_key, lambda: rows(model, picture, encoding, encoder, cell, in_encoder))
        if params.pixel is None or known:
            yield frame
        yield ways.said(params.compute, way, why, encoding.seconds)
        if params.compute == FASTEST and ways.to_try():
            yield from trials(ways)
            best = ways.choose(FASTEST)[0]
            if best != FLOAT32:
                fast = begin(model, params, info.toy, picture, device, ways.steps(best))
                yield from work(fast, Message("Comparing with float32"))
                ways.compare(best, fast, encoding, name_of(params))
            yield ways.said(params.compute, way, why, encoding.seconds)
        elif way != FLOAT32 and way not in ways.compared:
            yield from self._compare(ways, way, params, info, encoding, picture_key)
            if params.compute == FASTEST and not ways.compared[way].good:
                yield from self.run(job)  # in another way; the picture is there in float32 already
            else:
                yield ways.said(params.compute, way, why, encoding.seconds)

    def encoded(self) -> tuple[Encoding, PictureShown] | None:
        """The picture answered last, encoded; None before. For the engines of pages beside, on the same thread."""
        encoding: Encoding | None = self._encoding.value
        return None if encoding is None or encoding.done < encoding.total else (encoding, self._picture.value)

    def _compare(
        self, ways: Ways, way: str, params: DetrParams, info: ModelInfo, fast: Encoding, key: tuple[object, str]
    ) -> Iterator[Event]:
        """The same picture in float32: once for each model and way."""
        model, device = ways.model, ways.device
        plain_key = (key[0], FLOAT32)
        picture: PictureShown = self._picture.value
        plain = self._reference.get(plain_key, lambda: begin(model, params, info.toy, picture, device))
        yield from work(plain, Message("Comparing with float32"))
        ways.compare(way, fast, plain, name_of(params))
        if not ways.compared[way].good:
            self._encoding.key, self._encoding.value = plain_key, plain
        self._reference = Slot()

    def _ways_of(self, place: tuple[object, torch.device], model: Detr, device: torch.device) -> Ways:
        """Those of a model that is still kept; others are forgotten, with what was made for them."""
        if place not in self._ways or self._ways[place].model is not model:
            self._ways = {key: ways for key, ways in self._ways.items() if key in self._models}
            self._ways[place] = Ways(model, device)
        return self._ways[place]

    def _load(self, source: str, device: torch.device) -> None:
        model = load_checkpoint(source).to(device)
        self._models[(source, device)] = (model, describe(source, model))
        while len(self._models) > KEPT:
            self._models.popitem(last=False)

    @staticmethod
    def _live(job: Job[DetrParams], params: DetrParams) -> DetrParams:
        """The same settings with the newest values of those fields that a running job may pick up."""
        newest = job.params
        return replace(params, threshold=newest.threshold, rule=newest.rule, opacity=newest.opacity)


def work(piece: Encoding | Rerun, text: Message) -> Iterator[Event]:
    """Do all steps that are left, with a place to stop after each."""
    while piece.done < piece.total:
        piece.advance()
        yield Progress(piece.done, piece.total, text)


def trials(ways: Ways) -> Iterator[Event]:
    """Try all ways that there are with a small picture, with a place to stop after each."""
    waiting = ways.to_try()
    for done, way in enumerate(waiting):
        yield Progress(done, len(waiting), Message("Trying {way}", {"way": Message(way)}))
        ways.attempt(way)


def name_of(params: DetrParams) -> str:
    """The photo's name; empty for a drawn scene."""
    return params.picture.name if params.picture is not None else ""


def describe(source: str, model: Detr) -> ModelInfo:
    """What the window says about a model."""
    config = model.config
    labels = tuple(model.labels.get(index, "N/A") for index in range(config.num_classes))
    entry = catalog.describe(source)
    named = sum(label != "N/A" for label in labels)
    return ModelInfo(
        source=source,
        title=entry.title,
        labels=labels,
        num_queries=config.num_queries,
        encoder_layers=config.encoder_layers,
        decoder_layers=config.decoder_layers,
        encoder_heads=config.encoder_heads,
        num_heads=config.decoder_heads,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        toy=entry.kind == "bundled",
        note=Message(entry.note) if entry.note else Message("Knows {count} classes.", {"count": named}),
    )


def trained(weights: Weights, device: torch.device) -> tuple[Detr, ModelInfo]:
    """The model of a state that a live run has kept."""
    model = from_weights(weights).to(device)
    note = Message("Step {n} of a run on the page Training.", {"n": weights.step})
    info = describe(TRAINED_HERE, model)
    return model, replace(info, title=TRAINED_HERE, toy=weights.made_of.drawn, note=note, step=weights.step)


def show(params: DetrParams, toy: bool) -> PictureShown:
    """The picture as the window shows it."""
    if params.picture is not None and not toy:
        return PictureShown(params.picture.rgb, *NO_PICTURE)
    rgb, boxes = scene(params, SHOWN)
    labels = [KINDS.index(shape.kind) for shape in params.drawing.shapes]
    return PictureShown(rgb, boxes, np.array(labels, np.int64))


def scene(params: DetrParams, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The drawing on its background, or on the photo in its place; boxes in pixels."""
    photo = params.picture
    background = draw_background(params.drawing, 96) if photo is None else photo.rgb
    return render(params.drawing.shapes, background, size)


def begin(
    model: Detr, params: DetrParams, toy: bool, picture: PictureShown, device: torch.device, backbone: Steps = ()
) -> Encoding:
    """Start on a picture; the toy model gets the scene drawn at its own size, not the shown one made smaller."""
    rgb = scene(params, model.preprocess.shortest)[0] if toy else picture.rgb
    return Encoding(model, model.preprocess(rgb).to(device), backbone)


def changes(params: DetrParams, model: Detr) -> Interventions:
    """The interventions that the settings ask for."""
    config = model.config
    layers = {CROSS: config.decoder_layers, DECODER_SELF: config.decoder_layers, ENCODER_SELF: config.encoder_layers}
    heads = {CROSS: config.decoder_heads, DECODER_SELF: config.decoder_heads, ENCODER_SELF: config.encoder_heads}
    return interventions(params, layers, heads, config.num_queries)


def switched_on(answer: Answer, chosen: Interventions) -> np.ndarray:
    """Which queries (Q,) are not switched off."""
    on = np.ones(answer.scores.shape[1], bool)
    on[list(chosen.queries_off)] = False
    return on


def refuse_undefined(answer: Answer, info: ModelInfo) -> None:
    """Raise LabError if a model with finite weights answers with numbers that are none."""
    if not (np.isfinite(answer.boxes).all() and np.isfinite(answer.scores).all()):
        raise LabError("{name}: its answer is infinite or undefined (NaN).", name=Message(info.title))


def best_query(params: DetrParams, answer: Answer, chosen: Interventions) -> int:
    """The query that was asked for, or the one with the best score of those that are on."""
    if 0 <= params.query < answer.scores.shape[1]:
        return params.query
    return int(np.where(switched_on(answer, chosen), answer.scores[-1], -1).argmax())


def passing(params: DetrParams, answer: Answer) -> np.ndarray:
    """Which predictions (L, Q) count, by the threshold and the decode rule."""
    real = np.ones_like(answer.scores, bool) if params.rule == BEST_REAL_CLASS else answer.scores > answer.no_object
    return (answer.scores >= params.threshold) & real


def extent_of(picture: PictureShown, encoding: Encoding) -> tuple[float, float, float, float]:
    """Where the feature map lies on the picture: its last row and column may reach beyond the border."""
    stride, (height, width) = encoding.model.backbone.stride, encoding.size
    across, down = picture.rgb.shape[1] / width, picture.rgb.shape[0] / height
    return 0.0, 0.0, encoding.memory.width * stride * across, encoding.memory.height * stride * down


def cell_at(pixel: tuple[float, float], picture: PictureShown, encoding: Encoding) -> tuple[int, int]:
    """Row and column of the feature map under a point of the picture."""
    _, _, right, bottom = extent_of(picture, encoding)
    memory = encoding.memory
    row, column = int(pixel[1] / bottom * memory.height), int(pixel[0] / right * memory.width)
    return min(max(row, 0), memory.height - 1), min(max(column, 0), memory.width - 1)


def rows(
    model: Detr,
    picture: PictureShown,
    encoding: Encoding,
    encoder: Encoding | Rerun,
    cell: tuple[int, int],
    chosen: Interventions,
) -> EncoderAttention:
    """Whom the cell looks at in the encoder."""
    memory = encoder.memory
    maps = encoder_rows(model, memory, encoder.inputs, cell[0] * memory.width + cell[1], chosen)
    return EncoderAttention(cell, maps, extent_of(picture, encoding))


def summary(params: DetrParams, info: ModelInfo, answer: Answer, passes: np.ndarray, on: np.ndarray) -> Message:
    """How many pass; if none does, how close the best one came."""
    if passes.any():
        return Message("{count} of {queries}", {"count": int(passes.sum()), "queries": info.num_queries})
    best = int(np.where(on, answer.scores[-1], -1).argmax())
    return Message(
        "0 of {queries}; best score {score} (query {query}, {label})",
        {
            "queries": info.num_queries,
            "score": f"{answer.scores[-1, best]:.2f}",
            "query": best,
            "label": Message(info.labels[int(answer.labels[-1, best])]),
        },
    )


@dataclass(frozen=True)
class Look:
    """What `detections` puts together."""

    params: DetrParams
    info: ModelInfo
    picture: PictureShown
    encoding: Encoding
    answer: Answer
    plain: Answer
    chosen: Interventions


def detections(look: Look, query: int, cross: np.ndarray) -> Detections:
    """Everything that the window shows of an answer."""
    params, picture, answer, plain = look.params, look.picture, look.answer, look.plain
    height, width = picture.rgb.shape[:2]
    scale = np.array([width, height, width, height], np.float32)
    on = switched_on(answer, look.chosen)
    layer_passes = passing(params, answer) & on
    plain_passes = layer_passes[-1] if answer is plain else passing(params, plain)[-1]
    boxes = answer.boxes * scale
    return Detections(
        boxes=boxes[-1],
        scores=answer.scores[-1],
        labels=answer.labels[-1],
        no_object=answer.no_object[-1],
        passes=layer_passes[-1],
        on=on,
        plain_boxes=boxes[-1] if answer is plain else plain.boxes[-1] * scale,
        plain_scores=plain.scores[-1],
        plain_labels=plain.labels[-1],
        plain_passes=plain_passes,
        layer_boxes=boxes,
        layer_scores=answer.scores,
        layer_labels=answer.labels,
        layer_passes=layer_passes,
        query=query,
        cross=cross,
        extent=extent_of(picture, look.encoding),
        self_attention=answer.self_attention,
        summary=summary(params, look.info, answer, layer_passes[-1], on),
        touched=answer is not plain,
        probabilities=answer.probabilities,
    )
