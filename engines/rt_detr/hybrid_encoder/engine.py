"""Answers the page "Hybrid encoder"."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.rt_detr.hybrid_encoder.spec import Ablated, Encoded, HybridParams, Stage
from engines.rt_detr.model import Memory, Proposals, RtDetr
from engines.rt_detr.subject import Specimen, shared
from engines.rt_detr.survey import PARTS, Surveyed, Tally, go, with_parts


@dataclass(frozen=True, eq=False)
class Said:
    """Boxes (Q, 4), scores (Q,) and labels (Q,) of the last layer, and milliseconds."""

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    milliseconds: float


class Engine:
    """Yields `ModelInfo`, `PictureShown`, `Encoded`, and for a model of drawn scenes `Ablated`."""

    def __init__(self) -> None:
        share = shared()
        self._plain: Memo[Said] = share.memo()
        self._changed: Memo[Said] = share.memo()
        self._shown: Memo[Encoded] = share.memo()
        self._tally: Memo[Tally] = share.memo()
        self._ablated: Memo[Ablated] = share.memo()

    def run(self, job: Job[HybridParams]) -> Iterator[Event]:
        """Encode, as ``job.params`` ask for."""
        params = job.params
        one = yield from shared().specimen(params, job.device)
        plain = self._plain.get(one.key, lambda: said(one.loaded.model, one))
        key, answer = (one.key, params.aifi, params.ccff), plain
        if not (params.aifi and params.ccff):
            answer = self._changed.get(key, lambda: said(one.loaded.model, one, params.aifi, params.ccff))
        yield self._shown.get(key, lambda: encoded(one, params, plain, answer))
        if one.loaded.info.toy:
            yield (yield from self._ablated.get_in_steps(one.loaded, lambda: self._survey(one)))

    def _survey(self, one: Specimen) -> Generator[Event, None, Ablated]:
        survey = shared().survey(one)
        tally = self._tally.get(survey, lambda: Tally(survey, len(PARTS)))

        def told(found: Surveyed, done: int) -> Ablated:
            return Ablated(found.ap, found.ap50, found.milliseconds, done, survey.count)

        return (yield from go(survey, tally, lambda index, way: with_parts(survey, index, way, tally), told))


@torch.inference_mode()
def said(model: RtDetr, one: Specimen, aifi: bool = True, ccff: bool = True) -> Said:
    """What is found; with both parts it is the very memory that the other pages look at.

    The encoder runs in any case: its time is told beside that without a part.
    """
    began = time.perf_counter()
    memory, proposals = remembered(model, one, aifi, ccff)
    if aifi and ccff:
        memory, proposals = one.memory, one.proposals
    decoded = model.decode(memory, proposals.taken(model.select(proposals)))
    milliseconds = 1000 * (time.perf_counter() - began)
    scores, labels = decoded.logits[-1, 0].sigmoid().max(-1)
    return Said(array(decoded.boxes[-1, 0]), array(scores), labels.cpu().numpy(), milliseconds)


def remembered(model: RtDetr, one: Specimen, aifi: bool, ccff: bool) -> tuple[Memory, Proposals]:
    """What the decoder gets without one part or both."""
    memory = model.remember(model.encoder.partly(one.encoding.inputs, aifi, ccff))
    return memory, model.propose(memory)


def array(tensor: Tensor) -> np.ndarray:
    """The same shape as float32 on the CPU."""
    return tensor.float().contiguous().cpu().numpy()


@torch.inference_mode()
def encoded(one: Specimen, params: HybridParams, plain: Said, answer: Said) -> Encoded:
    """Everything that the window shows of an answer."""
    model, inputs = one.loaded.model, one.encoding.inputs
    rows, columns = inputs[-1].shape[-2:]
    attended = model.encoder.attend(inputs[-1])[0] if params.aifi else inputs[-1]
    number = len(inputs) + 2  # the published names count levels by the powers of two: S3 has stride 8
    stages = [stage(f"S{number}", "", inputs[-1]), stage(f"F{number}", "AIFI" if params.aifi else "—", attended)]
    if params.ccff:
        down, up = model.encoder.fusing([*inputs[:-1], attended])
        for index, each in enumerate(down[1:], 1):
            stages.append(stage(f"T{number - index}", f"↑ + S{number - index}", each))
        for index, each in enumerate(up[1:], 1):
            level = number - len(inputs) + 1 + index
            stages.append(stage(f"B{level}", f"↓ + {'T' if level < number else 'F'}{level}", each))
    else:
        stages += [stage(f"S{number - index}", "", each) for index, each in enumerate(inputs[-2::-1], 1)]
    weights = one.memory.encoder if params.aifi else []
    none = np.zeros((0, 1, rows * columns, rows * columns), np.float32)
    return Encoded(
        weights=np.concatenate([array(layer) for layer in weights]) if weights else none,
        shape=(rows, columns),
        stages=tuple(stages),
        boxes=answer.boxes,
        scores=answer.scores,
        labels=answer.labels,
        plain_boxes=plain.boxes,
        plain_scores=plain.scores,
        plain_labels=plain.labels,
        milliseconds=answer.milliseconds,
    )


def stage(name: str, link: str, values: Tensor) -> Stage:
    """A map (1, E, h, w) as it is shown."""
    _, channels, rows, columns = values.shape
    return Stage(name, link, channels, rows, columns, array(values[0].abs().mean(0)))
