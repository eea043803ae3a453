"""How well ways to use an RT-DETR do on drawn scenes, and how long they take: a batch at a time, a stop after each."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from engines.blocks.boxes import box_iou, cxcywh_to_xyxy
from engines.core.errors import Message
from engines.core.protocol import Event, Progress
from engines.data.scene_sets import SIZE, VALIDATION, scene_precision, scenes
from engines.data.scenes import Scene
from engines.rt_detr.evaluate import detections, scene_pixels
from engines.rt_detr.interventions import Interventions
from engines.rt_detr.model import Memory, Proposals, RtDetr

SCENES, BATCH = 120, 10
E = TypeVar("E", bound=Event)

Floats = np.ndarray


@dataclass(frozen=True, eq=False)
class Surveyed:
    """What came of each way: AP and AP50 (n,), and milliseconds for a picture."""

    ap: Floats
    ap50: Floats
    milliseconds: tuple[float, ...]


class Survey:
    """`SCENES` held-out drawn scenes, gone through a batch at a time."""

    def __init__(self, model: RtDetr) -> None:
        self.model, self.count = model, SCENES
        self.scenes: list[Scene] = []
        self.maps: list[list[Tensor]] = []  # of each batch, as they enter the encoder
        self.memories: list[Memory] = []
        self.proposals: list[Proposals] = []
        self.before = 0.0  # seconds for all up to the encoder
        self.encoder = 0.0  # seconds for encoder and proposals

    def prepare(self) -> Generator[Event, None, None]:
        """Encode all scenes; what is done already is not done again."""
        if not self.scenes:
            self.scenes = scenes(VALIDATION, self.count)
        while len(self.proposals) * BATCH < self.count:
            yield Progress(len(self.proposals) * BATCH, self.count, Message("Encoding drawn scenes"))
            self._encode()

    @torch.inference_mode()
    def _encode(self) -> None:
        batch = self.batch(len(self.proposals))
        pixels = scene_pixels(np.stack([scene.rgb for scene in batch])).to(self.model.device)
        began = time.perf_counter()
        maps = self.model.pyramid(pixels)
        encoded = time.perf_counter()
        memory = self.model.remember(self.model.encoder(maps))
        proposals = self.model.propose(memory)
        self.encoder += time.perf_counter() - encoded
        self.before += encoded - began
        self.maps.append(maps)
        self.memories.append(memory)
        self.proposals.append(proposals)

    def batch(self, index: int) -> list[Scene]:
        """The scenes of a batch."""
        return self.scenes[index * BATCH : (index + 1) * BATCH]

    def truth(self, index: int) -> list[Tensor]:
        """True boxes (N, 4) of its scenes, xyxy in 0..1."""
        return [torch.from_numpy(np.asarray(scene.boxes, np.float32)) for scene in self.batch(index)]

    @property
    def batches(self) -> range:
        """Of all scenes."""
        return range(-(-self.count // BATCH))


class Tally:
    """What some ways have found so far: in ``done`` scenes, after ``steps`` of a batch and a way each."""

    def __init__(self, survey: Survey, ways: int) -> None:
        self._survey = survey
        self._found: list[list[dict[str, np.ndarray]]] = [[] for _ in range(ways)]
        self._spent = np.zeros(ways)
        self.ways, self.done, self.steps = ways, 0, 0

    def add(self, way: int, logits: Tensor, boxes: Tensor, seconds: float) -> None:
        """What a way said of the batch at hand: logits (B, Q, C), boxes (B, Q, 4) cxcywh."""
        self._found[way] += detections(logits.float().cpu(), boxes.float().cpu(), SIZE)
        self._spent[way] += seconds
        self.done = max(self.done, len(self._found[way]))

    def result(self) -> Surveyed:
        """Of the scenes gone through."""
        held_out = self._survey.scenes[: self.done]
        precision = [scene_precision(held_out, found) for found in self._found]
        return Surveyed(
            np.array([one.ap for one in precision], np.float32),
            np.array([one.ap50 for one in precision], np.float32),
            tuple((1000 * self._spent / max(1, self.done)).tolist()),
        )


def oracle(proposals: Proposals, truth: Sequence[Tensor], queries: int) -> Tensor:
    """The locations whose own boxes cover a true object best, (B, Q), best first: a choice that no model can make.

    ``truth`` holds the true boxes (N, 4) of each picture, xyxy in 0..1.
    """
    rows = []
    for boxes, true in zip(cxcywh_to_xyxy(proposals.boxes.sigmoid()), truth, strict=True):
        best = box_iou(boxes, true.to(boxes)).max(-1).values if len(true) else boxes.new_zeros(len(boxes))
        rows.append(best.topk(queries).indices)
    return torch.stack(rows)


@torch.inference_mode()
def with_layers(survey: Survey, index: int, way: int, queries: int, tally: Tally) -> None:
    """A batch with ``way`` decoder layers, queries chosen by their score; one more: with all, chosen by true IoU."""
    model, memory, proposals = survey.model, survey.memories[index], survey.proposals[index]
    layers, share = len(model.decoder.layers), (survey.before + survey.encoder) / len(survey.batches)
    by_iou = oracle(proposals, survey.truth(index), queries) if way > layers else None
    began = time.perf_counter()
    chosen = proposals.taken(model.select(proposals, queries) if by_iou is None else by_iou)
    if way == 0:
        tally.add(way, chosen.logits, chosen.boxes.sigmoid(), share + time.perf_counter() - began)
        return
    decoded = model.decode(memory, chosen, Interventions(layers=way if way < layers else 0))
    tally.add(way, decoded.logits[-1], decoded.boxes[-1], share + time.perf_counter() - began)


PARTS = ((True, True), (False, True), (True, False), (False, False))  #: whether there are AIFI and CCFF


@torch.inference_mode()
def with_parts(survey: Survey, index: int, way: int, tally: Tally) -> None:
    """A batch with and without the two parts of the encoder, as in `PARTS`."""
    model = survey.model
    began = time.perf_counter()
    memory = model.remember(model.encoder.partly(survey.maps[index], *PARTS[way]))
    proposals = model.propose(memory)
    decoded = model.decode(memory, proposals.taken(model.select(proposals)))
    spent = time.perf_counter() - began + survey.before / len(survey.batches)
    tally.add(way, decoded.logits[-1], decoded.boxes[-1], spent)


def go(
    survey: Survey, tally: Tally, work: Callable[[int, int], None], told: Callable[[Surveyed, int], E]
) -> Generator[Event, None, E]:
    """Do what is left of a tally, ``work(batch, way)`` after the other; ``told`` makes what is shown of the result."""
    yield from survey.prepare()
    while tally.steps < tally.ways * len(survey.batches):
        index, way = divmod(tally.steps, tally.ways)
        yield Progress(tally.done, survey.count, Message("Measuring on drawn scenes"))
        work(index, way)
        tally.steps += 1
        if way + 1 == tally.ways:
            yield told(tally.result(), tally.done)
    return told(tally.result(), tally.done)
