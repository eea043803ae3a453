"""What RT-DETR's parts compute, by hand; and what a person may change in them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from engines.core.protocol import Job
from engines.rt_detr import deformable_attention
from engines.rt_detr.agreement import pearson
from engines.rt_detr.config import BackboneConfig, RtDetrConfig
from engines.rt_detr.deformable import inside
from engines.rt_detr.detect import engine as detect
from engines.rt_detr.detect.spec import DetectParams, Found
from engines.rt_detr.interventions import UNTOUCHED, Interventions
from engines.rt_detr.model import RtDetr, anchors
from engines.rt_detr.selection import engine as selection
from engines.rt_detr.selection.spec import Selected, SelectionParams


def sampled(plane, x, y):
    """The value of a plane (h, w, d) at a point in 0..1: four neighbors, nothing beyond the border."""
    rows, columns = plane.shape[:2]
    at_x, at_y = x * columns - 0.5, y * rows - 0.5
    left, top = int(np.floor(at_x)), int(np.floor(at_y))
    total, share = np.zeros(plane.shape[2]), 0.0
    for row in (top, top + 1):
        for column in (left, left + 1):
            weight = (1 - abs(at_x - column)) * (1 - abs(at_y - row))
            if 0 <= row < rows and 0 <= column < columns:
                total += weight * plane[row, column]
                share += weight
    return total, share


def test_attention_is_what_a_loop_adds_up():
    draw = torch.Generator().manual_seed(0)
    shapes, heads, size, points = [(3, 5), (2, 2)], 2, 3, 4
    value = torch.randn(1, 19, heads, size, generator=draw)
    at = torch.rand(1, 6, heads, 2, points, 2, generator=draw) * 1.4 - 0.2  # some outside
    at[0, 0, 0, 0] = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.5, -0.2], [1.0, 0.5]])  # on the edge, and one token out
    weights = torch.rand(1, 6, heads, 2, points, generator=draw)
    got = deformable_attention(value, shapes, at, weights)[0].unflatten(-1, (heads, size)).numpy()
    shares = inside(at, shapes)[0].numpy()
    planes = [part.numpy() for part in value[0].split([15, 4])]
    for query in range(6):
        for head in range(heads):
            wanted = np.zeros(size)
            for level, (rows, columns) in enumerate(shapes):
                plane = planes[level][:, head].reshape(rows, columns, size)
                for point in range(points):
                    seen, share = sampled(plane, *at[0, query, head, level, point].tolist())
                    wanted += float(weights[0, query, head, level, point]) * seen
                    assert shares[query, head, level, point] == pytest.approx(share, abs=1e-5)
            np.testing.assert_allclose(got[query, head], wanted, atol=1e-5)
    assert shares[0, 0, 0].tolist() == pytest.approx([0.25, 0.25, 0, 0.5], abs=1e-5)


def test_the_rim_of_the_finest_level_has_no_anchor():
    logits, counts = anchors([(80, 80), (40, 40), (20, 20)], 0.05)
    assert (~counts).sum() == 316
    rim = counts[:6400].view(80, 80)
    assert not torch.stack([rim[0], rim[-1], rim[:, 0], rim[:, -1]]).any()
    assert logits[0, 0] == torch.finfo(torch.float32).max
    assert logits[81].sigmoid().tolist() == pytest.approx([1.5 / 80, 1.5 / 80, 0.05, 0.05], abs=1e-6)
    assert logits[-1].sigmoid().tolist() == pytest.approx([19.5 / 20, 19.5 / 20, 0.2, 0.2], abs=1e-6)
    assert (~anchors([(160, 160), (80, 80), (40, 40)], 0.05)[1]).sum() == 1580


@pytest.fixture(scope="module")
def small():
    """A model with random weights whose points lie apart, what it sees, and its untouched answer."""
    torch.manual_seed(0)
    config = RtDetrConfig(
        encoder_dim=16, dim=16, num_queries=5, encoder_ffn=16, decoder_ffn=16,
        backbone=BackboneConfig(widths=(8, 8, 8, 8, 8), blocks=(0, 0, 0, 0, 0)),
    )  # fmt: skip
    model = RtDetr(config)
    model.initialize()
    model.eval().requires_grad_(False)
    for layer, boxes in zip(model.decoder.layers, model.decoder.box_heads, strict=True):
        layer.cross_attention.attention_weights.weight.normal_()
        layer.cross_attention.sampling_offsets.weight.normal_(0, 0.5)
        boxes.layers[-1].weight.normal_(0, 0.5)
    memory = model.encode(torch.randn(1, 3, 96, 64))
    proposals = model.propose(memory)
    chosen = proposals.taken(model.select(proposals))
    return model, memory, chosen, model.decode(memory, chosen)


def decode(small, **changes):
    model, memory, chosen, _ = small
    return model.decode(memory, chosen, Interventions(**changes))


def test_what_changes_nothing_leaves_every_bit(small):
    again = decode(small, temperature=1.0, spread=1.0, layers=3)
    for name, value in vars(small[3]).items():
        assert torch.equal(value, getattr(again, name)), name


def test_layers_are_cut_off_and_nothing_else(small):
    cut, whole = decode(small, layers=2), small[3]
    assert torch.equal(cut.boxes, whole.boxes[:2])
    assert torch.equal(cut.logits, whole.logits[:2])


def test_without_offsets_all_points_lie_in_the_center(small):
    model, memory, _, _ = small
    found = decode(small, spread=0.0)
    center = found.references[..., None, None, None, :2]
    assert torch.equal(found.points, center.expand_as(found.points))
    attention = model.decoder.layers[0].cross_attention
    value = attention.value_proj(memory.tokens).unflatten(-1, (4, -1))
    by_level = found.weights[0].sum(-1, keepdim=True)
    one = deformable_attention(value, memory.shapes, found.points[0][..., :1, :], by_level)
    all_ = deformable_attention(value, memory.shapes, found.points[0], found.weights[0])
    torch.testing.assert_close(one, all_, atol=1e-5, rtol=0)


def test_heads_and_levels_are_switched_off(small):
    weights = decode(small, heads_off=((1, 2),), levels_off=(0,)).weights  # (D, B, Q, H, L, P)
    assert weights[1, :, :, 2].abs().max() == 0
    assert weights[..., 0, :].abs().max() == 0
    left = weights.sum((-1, -2))
    left[1, :, :, 2] = 1
    torch.testing.assert_close(left, torch.ones_like(left))
    assert decode(small, levels_off=(0, 1, 2)).weights.abs().max() == 0


def test_a_query_that_is_off_is_seen_by_none_but_itself(small):
    model, memory, chosen, whole = small
    found = decode(small, queries_off=(1, 3))
    assert not torch.equal(found.states[0, :, 0], whole.states[0, :, 0])
    alone = [0, 2, 4]
    kept = model.decode(memory, chosen.taken(torch.tensor([alone])))
    torch.testing.assert_close(found.boxes[:, :, alone], kept.boxes, atol=1e-5, rtol=0)
    assert decode(small, queries_off=(0, 1, 2, 3, 4)).boxes.isfinite().all()


def test_temperature_sharpens_and_flattens(small):
    def entropy(weights):
        flat = weights[0].flatten(-2)  # of the first layer: later ones look elsewhere
        return float(-(flat * flat.clamp(min=1e-12).log()).sum(-1).mean())

    assert entropy(decode(small, temperature=0.1).weights) < entropy(small[3].weights)
    assert entropy(decode(small, temperature=10.0).weights) > entropy(small[3].weights)


def test_a_dragged_box_takes_its_points_along_unless_they_are_frozen(small):
    model, memory, chosen, whole = small
    box = (0.3, 0.6, 0.2, 0.1)
    changes = Interventions(moved=(1, 2, box))
    found = model.decode(memory, chosen, changes)
    assert found.references[1, 0, 2].tolist() == pytest.approx(box)
    assert torch.equal(found.boxes[0], whole.boxes[0])  # the layer before knows nothing of it
    assert not torch.equal(found.boxes[1], whole.boxes[1])
    assert not torch.equal(found.points[1, :, 2], whole.points[1, :, 2])
    still = model.decode(memory, chosen, replace(changes, frozen=True), list(whole.points))
    assert torch.equal(still.points, whole.points)
    assert not torch.equal(still.boxes[1], whole.boxes[1])


def test_a_point_is_put_elsewhere_and_what_is_read_there_follows(small):
    model, memory, chosen, whole = small
    each = whole.points.shape[-2]
    level, point = divmod(int(whole.weights[1, 0, 2, 3].argmax()), each)  # one that has a say
    at = (1, 2, 3, level * each + point)  # layer, query, head
    there = tuple(whole.points[1, 0, 2, 3, level, point].tolist())
    same = model.decode(memory, chosen, Interventions(placed=((*at, *there),)))
    assert torch.equal(same.boxes, whole.boxes)
    found = model.decode(memory, chosen, Interventions(placed=((*at, 0.1, 0.9),)))
    assert found.points[1, 0, 2, 3, level, point].tolist() == pytest.approx((0.1, 0.9))
    changed = (found.points[1] != whole.points[1]).any(-1)
    assert changed.nonzero().tolist() == [[0, 2, 3, level, point]]
    assert torch.equal(found.boxes[0], whole.boxes[0])
    assert not torch.equal(found.boxes[1, :, 2], whole.boxes[1, :, 2])
    attention = model.decoder.layers[1].cross_attention
    value = attention.value_proj(memory.tokens).unflatten(-1, (4, -1))
    seen = [deformable_attention(value, memory.shapes, one.points[1], one.weights[1]) for one in (found, whole)]
    differs = (seen[0] != seen[1])[0]  # (Q, H·d)
    assert differs.any(-1).nonzero().tolist() == [[2]]
    assert not differs[2, : 3 * value.shape[-1]].any()  # the other heads read what they read


def test_the_page_is_told_what_it_asks_for():
    engine = detect.Engine()

    def found(params):
        return list(engine.run(Job(params, lambda: engine, lambda event: None)))[-1]

    params = DetectParams()
    plain = found(params)
    assert isinstance(plain, Found)
    assert found(params) is plain
    assert not plain.touched
    assert plain.plain_boxes is plain.boxes
    moved = replace(params, query=3, moved=(0, 3, (0.5, 0.5, 0.3, 0.3)))
    assert found(moved).references[0].tolist() == pytest.approx([0.5, 0.5, 0.3, 0.3])
    assert found(moved).touched
    frozen = found(replace(moved, frozen=True))
    np.testing.assert_array_equal(frozen.points, found(replace(params, query=3)).points)
    strange = replace(params, heads_off=((9, 9),), levels_off=(7,), moved=(5, 999, (0.5, 0.5, 0.1, 0.1)))
    assert found(strange).boxes.tobytes() == plain.boxes.tobytes()  # of another model: nothing of it is here
    assert detect.interventions(strange, next_specimen()) == UNTOUCHED


def next_specimen():
    """The specimen that the page looks at."""
    steps = detect.shared().specimen(DetectParams(), "cpu")
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


def test_the_score_is_held_against_the_iou_of_the_box_it_belongs_to():
    engine = selection.Engine()

    def found(params):
        events = engine.run(Job(params, lambda: engine, lambda event: None))
        return next(event for event in events if isinstance(event, Selected))

    told = found(SelectionParams(scene=3))
    (_, shown) = itertools.islice(engine.run(Job(SelectionParams(scene=3), lambda: engine, lambda event: None)), 2)
    for box, iou in zip(told.boxes, told.ious, strict=True):
        best = 0.0
        for true in shown.true_boxes:
            low = np.maximum(box[:2] - box[2:] / 2, true[:2] - true[2:] / 2)
            high = np.minimum(box[:2] + box[2:] / 2, true[:2] + true[2:] / 2)
            inner = np.prod(np.maximum(high - low, 0))
            best = max(best, inner / (np.prod(box[2:]) + np.prod(true[2:]) - inner))
        assert iou == pytest.approx(best, abs=1e-5)
    assert told.correlation == pytest.approx(np.corrcoef(told.scores[told.chosen], told.ious)[0, 1], abs=1e-5)
    assert pearson(np.ones(5), np.arange(5)) == pearson(np.arange(2), np.arange(2)) == 0
    few = found(SelectionParams(scene=3, queries=0.02))
    assert few.chosen.tolist() == told.chosen[:1].tolist()
