"""Answers the page "Selection"."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator

import numpy as np
import torch

from engines.blocks.boxes import box_iou, cxcywh_to_xyxy
from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.rt_detr.agreement import pearson
from engines.rt_detr.model import anchors
from engines.rt_detr.selection.spec import Layered, Selected, SelectionParams
from engines.rt_detr.subject import Specimen, shared
from engines.rt_detr.survey import Surveyed, Tally, go, oracle, with_layers


class Engine:
    """Yields `ModelInfo`, `PictureShown`, `Selected`, and for a model of drawn scenes `Layered`."""

    def __init__(self) -> None:
        share = shared()
        self._shown: Memo[Selected] = share.memo()
        self._tally: Memo[Tally] = share.memo()
        self._layered: Memo[Layered] = share.memo()

    def run(self, job: Job[SelectionParams]) -> Iterator[Event]:
        """Choose, as ``job.params`` ask for."""
        one = yield from shared().specimen(job.params, job.device)
        queries = max(1, round(job.params.queries * one.loaded.info.queries))
        by_iou = job.params.by_iou and len(one.picture.true_boxes) > 0
        yield self._shown.get((one.key, queries, by_iou), lambda: selected(one, queries, by_iou))
        if one.loaded.info.toy:
            yield (yield from self._layered.get_in_steps((one.loaded, queries), lambda: self._survey(one, queries)))

    def _survey(self, one: Specimen, queries: int) -> Generator[Event, None, Layered]:
        survey = shared().survey(one)
        tally = self._tally.get((survey, queries), lambda: Tally(survey, one.loaded.info.layers + 2))

        def told(found: Surveyed, done: int) -> Layered:
            return Layered(queries, found.ap, found.ap50, found.milliseconds, done, survey.count)

        return (yield from go(survey, tally, lambda index, way: with_layers(survey, index, way, queries, tally), told))


@torch.inference_mode()
def selected(one: Specimen, queries: int, by_iou: bool = False) -> Selected:
    """Everything that the window shows of a number of queries."""
    model, shapes = one.loaded.model, one.memory.shapes
    if by_iou:
        which = oracle(one.proposals, [cxcywh_to_xyxy(torch.from_numpy(one.picture.true_boxes))], queries)
    else:
        which = model.select(one.proposals, queries)
    chosen = one.proposals.taken(which)
    began = time.perf_counter()
    decoded = model.decode(one.memory, chosen)
    seconds = time.perf_counter() - began
    final, labels = decoded.logits[-1, 0].sigmoid().max(-1)
    scores = one.proposals.scores[0].sigmoid()
    boxes = chosen.boxes[0].sigmoid().cpu()
    ious = np.zeros(0, np.float32)
    if len(one.picture.true_boxes):
        truth = torch.from_numpy(one.picture.true_boxes)
        ious = box_iou(cxcywh_to_xyxy(boxes), cxcywh_to_xyxy(truth)).max(-1).values.numpy()
    own = scores[which[0]].cpu().numpy()
    at = [
        np.stack(np.meshgrid((np.arange(w) + 0.5) / w, (np.arange(h) + 0.5) / h), -1).reshape(-1, 2) for h, w in shapes
    ]
    return Selected(
        shapes=shapes,
        scores=scores.cpu().numpy(),
        counts=anchors(shapes, model.config.anchor)[1].numpy(),
        centers=np.concatenate(at).astype(np.float32),
        chosen=which[0].cpu().numpy(),
        boxes=boxes.numpy(),
        ious=ious,
        correlation=pearson(own, ious) if len(ious) else 0.0,
        final_boxes=decoded.boxes[-1, 0].cpu().numpy(),
        final_scores=final.cpu().numpy(),
        final_labels=labels.cpu().numpy(),
        seconds=seconds,
        by_iou=by_iou,
    )
