"""Answers the page "Side by side": RT-DETR, its dense boxes after NMS, and the detector that another topic offers."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator

import numpy as np
import torch

from engines.blocks.boxes import cxcywh_to_xyxy
from engines.blocks.detectors import KIND, Detector, Found, best_first
from engines.blocks.suppression import non_max_suppression
from engines.core import offers
from engines.core.device import resolve
from engines.core.errors import LabError, Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.rt_detr.backends import Encoding
from engines.rt_detr.evaluate import detections
from engines.rt_detr.model import Proposals, RtDetr
from engines.rt_detr.side_by_side.contest import Contest
from engines.rt_detr.side_by_side.spec import DETR, NMS, RT_DETR, Beside, Side, SideParams
from engines.rt_detr.subject import Specimen, shared, work

LEAST = 0.02  #: dense boxes with a lower score are left out before NMS
MOST = 300  # boxes of a picture


class Engine:
    """Yields `ModelInfo`, `PictureShown`, `Beside`, and where there is something to measure on `Compared`."""

    def __init__(self) -> None:
        share = shared()
        self._other: Memo[Detector | Message] = Memo()
        self._decoded: Memo[Found] = share.memo()
        self._dense: Memo[Found] = share.memo()
        self._theirs: Memo[Found] = share.memo()
        self._contest: Memo[Contest] = share.memo()

    def run(self, job: Job[SideParams]) -> Iterator[Event]:
        """Find, as ``job.params`` ask for."""
        params = job.params
        one = yield from shared().specimen(params, job.device)
        info, device = one.loaded.info, resolve(job.device)
        other = self._other.get((info.toy, device), lambda: partner(info.toy, device))
        ours = self._decoded.get(one.key, lambda: decoded(one.loaded.model, one.encoding))
        dense = self._dense.get(
            (one.key, params.nms_iou), lambda: suppressed(one.proposals, params.nms_iou, one.encoding.seconds)
        )
        sides = [
            side(RT_DETR, info.title, ours, info.labels),
            side(NMS, info.title, dense, info.labels),
        ]
        if isinstance(other, Message):
            yield Beside((absent(other), *sides))
        else:
            there: Detector = other
            rgb = params.drawn_on(96)[0] if info.toy else one.picture.rgb
            theirs = yield from self._theirs.get_in_steps(one.key, lambda: there.look(rgb))
            yield Beside((side(DETR, there.title, theirs, there.labels), *sides))
        yield from self._compare(params, one, None if isinstance(other, Message) else other)

    def _compare(self, params: SideParams, one: Specimen, other: Detector | None) -> Iterator[Event]:
        info = one.loaded.info
        folder = "" if info.toy else params.folder  # the toy finds nothing in photos
        if not folder and not info.toy:
            return
        key = (one.loaded, folder, params.nms_iou)
        names = (*((DETR,) if other is not None else ()), RT_DETR, NMS)
        contest = self._contest.get(key, lambda: Contest(names, folder))
        model = one.loaded.model

        def look(rgb: np.ndarray) -> Generator[Event, None, list[tuple[Found, tuple[str, ...]]]]:
            found = []
            if other is not None:
                theirs = yield from other.look(rgb)
                found.append((theirs, other.labels))
            encoding = Encoding(model, model.preprocess(rgb).to(model.device))
            yield from work(encoding, contest.said())
            _, proposals = encoding.finish()
            found.append((decoded(model, encoding), info.labels))
            found.append((suppressed(proposals, params.nms_iou, encoding.seconds), info.labels))
            return found

        yield from contest.run(look)


def partner(drawn: bool, device: torch.device) -> Detector | Message:
    """The detector that another topic has, or why there is none."""
    why = Message("No other detector is here.")
    for offer in offers.found(KIND):
        try:
            found: Detector = offer.load()(drawn, device)
        except LabError as error:
            why = error.message
        else:
            return found
    return why


@torch.inference_mode()
def decoded(model: RtDetr, encoding: Encoding) -> Found:
    """What RT-DETR itself finds."""
    memory, proposals = encoding.finish()
    began = time.perf_counter()
    last = model.decode(memory, proposals.taken(model.select(proposals)))
    (best,) = detections(last.logits[-1].cpu(), last.boxes[-1].cpu())
    spent = encoding.seconds + time.perf_counter() - began
    boxes = last.boxes[-1, 0].cpu().numpy()[best["queries"]]
    return Found(boxes, best["scores"], best["labels"], 1000 * spent)


@torch.inference_mode()
def suppressed(proposals: Proposals, iou: float, seconds: float) -> Found:
    """The box and best class of every location, as a detector without a decoder would take them: after NMS by class."""
    began = time.perf_counter()
    scores, labels = proposals.logits[0].sigmoid().max(-1)  # (S,)
    order = scores.topk(min(len(scores), 4 * MOST)).indices
    order = order[scores[order] >= LEAST]
    boxes, scores, labels = proposals.boxes[0, order].sigmoid(), scores[order], labels[order]
    apart = cxcywh_to_xyxy(boxes) + 2 * labels[:, None]  # no box overlaps one of another class
    kept = non_max_suppression(apart, scores, iou)[:MOST]
    spent = 1000 * (seconds + time.perf_counter() - began)
    return best_first(
        boxes[kept].float().cpu().numpy(), scores[kept].float().cpu().numpy(), labels[kept].cpu().numpy(), spent
    )


def side(name: str, title: str, found: Found, classes: tuple[str, ...]) -> Side:
    """What is told of a detector."""
    return Side(name, title, found.boxes, found.scores, found.labels, classes, found.milliseconds)


def absent(why: Message) -> Side:
    """A detector that is not here."""
    none = np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
    return Side(DETR, "", *none, (), -1.0, why)
