"""The engine of "Without NMS": what greedy NMS, soft-NMS and set prediction keep of the same boxes."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from engines.blocks.boxes import cxcywh_to_xyxy
from engines.core.protocol import Job
from engines.detr import non_max_suppression
from engines.detr.nms.engine import Engine, suppress
from engines.detr.nms.spec import LEFT, LINEAR, NmsParams, RawBoxes, shifted
from tests.closeness import FEW, about


def test_of_two_objects_at_iou_0_7_nms_keeps_one_and_set_prediction_both():
    engine = Engine()
    (found,) = engine.run(Job(NmsParams(), lambda: engine, lambda event: None))
    assert found.iou == about(0.7, FEW)
    assert len(found.anchors) == 144
    assert len(found.boxes) > 10
    assert (len(found.greedy.kept), found.greedy.hits) == (1, 1)
    assert (len(found.matched.kept), found.matched.hits) == (2, 2)
    assert (len(found.soft.kept), found.soft.hits) == (2, 2)
    assert found.soft.scores[1] < 0.6 * found.scores[found.soft.kept[1]]  # it is there, but hardly believed


def test_a_looser_threshold_finds_both_and_lets_duplicates_pass():
    crowd = NmsParams(things=(LEFT, shifted(LEFT, 0.5)))
    assert suppress(replace(crowd, nms_iou=0.6)).greedy.hits == 2
    loose = suppress(replace(crowd, nms_iou=0.9)).greedy
    assert loose.hits == 2
    assert len(loose.kept) > 2
    apart = suppress(NmsParams(things=(LEFT, shifted(LEFT, 0.05))))
    assert (apart.greedy.hits, len(apart.greedy.kept), apart.matched.hits) == (2, 2, 2)


def test_the_boxes_kept_are_those_of_non_max_suppression():
    found = suppress(NmsParams(nms_iou=0.63, score=0.0))
    corners = cxcywh_to_xyxy(torch.from_numpy(found.boxes))
    expected = non_max_suppression(corners, torch.from_numpy(found.scores), 0.63)
    assert found.greedy.kept.tolist() == expected.tolist()


@pytest.mark.parametrize("things", [(), ((0.5, 0.5, 0.0, 0.0),), ((0.5, 0.5, 0.01, 0.01),), (LEFT,) * 5])
def test_odd_objects_have_an_outcome(things):
    found = suppress(NmsParams(things=things, decay=LINEAR))
    assert found.error is None
    assert found.matched.hits <= len(things)
    if things == (LEFT,) * 5:
        assert len(found.matched.kept) == 5


def test_a_model_s_boxes_are_suppressed_class_by_class_and_its_own_answer_is_the_set():
    raw = RawBoxes((LEFT, shifted(LEFT, 0.9), shifted(LEFT, 0.85)), (0.9, 0.8, 0.7), (1, 1, 2), (0, 1))
    found = suppress(NmsParams(things=(), raw=raw))
    assert found.greedy.kept.tolist() == [0, 2]
    assert found.matched.kept.tolist() == [0, 1]
    assert not len(found.anchors)
    assert found.iou == 0
    right = suppress(NmsParams(things=(LEFT,), kinds=(1,), raw=raw))
    wrong = suppress(NmsParams(things=(LEFT,), kinds=(3,), raw=raw))  # a box of another class finds nothing
    assert (right.matched.hits, wrong.matched.hits) == (1, 0)
    bad = replace(raw, scores=(math.nan, 0.8, 0.7))
    assert "NaN" in suppress(NmsParams(things=(), raw=bad)).error.text
