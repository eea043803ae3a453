"""Long sums in live numbers."""

from __future__ import annotations

import numpy as np
import pytest

from app.terms import largest, products, signed, total


def test_the_largest_terms_are_written_out_in_their_order():
    a, b = np.array([0.01, 0.2, 0.01, 0.99, 0.3]), np.array([1.0, -1.0, 2.0, 1.64, 0.5])
    assert products(a, b, 3) == "0.20×(−1.00) + 0.99×1.64 + 0.30×0.50 + ..."
    assert products(a, b, 4) == "0.01×1.00 + 0.20×(−1.00) + 0.01×2.00 + 0.99×1.64 + 0.30×0.50"
    assert total(a, 2) == "0.99 + 0.30 + ..."


@pytest.mark.parametrize("most", [1, 3, 6])
def test_no_term_left_out_is_larger_than_one_shown(most):
    sizes = np.random.default_rng(most).standard_normal(9)
    shown = largest(sizes, most)
    left = [n for n in range(9) if n not in shown]
    assert len(shown) == most
    assert min(abs(sizes[shown])) >= max(abs(sizes[left]))
    assert shown == sorted(shown)


def test_negative_numbers_stand_in_brackets():
    assert signed(-1.5) == "(−1.50)"
    assert signed(1.5, lambda value: f"{value:.0f}") == "2"
