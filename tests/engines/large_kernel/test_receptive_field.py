"""The effective receptive field: finite differences, zeros where nothing comes from, its scale, and the law."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from engines.core.errors import LabError
from engines.large_kernel import effective_receptive_field, law
from engines.large_kernel.receptive_field import rms_radius, square_holding, theoretical_field, within_squares


def net(kernel, layers, width=12, seed=0, act=nn.Identity, strides=()):
    """Random convolutions one after another."""
    torch.manual_seed(seed)
    made = []
    for index in range(layers):
        stride = strides[index] if strides else 1
        made += [nn.Conv2d(width if index else 3, width, kernel, stride, kernel // 2, bias=False), act()]
        nn.init.normal_(made[-2].weight, std=(kernel * width**0.5) ** -1)
    return nn.Sequential(*made).eval().requires_grad_(False)


def pixels(side, batch=1):
    return torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(side))


def test_it_is_what_finite_differences_say():
    model, x = net(3, 3, act=nn.GELU).double(), pixels(15, 2).double()
    field = effective_receptive_field(model, x, (6, 8))
    total = torch.zeros(15, 15, dtype=torch.float64)
    places = [(6, 8), (5, 8), (6, 10), (8, 6), (4, 9)]
    for row, col in places:
        for picture in range(2):
            for color in range(3):
                ends = []
                for step in (1e-5, -1e-5):
                    moved = x.clone()
                    moved[picture, color, row, col] += step
                    ends.append(model(moved)[picture, :, 6, 8].sum())
                total[row, col] += float((ends[0] - ends[1]) / 2e-5) ** 2
    share = field[6, 8] / total[6, 8]
    for place in places:
        assert float(field[place]) == pytest.approx(float(total[place] * share), rel=1e-3)


def test_it_sums_to_1_and_is_exactly_0_beyond_the_theoretical_field():
    for measure in ("squares", "positive"):
        model = net(5, 3, act=nn.ReLU)
        field = effective_receptive_field(model, pixels(31, 2), (10, 17), measure)
        assert float(field.sum()) == pytest.approx(1, abs=1e-5)
        reach = theoretical_field([5] * 3) // 2
        inside = torch.zeros(31, 31, dtype=torch.bool)
        inside[10 - reach : 10 + reach + 1, 17 - reach : 17 + reach + 1] = True
        assert (field[~inside] == 0).all()
        assert (field[inside] > 0).float().mean() > 0.5
        assert (field >= 0).all()


def test_the_middle_is_the_default_and_strides_reach_further():
    model = net(3, 2, strides=(2, 1))
    field = effective_receptive_field(model, pixels(32))
    assert torch.equal(field, effective_receptive_field(model, pixels(32), (8, 8)))
    rows = (field.sum(1) > 0).nonzero().flatten()
    assert int(rows.max() - rows.min()) + 1 == theoretical_field([3, 3], [2, 1]) == 7


def test_weights_a_thousand_times_as_large_have_the_same_field():
    model, x = net(3, 4, act=nn.ReLU), pixels(17)
    before = effective_receptive_field(model, x)
    for layer in model:
        if isinstance(layer, nn.Conv2d):
            layer.weight.mul_(1000)
    torch.testing.assert_close(effective_receptive_field(model, x), before, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("kernel", "layers"), [(3, 4), (3, 16), (5, 6), (7, 3), (13, 2), (31, 1)])
def test_random_nets_keep_the_law(kernel, layers):
    side = theoretical_field([kernel] * layers)
    fields = [
        effective_receptive_field(net(kernel, layers, seed=seed), torch.zeros(1, 3, side, side)) for seed in range(8)
    ]
    radius = rms_radius(torch.stack(fields).mean(0), (side // 2, side // 2))
    assert radius == pytest.approx(law(kernel, layers), rel=0.08)
    assert law(31, 1) == pytest.approx(math.sqrt(160))


def test_squares_that_hold_a_share():
    field = torch.zeros(9, 9)
    field[4, 4], field[4, 6], field[0, 4] = 0.5, 0.25, 0.25
    assert [square_holding(field, share, (4, 4)) for share in (0.25, 0.5, 0.6, 0.75, 0.8, 1.0)] == [1, 1, 5, 5, 9, 9]
    assert square_holding(field, 1.0, (0, 0)) == 13
    assert square_holding(torch.zeros(3, 3), 0.5, (1, 1)) == 0
    assert within_squares(field, (4, 4)).tolist() == [0.5, 0.5, 0.75, 0.75, 1.0]
    assert not within_squares(torch.zeros(3, 3), (1, 1)).any()


def test_a_cell_that_answers_to_nothing_has_an_empty_field():
    model = net(3, 1)
    model[0].weight.zero_()
    assert not effective_receptive_field(model, pixels(5)).any()


def test_what_has_no_field_is_refused():
    model, x = net(3, 1), pixels(9)
    with pytest.raises(ValueError, match="no cell 9, 0"):
        effective_receptive_field(model, x, (9, 0))
    with pytest.raises(ValueError, match="a measure is one of"):
        effective_receptive_field(model, x, measure="log")
    with pytest.raises(LabError, match="no map"):
        effective_receptive_field(lambda p: model(p).mean((2, 3)), x)
    with pytest.raises(LabError, match="not finite"):
        effective_receptive_field(lambda p: model(p) * float("inf"), x)


def test_pixels_of_inference_will_do_and_stay_as_they_were():
    model = net(3, 1)
    with torch.inference_mode():
        x = pixels(9) + 0
        field = effective_receptive_field(model, x)
    assert float(field.sum()) == pytest.approx(1, abs=1e-6)
    assert not x.requires_grad
