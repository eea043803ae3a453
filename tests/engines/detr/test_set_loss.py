"""Matching, set loss and NMS against transformers' reference and brute force, and where they could fall over."""

from __future__ import annotations

import itertools

import pytest
import torch
from transformers.loss import loss_for_object_detection as reference

from engines.blocks.boxes import box_iou
from engines.core.errors import LabError
from engines.detr import HungarianMatcher, SetCriterion, non_max_suppression
from engines.detr.model import DetrTrace
from tests.closeness import about, close

QUERIES, CLASSES = 9, 4


def case(counts, seed=0, queries=QUERIES):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(len(counts), queries, CLASSES + 1, generator=generator)
    boxes = torch.rand(len(counts), queries, 4, generator=generator) * 0.5 + 0.2
    targets = [
        {
            "labels": torch.randint(0, CLASSES, (count,), generator=generator),
            "boxes": torch.rand(count, 4, generator=generator) * 0.5 + 0.2,
        }
        for count in counts
    ]
    theirs = [{"class_labels": t["labels"], "boxes": t["boxes"]} for t in targets]
    return logits, boxes, targets, theirs


@pytest.mark.parametrize("counts", [(3, 5), (1,), (4, 0, 9, 2), (0, 3), (QUERIES + 4, 2)])
@pytest.mark.parametrize("weights", [(1, 5, 2), (2, 0, 0.5)])
def test_matching_agrees_with_the_reference(counts, weights):
    logits, boxes, targets, theirs = case(counts)
    expected = reference.HungarianMatcher(*weights)({"logits": logits, "pred_boxes": boxes}, theirs)
    found = HungarianMatcher(*weights)(logits, boxes, targets)
    for (rows, cols), (their_rows, their_cols), count in zip(found, expected, counts, strict=True):
        assert rows.dtype == cols.dtype == torch.int64
        assert len(rows) == min(count, QUERIES)
        assert dict(zip(rows.tolist(), cols.tolist(), strict=True)) == dict(
            zip(their_rows.tolist(), their_cols.tolist(), strict=True)
        )


def test_no_assignment_is_cheaper():
    logits, boxes, targets, _ = case((4,), queries=6)
    matcher = HungarianMatcher()
    total, *terms = matcher.cost_matrix(logits[0], boxes[0], targets[0]["labels"], targets[0]["boxes"])
    assert total.shape == (6, 4)
    torch.testing.assert_close(sum(terms), total)
    rows, cols = matcher(logits, boxes, targets)[0]
    best = min(
        sum(total[row, col].item() for col, row in enumerate(choice)) for choice in itertools.permutations(range(6), 4)
    )
    assert total[rows, cols].sum().item() == about(best)


def test_the_cost_is_the_formula():
    logits, boxes, targets, _ = case((2,))
    cost = HungarianMatcher(1, 5, 2).cost_matrix(logits[0], boxes[0], targets[0]["labels"], targets[0]["boxes"])
    query, thing = 3, 1
    label, box = targets[0]["labels"][thing], targets[0]["boxes"][thing]
    assert cost.class_cost[query, thing] == pytest.approx(-logits[0, query].softmax(-1)[label].item())
    assert cost.bbox_cost[query, thing] == pytest.approx(5 * (boxes[0, query] - box).abs().sum().item())
    assert cost.total.isfinite().all()


@pytest.mark.parametrize("counts", [(3, 5), (4, 0, 9, 2), (QUERIES + 4, 2)])
def test_losses_agree_with_the_reference(counts):
    logits, boxes, targets, theirs = case(counts)
    matcher = reference.HungarianMatcher(1, 5, 2)
    criterion = reference.ImageLoss(matcher, CLASSES, 0.1, ["labels", "boxes", "cardinality"])
    expected = criterion({"logits": logits, "pred_boxes": boxes}, theirs)
    found = SetCriterion(CLASSES, HungarianMatcher())({"logits": logits, "boxes": boxes}, targets)
    assert set(found) == {"loss_ce", "loss_bbox", "loss_giou", "cardinality_error"}
    for name, value in found.items():
        close(value, expected[name])


def test_auxiliary_losses_are_those_of_the_other_layers():
    a, b = case((3, 2), 0), case((3, 2), 1)
    logits, boxes = torch.stack([b[0], a[0]]), torch.stack([b[1], a[1]])
    found = SetCriterion(CLASSES, HungarianMatcher())(
        DetrTrace(a[0], a[1], [], [], [], logits, boxes), a[2]
    )  # fmt: skip
    alone = SetCriterion(CLASSES, HungarianMatcher())({"logits": b[0], "boxes": b[1]}, a[2])
    assert len(found) == 8
    for name, value in alone.items():
        torch.testing.assert_close(found[f"{name}_0"], value)


def test_a_batch_without_any_object_has_a_loss_and_a_gradient():
    logits, boxes, targets, _ = case((0, 0))
    logits.requires_grad_()
    found = SetCriterion(CLASSES, HungarianMatcher())({"logits": logits, "boxes": boxes}, targets)
    assert found["loss_bbox"] == found["loss_giou"] == 0
    found["loss_ce"].backward()
    assert bool(torch.isfinite(logits.grad).all())
    assert bool((logits.grad[..., -1] < 0).all())  # "no object" is pushed up


def test_a_box_without_area_can_be_matched():
    logits, boxes, targets, _ = case((2,))
    targets[0]["boxes"][0] = torch.tensor([0.5, 0.5, 0.0, 0.0])
    boxes[0, 0, 2:] = 0
    found = SetCriterion(CLASSES, HungarianMatcher())({"logits": logits, "boxes": boxes}, targets)
    assert all(bool(torch.isfinite(value)) for value in found.values())


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("where", ["logits", "boxes", "target"])
def test_numbers_that_are_none_are_named(bad, where):
    logits, boxes, targets, _ = case((2,))
    {"logits": logits[0, 0], "boxes": boxes[0, 0], "target": targets[0]["boxes"][0]}[where][0] = bad
    with pytest.raises(LabError, match="NaN"):
        HungarianMatcher()(logits, boxes, targets)


def test_a_label_that_is_no_class_and_costs_of_nothing_are_named():
    logits, boxes, targets, _ = case((2,))
    targets[0]["labels"][0] = CLASSES
    with pytest.raises(LabError, match="label"):
        HungarianMatcher()(logits, boxes, targets)
    with pytest.raises(LabError, match="zero"):
        HungarianMatcher(0, 0, 0)


def slow_nms(boxes, scores, threshold):
    left, kept = sorted(range(len(scores)), key=lambda i: -scores[i]), []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if box_iou(boxes[best : best + 1], boxes[i : i + 1]).item() <= threshold]
    return kept


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
def test_nms_keeps_what_the_definition_keeps(threshold):
    generator = torch.Generator().manual_seed(3)
    low = torch.rand(60, 2, generator=generator)
    boxes = torch.cat([low, low + 0.4 * torch.rand(60, 2, generator=generator)], dim=1)
    scores = torch.rand(60, generator=generator)
    assert non_max_suppression(boxes, scores, threshold).tolist() == slow_nms(boxes, scores.tolist(), threshold)


def test_nms_of_nothing_of_equals_and_of_nonsense():
    assert non_max_suppression(torch.zeros(0, 4), torch.zeros(0), 0.5).shape == (0,)
    same = torch.tensor([[0.0, 0, 1, 1]]).repeat(3, 1)
    assert non_max_suppression(same, torch.ones(3), 0.5).tolist() == [0]
    with pytest.raises(LabError, match="NaN"):
        non_max_suppression(same, torch.tensor([1.0, float("nan"), 0]), 0.5)
