"""The depthwise convolution beside torch's own: the map, gradients, gradients of gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from engines.large_kernel import depthwise
from tests.benchmarks import large_kernel_rows


def plain(x, kernel, bias=None):
    padding = kernel.shape[2] // 2, kernel.shape[3] // 2
    return F.conv2d(x, kernel, bias, padding=padding, groups=x.shape[1])


def drawn(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


SIZES = [((2, 5, 9, 12), (3, 3)), ((1, 4, 16, 16), (31, 31)), ((3, 2, 20, 18), (5, 15)), ((2, 3, 17, 21), (15, 5)),
         ((2, 3, 7, 6), (1, 1))]  # fmt: skip


@pytest.mark.parametrize(("size", "sides"), SIZES)
def test_map_and_gradients_are_torchs_own(size, sides):
    x, kernel, bias = drawn(*size).requires_grad_(), drawn(size[1], 1, *sides).requires_grad_(), drawn(size[1])
    ours, theirs = depthwise(x, kernel, bias), plain(x, kernel, bias)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)
    after = drawn(*size)
    for mine, yours in zip(
        torch.autograd.grad(ours, (x, kernel), after), torch.autograd.grad(theirs, (x, kernel), after), strict=True
    ):
        torch.testing.assert_close(mine, yours, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize(("size", "sides"), [((2, 3, 6, 8), (3, 5)), ((1, 2, 16, 17), (9, 15))])
def test_on_a_torus_the_map_begins_again_beyond_its_edges(size, sides):
    x, kernel = drawn(*size).requires_grad_(), drawn(size[1], 1, *sides).requires_grad_()
    ours = depthwise(x, kernel, torus=True)
    around = [side // 2 for side in reversed(sides) for _ in range(2)]
    theirs = F.conv2d(F.pad(x, around, mode="circular"), kernel, groups=size[1])
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)
    after = drawn(*size)
    for mine, yours in zip(
        torch.autograd.grad(ours, (x, kernel), after), torch.autograd.grad(theirs, (x, kernel), after), strict=True
    ):
        torch.testing.assert_close(mine, yours, atol=1e-4, rtol=1e-5)
    shifted = depthwise(x.roll((1, 3), (2, 3)), kernel, torus=True)
    torch.testing.assert_close(shifted, ours.roll((1, 3), (2, 3)), atol=1e-4, rtol=1e-5)
    with pytest.raises(ValueError, match="twice"):
        depthwise(drawn(1, 1, 4, 4), drawn(1, 1, 11, 3), torus=True)


def test_only_the_gradient_that_is_wanted_is_made():
    x, kernel = drawn(1, 2, 5, 5), drawn(2, 1, 3, 3).requires_grad_()
    (found,) = torch.autograd.grad(depthwise(x, kernel).square().sum(), kernel)
    (expected,) = torch.autograd.grad(plain(x, kernel).square().sum(), kernel)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("sides", [(3, 3), (3, 15)])
def test_gradients_have_gradients(sides):
    x, kernel = drawn(2, 2, 4, 5).double().requires_grad_(), drawn(2, 1, *sides).double().requires_grad_()
    assert torch.autograd.gradcheck(depthwise, (x, kernel))
    assert torch.autograd.gradgradcheck(depthwise, (x, kernel))


@pytest.mark.parametrize(
    ("size", "kernel", "match"),
    [((1, 2, 8, 8), (2, 1, 4, 3), "no middle"), ((1, 2, 8, 8), (3, 1, 3, 3), "a depthwise kernel"),
     ((2, 8, 8), (2, 1, 3, 3), "a depthwise kernel"), ((1, 2, 8, 8), (2, 2, 3, 3), "a depthwise kernel")],
)  # fmt: skip
def test_what_does_not_fit_is_refused(size, kernel, match):
    with pytest.raises(ValueError, match=match):
        depthwise(torch.zeros(size), torch.zeros(kernel))


def test_the_rows_compare_the_same_computation(one_thread, monkeypatch):
    monkeypatch.setattr(large_kernel_rows, "SIZE", (4, 16, 15))
    monkeypatch.setattr(large_kernel_rows, "THREADS", 1)
    assert large_kernel_rows.forward(repeats=1).sound
    assert large_kernel_rows.training(repeats=1).sound
    monkeypatch.setattr("engines.large_kernel.convolution.depthwise", lambda x, kernel: plain(x, kernel) * 1.001)
    assert not large_kernel_rows.forward(repeats=1).sound
    assert not large_kernel_rows.training(repeats=1).sound
