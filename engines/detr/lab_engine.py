"""Computes the matching lab and "Without NMS": costs, the optimum and the greedy assignment, what each pair costs in
the set loss, and the same raw boxes through NMS, soft-NMS and set prediction.

Quick enough for each mouse move: what does not depend on the boxes is kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from engines.blocks.boxes import box_iou, cxcywh_to_xyxy, generalized_iou, iou
from engines.core.errors import LabError, Message
from engines.core.protocol import Event, Job
from engines.detr.crowd import LINEAR, CrowdParams, Outcome, RawBoxes, Suppressed
from engines.detr.lab import Matched, MatchingParams, MatchingScene, Pairs, object_name
from engines.detr.loss import varifocal_loss
from engines.detr.matching import HungarianMatcher
from engines.detr.nms import non_max_suppression, soft_non_max_suppression

GRID, ANCHORS = (8, 6), ((0.40, 0.62), (0.56, 0.44), (0.26, 0.38))  # anchors: places across and down, sizes
CANDIDATE = 0.35  # IoU of an anchor with an object from which on it gives a raw box
HIT = 0.5  # IoU at which an object counts as found
MOST_SURE = 1 - 1e-6  # largest probability that is turned into a logit


class LabEngine:
    """Takes `MatchingParams` and yields `Matched`, or takes `CrowdParams` and yields `Suppressed`."""

    def __init__(self) -> None:
        self._said: tuple[tuple[float, ...], ...] = ()
        self._logits = torch.zeros(0, 1)

    def run(self, job: Job[MatchingParams] | Job[CrowdParams]) -> Iterator[Event]:
        """One frame."""
        params = job.params
        yield self.match(params) if isinstance(params, MatchingParams) else suppress(params)

    @torch.inference_mode()
    def match(self, params: MatchingParams) -> Matched:
        """Costs, assignments and losses of a scene."""
        scene, began = params.scene, time.perf_counter()
        logits = self._logits_of(scene)
        if (reason := undefined(scene, logits)) is not None:
            return refused(params, reason)
        boxes = as_boxes([guess.box for guess in scene.guesses])
        true = as_boxes([thing.box for thing in scene.things])
        labels = torch.tensor([thing.label for thing in scene.things], dtype=torch.int64)
        weights = params.class_cost, params.bbox_cost, params.giou_cost
        try:
            HungarianMatcher(*weights)  # refuses weights that are all 0
            plain = HungarianMatcher(1, 1, 1, params.focal)
            terms = plain.cost_matrix(sigmoid_logits(logits) if params.focal else logits, boxes, labels, true)[1:]
        except LabError as error:
            return refused(params, error.message)
        by_class, by_box, by_giou = (np.ascontiguousarray(term.numpy()) for term in terms)
        total = sum_of(weights, by_class, by_box, by_giou)
        pairs = by_object(*linear_sum_assignment(total))
        order = greedy_assignment(total)
        seconds = time.perf_counter() - began
        loss, none = set_loss(params, logits, boxes, labels, true, pairs)
        return Matched(
            params,
            by_class,
            by_box,
            by_giou,
            total,
            pairs,
            order[np.argsort(order[:, 1], kind="stable")],
            np.argsort(np.argsort(order[:, 1], kind="stable"), kind="stable"),
            float(total[pairs[:, 0], pairs[:, 1]].sum(dtype=np.float64)),
            float(total[order[:, 0], order[:, 1]].sum(dtype=np.float64)),
            loss,
            none,
            notes(scene),
            None,
            seconds,
        )

    def _logits_of(self, scene: MatchingScene) -> Tensor:
        """Logits (Q, C+1): made anew only where a prediction's logits are others than before."""
        said = tuple(guess.logits for guess in scene.guesses)
        if said != self._said or len(said) != len(self._logits):
            self._logits = torch.tensor(said, dtype=torch.float32).reshape(len(said), len(scene.labels) + 1)
            self._said = said
        return self._logits


