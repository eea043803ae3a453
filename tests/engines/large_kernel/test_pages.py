"""The engines behind the pages: fields of whole nets, merged branches, a kernel's answer, what is timed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from engines.checkpoints import backbones
from engines.core.errors import LabError
from engines.core.protocol import Job
from engines.large_kernel.cost import engine as cost
from engines.large_kernel.cost.spec import CostParams, MeasuredFrame
from engines.large_kernel.field.engine import Engine as FieldEngine
from engines.large_kernel.field.spec import DepthsFrame, FieldFrame, FieldParams, NetInfo, WeightsInfo
from engines.large_kernel.field.stack import Stack
from engines.large_kernel.kernel.engine import Engine as KernelEngine
from engines.large_kernel.kernel.engine import answered, brightness
from engines.large_kernel.kernel.spec import SHAPES, KernelParams
from engines.large_kernel.merge.engine import Engine as MergeEngine
from engines.large_kernel.merge.spec import CROSS, MergeParams
from engines.large_kernel.receptive_field import effective_receptive_field, law, law_of, rms_radius, theoretical_field


def asked(engine, params):
    return list(engine.run(Job(params, lambda: engine, lambda event: None)))


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


# ------------------------------------------------------------------ field
@pytest.fixture(scope="module")
def engine():
    return FieldEngine()


def test_the_field_of_random_kernels_is_the_public_functions_own(engine):
    told = asked(engine, FieldParams(at=(0.4, 0.6)))
    (frame,) = of(told, FieldFrame)
    assert frame.cell == (38, 57)
    assert frame.theoretical == 25
    assert frame.extent == (25, 25)
    assert float(frame.pixels.sum()) == pytest.approx(1, abs=1e-5)
    away = np.ones((96, 96), bool)
    away[38 - 12 : 38 + 13, 57 - 12 : 57 + 13] = False
    assert (frame.pixels[away] == 0).all()
    stack = Stack(13, 2)

    def last(pixels):
        return list(stack.maps(pixels))[-1]

    pixels = next(iter(engine._passed._kept.values())).pixels
    expected = effective_receptive_field(last, pixels, (38, 57))
    np.testing.assert_allclose(frame.pixels, expected.numpy(), atol=1e-7)
    assert frame.law == pytest.approx(law(13, 2))
    depths = of(told, DepthsFrame)[-1]
    assert depths.radius[-1] == pytest.approx(frame.radius)
    assert depths.law.tolist() == pytest.approx([law(13, 1), law(13, 2)])


@pytest.mark.parametrize(("kernel", "layers"), [(3, 4), (3, 12), (5, 6), (7, 4), (13, 2), (31, 1)])
def test_random_nets_of_the_page_keep_the_law(kernel, layers):
    """Six nets, each the mean of a few: one alone has a handful of weights and its own mind."""
    side = theoretical_field([kernel] * layers)
    fields = []
    for seed in range(6):
        stack = Stack(kernel, layers, seed=seed)
        pixels = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(seed))
        fields.append(effective_receptive_field(lambda p, stack=stack: list(stack.maps(p))[-1], pixels))
    radius = rms_radius(torch.stack(fields).mean(0), (side // 2, side // 2))
    assert radius == pytest.approx(law(kernel, layers), rel=0.08)


def test_a_skip_leaves_half_of_the_field_at_the_place_itself():
    """The mean of some nets; without the skip the place is one of 961 cells."""
    pixels, found = torch.zeros(1, 3, 41, 41), {}
    for skip in (True, False):
        stacks = [Stack(31, 1, skip, seed) for seed in range(8)]
        fields = [effective_receptive_field(lambda p, s=s: list(s.maps(p))[-1], pixels) for s in stacks]
        found[skip] = float(torch.stack(fields).mean(0)[20, 20])
    assert found[True] == pytest.approx(0.5, abs=0.15)
    assert found[False] < 0.01


def test_strides_stretch_the_law():
    assert law_of([7] * 4) == pytest.approx(law(7, 4))
    assert law_of([4, 7], [4, 1]) == pytest.approx((15 / 6 + 48 / 6 * 16) ** 0.5)


@pytest.mark.parametrize("model", ["mini-vit", "mini-swin"])
def test_the_nets_of_other_topics_have_fields(engine, model):
    told = asked(engine, FieldParams(model=model, at=(0.1, 0.9)))
    info, weights, frame = of(told, NetInfo)[0], of(told, WeightsInfo)[0], of(told, FieldFrame)[0]
    assert (info.layers, info.side, info.random) == (6, 32, False)
    assert weights.model == model
    assert len(weights.sha256) == 64
    assert float(frame.pixels.sum()) == pytest.approx(1, abs=1e-5)
    assert frame.law == 0
    first = of(asked(engine, FieldParams(model=model, at=(0.1, 0.9), depth=1)), FieldFrame)[0]
    if model == "mini-swin":  # the first block looks into one window of 4 × 4 patches of 2 pixels
        assert first.extent == (8, 8)
        assert (first.pixels[8:] == 0).all()
    else:
        assert first.extent == (32, 32)
    random = asked(engine, FieldParams(model=model, at=(0.1, 0.9), random=True, seed=3))
    assert of(random, NetInfo)[0].random
    assert not np.allclose(of(random, FieldFrame)[0].pixels, frame.pixels)


def test_maps_of_a_backbone_are_what_its_model_traces():
    from engines.swin import load_checkpoint as load_swin
    from engines.vit import load_checkpoint as load_vit

    pixels = torch.randn(1, 3, 32, 32)
    for name, load, first in (("mini-vit", load_vit, 1), ("mini-swin", load_swin, 0)):
        maps = list(backbones.load(name, backbones.LAYERS).maps(pixels))
        hidden = load(name).trace(pixels).hidden
        steps = (hidden[k] if isinstance(hidden, tuple) else hidden[:, k] for k in (1, 3))
        for made, tokens in zip((maps[0], maps[2]), steps, strict=True):
            torch.testing.assert_close(made.flatten(2).transpose(1, 2), tokens[:, first:], atol=1e-4, rtol=1e-4)


def test_what_has_no_maps_is_refused_in_words(engine, monkeypatch):
    monkeypatch.setattr("engines.vit.backbone.ViTBackbone.maps", lambda self, pixels: iter(()))
    with pytest.raises(LabError, match="no map of cells"):
        asked(FieldEngine(), FieldParams(model="mini-vit"))
    with pytest.raises(LabError, match="not downloaded"):
        asked(engine, FieldParams(model="timm/convnext_atto.d2_in1k"))


# ------------------------------------------------------------------ merge
@pytest.mark.parametrize(
    "changes",
    [{}, {"shape": CROSS}, {"dilation": 4}, {"shape": CROSS, "dilation": 6},
     {"weight": -1.5, "bias": 1.2, "mean": 0.7, "variance": 0.3}, {"large": 5, "small": 15, "dilation": 8}],
)  # fmt: skip
def test_merged_branches_say_the_same_and_a_cell_off_they_do_not(changes):
    (frame,) = asked(MergeEngine(), MergeParams(**changes))
    assert frame.apart.max() <= 1e-5 * max(1.0, frame.largest)
    np.testing.assert_allclose(frame.kernels[:-1].sum(0), frame.kernels[-1], atol=1e-6)
    assert sum(frame.biases[:-1]) == pytest.approx(frame.biases[-1], abs=1e-5)
    assert frame.operations[1] <= frame.operations[0]
    (wrong,) = asked(MergeEngine(), MergeParams(**changes, off=True))
    assert wrong.apart.max() > 0.1 * wrong.largest
    np.testing.assert_array_equal(wrong.said, frame.said)  # the branches make no mistake


def test_a_small_kernel_stays_within_the_large_one():
    made = MergeParams(large=9, small=15, dilation=8).following(MergeParams())
    assert made.dilation * (made.small - 1) + 1 <= made.large - 2
    assert MergeParams(large=10, small=4).following(MergeParams()).large == 11


# ------------------------------------------------------------------ kernel
def test_the_answer_is_torchs_own_convolution():
    engine = KernelEngine()
    photo, frame = asked(engine, KernelParams())
    assert frame.kernel.shape == (15, 15)
    assert frame.shapes.shape == (len(SHAPES), 15, 15)
    bright = next(iter(engine._photos._kept.values()))[1]
    weights = torch.from_numpy(frame.kernel / np.abs(frame.kernel).sum())[None, None]
    expected = F.conv2d(bright, weights, padding=7)[0, 0]
    np.testing.assert_allclose(frame.answer, expected.numpy(), atol=1e-5)
    assert np.abs(frame.answer).max() <= 1
    assert frame.spectrum[31, 31] == pytest.approx(abs(float(weights.sum())), abs=1e-6)  # what is even
    stripes = torch.cos(torch.arange(63) * 2 * np.pi * 5 / 63).expand(63, 63)[None, None]
    passed = F.conv2d(F.pad(stripes, (7, 7, 7, 7), mode="circular"), weights)
    assert frame.spectrum[31, 36] == pytest.approx(float(passed.std() / stripes.std()), rel=1e-3)
    assert photo.photo.shape[2] == 3
    assert bright.shape == brightness(type("P", (), {"rgb": photo.photo})()).shape


def test_what_is_painted_stays_in_the_middle_and_goes_with_the_shape():
    cells = tuple(float(i) / 25 for i in range(25))
    before = KernelParams(size=5, cells=cells)
    larger = KernelParams(size=9, cells=cells).following(before)
    assert np.array(larger.cells).reshape(9, 9)[2:7, 2:7].ravel().tolist() == pytest.approx(list(cells))
    assert sum(map(abs, larger.cells)) == pytest.approx(sum(cells))
    smaller = KernelParams(size=3, cells=cells).following(before)
    assert smaller.cells == tuple(cells[i] for i in (6, 7, 8, 11, 12, 13, 16, 17, 18))
    assert KernelParams(size=5, cells=cells, shape=SHAPES[0]).following(before).cells == ()
    assert KernelParams(size=5, cells=(1.0, 2.0)).following(before).cells == ()
    assert not answered(torch.zeros(1, 1, 4, 4), np.zeros((3, 3), np.float32)).any()


# ------------------------------------------------------------------ cost
def test_all_ways_that_are_timed_compute_the_same(monkeypatch):
    params = CostParams(channels=8, side=12)
    for side in (5, 15):
        answers = [work() for work in cost.prepared(params, side, torch.device("cpu"))]
        for other in answers[1:]:
            torch.testing.assert_close(other, answers[0], atol=1e-4, rtol=1e-4)
        grown = [work() for work in cost.prepared(CostParams(channels=8, side=12, training=True), side,
                                                  torch.device("cpu"))]  # fmt: skip
        for other in grown[1:]:
            for mine, theirs in zip(other, grown[0], strict=True):
                torch.testing.assert_close(mine, theirs, atol=1e-3, rtol=1e-3)
    monkeypatch.setattr(cost, "TIMED", (3, 5))
    told = asked(cost.Engine(), CostParams(measure=True, channels=8, side=7))
    assert (of(told, MeasuredFrame)[-1].seconds > 0).all()
    assert of(told, MeasuredFrame)[-1].done
    assert told[0].operations[:, 1].tolist() == [8 * 49 * 25, 64 * 49]


def test_a_way_that_is_too_slow_is_measured_no_further(monkeypatch):
    monkeypatch.setattr(cost, "TIMED", (3, 5, 7))
    monkeypatch.setattr(cost, "timed", lambda work, device: 1.0)
    (last,) = of(asked(cost.Engine(), CostParams(measure=True, channels=8, side=7)), MeasuredFrame)[-1:]
    assert (last.seconds[:, 0] == 1).all()
    assert not last.seconds[:, 1:].any()
