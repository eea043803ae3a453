"""Branches merged into one kernel beside the branches themselves, as torch's own modules compute them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engines.large_kernel import depthwise, dilated_to_dense, fuse_batch_norm, merge_branches, reparameterize
from engines.large_kernel.merging import centered

CHANNELS = 6


def conv(rows, cols=None, dilation=1):
    """A depthwise convolution with its batch norm, both random, in eval mode."""
    cols = cols or rows
    padding = dilation * (rows // 2), dilation * (cols // 2)
    made = nn.Sequential(
        nn.Conv2d(CHANNELS, CHANNELS, (rows, cols), padding=padding, dilation=dilation, groups=CHANNELS, bias=False),
        nn.BatchNorm2d(CHANNELS),
    )
    norm = made[1]
    with torch.no_grad():
        norm.weight.uniform_(0.5, 2)
        norm.bias.normal_()
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.3, 3)
    return made.eval().requires_grad_(False)


def table(branch):
    norm = branch[1]
    return torch.stack([norm.weight, norm.bias, norm.running_mean, norm.running_var])


def fused(branch):
    return fuse_batch_norm(branch[0].weight, table(branch))


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def x():
    return torch.randn(2, CHANNELS, 24, 22)


@pytest.mark.parametrize(("large", "small"), [(31, 5), (13, 3), (7, 1), (5, 5)])
def test_a_large_and_a_small_branch_are_one_kernel(large, small, x):
    one, other = conv(large), conv(small)
    kernel, bias = reparameterize(one[0].weight, table(one), other[0].weight, table(other))
    assert kernel.shape == (CHANNELS, 1, large, large)
    torch.testing.assert_close(depthwise(x, kernel, bias), one(x) + other(x), atol=1e-5, rtol=1e-5)


def test_a_padding_that_is_wrong_by_one_cell_shows(x):
    one, other = conv(31), conv(5)
    kernel, bias = merge_branches([fused(one), fused(other)], off=(1, 0))
    apart = (depthwise(x, kernel, bias) - one(x) - other(x)).abs()
    assert apart.max() > 0.1
    lower = other(x)[..., 1:, :] - other[1].bias.view(-1, 1, 1)  # what the small branch says a row further down
    moved = depthwise(x, centered(fused(other)[0], (31, 31), (1, 0)), fused(other)[1])
    torch.testing.assert_close(moved[..., :-1, :] - other[1].bias.view(-1, 1, 1), lower, atol=1e-5, rtol=1e-5)


def test_a_tall_and_a_wide_kernel_are_a_cross(x):
    tall, wide, small = conv(21, 3), conv(3, 21), conv(5)
    kernel, bias = merge_branches([fused(one) for one in (tall, wide, small)])
    torch.testing.assert_close(depthwise(x, kernel, bias), tall(x) + wide(x) + small(x), atol=1e-5, rtol=1e-5)
    assert (kernel[:, 0, :8, :8] == 0).all()  # the small one reaches 2 cells from the middle
    assert (kernel[:, 0, 10, :] != 0).all()


@pytest.mark.parametrize(("side", "dilation"), [(3, 4), (5, 2), (7, 1)])
def test_dilated_branches_are_dense_ones_with_zeros(side, dilation, x):
    plain, spread = conv(13), conv(side, dilation=dilation)
    weight, bias = fused(spread)
    dense = dilated_to_dense(weight, dilation)
    assert dense.shape[-1] == dilation * (side - 1) + 1
    assert int((dense != 0).sum()) == weight.numel()
    kernel, both = merge_branches([fused(plain), (dense, bias)])
    torch.testing.assert_close(depthwise(x, kernel, both), plain(x) + spread(x), atol=1e-5, rtol=1e-5)


def test_a_whole_net_merged_says_the_same():
    blocks = [(conv(13), conv(5), conv(3, dilation=4)) for _ in range(3)]
    between = [nn.Conv2d(CHANNELS, CHANNELS, 1).requires_grad_(False) for _ in blocks]
    x = torch.randn(8, CHANNELS, 20, 20)
    apart, merged = x, x
    for (large, small, spread), mix in zip(blocks, between, strict=True):
        apart = apart + mix((large(apart) + small(apart) + spread(apart)).relu())
        weight, bias = fused(spread)
        kernel = merge_branches([fused(large), fused(small), (dilated_to_dense(weight, 4), bias)])
        merged = merged + mix(depthwise(merged, *kernel).relu())
    one, other = apart.mean((2, 3)), merged.mean((2, 3))
    torch.testing.assert_close(other, one, atol=1e-4, rtol=0)
    assert torch.equal(one.argmax(1), other.argmax(1))


def test_what_cannot_be_merged_is_refused():
    kernel, bias = torch.zeros(2, 1, 5, 5), torch.zeros(2)
    with pytest.raises(ValueError, match=r"is \(4, 2\)"):
        fuse_batch_norm(kernel, torch.zeros(4, 3))
    with pytest.raises(ValueError, match="the same channels"):
        merge_branches([(kernel, bias), (torch.zeros(3, 1, 3, 3), torch.zeros(3))])
    with pytest.raises(ValueError, match="the same channels"):
        merge_branches([])
    with pytest.raises(ValueError, match="no middle in common"):
        merge_branches([(kernel, bias), (torch.zeros(2, 1, 4, 4), bias)])
    with pytest.raises(ValueError, match="does not fit"):
        centered(kernel, (5, 5), (1, 0))
    with pytest.raises(ValueError, match="at least 1"):
        dilated_to_dense(kernel, 0)
