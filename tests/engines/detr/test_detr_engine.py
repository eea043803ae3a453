"""What the DETR engine shows is what the model computed; stages are kept; changes change only what they should."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from engines.blocks.backends import FLOAT32
from engines.blocks.boxes import cxcywh_to_xyxy
from engines.checkpoints import catalog
from engines.core.errors import LabError
from engines.core.pictures import Picture
from engines.core.protocol import Job, Progress
from engines.data.scenes import Drawing, Shape, draw_background, render
from engines.detr import checkpoint as checkpoints
from engines.detr import engine as engines
from engines.detr.asked import interventions
from engines.detr.config import BackboneConfig, DetrConfig
from engines.detr.interventions import HeadChange, Interventions
from engines.detr.model import Detr
from engines.detr.preprocess import Preprocess
from engines.detr.spec import (
    ALL_LAYERS,
    ATTENTIONS,
    BEST_REAL_CLASS,
    CROSS,
    DECODER_SELF,
    ENCODER_SELF,
    ONE_HEAD,
    ONE_LAYER,
    Detections,
    DetrParams,
    EncoderAttention,
    HeadOff,
    ModelInfo,
    PictureShown,
)
from tests.closeness import FEW, close

SIDE = 64


def build(norm_first):
    """A small random DETR, eval mode, ready as a loaded one is."""
    torch.manual_seed(1)
    backbone = BackboneConfig() if norm_first else BackboneConfig("resnet", (16, 32), (1, 1), 8)
    model = Detr(
        DetrConfig(
            num_classes=6, num_queries=5, dim=32, encoder_layers=2, decoder_layers=3, encoder_heads=2, decoder_heads=4,
            encoder_ffn=24, decoder_ffn=24, norm_first=norm_first, backbone=backbone,
        )
    )  # fmt: skip
    model.query_positions.weight.data.normal_()
    model.labels = dict(enumerate("abcdef"))
    model.preprocess = Preprocess.square(SIDE) if norm_first else Preprocess("edges", SIDE, 2 * SIDE)
    return checkpoints.ready(model)


@pytest.fixture(params=[True, False], ids=["toy", "real"])
def engine(request, monkeypatch):
    """An engine whose weights are random; ``toy-detr`` is a pre-norm ConvNet, any other source a post-norm ResNet."""
    models = {}

    def load(source):
        if source == "broken":
            raise LabError("{name}: the file is missing.", name=source)
        model = models.setdefault(source, build(source == "toy-detr"))
        model.drawn = source == "toy-detr"  # as its card says
        return model

    monkeypatch.setattr(engines, "load_checkpoint", load)
    monkeypatch.setattr(catalog, "fingerprint", lambda source: source)
    made = engines.Engine()
    made.source = "toy-detr" if request.param else "owner/model"
    made.model = load(made.source)
    return made


def photo(height=60, width=90):
    return Picture("a", np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def asked(engine, **changes):
    return DetrParams(source=engine.source, **({"picture": photo(), "compute": FLOAT32} | changes))


def run(engine, params, most=None):
    steps = engine.run(Job(params, lambda: engine, lambda event: None, device="cpu"))
    events = []
    for event in steps:
        events.append(event)
        if most is not None and len(events) == most:
            steps.close()
            break
    return events


def one(events, kind):
    found = [event for event in events if isinstance(event, kind)]
    assert len(found) == 1
    return found[0]


def pixels_of(engine, params):
    if engine.source != "toy-detr":
        return engine.model.preprocess(params.picture.rgb)
    rgb, _ = render(params.drawing.shapes, params.picture.rgb, SIDE)
    return engine.model.preprocess(rgb)


def trace_of(engine, params, chosen=None):
    with torch.no_grad():
        return engine.model.trace(pixels_of(engine, params), interventions=chosen or Interventions())


def test_what_is_shown_is_what_the_model_computes(engine):
    params = asked(engine, query=2, pixel=(50.0, 30.0), threshold=0.0, rule=BEST_REAL_CLASS)
    events = run(engine, params)
    shown, picture, rows = one(events, Detections), one(events, PictureShown), one(events, EncoderAttention)
    trace = trace_of(engine, params)
    with torch.no_grad():
        plain = engine.model(pixels_of(engine, params))
    height, width = picture.rgb.shape[:2]
    for logits, boxes in ((trace.logits, trace.boxes), (plain.logits, plain.boxes)):
        probabilities = logits[0].softmax(-1)
        close(shown.scores, probabilities[:, :-1].max(-1).values)
        close(shown.no_object, probabilities[:, -1])
        expected = cxcywh_to_xyxy(boxes[0]).numpy() * [width, height, width, height]
        np.testing.assert_allclose(shown.boxes, expected, atol=1e-2)
    assert shown.passes.all()
    h, w = shown.cross.shape[-2:]
    for layer in range(3):
        close(shown.self_attention[layer], trace.decoder_self[layer][0], FEW)
        expected = trace.decoder_cross[layer][0, :, 2].unflatten(-1, (h, w))
        close(shown.cross[layer], expected, FEW)
    token = rows.cell[0] * w + rows.cell[1]
    for layer in range(2):
        expected = trace.encoder[layer][0, :, token].unflatten(-1, (h, w))
        close(rows.maps[layer], expected, FEW)
    assert not shown.touched
    assert shown.plain_boxes is shown.boxes or (shown.plain_boxes == shown.boxes).all()


def test_the_map_lies_on_the_right_pixels(engine):
    params = asked(engine)
    stride = engine.model.backbone.stride
    for point, cell in (((0.0, 0.0), (0, 0)), ((-5.0, 1e6), (None, 0))):
        events = run(engine, replace(params, pixel=point))
        found, rgb = one(events, EncoderAttention), one(events, PictureShown).rgb
        seen = pixels_of(engine, params).shape[-2:]
        rows, columns = found.maps.shape[-2:]
        assert found.cell == (rows - 1 if cell[0] is None else cell[0], cell[1])
        left, top, right, bottom = found.extent
        assert (left, top) == (0, 0)
        assert right / columns == pytest.approx(stride * rgb.shape[1] / seen[1])
        assert bottom / rows == pytest.approx(stride * rgb.shape[0] / seen[0])
        assert right >= rgb.shape[1] - 1e-6
        assert bottom >= rgb.shape[0] - 1e-6


def count_work(engine, monkeypatch):
    calls = {"backbone": 0, "encoder": 0, "decoder": 0}

    def watch(module, name):
        module.register_forward_hook(lambda *_: calls.__setitem__(name, calls[name] + 1))

    watch(engine.model.backbone.steps()[0], "backbone")
    for layer in engine.model.encoder:
        watch(layer, "encoder")
    watch(engine.model.decoder[0], "decoder")
    return calls


def test_each_stage_is_computed_once(engine, monkeypatch):
    calls, params = count_work(engine, monkeypatch), asked(engine)
    first = one(run(engine, params), Detections)
    assert calls == {"backbone": 1, "encoder": 2, "decoder": 1}
    assert one(run(engine, replace(params, opacity=0.1, layer=1, head=4)), Detections) is first
    other = one(run(engine, replace(params, threshold=0.01)), Detections)
    assert other.cross is first.cross
    run(engine, replace(params, query=3, rule=BEST_REAL_CLASS, pixel=(1.0, 1.0)))
    assert calls == {"backbone": 1, "encoder": 2, "decoder": 1}
    run(engine, replace(params, temperature=2.0))
    assert calls == {"backbone": 1, "encoder": 2, "decoder": 2}
    run(engine, replace(params, temperature=2.0, attention=ENCODER_SELF, layer=2))
    assert calls == {"backbone": 1, "encoder": 3, "decoder": 3}
    run(engine, replace(params, temperature=2.0, attention=ENCODER_SELF, layer=1))
    assert calls == {"backbone": 1, "encoder": 5, "decoder": 4}
    assert one(run(engine, params), Detections) is not None
    assert calls == {"backbone": 1, "encoder": 5, "decoder": 4}
    run(engine, replace(params, picture=photo()))
    assert calls["backbone"] == 2


def test_a_displaced_job_goes_on_where_it_was(engine, monkeypatch):
    calls, params = count_work(engine, monkeypatch), asked(engine)
    total = one(run(engine, params), Detections)
    engine._encoding.clear()
    engine._plain.clear()
    for _ in range(40):
        last = run(engine, params, most=5)[-1]
        if not isinstance(last, Progress):
            break
    assert calls["backbone"] == 2
    assert calls["encoder"] == 4
    np.testing.assert_array_equal(one(run(engine, params), Detections).boxes, total.boxes)


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("scope", [ONE_HEAD, ONE_LAYER, ALL_LAYERS])
def test_temperature_does_what_trace_does_under_the_same_intervention(engine, attention, scope):
    params = asked(
        engine, attention=attention, scope=scope, temperature=4.0, layer=2, head=2, query=1, pixel=(9.0, 9.0)
    )
    events = run(engine, params)
    shown, rows = one(events, Detections), one(events, EncoderAttention)
    layers = {CROSS: 3, DECODER_SELF: 3, ENCODER_SELF: 2}
    heads = {CROSS: 4, DECODER_SELF: 4, ENCODER_SELF: 2}
    chosen = interventions(params, layers, heads, 5)
    trace, plain = trace_of(engine, params, chosen), trace_of(engine, params)
    h, w = shown.cross.shape[-2:]
    for layer in range(3):
        close(shown.self_attention[layer], trace.decoder_self[layer][0])
        expected = trace.decoder_cross[layer][0, :, 1].unflatten(-1, (h, w))
        close(shown.cross[layer], expected)
    for layer in range(2):
        expected = trace.encoder[layer][0, :, 0 if rows.cell == (0, 0) else rows.cell[0] * w + rows.cell[1]]
        close(rows.maps[layer].reshape(2, -1), expected)
    assert shown.touched
    assert np.abs(shown.boxes - shown.plain_boxes).max() > 0
    weights = {CROSS: "decoder_cross", DECODER_SELF: "decoder_self", ENCODER_SELF: "encoder"}[attention]
    changed, kept = getattr(trace, weights)[1][0], getattr(plain, weights)[1][0]
    flatter = changed.max(-1).values.mean(-1) < kept.max(-1).values.mean(-1)  # (H,)
    assert bool(flatter[1])
    if scope == ONE_HEAD and attention != ENCODER_SELF:
        torch.testing.assert_close(getattr(trace, weights)[0], getattr(plain, weights)[0])


def test_temperature_one_and_no_mask_is_the_untouched_model_bit_for_bit(engine):
    plain = one(run(engine, asked(engine)), Detections)
    touched = one(run(engine, asked(engine, temperature=3.0, heads_off=(HeadOff(CROSS, 0, 0),))), Detections)
    again = one(run(engine, asked(engine, temperature=1.0, scope=ALL_LAYERS)), Detections)
    assert (touched.boxes != plain.boxes).any()
    np.testing.assert_array_equal(touched.plain_boxes, plain.boxes)
    for name in ("boxes", "scores", "cross", "self_attention"):
        np.testing.assert_array_equal(getattr(again, name), getattr(plain, name))


def test_a_head_that_is_off_adds_nothing(engine):
    off = tuple(HeadOff(attention, 1, head) for attention in ATTENTIONS for head in (0, 1))
    shown = one(run(engine, asked(engine, heads_off=off)), Detections)
    assert (shown.cross[1, :2] == 0).all()
    assert (shown.self_attention[1, :2] == 0).all()
    close(shown.cross[1, 2:].sum((-1, -2)), 1)
    close(shown.self_attention[[0, 2]].sum(-1), 1)
    layer, change = engine.model.decoder[1].cross_attention, HeadChange((1.0,) * 4, (False,) * 4)
    from engines.detr.transformer import attend

    x = torch.randn(1, 3, 32)
    for need_weights in (True, False):
        out, _ = attend(layer, x, x, x, None, change, need_weights)
        torch.testing.assert_close(out, layer.out_proj.bias.expand_as(out))


def test_a_query_that_is_off_is_seen_by_nobody_and_says_nothing(engine):
    params = asked(engine, threshold=0.0, rule=BEST_REAL_CLASS)
    plain = one(run(engine, params), Detections)
    off = int(plain.scores.argmax())
    shown = one(run(engine, replace(params, queries_off=(off, 99))), Detections)
    assert (shown.self_attention[..., off] == 0).all()
    close(shown.self_attention.sum(-1), 1)
    assert shown.on.sum() == 4
    assert not shown.on[off]
    assert not shown.passes[off]
    assert not shown.layer_passes[:, off].any()
    assert shown.plain_passes[off]
    assert shown.query != off
    everything = one(run(engine, replace(params, queries_off=tuple(range(5)))), Detections)
    assert not everything.passes.any()
    assert np.isfinite(everything.boxes).all()


def test_the_summary_and_the_decode_rules(engine):
    low = one(run(engine, asked(engine, threshold=0.0, rule=BEST_REAL_CLASS)), Detections)
    assert str(low.summary) == "5 of 5"
    strict = one(run(engine, asked(engine, threshold=0.0)), Detections)
    np.testing.assert_array_equal(strict.passes, strict.scores > strict.no_object)
    none = one(run(engine, asked(engine, threshold=1.0)), Detections)
    best = int(none.scores.argmax())
    assert str(none.summary.text).startswith("0 of")
    assert none.summary.values["query"] == best == none.query


def test_the_threshold_of_a_running_job_is_picked_up(engine):
    params = asked(engine, threshold=1.0)
    job = Job(params, lambda: engine, lambda event: None, device="cpu")
    steps = engine.run(job)
    next(steps)
    job.update(replace(params, threshold=0.0, rule=BEST_REAL_CLASS))
    assert one(list(steps), Detections).passes.all()


def test_a_hovered_pixel_comes_first_when_only_it_is_new(engine):
    params = asked(engine)
    run(engine, params)
    order = [type(e) for e in run(engine, replace(params, pixel=(3.0, 3.0)))]
    assert order.index(EncoderAttention) < order.index(Detections)
    fresh = [type(e) for e in run(engine, replace(params, picture=photo(), pixel=(3.0, 3.0)))]
    assert fresh.index(EncoderAttention) > fresh.index(Detections)


def test_the_drawing_is_looked_at_by_the_toy_and_by_anyone_without_a_photo(engine):
    drawing = Drawing((Shape("star", 0.5, 0.5, 0.4, 0.0, (250, 250, 250)),), "plain", 1)
    params = DetrParams(source=engine.source, drawing=drawing)
    first = run(engine, params)
    picture = one(first, PictureShown)
    assert picture.rgb.shape == (384, 384, 3)
    assert picture.true_labels.tolist() == [3]
    np.testing.assert_allclose(picture.true_boxes, render(drawing.shapes, draw_background(drawing, 96), 384)[1])
    with_photo = replace(params, picture=photo(50, 50))
    before = one(run(engine, with_photo), Detections)
    emptied = replace(with_photo, drawing=Drawing())
    after = run(engine, emptied)
    toy = engine.source == "toy-detr"
    assert (one(after, Detections) is not before) == toy
    assert len(one(after, PictureShown).true_boxes) == 0
    assert one(after, ModelInfo).toy == toy or engine.source == "owner/model"


def test_a_model_that_cannot_be_loaded_leaves_the_engine_usable(engine):
    with pytest.raises(LabError):
        run(engine, replace(asked(engine), source="broken"))
    assert one(run(engine, asked(engine)), Detections)


def test_a_refused_model_is_not_shown_beside_the_answer_of_another(engine):
    """Until it has answered in numbers nothing of it is on screen."""
    with torch.no_grad():
        engine.model.class_head.weight.fill_(3e38)
    told = []
    steps = engine.run(Job(asked(engine), lambda: engine, lambda event: None, device="cpu"))
    with pytest.raises(LabError):
        told.extend(steps)
    assert not [event for event in told if isinstance(event, ModelInfo | PictureShown)]


def test_a_model_whose_answer_is_not_finite_is_told_in_words(engine):
    with torch.no_grad():
        kept = engine.model.class_head.weight.clone()
        engine.model.class_head.weight.fill_(3e38)  # finite, and no sum of it is
    with pytest.raises(LabError, match="NaN"):
        run(engine, asked(engine))
    with torch.no_grad():
        engine.model.class_head.weight.copy_(kept)
    assert one(run(engine, asked(engine, picture=photo(61, 90))), Detections)


def test_old_models_and_photos_are_let_go(engine):
    run(engine, asked(engine))
    old = weakref.ref(engine._encoding.values()[0])
    for source in ("a/b", "c/d", "e/f"):
        run(engine, replace(asked(engine), source=source))
    gc.collect()
    assert old() is None
    assert len(engine._models.values()) == engines.KEPT


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees_with_the_cpu(engine):
    params = asked(engine, pixel=(5.0, 5.0), temperature=2.0, scope=ALL_LAYERS)
    on_cpu = run(engine, params)
    on_gpu = list(engine.run(Job(params, lambda: engine, lambda event: None, device="cuda")))
    for kind, names in ((Detections, ("boxes", "scores", "cross")), (EncoderAttention, ("maps",))):
        for name in names:
            a, b = getattr(one(on_cpu, kind), name), getattr(one(on_gpu, kind), name)
            np.testing.assert_allclose(a, b, rtol=2e-2, atol=2e-3)
