"""Computes the page "Matching": costs, the optimum and the greedy assignment, what each pair costs in the set loss.

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

from engines.blocks.boxes import cxcywh_to_xyxy, generalized_iou, iou
from engines.blocks.matcher import HungarianMatcher, as_boxes
from engines.blocks.varifocal import varifocal_loss
from engines.core.errors import LabError, Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.detr.matching.scenes import MatchingScene
from engines.detr.matching.spec import Matched, MatchingParams, Pairs
from engines.detr.objects import object_name

MAX_P = 1 - 1e-6  # largest probability that is turned into a logit


class Engine:
    """Takes `MatchingParams`, yields `Matched`."""

    def __init__(self) -> None:
        self._logits: Memo[Tensor] = Memo()

    def run(self, job: Job[MatchingParams]) -> Iterator[Event]:
        """One frame."""
        yield self.match(job.params)

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
        logits, classes = tuple(guess.logits for guess in scene.guesses), len(scene.labels) + 1
        return self._logits.get(
            (logits, classes), lambda: torch.tensor(logits, dtype=torch.float32).reshape(len(logits), classes)
        )


def sum_of(weights: tuple[float, float, float], *terms: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The weighted sum (Q, T), bit for bit as `HungarianMatcher` forms it."""
    first, second, third = (np.float32(weight) * term for weight, term in zip(weights, terms, strict=True))
    total: npt.NDArray[np.float32] = first + second + third
    return total


def undefined(scene: MatchingScene, logits: Tensor) -> Message | None:
    """Which prediction has logits (Q, C + 1) that are no numbers; None if none has."""
    bad = (~logits.isfinite().all(-1)).nonzero().flatten().tolist()
    if not bad:
        return None
    return Message("Prediction {n}: its logits are not finite (inf or NaN), so it can't be matched.", {"n": bad[0] + 1})


def refused(params: MatchingParams, reason: Message) -> Matched:
    """Nothing but the reason."""
    table, pairs = np.zeros((0, 0), np.float32), np.zeros((0, 2), np.int64)
    losses = np.zeros((0, 3)), np.zeros(0)
    return Matched(params, table, table, table, table, pairs, pairs, pairs[:, 0], 0.0, 0.0, *losses, error=reason)


def notes(scene: MatchingScene) -> tuple[Message, ...]:
    """What is special about a scene, in words."""
    texts = []
    objects, predictions = len(scene.things), len(scene.guesses)
    if not predictions:
        texts.append(Message("No predictions: nothing to match."))
    elif not objects:
        texts.append(Message('No objects: the target of every prediction is "no object".'))
    elif objects > predictions:
        values = {"objects": objects, "predictions": predictions, "left": objects - predictions}
        texts.append(
            Message(
                "{objects} {objects:object|objects}, {predictions} "
                "{predictions:prediction|predictions}: {left} {left:object stays|objects stay} "
                "unmatched.",
                values,
            )
        )
    flat = [Message("Object {letter}", {"letter": object_name(i)}) for i, thing in enumerate(scene.things)
            if not thing.box[2] * thing.box[3]]  # fmt: skip
    flat += [Message("Prediction {n}", {"n": i + 1}) for i, guess in enumerate(scene.guesses)
             if not guess.box[2] * guess.box[3]]  # fmt: skip
    if len(flat) == 1:
        texts.append(Message("{name} has no area: its IoU with every box is 0. L1 still applies.", {"name": flat[0]}))
    elif flat:
        more: dict[str, object] = {"n": len(flat), "name": flat[0]}
        texts.append(Message("{n} boxes have no area ({name} ...): their IoU is 0. L1 still applies.", more))
    return tuple(texts)


def sigmoid_logits(logits: Tensor) -> Tensor:
    """Logits (Q, C) whose sigmoid is the softmax probability of each real class."""
    return logits.softmax(-1)[..., :-1].clamp(1 - MAX_P, MAX_P).logit()


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
        surprise = -logits.double().log_softmax(-1)  # (Q, C+1)
        weights = torch.full((len(logits),), params.eos_coef, dtype=torch.float64)
        weights[rows] = 1.0
        share = weights / weights.sum().clamp(min=1e-12)  # (Q,)
        none, by_class = share * surprise[:, -1], share[rows] * surprise[rows, labels[cols]]
    none[rows] = 0.0
    return torch.stack([by_class, far, apart], -1).numpy(), none.numpy()
