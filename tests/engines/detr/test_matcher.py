"""Matching, set loss, GIoU and soft-NMS on many random cases, against transformers and against the definition."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from transformers.loss import loss_for_object_detection as detr
from transformers.loss import loss_rt_detr as rt_detr

from engines.blocks.boxes import box_iou, cxcywh_to_xyxy, generalized_box_iou, generalized_iou
from engines.blocks.matcher import pairwise_giou
from engines.core.errors import LabError
from engines.detr import HungarianMatcher, SetCriterion, soft_non_max_suppression
from tests.closeness import FEW, about, close

COUNTS = [(0,), (1,), (5,), (20,), (100,), *((n,) * 3 for n in (0, 1, 5, 20, 100)), (0, 3), (5, 1, 0), (100, 20)]
COUNTS += [(0, 1, 5, 20, 100)]  # objects in each picture of a batch
CLASSES, QUERIES = 91, (40, 100)  # of 40 queries 100 objects are too many


def case(counts, seed=0, columns=CLASSES + 1, queries=QUERIES[0]):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(len(counts), queries, columns, generator=generator)
    boxes = torch.rand(len(counts), queries, 4, generator=generator) * 0.5 + 0.2
    targets = [
        {
            "labels": torch.randint(0, CLASSES, (count,), generator=generator),
            "boxes": torch.rand(count, 4, generator=generator) * 0.5 + 0.2,
        }
        for count in counts
    ]
    return logits, boxes, targets, [{"class_labels": t["labels"], "boxes": t["boxes"]} for t in targets]


def same_pairs(found, expected):
    for (rows, cols), (their_rows, their_cols) in zip(found, expected, strict=True):
        ours = sorted(zip(rows.tolist(), cols.tolist(), strict=True))
        assert ours == sorted(zip(their_rows.tolist(), their_cols.tolist(), strict=True))


def agree(matcher, reference, module, batch, monkeypatch):
    """The same pairs, from the same costs: theirs are read where they are handed to scipy."""
    logits, boxes, targets, theirs = batch
    costs = []

    def solve(cost):
        costs.append(torch.as_tensor(cost))
        return linear_sum_assignment(cost)

    monkeypatch.setattr(module, "linear_sum_assignment", solve)
    same_pairs(matcher(logits, boxes, targets), reference({"logits": logits, "pred_boxes": boxes}, theirs))
    assert len(costs) == len(targets)
    for said, places, target, cost in zip(logits, boxes, targets, costs, strict=True):
        ours = matcher.cost_matrix(said, places, target["labels"], target["boxes"])
        assert cost.shape == (len(said), len(target["labels"]))
        close(ours.total, cost.float())


@pytest.mark.parametrize("queries", QUERIES)
@pytest.mark.parametrize("counts", COUNTS, ids=str)
def test_detr_matches_and_loses_like_the_reference(counts, queries, monkeypatch):
    for seed in range(3):
        batch = case(counts, seed, queries=queries)
        reference, matcher = detr.HungarianMatcher(1, 5, 2), HungarianMatcher(1, 5, 2)
        agree(matcher, reference, detr, batch, monkeypatch)
        logits, boxes, targets, theirs = batch
        losses = detr.ImageLoss(reference, CLASSES, 0.1, ["labels", "boxes", "cardinality"])
        expected = losses({"logits": logits, "pred_boxes": boxes}, theirs)
        found = SetCriterion(CLASSES, matcher)({"logits": logits, "boxes": boxes}, targets)
        assert set(found) == {"loss_ce", "loss_bbox", "loss_giou", "cardinality_error"}
        for name, value in found.items():
            close(value, expected[name])


def rt_detr_matcher(**costs):
    plain = {"matcher_class_cost": 2.0, "matcher_bbox_cost": 5.0, "matcher_giou_cost": 2.0}
    config = SimpleNamespace(use_focal_loss=True, matcher_alpha=0.25, matcher_gamma=2.0, **{**plain, **costs})
    return rt_detr.RTDetrHungarianMatcher(config)


@pytest.mark.parametrize("queries", QUERIES)
@pytest.mark.parametrize("counts", COUNTS, ids=str)
def test_the_focal_preset_matches_like_rt_detr(counts, queries, monkeypatch):
    for seed in range(3):
        batch = case(counts, seed, CLASSES, queries)  # a sigmoid a class: no column of "no object"
        agree(HungarianMatcher(2, 5, 2, focal=True), rt_detr_matcher(), rt_detr, batch, monkeypatch)


def test_the_focal_cost_is_the_reference_s():
    logits, boxes, targets, _ = case((7,), 0, CLASSES)
    cost = HungarianMatcher(2, 5, 2, focal=True).cost_matrix(
        logits[0], boxes[0], targets[0]["labels"], targets[0]["boxes"]
    )
    p = logits[0].sigmoid()[:, targets[0]["labels"]].double()
    focal = 0.25 * (1 - p) ** 2 * -(p + 1e-8).log() - 0.75 * p**2 * -(1 - p + 1e-8).log()
    close(cost.class_cost, 2 * focal)
    torch.testing.assert_close(cost.total, cost.class_cost + cost.bbox_cost + cost.giou_cost)
    with pytest.raises(LabError, match="label"):
        HungarianMatcher(focal=True).cost_matrix(
            logits[0], boxes[0], targets[0]["labels"] * 0 + CLASSES, targets[0]["boxes"]
        )


def test_giou_equals_the_reference_on_many_pairs_degenerate_ones_included():
    generator = torch.Generator().manual_seed(1)
    boxes = torch.rand(200, 4, generator=generator)
    boxes[::10, 2] = 0  # a line
    boxes[5::20, 2:] = 0  # a point
    boxes[7] = boxes[3]
    others = boxes.flip(0)[:50].clone()
    a, b = cxcywh_to_xyxy(boxes), cxcywh_to_xyxy(others)
    found = generalized_box_iou(a, b)
    expected = detr.generalized_box_iou(a, b)
    assert found.numel() == 10_000
    assert bool(found.isfinite().all())
    defined = expected.isfinite()  # theirs divides 0 by 0 where neither box has an area
    assert int((~defined).sum()) < 300
    close(found[defined], expected[defined])
    assert set(found[~defined].tolist()) <= {-1.0, 0.0}  # apart, or the same point or line
    close(pairwise_giou(boxes, others), found, FEW)


def test_giou_equals_the_reference_on_ten_thousand_pairs_of_their_own():
    """No box comes twice but where that is the case to be tried."""
    generator = torch.Generator().manual_seed(2)
    a, b = (torch.rand(10_000, 4, generator=generator) for _ in range(2))
    a[0:9000:9, 2], b[1:9000:9, 3] = 0, 0  # a line and a box
    a[2:9000:9, 2:] = 0  # a point and a box
    b[3:9000:9] = a[3:9000:9]  # the same box
    b[4:9000:9, :2], b[4:9000:9, 2:] = a[4:9000:9, :2], a[4:9000:9, 2:] / 3  # one inside the other
    b[5:9000:9, :2] = a[5:9000:9, :2] + 3  # far apart
    b[6:9000:9, 0] = a[6:9000:9, 0] + (a[6:9000:9, 2] + b[6:9000:9, 2]) / 2  # side by side
    a[7:9000:9, 2:], b[7:9000:9, 2:] = 0, 0  # two points
    a[8:9000:9, 2:] *= 1e-6  # nearly nothing
    corners, others = cxcywh_to_xyxy(a), cxcywh_to_xyxy(b)
    found = generalized_iou(corners, others)
    chunks = zip(corners.split(100), others.split(100), strict=True)
    expected = torch.cat([detr.generalized_box_iou(one, other).diagonal() for one, other in chunks])
    assert len(found) == len(expected) == 10_000
    assert bool((found.isfinite() & (found.abs() <= 1 + 1e-6)).all())
    defined = expected.isfinite()
    points = torch.arange(7, 9000, 9)
    assert set((~defined).nonzero().flatten().tolist()) <= set(points.tolist())  # theirs divides 0 by 0 there
    close(found[defined], expected[defined])
    assert found[~defined].tolist() == [-1.0] * int((~defined).sum())  # nothing shared, and the hull is empty
    ours = torch.stack(
        [pairwise_giou(one, other).diagonal() for one, other in zip(a.split(100), b.split(100), strict=True)]
    )
    close(ours.flatten(), found)


def test_huge_but_finite_numbers_are_no_error():
    logits, boxes, targets, _ = case((2,))
    logits[0, :, 0] = 3e38  # their sum is not finite, they are
    rows, _ = HungarianMatcher()(logits, boxes, targets)[0]
    assert len(rows) == 2


def slow_soft_nms(boxes, scores, sigma, threshold, least, linear):
    left, kept = dict(enumerate(scores)), []
    while left:
        best = max(left, key=lambda i: (left[i], -i))
        if left[best] < least:
            break
        kept.append((best, left.pop(best)))
        for i in left:
            iou = box_iou(boxes[best : best + 1], boxes[i : i + 1]).item()
            left[i] *= (1 - iou if iou > threshold else 1.0) if linear else math.exp(-(iou**2) / sigma)
    return kept


@pytest.mark.parametrize("linear", [False, True])
def test_soft_nms_does_what_its_definition_does(linear):
    generator = torch.Generator().manual_seed(3)
    low = torch.rand(40, 2, generator=generator)
    boxes = torch.cat([low, low + 0.4 * torch.rand(40, 2, generator=generator)], dim=1)
    scores = torch.rand(40, generator=generator)
    kept, values = soft_non_max_suppression(boxes, scores, 0.5, 0.3, 0.05, linear)
    expected = slow_soft_nms(boxes, scores.tolist(), 0.5, 0.3, 0.05, linear)
    assert kept.tolist() == [index for index, _ in expected]
    assert values.tolist() == about([value for _, value in expected], FEW)


def test_soft_nms_of_nothing_and_of_nonsense():
    kept, values = soft_non_max_suppression(torch.zeros(0, 4), torch.zeros(0))
    assert kept.shape == values.shape == (0,)
    with pytest.raises(LabError, match="NaN"):
        soft_non_max_suppression(torch.zeros(1, 4), torch.tensor([math.inf]))
