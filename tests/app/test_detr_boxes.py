"""Arithmetic of boxes and maps that several pages of the DETR tab share."""

from __future__ import annotations

import numpy as np
import pytest

from app.tabs.detr.boxes import scale_top


@pytest.mark.parametrize("count", [1, 2, 99, 100, 101, 5000])
def test_the_scale_of_maps_ends_where_one_weight_in_a_hundred_lies_beyond(count):
    maps = np.random.default_rng(count).random(count).astype(np.float32) ** 8
    maps = np.append(maps[1:], 1.0).astype(np.float32)
    flat = np.sort(maps)
    beyond = flat[round(0.99 * (count - 1))]
    far = 1.05 * beyond < 1.0
    assert scale_top(maps.reshape(1, -1)) == ((float(beyond), True) if far else (1.0, False))
    assert scale_top(np.zeros((2, 0, 3), np.float32)) == scale_top(np.zeros((2, 3), np.float32)) == (1.0, False)