def sum_of(weights: tuple[float, float, float], *terms: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The weighted sum (Q, T), bit for bit as `HungarianMatcher` forms it."""
    first, second, third = (np.float32(weight) * term for weight, term in zip(weights, terms, strict=True))
    total: npt.NDArray[np.float32] = first + second + third
    return total


def undefined(scene: MatchingScene, logits: Tensor) -> Message | None:
    """Which prediction has logits that are no numbers."""
    bad = (~logits.isfinite().all(-1)).nonzero().flatten().tolist()
    if not bad:
        return None
    return Message(
        "Prediction {n}: its logits are infinite or undefined (NaN). It can't be matched.", {"n": bad[0] + 1}
    )


def refused(params: MatchingParams, reason: Message) -> Matched:
    """Nothing but the reason."""
    table, pairs = np.zeros((0, 0), np.float32), np.zeros((0, 2), np.int64)
    losses = np.zeros((0, 3)), np.zeros(0)
    return Matched(params, table, table, table, table, pairs, pairs, pairs[:, 0], 0.0, 0.0, *losses, error=reason)


def notes(scene: MatchingScene) -> tuple[Message, ...]:
    """What is special about a scene, in words."""
    said = []
    objects, predictions = len(scene.things), len(scene.guesses)
    if not predictions:
        said.append(Message("No prediction: nothing can be matched."))
    elif not objects:
        said.append(Message('No object: every prediction learns "no object".'))
    elif objects > predictions:
        values = {"objects": objects, "predictions": predictions, "left": objects - predictions}
        said.append(Message("{objects} objects, {predictions} predictions: {left} objects get none.", values))
    flat = [Message("Object {letter}", {"letter": object_name(i)}) for i, thing in enumerate(scene.things)
            if not thing.box[2] * thing.box[3]]  # fmt: skip
    flat += [Message("Prediction {n}", {"n": i + 1}) for i, guess in enumerate(scene.guesses)
             if not guess.box[2] * guess.box[3]]  # fmt: skip
    if len(flat) == 1:
        said.append(Message("{name} has no area: its IoU with every box is 0. L1 still measures.", {"name": flat[0]}))
    elif flat:
        more: dict[str, object] = {"n": len(flat), "name": flat[0]}
        said.append(Message("{n} boxes have no area ({name} ...): their IoU is 0. L1 still measures.", more))
    return tuple(said)


def as_boxes(boxes: list[tuple[float, float, float, float]]) -> Tensor:
    """Boxes (N, 4), also of none."""
    return torch.tensor(boxes, dtype=torch.float32).reshape(len(boxes), 4)


def sigmoid_logits(logits: Tensor) -> Tensor:
    """Logits (Q, C) whose sigmoid is the softmax probability of each real class."""
    return logits.softmax(-1)[..., :-1].clamp(1 - MOST_SURE, MOST_SURE).logit()


def by_object(rows: Pairs, cols: Pairs) -> Pairs:
    """Pairs (M, 2), by object."""
    pairs = np.stack([rows, cols], 1).astype(np.int64)
    return pairs[np.argsort(pairs[:, 1], kind="stable")]


def greedy_assignment(total: npt.NDArray[np.float32]) -> Pairs:
    """Take the cheapest pair that is left, and again: (M, 2) in the order in which they are taken."""
    left, taken = total.copy(), []
    for _ in range(min(total.shape)):
        row, col = np.unravel_index(int(left.argmin()), left.shape)
        taken.append((int(row), int(col)))
        left[row], left[:, col] = np.inf, np.inf
    return np.array(taken, np.int64).reshape(-1, 2)


def set_loss(
    params: MatchingParams, logits: Tensor, boxes: Tensor, labels: Tensor, true: Tensor, pairs: Pairs
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What each pair (M, 3) and each unmatched prediction (Q,) adds to the set loss of the preset.

    DETR's: the cross-entropy of `SetCriterion`, a weighted mean over all predictions. RT-DETR's: `varifocal_loss`, by
    the number of objects. L1 and GIoU are sums over the pairs by the number of objects, with the weights of the
    matching costs, as in both.
    """
    rows, cols = torch.from_numpy(pairs[:, 0]), torch.from_numpy(pairs[:, 1])
    objects = max(1, len(labels))
    a, b = boxes[rows].double(), true[cols].double()
    far = params.bbox_cost * (a - b).abs().sum(-1) / objects
    a, b = cxcywh_to_xyxy(a), cxcywh_to_xyxy(b)
    apart = params.giou_cost * (1 - generalized_iou(a, b)) / objects
    if params.focal:
        none = varifocal_loss(sigmoid_logits(logits.double()), rows, labels[cols], iou(a, b)) / objects
        by_class = none[rows]
    else:
        said = -logits.double().log_softmax(-1)  # (Q, C+1)
        weights = torch.full((len(logits),), params.eos_coef, dtype=torch.float64)
        weights[rows] = 1.0
        share = weights / weights.sum().clamp(min=1e-12)  # (Q,)
        none, by_class = share * said[:, -1], share[rows] * said[rows, labels[cols]]
    none[rows] = 0.0
    return torch.stack([by_class, far, apart], -1).numpy(), none.numpy()


# ------------------------------------------------------------------ without NMS
@torch.inference_mode()
def suppress(params: CrowdParams) -> Suppressed:
    """The same raw boxes through greedy NMS, soft-NMS and set prediction."""
    things = as_boxes(list(params.things))
    raw = params.raw
    anchors = torch.zeros(0, 4) if raw is not None else anchor_boxes()
    if raw is None:
        boxes, scores = raw_boxes(anchors, things)
        labels = torch.zeros(len(boxes), dtype=torch.int64)
    else:
        boxes, scores = as_boxes(list(raw.boxes)), torch.tensor(raw.scores, dtype=torch.float32)
        labels = torch.tensor(raw.labels, dtype=torch.int64)
    corners = cxcywh_to_xyxy(boxes)
    true = cxcywh_to_xyxy(things)
    kinds = torch.tensor(params.kinds or [0] * len(things), dtype=torch.int64)
    same = (labels[:, None] == kinds).numpy()  # (N, T)
    error = None
    apart = corners + 4.0 * labels[:, None]  # boxes of different classes never meet
    try:
        enough = (scores >= params.score).nonzero().flatten()
        greedy = enough[non_max_suppression(apart[enough], scores[enough], params.nms_iou)]
        soft, lowered = soft_non_max_suppression(
            apart, scores, params.sigma, params.nms_iou, max(params.score, 1e-3), params.decay == LINEAR
        )
        matched = set_prediction(boxes, scores, things) if raw is None else kept_by(raw, params.score)
    except LabError as reason:
        error = reason.message
        boxes, scores, corners = boxes[:0], scores[:0], corners[:0]
        greedy = soft = matched = torch.zeros(0, dtype=torch.int64)
        lowered = torch.zeros(0)
    iou = float(box_iou(true[:1], true[1:2])) if len(true) > 1 else 0.0
    return Suppressed(
        params,
        anchors.numpy(),
        boxes.numpy(),
        scores.numpy(),
        outcome(greedy, scores[greedy], corners, true, same),
        outcome(soft, lowered, corners, true, same),
        outcome(matched, scores[matched], corners, true, same),
        iou,
        error,
    )


def anchor_boxes() -> Tensor:
    """Anchors (A, 4), cxcywh: each size at each place of a grid."""
    x, y = ((torch.arange(n) + 0.5) / n for n in GRID)
    places = torch.cartesian_prod(x, y)  # (P, 2)
    sizes = torch.tensor(ANCHORS)
    return torch.cat([places.repeat_interleave(len(sizes), 0), sizes.repeat(len(places), 1)], 1)


def raw_boxes(anchors: Tensor, things: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes (N, 4) and scores (N,), as a detector with anchors gives them before suppression.

    Each anchor that overlaps an object is moved most of the way onto the one it overlaps most; the nearer it comes,
    the better its score. The scatter is drawn once per anchor, so that it does not flicker while objects move.
    """
    if not len(things):
        return torch.zeros(0, 4), torch.zeros(0)
    overlap = box_iou(cxcywh_to_xyxy(anchors), cxcywh_to_xyxy(things))  # (A, T)
    best, which = overlap.max(1)
    chosen = best >= CANDIDATE
    chosen[overlap.argmax(0)] = True  # each object has its best anchor, however small it is
    which[overlap.argmax(0)] = torch.arange(len(things))
    dice = torch.Generator().manual_seed(5)
    scatter = 0.03 * torch.randn(len(anchors), 4, generator=dice)
    aim = things[which]
    boxes = aim + 0.12 * (anchors - aim) + scatter * aim[:, 2:].repeat(1, 2)
    boxes = boxes[chosen]
    near = box_iou(cxcywh_to_xyxy(boxes), cxcywh_to_xyxy(things)).max(1).values
    return boxes, (near**1.5).clamp(0.01, 0.99)


def set_prediction(boxes: Tensor, scores: Tensor, things: Tensor) -> Tensor:
    """The raw box that the set loss gives each object; all others learn "no object"."""
    if not len(boxes) or not len(things):
        return torch.zeros(0, dtype=torch.int64)
    logits = torch.stack([scores, 1 - scores], -1).clamp(min=1e-6).log()
    targets = [{"labels": torch.zeros(len(things), dtype=torch.int64), "boxes": things}]
    rows, _ = HungarianMatcher()(logits[None], boxes[None], targets)[0]
    return rows[scores[rows].argsort(descending=True, stable=True)]


def kept_by(raw: RawBoxes, least: float) -> Tensor:
    """What the model itself counts as objects, best first."""
    scores = torch.tensor(raw.scores)
    kept = torch.tensor([i for i in raw.kept if raw.scores[i] >= least], dtype=torch.int64)
    return kept[scores[kept].argsort(descending=True, stable=True)]


def outcome(kept: Tensor, scores: Tensor, boxes: Tensor, true: Tensor, same: npt.NDArray[np.bool_]) -> Outcome:
    """Which of the kept boxes find an object, best first; ``same`` (N, T): they are of one class."""
    overlap = box_iou(boxes[kept], true).numpy() * same[kept.numpy()]  # (K, T)
    free, found = np.ones(len(true), bool), []
    for row in overlap:
        fits = np.where(free, row, 0.0)
        best = int(fits.argmax()) if len(true) else -1
        hit = best >= 0 and fits[best] >= HIT
        found.append(best if hit else -1)
        if hit:
            free[best] = False
    return Outcome(kept.numpy(), scores.float().numpy(), np.array(found, np.int64))
