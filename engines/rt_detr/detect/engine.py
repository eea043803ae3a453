"""Answers the page "Detect"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.rt_detr.decoder import Decoded
from engines.rt_detr.deformable import inside
from engines.rt_detr.detect.spec import DetectParams, Found
from engines.rt_detr.interventions import UNTOUCHED, Interventions
from engines.rt_detr.model import Proposals, RtDetr
from engines.rt_detr.subject import Specimen, shared


@dataclass(frozen=True, eq=False)
class Answer:
    """What the decoder gave, and the best class of each query after each layer (D, Q)."""

    decoded: Decoded
    scores: np.ndarray
    labels: np.ndarray

    @property
    def boxes(self) -> np.ndarray:
        """Boxes cxcywh (D, Q, 4)."""
        return array(self.decoded.boxes[:, 0])


class Engine:
    """Yields `ModelInfo`, `PictureShown` and `Found`."""

    def __init__(self) -> None:
        share = shared()
        self._chosen: Memo[tuple[Tensor, Proposals]] = share.memo()
        self._plain: Memo[Answer] = share.memo()
        self._changed: Memo[Answer] = share.memo()
        self._shown: Memo[Found] = share.memo()

    def run(self, job: Job[DetectParams]) -> Iterator[Event]:
        """Detect, as ``job.params`` ask for."""
        params = job.params
        one = yield from shared().specimen(params, job.device)
        model, changes = one.loaded.model, interventions(params, one)
        selected, chosen = self._chosen.get(one.key, lambda: choose(model, one))
        plain = self._plain.get(one.key, lambda: decode(model, one, chosen, UNTOUCHED))
        answer = plain
        if changes != UNTOUCHED:
            answer = self._changed.get((one.key, changes), lambda: decode(model, one, chosen, changes))
        on = np.ones(answer.scores.shape[1], bool)
        on[list(changes.queries_off)] = False
        best = int(np.where(on, answer.scores[-1], -1).argmax())
        query = params.query if 0 <= params.query < len(on) else best
        key = (one.key, changes, query, job.params.threshold)
        yield self._shown.get(key, lambda: found(params, one, selected, plain, answer, on, query))
        if not one.loaded.info.toy and (yield from shared().settle(one, params)):
            yield from self.run(job)  # the picture is there in float32 already


def interventions(params: DetectParams, one: Specimen) -> Interventions:
    """Settings to interventions, within what the model has."""
    info = one.loaded.info
    layers = max(1, info.layers - params.left_out)
    moved = params.moved
    if moved is not None and (moved[0] >= layers or moved[1] >= info.queries):
        moved = None
    return Interventions(
        params.temperature,
        params.spread,
        tuple(sorted((layer, head) for layer, head in params.heads_off if layer < info.layers and head < info.heads)),
        tuple(sorted(level for level in params.levels_off if level < info.levels)),
        moved,
        params.frozen and moved is not None,
        layers if layers < info.layers else 0,
        tuple(sorted(query for query in params.queries_off if query < info.queries)),
        tuple(
            one
            for one in params.placed
            if one[0] < layers and one[1] < info.queries and one[2] < info.heads and one[3] < info.levels * info.points
        ),
    )


@torch.inference_mode()
def choose(model: RtDetr, one: Specimen) -> tuple[Tensor, Proposals]:
    """The locations (1, Q) that become queries, and what they say."""
    selected = model.select(one.proposals)
    return selected, one.proposals.taken(selected)


@torch.inference_mode()
def decode(model: RtDetr, one: Specimen, chosen: Proposals, changes: Interventions) -> Answer:
    """Let the queries look."""
    frozen: list[Tensor] = []
    if changes.frozen:
        still = model.decode(one.memory, chosen, replace(changes, moved=None, frozen=False))
        frozen = list(still.points)
    decoded = model.decode(one.memory, chosen, changes, frozen)
    scores, labels = decoded.logits[:, 0].sigmoid().max(-1)
    return Answer(decoded, array(scores), labels.cpu().numpy())


def array(tensor: Tensor) -> np.ndarray:
    """The same shape as float32 on the CPU."""
    return tensor.float().contiguous().cpu().numpy()


@torch.inference_mode()
def found(
    params: DetectParams,
    one: Specimen,
    selected: Tensor,
    plain: Answer,
    answer: Answer,
    on: np.ndarray,
    query: int,
) -> Found:
    """Everything that the window shows of an answer; ``on`` (Q,) says which queries are not switched off."""
    shapes = one.memory.shapes
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    points, weights = answer.decoded.points[:, 0, query], answer.decoded.weights[:, 0, query]
    shares = inside(points[:, None], shapes)[:, 0]  # (D, H, L, P)
    boxes = answer.boxes  # (D, Q, 4)
    last = boxes[-1]
    passes = on & (answer.scores[-1] >= params.threshold)
    touched = answer is not plain
    return Found(
        boxes=last,
        scores=answer.scores[-1],
        labels=answer.labels[-1],
        on=on,
        passes=passes,
        plain_boxes=plain.boxes[-1] if touched else last,
        plain_scores=plain.scores[-1],
        plain_labels=plain.labels[-1],
        plain_passes=plain.scores[-1] >= params.threshold if touched else passes,
        layer_boxes=boxes,
        layer_scores=answer.scores,
        layer_labels=answer.labels,
        levels=np.searchsorted(ends, selected[0].cpu().numpy(), side="right"),
        query=query,
        references=array(answer.decoded.references[:, 0, query]),
        points=array(points.flatten(2, 3)),
        weights=array(weights.flatten(2, 3)),
        inside=array(shares.flatten(2, 3)),
        touched=touched,
        shapes=shapes,
    )
