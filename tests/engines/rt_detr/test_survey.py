"""The encoder without a part beside transformers' without it; precision of fewer layers and of another choice."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers.modeling_outputs import BaseModelOutput

from engines.core.pictures import Picture
from engines.core.protocol import Job
from engines.data.scene_sets import SIZE, VALIDATION, scenes
from engines.rt_detr import load_checkpoint, subject, survey
from engines.rt_detr.backends import Encoding
from engines.rt_detr.encoder import HybridEncoder
from engines.rt_detr.evaluate import average_precision, layer_precisions
from engines.rt_detr.hybrid_encoder import engine as hybrid
from engines.rt_detr.hybrid_encoder.engine import Engine as Hybrid
from engines.rt_detr.hybrid_encoder.spec import Ablated, Encoded, HybridParams
from engines.rt_detr.interventions import Interventions
from engines.rt_detr.model import RtDetr
from engines.rt_detr.selection.engine import Engine as Selection
from engines.rt_detr.selection.spec import Layered, Selected, SelectionParams
from engines.rt_detr.survey import PARTS, Survey, oracle
from tests.benchmarks.models import make_rt_detr
from tests.engines.rt_detr.test_backends import BACKBONE, SIZES

FEW = 20


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return make_rt_detr(tmp_path_factory.mktemp("rt-detr"), BACKBONE, **SIZES)


@pytest.fixture
def few(monkeypatch):
    """Surveys of a few scenes, and nothing kept from other tests."""
    monkeypatch.setattr(survey, "SCENES", FEW)
    monkeypatch.setattr(subject, "_here", type(subject._here)())


def asked(engine, params, kind):
    return [event for event in engine.run(Job(params, lambda: engine, lambda event: None)) if isinstance(event, kind)]


@pytest.mark.parametrize(("aifi", "ccff"), PARTS)
def test_without_a_part_it_is_transformers_without_it(reference, monkeypatch, aifi, ccff):
    model, net = load_checkpoint(str(reference.folder)), reference.net
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    theirs = net.model.encoder
    monkeypatch.setattr(theirs.config, "encoder_layers", int(aifi))
    if not ccff:
        forward = theirs.aifi[0].forward

        def alone(inputs_embeds=None, **_more):
            maps = list(inputs_embeds)
            if aifi:
                maps[-1] = forward(maps[-1])
            return BaseModelOutput(last_hidden_state=maps)

        monkeypatch.setattr(theirs, "forward", alone)
    encoding = Encoding(model, pixels)
    encoding.finish()
    with torch.inference_mode():
        memory = model.remember(model.encoder.partly(encoding.inputs, aifi, ccff))
        proposals = model.propose(memory)
        ours = model.decode(memory, proposals.taken(model.select(proposals)))
        wanted = net(pixel_values=pixels)
    torch.testing.assert_close(ours.logits[-1], wanted.logits, atol=1e-4, rtol=0)
    torch.testing.assert_close(ours.boxes[-1], wanted.pred_boxes, atol=1e-4, rtol=0)


def test_the_flow_has_the_shapes_of_a_pyramid(reference):
    params = HybridParams(source=str(reference.folder), picture=Picture("noise", np.zeros((50, 60, 3), np.uint8)))
    (shown,) = asked(Hybrid(), params, Encoded)
    sides = [(one.name, one.rows, one.columns) for one in shown.stages]
    assert sides == [("S5", 20, 20), ("F5", 20, 20), ("T4", 40, 40), ("T3", 80, 80), ("B4", 40, 40), ("B5", 20, 20)]
    assert {one.channels for one in shown.stages} == {32}
    assert shown.weights.shape == (1, 4, 400, 400)
    np.testing.assert_allclose(shown.weights.sum(-1), 1, atol=1e-5)
    assert not shown.touched


def test_the_time_is_that_of_the_encoder_and_the_decoder_whatever_is_off(reference, monkeypatch):
    clock = [0.0]

    def taking(call):
        def slow(*given, **named):
            clock[0] += 1
            return call(*given, **named)

        return slow

    monkeypatch.setattr(hybrid, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    for part, name in ((HybridEncoder, "partly"), (RtDetr, "propose"), (RtDetr, "decode")):
        monkeypatch.setattr(part, name, taking(getattr(part, name)))
    engine, picture = Hybrid(), Picture("noise", np.zeros((50, 60, 3), np.uint8))
    for off in ({}, {"aifi": False}, {"ccff": False}):
        params = HybridParams(source=str(reference.folder), picture=picture, **off)
        (shown,) = asked(engine, params, Encoded)
        assert shown.milliseconds == 3000


@pytest.mark.usefixtures("few")
def test_precision_without_a_part_is_told_for_drawn_scenes():
    engine = Hybrid()
    found = asked(engine, HybridParams(), Ablated)
    assert [one.scenes for one in found] == [10, 20, 20]
    last = found[-1]
    held_out = scenes(VALIDATION, FEW)
    model = load_checkpoint("toy-rt-detr")
    whole = average_precision(model, held_out)
    assert last.ap[0] == pytest.approx(whole.ap, abs=1e-6)
    assert last.ap50[0] == pytest.approx(whole.ap50, abs=1e-6)
    assert last.ap50[2] < 0.1  # the decoder has never seen maps that were not fused
    assert min(last.milliseconds) > 0
    assert asked(engine, HybridParams(scene=3), Ablated)[-1] is last  # another picture, the same precision
    off = asked(engine, HybridParams(aifi=False), Encoded)[0]
    assert off.touched
    assert not np.array_equal(off.boxes, off.plain_boxes)


@pytest.mark.usefixtures("few")
def test_precision_of_fewer_layers_and_of_another_choice():
    engine = Selection()
    last = asked(engine, SelectionParams(), Layered)[-1]
    held_out = scenes(VALIDATION, FEW)
    model = load_checkpoint("toy-rt-detr")
    wanted = layer_precisions(model, held_out)
    np.testing.assert_allclose(last.ap50[:4], [one.ap50 for one in wanted], atol=1e-6)
    np.testing.assert_allclose(last.ap[:4], [one.ap for one in wanted], atol=1e-6)
    cut = layer_precisions(model, held_out, Interventions(layers=1))[-1]
    assert last.ap[1] == pytest.approx(cut.ap, abs=1e-6)
    fewer = asked(engine, SelectionParams(queries=0.125), Layered)[-1]
    assert fewer.queries == 3
    assert fewer.ap[3] < last.ap[3]  # scenes have more shapes than that


def overlap(one, other):
    """IoU of two boxes xyxy, by hand."""
    wide, high = (max(0.0, min(one[i + 2], other[i + 2]) - max(one[i], other[i])) for i in range(2))
    area = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return wide * high / (sum(area) - wide * high)


def test_the_choice_by_true_iou_takes_what_covers_best(monkeypatch):
    monkeypatch.setattr(survey, "SCENES", 2)
    some = Survey(load_checkpoint("toy-rt-detr"))
    list(some.prepare())
    proposals, truth = some.proposals[0], some.truth(0)
    chosen = oracle(proposals, truth, 5)
    for picture in range(2):
        boxes = proposals.boxes[picture].sigmoid().numpy()
        corners = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)
        best = np.array([max(overlap(box, true) for true in truth[picture].numpy()) for box in corners])
        np.testing.assert_allclose(best[chosen[picture]], np.sort(best)[::-1][:5], atol=1e-5)
    assert some.scenes[0].rgb.shape == (SIZE, SIZE, 3)


@pytest.mark.usefixtures("few")
def test_queries_chosen_by_true_iou_are_shown():
    engine = Selection()
    plain, other = (asked(engine, SelectionParams(by_iou=on), Selected)[0] for on in (False, True))
    assert (plain.by_iou, other.by_iou) == (False, True)
    assert other.ious.mean() > plain.ious.mean()
    assert (np.diff(other.ious) <= 1e-6).all()
    photo = Picture("photo", np.zeros((50, 60, 3), np.uint8))
    assert asked(engine, SelectionParams(by_iou=True, picture=photo), Selected)[0].by_iou  # shapes lie on the photo
