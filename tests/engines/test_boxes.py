"""Boxes against transformers' reference, and in the empty and the degenerate case."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.loss import loss_for_object_detection as reference

from engines.blocks.boxes import box_iou, cxcywh_to_xyxy, generalized_box_iou, xyxy_to_cxcywh
from engines.blocks.positions import sinusoidal, sinusoidal_2d
from tests.closeness import close


def some_boxes(count, seed):
    generator = torch.Generator().manual_seed(seed)
    low = torch.rand(count, 2, generator=generator)
    return torch.cat([low, low + torch.rand(count, 2, generator=generator)], dim=1)


def test_the_two_formats_are_each_others_inverse():
    boxes = some_boxes(50, 0).view(5, 10, 4)
    torch.testing.assert_close(cxcywh_to_xyxy(xyxy_to_cxcywh(boxes)), boxes)
    assert xyxy_to_cxcywh(torch.tensor([1.0, 2.0, 4.0, 8.0])).tolist() == [2.5, 5.0, 3.0, 6.0]


@pytest.mark.parametrize(("n", "m"), [(1, 1), (7, 3), (40, 40), (0, 3), (3, 0)])
def test_iou_and_giou_agree_with_the_reference(n, m):
    a, b = some_boxes(n, 1), some_boxes(m, 2)
    iou, _ = reference.box_iou(a, b)
    torch.testing.assert_close(box_iou(a, b), iou)
    torch.testing.assert_close(generalized_box_iou(a, b), reference.generalized_box_iou(a, b))


def test_boxes_without_area_give_numbers():
    point = torch.tensor([[0.5, 0.5, 0.5, 0.5]])
    line = torch.tensor([[0.1, 0.2, 0.9, 0.2]])
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    for a in (point, line):
        for b in (point, line, whole):
            assert box_iou(a, b).item() == 0
            assert -1 <= generalized_box_iou(a, b).item() <= 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 4), min_size=1, max_size=6))
def test_bounds_and_symmetry(rows):
    boxes = torch.tensor(rows)
    boxes = torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], dim=1)
    iou, giou = box_iou(boxes, boxes), generalized_box_iou(boxes, boxes)
    assert bool(((iou >= 0) & (iou <= 1 + 1e-5)).all())
    assert bool(((giou >= -1 - 1e-5) & (giou <= iou + 1e-5)).all())
    torch.testing.assert_close(iou, iou.T)


def test_sinusoidal_is_the_formula_of_the_paper():
    table = sinusoidal(9, 6)
    for position in range(9):
        for i in range(3):
            angle = torch.tensor(position / 10_000 ** (2 * i / 6))
            torch.testing.assert_close(table[position, 2 * i], angle.sin())
            torch.testing.assert_close(table[position, 2 * i + 1], angle.cos())
    assert sinusoidal(4, 5).shape == (4, 5)
    assert sinusoidal(0, 4).shape == (0, 4)


@pytest.mark.parametrize(("height", "width", "dim"), [(5, 7, 16), (1, 1, 8), (1, 30, 32)])
def test_sinusoidal_2d_agrees_with_the_reference(height, width, dim):
    from transformers.models.detr.modeling_detr import DetrSinePositionEmbedding

    theirs = DetrSinePositionEmbedding(dim // 2, normalize=True)
    expected = theirs(torch.Size((1, dim, height, width)), torch.device("cpu"), torch.float32)
    close(sinusoidal_2d(height, width, dim), expected[0])
    mask = torch.zeros(2, height, width, dtype=torch.bool)
    mask[0] = True
    mask[1, : max(1, height // 2), : max(1, width - 2)] = True
    masked = theirs(torch.Size((2, dim, height, width)), torch.device("cpu"), torch.float32, mask)
    ours = sinusoidal_2d(height, width, dim, mask)
    close(ours, masked)
    torch.testing.assert_close(ours[0], sinusoidal_2d(height, width, dim))
