"""The measure of the other tests: it forgives rounding at the size of the values, and no fault."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests import closeness
from tests.closeness import FEW, SOME, about, close

INF, NAN = float("inf"), float("nan")


@pytest.fixture(autouse=True)
def vector_unit(monkeypatch):
    """Whatever processor this is."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")


def differ(*args, **options) -> bool:
    try:
        close(*args, **options)
    except AssertionError:
        return True
    return False


def test_the_tolerance_grows_with_the_values():
    large, small = torch.tensor([32.0, 0.0]), torch.tensor([0.5, 0.0])
    assert not differ(large, large + 2.5e-5)  # what two orders of adding make of a logit
    assert differ(small, small + 2.5e-5)
    assert differ(large, large + 1e-3)
    assert differ(small / 1000, small / 1000 + 2.5e-5)  # and does not shrink without end
    assert about(32 + 1e-4) == 32
    assert about(0.5 + 1e-4) != 0.5


def test_the_coarser_format_counts_and_only_a_format_with_rounding():
    exact = np.array([0.1, 0.2])
    assert differ(exact, exact + 1e-9)
    assert not differ(exact, (exact + 1e-7).astype(np.float32))
    assert not differ(torch.tensor([0.1, 0.2]).bfloat16(), [0.1, 0.2], FEW)
    assert not differ(exact, exact + 1e-7, dtype=np.float32)
    assert differ(np.array([1, 2]), np.array([1, 3]))
    assert about(0.25 + 1e-9, dtype=np.float64) != 0.25


def test_a_processor_without_a_vector_unit_is_given_more(monkeypatch):
    one = torch.ones(3)
    assert differ(one, one + 2 * SOME * 1.2e-7)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert not differ(one, one + 2 * SOME * 1.2e-7)
    assert closeness.processor() == closeness.SINGLE_CHAIN


def test_shapes_and_what_is_not_finite_must_agree():
    assert differ(np.ones(3), np.ones(4))
    assert differ(np.ones(3), np.ones((1, 3)))  # the result may not be the smaller of both
    assert not differ(np.ones((2, 3)), 1)
    assert differ([1, NAN], [1, 1])
    assert differ([1, INF], [1, 1e300])
    assert not differ([1, INF, NAN], [1, INF, NAN])
