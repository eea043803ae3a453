"""The backbone on other backends than float32: the same features, told honestly, a way out where one is missing."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engines.blocks import choosing
from engines.blocks.backends import BACKENDS, BFLOAT16, FASTEST, FLOAT32, ONNX, OPENVINO, OPENVINO_BF16, Computed
from engines.checkpoints import catalog
from engines.core.pictures import Picture
from engines.core.protocol import Job, Progress
from engines.detr import checkpoint as checkpoints
from engines.detr import engine as engines
from engines.detr import stages
from engines.detr.backends import steps as backends
from engines.detr.config import BackboneConfig, DetrConfig
from engines.detr.model import Detr
from engines.detr.preprocess import Preprocess
from engines.detr.spec import Detections, DetrParams
from tests.closeness import MANY, close

CPU = torch.device("cpu")


def made(kind="resnet"):
    """A small random DETR as a loaded one is."""
    torch.manual_seed(3)
    backbone = BackboneConfig("resnet", (32, 64), (2, 2), 16) if kind == "resnet" else BackboneConfig()
    model = Detr(
        DetrConfig(num_classes=4, num_queries=5, dim=32, encoder_layers=2, decoder_layers=2, encoder_heads=2,
                   decoder_heads=2, encoder_ffn=24, decoder_ffn=24, norm_first=False, backbone=backbone)
    )  # fmt: skip
    model.labels = dict(enumerate("abcd"))
    model.preprocess = Preprocess("edges", 64, 128)
    return checkpoints.ready(model).requires_grad_(False)


def there(way):
    """Skips a test where this machine lacks the way."""
    package = backends.PACKAGES.get(way)
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    return way


@pytest.mark.parametrize(
    ("way", "within"), [(FLOAT32, 0.0), (BFLOAT16, 3e-2), (ONNX, 1e-5), (OPENVINO, 1e-5), (OPENVINO_BF16, 3e-2)]
)
@pytest.mark.parametrize("size", [(64, 96), (61, 83)])
def test_every_way_gives_the_features_of_the_backbone(way, within, size):
    model = made()
    steps = backends.MAKERS[there(way)](model)
    pixels = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
    before = pixels.clone()
    with torch.inference_mode():
        wanted, found = model.backbone(pixels), backends.through(steps, pixels)
    assert found.dtype == torch.float32
    assert found.shape == wanted.shape
    assert float((found - wanted).abs().max()) <= within * float(wanted.abs().max())
    torch.testing.assert_close(pixels, before)


def test_what_is_not_to_be_had_says_why(monkeypatch):
    model, toy = made(), made("convnet")
    for way in BACKENDS:
        said = backends.obstacle(way, toy, CPU)
        assert (said is None) == (way == FLOAT32)
        assert said is None or "always runs in float32" in str(said)
    monkeypatch.setattr(choosing.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(choosing, "has_bfloat16", lambda device: False)
    assert 'the optional extra "fast" includes it' in str(backends.obstacle(ONNX, model, CPU))
    assert "OpenVINO is not installed" in str(backends.obstacle(OPENVINO, model, CPU))
    assert "not support bfloat16" in str(backends.obstacle(BFLOAT16, model, CPU))
    assert "on the CPU only" in str(backends.obstacle(OPENVINO, model, torch.device("cuda")))
    ways = backends.Backends(model, CPU)
    assert ways.to_try() == []  # nothing to choose from
    assert ways.choose(FASTEST) == (FLOAT32, None)
    way, why = ways.choose(ONNX)
    assert way == FLOAT32
    assert why is not None


def test_the_quickest_faithful_way_is_chosen():
    ways = backends.Backends(made(), CPU)
    ways.tried = {FLOAT32: 30.0, BFLOAT16: 10.0, ONNX: 20.0}
    assert ways.choose(FASTEST) == (BFLOAT16, None)
    ways.compared[BFLOAT16] = Computed(BFLOAT16, BFLOAT16, probabilities=0.5, boxes=0.0)
    assert ways.choose(FASTEST) == (ONNX, None)
    ways.compared[ONNX] = Computed(ONNX, ONNX, probabilities=0.001, boxes=0.001)
    assert ways.choose(FASTEST) == (ONNX, None)
    said = ways.computed(FASTEST, ONNX, None, 0.5)
    assert (said.tried[0][0], said.milliseconds, said.compared, said.faithful) == (BFLOAT16, 500, True, True)


def test_the_quickest_way_tried_is_not_made_once_more(monkeypatch):
    """To make it takes seconds with a real model, and nothing can stop it."""
    clock, lasts, count = [0.0], {BFLOAT16: 1.0, ONNX: 2.0}, {BFLOAT16: 0, ONNX: 0}

    def maker(way):
        def make(model):
            count[way] += 1
            return (lambda x: clock.__setitem__(0, clock[0] + lasts[way]) or x,)

        return make

    monkeypatch.setattr(choosing.time, "perf_counter", lambda: clock[0])
    for way in count:
        monkeypatch.setitem(backends.MAKERS, way, maker(way))
    ways = backends.Backends(made(), CPU)
    ways.tried[FLOAT32] = 3000.0
    for way in count:
        assert ways.attempt(way) == 1000 * lasts[way]
    quickest = ways.choose(FASTEST)[0]
    assert quickest == BFLOAT16
    ways.way(quickest)
    assert count[BFLOAT16] == count[ONNX] == 1


# -- in the engine
@pytest.fixture
def engine(monkeypatch):
    model = made()
    monkeypatch.setattr(engines, "load_checkpoint", lambda source: model)
    monkeypatch.setattr(catalog, "fingerprint", lambda source: source)
    return engines.Engine()


def answers(engine, most=400, **fields):
    picture = Picture("noise", np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8))
    params = DetrParams(source="owner/model", **({"picture": picture} | fields))
    events = []
    for event in engine.run(Job(params, lambda: engine, lambda event: None, device="cpu")):
        events.append(event)
        if len(events) == most:
            break
    return events


@pytest.mark.parametrize("way", BACKENDS)
def test_each_way_answers_and_says_how_far_it_is_from_float32(engine, way):
    there(way)
    events = answers(engine, compute=way)
    plain = next(event for event in answers(engines.Engine(), compute=FLOAT32) if isinstance(event, Detections))
    found = next(event for event in events if isinstance(event, Detections))
    np.testing.assert_allclose(found.probabilities, plain.probabilities, atol=0.02)
    close(found.cross.sum((-1, -2)), 1, MANY)  # attention is there in every way
    said = [event for event in events if isinstance(event, Computed)]
    assert said[-1].used == (way if backends.obstacle(way, made(), CPU) is None else FLOAT32)
    assert said[-1].milliseconds > 0
    if said[-1].used != FLOAT32:
        assert not said[0].compared
        assert said[-1].compared
        assert said[-1].faithful
        assert (said[-1].logits >= said[-1].boxes >= 0, said[-1].name) == (True, "noise")
        assert said[-1].reference > 0
        assert sum(isinstance(event, Computed) for event in answers(engine, compute=way)) == 1  # once is enough


def other(seed=1):
    return Picture("other", np.random.default_rng(seed).integers(0, 256, (64, 96, 3), np.uint8))


def ways_used(events):
    return [event.used for event in events if isinstance(event, Computed)]


@pytest.fixture
def two_ways(monkeypatch):
    """Only float32 and bfloat16 are there, and bfloat16 is quicker on the small picture. Gives the clock that steps of
    a whole picture are timed by: all take the same, unless it is moved on."""
    clock = [0.0]

    def tick(seconds=0.001):
        clock[0] += seconds
        return clock[0]

    monkeypatch.setattr(stages, "time", SimpleNamespace(perf_counter=tick))
    monkeypatch.setattr(backends, "obstacle", lambda way, *_: None if way in (FLOAT32, BFLOAT16) else object())
    times = {FLOAT32: 9.0, BFLOAT16: 1.0}
    monkeypatch.setattr(backends.Backends, "attempt", lambda self, way: self.tried.__setitem__(way, times[way]))
    return tick


@pytest.mark.usefixtures("two_ways")
def test_the_first_picture_is_answered_before_the_ways_are_tried(engine):
    photo = other()
    events = answers(engine, compute=FASTEST, picture=photo)
    kinds = [event.text.text if isinstance(event, Progress) else type(event).__name__ for event in events]
    assert kinds.index("Detections") < kinds.index("Timing {backend}") < kinds.index("Comparing with float32")
    assert ways_used(events) == [FLOAT32, FLOAT32]
    assert events[-1].why is not None
    first = next(event for event in events if isinstance(event, Detections))
    again = answers(engine, compute=FASTEST, picture=photo)
    assert ways_used(again) == [FLOAT32]
    assert any(event is first for event in again)  # what is there is not computed in another way
    new = answers(engine, compute=FASTEST, picture=other(2))
    assert ways_used(new) == [BFLOAT16]
    assert new[-1].why is None
    assert (new[-1].compared, new[-1].name, new[-1].faithful) == (True, "other", True)
    assert ways_used(answers(engine, compute=FLOAT32, picture=photo)) == [FLOAT32]
    assert ways_used(answers(engine, compute=FASTEST, picture=photo)) == [BFLOAT16]


@pytest.mark.usefixtures("two_ways")
def test_a_way_that_answers_something_else_is_given_up_by_the_fastest(engine, monkeypatch):
    monkeypatch.setitem(backends.MAKERS, BFLOAT16, lambda model: (*backends.float32_steps(model), lambda x: x * 0))
    assert ways_used(answers(engine, compute=FASTEST)) == [FLOAT32, FLOAT32]
    assert ways_used(answers(engine, compute=FASTEST, picture=other())) == [FLOAT32]
    engine._models.values()[0].backends.compared.clear()  # as where the first comparison was cut short
    events = answers(engine, compute=FASTEST, picture=other(2))
    assert ways_used(events) == [BFLOAT16, FLOAT32]
    plain = next(event for event in answers(engines.Engine(), compute=FLOAT32, picture=other(2))
                 if isinstance(event, Detections))  # fmt: skip
    last = [event for event in events if isinstance(event, Detections)][-1]
    np.testing.assert_array_equal(last.boxes, plain.boxes)
    asked = [event for event in answers(engine, compute=BFLOAT16) if isinstance(event, Computed)][-1]
    assert (asked.used, asked.faithful) == (BFLOAT16, False)  # who asks for it gets it, and is told


def test_a_way_that_is_slower_on_the_whole_picture_is_given_up_by_the_fastest(engine, monkeypatch, two_ways):
    """A small picture can't tell all: what is quickest on it may not be on a large one."""

    def slow(x):
        two_ways(9)
        return x

    monkeypatch.setitem(backends.MAKERS, BFLOAT16, lambda model: (*backends.float32_steps(model), slow))
    answers(engine, compute=FASTEST)
    assert ways_used(answers(engine, compute=FASTEST, picture=other())) == [FLOAT32]
    asked = [event for event in answers(engine, compute=BFLOAT16) if isinstance(event, Computed)][-1]
    assert (asked.used, asked.faithful, asked.slower) == (BFLOAT16, True, True)


