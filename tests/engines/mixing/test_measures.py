"""Measures of small matrices, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engines.blocks.mixers import Grid
from engines.mixing.measures import NOTHING, correlation, distances, measures, own
from engines.mixing.spec import ATTENTION, ROLLOUT


def test_a_token_is_where_it_is_itself_or_within_whose_cell_it_lies():
    np.testing.assert_array_equal(own(Grid(2, 2, 1), Grid(2, 2, 1)), np.eye(5, dtype=bool))
    merged = own(Grid(4, 4), Grid(2, 2)).reshape(2, 2, 4, 4)
    for row in range(2):
        for col in range(2):
            assert merged[row, col, 2 * row : 2 * row + 2, 2 * col : 2 * col + 2].all()
    assert merged.sum() == 16
    np.testing.assert_array_equal(own(Grid(2, 2), Grid(4, 4)), own(Grid(4, 4), Grid(2, 2)).T)


def test_numbers_of_a_row_of_tokens():
    """Four tokens in a row, one of which hears all others, one only its neighbor."""
    grid = Grid(1, 4)
    values = np.array([[5, 3, 0, 0], [1, 5, 1, 0], [0, 1, 5, 1], [1, 1, 1, 5]], np.float32)
    told = measures(values, grid, grid, None, 1)
    assert told.zeros == 4
    assert told.own_weighs == pytest.approx(5 / (10 / 12))
    assert told.entropy == pytest.approx((0 + 1 + 1 + np.log2(3)) / 4)
    assert told.distance == pytest.approx((0.25 + 0.25 + 0.25 + 0.5) / 4)
    np.testing.assert_allclose(told.distances, [0.25, 0.5, 0.75])
    means = np.array([8 / 6, 1 / 4, 1 / 2])  # pairs: 6 next to each other, 4 two apart, 2 three apart
    np.testing.assert_allclose(told.influence, means / means.max(), rtol=1e-6)
    np.testing.assert_allclose(told.within, [0.8, 0.9, 1.0], rtol=1e-6)
    assert [told.within_at(band) for band in (0.0, 0.24, 0.25, 0.6, 1.0)] == pytest.approx([0, 0, 0.8, 0.9, 1.0])
    assert told.correlation == NOTHING
    assert told.attention == ""


def test_a_token_that_lies_nowhere_counts_for_no_distance():
    grid = Grid(1, 2, 1)
    values = np.array([[1, 9, 9], [9, 1, 2], [9, 4, 1]], np.float32)
    told = measures(values, grid, grid, None, 1)
    assert told.distance == pytest.approx(0.5)
    np.testing.assert_allclose(told.distances, [0.5])
    assert told.zeros == 0


def test_correlation_is_of_others_that_are_seen_at_all():
    rng = np.random.default_rng(0)
    values, weights = rng.random((6, 6)), rng.random((6, 6))
    pairs = ~np.eye(6, dtype=bool)
    hidden = np.zeros((6, 6), bool)
    hidden[:, 4:] = True
    values[hidden], weights[hidden] = 0, 0
    kept = pairs & ~hidden
    wanted = np.corrcoef(values[kept], weights[kept])[0, 1]
    assert correlation(values.astype(np.float32), weights.astype(np.float32), pairs) == pytest.approx(wanted, abs=1e-5)
    assert correlation(np.zeros((3, 3)), np.zeros((3, 3)), np.ones((3, 3), bool)) == NOTHING
    grid = Grid(2, 3)
    assert measures(values, grid, grid, weights, 1).attention == ATTENTION
    assert measures(values, grid, grid, weights, 3).attention == ROLLOUT


def test_nothing_to_measure_is_no_fault():
    alone = measures(np.ones((1, 1), np.float32), Grid(1, 1), Grid(1, 1), None, 1)
    assert (alone.own_weighs, alone.distance, alone.entropy, len(alone.distances)) == (0, 0, 0, 0)
    assert alone.within_at(1.0) == 0
    silent = measures(np.zeros((4, 4), np.float32), Grid(2, 2), Grid(2, 2), None, 1)
    assert silent.zeros == 16
    assert np.isfinite(silent.influence).all()


def test_distances_are_in_sides_of_the_photo():
    far = distances(Grid(2, 4), Grid(2, 4))
    assert far[0, 1] == pytest.approx(0.25)
    assert far[0, 4] == pytest.approx(0.5)
