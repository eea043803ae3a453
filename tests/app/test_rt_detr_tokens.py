"""The tokens around a sampling point, beside torch's own bilinear reading."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from app.tabs.rt_detr.detect.tokens import corners, summed
from engines.rt_detr.deformable import inside

SHAPES = ((8, 12), (4, 6), (2, 3))


@pytest.mark.parametrize("place", [(0.4, 0.61), (0.0, 0.5), (0.999, 0.002), (1.2, 0.5), (0.125, 0.3125)])
def test_the_shares_are_those_that_torch_reads_with(place):
    rows, columns = SHAPES[0]
    values = torch.randn(rows, columns, generator=torch.Generator().manual_seed(0))
    grid = 2 * torch.tensor(place).view(1, 1, 1, 2) - 1
    wanted = float(F.grid_sample(values[None, None], grid, "bilinear", "zeros", align_corners=False))
    found = corners(*place, SHAPES[0])
    assert sum(one.share for one in found) == pytest.approx(1)
    there = [one for one in found if 0 <= one.row < rows and 0 <= one.column < columns]
    assert sum(one.share * float(values[one.row, one.column]) for one in there) == pytest.approx(wanted, abs=1e-5)


def test_the_map_sums_to_the_weight_inside():
    rng = np.random.default_rng(0)
    points = rng.uniform(-0.1, 1.1, (30, 2)).astype(np.float32)
    weights, levels = rng.uniform(0, 1, 30).astype(np.float32), np.repeat([0, 1, 2], 10)
    laid = summed(points, weights, levels, SHAPES)
    assert laid.shape == SHAPES[0]
    by_level = torch.from_numpy(points.reshape(1, 1, 1, 3, 10, 2))
    shares = inside(by_level, SHAPES)[0, 0, 0].numpy().ravel()
    assert laid.sum() == pytest.approx(float((weights * shares).sum()), abs=1e-4)
    one = summed(np.array([[0.5 / 6, 0.5 / 4]]), np.ones(1), np.array([1]), SHAPES)  # the middle of a coarser token
    np.testing.assert_allclose(one[:2, :2], 0.25)
    assert one.sum() == pytest.approx(1)