def test_a_displaced_trial_goes_on(engine):
    first = answers(engine, compute=FASTEST, most=3)
    assert isinstance(first[-1], Progress | Computed) or first
    events = answers(engine, compute=FASTEST)
    assert any(isinstance(event, Detections) for event in events)
    last = [event for event in events if isinstance(event, Computed)][-1]
    assert len(last.tried) in (0, len([way for way in BACKENDS if backends.obstacle(way, made(), CPU) is None]))


def test_the_toy_model_stays_in_float32():
    engine = engines.Engine()
    params = DetrParams(compute=BFLOAT16)
    said = [
        event for event in engine.run(Job(params, lambda: engine, lambda event: None)) if isinstance(event, Computed)
    ]
    assert [one.used for one in said] == [FLOAT32]
    assert said[0].why is not None


def test_the_benchmark_row_runs_on_a_small_model(tmp_path):
    from tests.benchmarks.detr_backend_rows import detr_fastest
    from tests.benchmarks.models import make_detr

    before = torch.get_num_threads()
    # fmt: off
    small = {"d_model": 32, "num_queries": 7, "encoder_layers": 2, "decoder_layers": 2, "encoder_ffn_dim": 40,
             "decoder_ffn_dim": 40, "encoder_attention_heads": 4, "decoder_attention_heads": 4, "num_labels": 5}
    # fmt: on
    backbone = {"out_features": ["stage2"], "embedding_size": 8, "hidden_sizes": [16, 32], "depths": [1, 1]}
    reference = make_detr(tmp_path / "detr", backbone, **small)
    try:
        assert detr_fastest(reference, height=64, width=96, repeats=1).sound
    finally:
        torch.set_num_threads(before)
