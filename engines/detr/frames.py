"""The events of DETR's engine, made from what its stages have computed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from engines.checkpoints import catalog
from engines.core.errors import LabError, Message
from engines.core.training import Weights
from engines.data.scenes import KINDS
from engines.detr.asked import passing, switched_on
from engines.detr.backends.steps import Steps
from engines.detr.checkpoint import from_weights
from engines.detr.interventions import Interventions
from engines.detr.model import Detr
from engines.detr.spec import SHOWN, TRAINED_HERE, Detections, DetrParams, EncoderAttention, ModelInfo, PictureShown
from engines.detr.stages import Answer, Encoding, Rerun, encoder_rows, extent_of

NO_PICTURE = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)


def name_of(params: DetrParams) -> str:
    """The photo's name; empty for a drawn scene."""
    return params.picture.name if params.picture is not None else ""


def describe(source: str, model: Detr, sha256: str = "") -> ModelInfo:
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
        toy=model.drawn,
        note=Message(entry.note) if entry.note else Message("Detects {count} {count:class|classes}.", {"count": named}),
        sha256=sha256,
    )


def trained(weights: Weights, device: torch.device) -> tuple[Detr, ModelInfo]:
    """The model of a state that a live run has kept."""
    model = from_weights(weights).to(device)
    note = Message("Step {n} of a run on the page Training.", {"n": weights.step})
    info = describe(TRAINED_HERE, model)
    return model, replace(info, title=TRAINED_HERE, note=note, step=weights.step)


def show(params: DetrParams, toy: bool) -> PictureShown:
    """The picture as the window shows it."""
    if params.picture is not None and not toy:
        return PictureShown(params.picture.rgb, *NO_PICTURE)
    rgb, boxes = params.scene(SHOWN)
    labels = [KINDS.index(shape.kind) for shape in params.drawing.shapes]
    return PictureShown(rgb, boxes, np.array(labels, np.int64))


def begin(
    model: Detr, params: DetrParams, toy: bool, picture: PictureShown, device: torch.device, backbone: Steps = ()
) -> Encoding:
    """Start on a picture; the toy model gets the scene drawn at its own size, not the shown one made smaller."""
    rgb = params.scene(model.preprocess.first)[0] if toy else picture.rgb
    return Encoding(model, model.preprocess(rgb).to(device), backbone)


def refuse_undefined(answer: Answer, info: ModelInfo) -> None:
    """Raise LabError if a model with finite weights answers with numbers that are none."""
    if not (np.isfinite(answer.boxes).all() and np.isfinite(answer.scores).all()):
        raise LabError("{name}: its output is not finite (inf or NaN).", name=Message(info.title))


def cell_at(pixel: tuple[float, float], picture: PictureShown, encoding: Encoding) -> tuple[int, int]:
    """Row and column of the feature map under a point of the picture."""
    _, _, right, bottom = extent_of(picture.rgb.shape[:2], encoding)
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
    """Where the cell attends in the encoder."""
    memory = encoder.memory
    maps = encoder_rows(model, memory, encoder.inputs, cell[0] * memory.width + cell[1], chosen)
    return EncoderAttention(cell, maps, extent_of(picture.rgb.shape[:2], encoding))


def summary(params: DetrParams, info: ModelInfo, answer: Answer, passes: np.ndarray, on: np.ndarray) -> Message:
    """How many of the queries pass, ``passes`` (Q,); if none does, how close the best that is ``on`` (Q,) came."""
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
    """Everything that the window shows of an answer; ``cross`` (L, H, h, w) are the weights of the query."""
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
        extent=extent_of(picture.rgb.shape[:2], look.encoding),
        self_attention=answer.self_attention,
        summary=summary(params, look.info, answer, layer_passes[-1], on),
        touched=answer is not plain,
        probabilities=answer.probabilities,
    )
