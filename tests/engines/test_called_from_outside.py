"""Public functions as other people's code calls them: d2l, torchvision, Hugging Face, MoCo's own configuration."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from engines.attention_pooling import nadaraya_watson
from engines.blocks.attention import (
    AdditiveAttention,
    MultiHeadAttention,
    masked_softmax,
    scaled_dot_product_attention,
)
from engines.blocks.boxes import box_iou, generalized_box_iou
from engines.detr import non_max_suppression
from engines.moco.model import MoCo, info_nce


@pytest.fixture
def qkv():
    rng = torch.Generator().manual_seed(0)
    return [
        torch.randn(2, 3, 4, generator=rng),
        torch.randn(2, 5, 4, generator=rng),
        torch.randn(2, 5, 6, generator=rng),
    ]


def test_a_mask_of_whole_numbers_is_a_mask(qkv):
    """Hugging Face's attention masks are int64."""
    mask = torch.tensor([[1, 1, 0, 1, 0], [1, 0, 0, 0, 0]])[:, None]
    for kind in (torch.int64, torch.uint8, torch.int32):
        torch.testing.assert_close(
            scaled_dot_product_attention(*qkv, mask.to(kind)), scaled_dot_product_attention(*qkv, mask.bool())
        )
    weights = scaled_dot_product_attention(*qkv, mask)[1]
    assert not weights[mask.expand(weights.shape) == 0].any()
    with pytest.raises(ValueError, match="other numbers than 0 and 1"):
        scaled_dot_product_attention(*qkv, mask * -10_000)
    float_mask = torch.zeros(2, 1, 5).masked_fill(mask == 0, -math.inf)
    torch.testing.assert_close(scaled_dot_product_attention(*qkv, float_mask)[1], weights)


def test_what_is_masked_has_no_part_even_if_it_is_no_number(qkv):
    q, k, v = qkv
    mask = torch.tensor([True, True, False, True, False])
    right = scaled_dot_product_attention(q, k, v, mask)[0]
    for bad in (math.nan, math.inf):
        spoiled = v.clone()
        spoiled[:, 2], spoiled[0, 4, 1] = bad, bad
        torch.testing.assert_close(scaled_dot_product_attention(q, k, spoiled, mask)[0], right)
        assert (
            not scaled_dot_product_attention(q, k, spoiled, mask & torch.tensor([True] * 4 + [False]))[0].isnan().any()
        )
        seen = scaled_dot_product_attention(q, k, spoiled, torch.tensor([True] * 4 + [False]))[0]
        assert not seen.isfinite().any()  # what is looked at is not hidden
    additive = AdditiveAttention(4, 4, 8)
    lens = torch.tensor([2, 0])
    spoiled = v.masked_fill(torch.arange(5)[None, :, None] >= lens[:, None, None], math.nan)
    torch.testing.assert_close(additive(q, k, spoiled, lens)[0], additive(q, k, v, lens)[0])


def test_valid_lengths_as_d2l_hands_them_in(qkv):
    q, k, v = qkv
    for lens in (torch.tensor([2, 4]), torch.tensor([[1, 2, 3], [5, 0, 2]])):
        keys = torch.arange(5)
        mask = keys < (lens[:, None, None] if lens.dim() == 1 else lens[..., None])
        torch.testing.assert_close(
            scaled_dot_product_attention(q, k, v, valid_lens=lens), scaled_dot_product_attention(q, k, v, mask)
        )
        other = torch.tensor([True, False, True, True, True])
        torch.testing.assert_close(
            scaled_dot_product_attention(q, k, v, other, valid_lens=lens),
            scaled_dot_product_attention(q, k, v, mask & other),
        )
        module, x = MultiHeadAttention(4, 2), k
        queries = q
        out, weights = module(queries, x, x, valid_lens=lens)
        right, same = module(queries, x, x, mask[:, None])
        torch.testing.assert_close(out, right)
        torch.testing.assert_close(weights, same)
        bias = torch.randn(3, 5)
        for extra in (None, other, bias):
            torch.testing.assert_close(
                module(queries, x, x, extra, need_weights=False, valid_lens=lens)[0],
                module(queries, x, x, extra, valid_lens=lens)[0],
            )


def test_a_softmax_over_one_row_a_sample():
    scores = torch.arange(8.0).view(2, 4)
    found = masked_softmax(scores, torch.tensor([2, 0]))
    assert found.shape == (2, 4)
    torch.testing.assert_close(found[0, :2], scores[0, :2].softmax(-1))
    assert not found[0, 2:].any()
    assert not found[1].any()


@pytest.mark.parametrize("kind", [torch.int64, torch.int32, torch.uint8, torch.float16, torch.bfloat16])
def test_boxes_of_other_types_are_as_those_of_floats(kind):
    a = torch.tensor([[0, 0, 200, 240], [10, 10, 20, 30], [5, 5, 5, 9]])
    b = torch.tensor([[0, 0, 200, 200], [15, 10, 25, 30]])
    torch.testing.assert_close(box_iou(a.to(kind), b.to(kind)), box_iou(a.float(), b.float()))
    torch.testing.assert_close(generalized_box_iou(a.to(kind), b.to(kind)), generalized_box_iou(a.float(), b.float()))
    large = torch.tensor([[0, 0, 600, 600]])  # an area that float16 can't hold
    assert box_iou(large.to(torch.float16), large.to(torch.float16)).item() == 1


def test_kernel_regression_of_whole_numbers_arrays_columns_and_vectors():
    x, y, at = torch.arange(6), torch.tensor([0, 2, 4, 6, 8, 10]), torch.tensor([1, 4])
    right, weights = nadaraya_watson(at.float(), x.float(), y.float())
    assert weights.sum(-1).tolist() == pytest.approx([1, 1])
    for given in ((at, x, y), (at.numpy(), x.numpy(), y.numpy()), (at[:, None], x[:, None], y), ([1, 4], x, y)):
        found, same = nadaraya_watson(*given)
        torch.testing.assert_close(found, right)
        torch.testing.assert_close(same, weights)
    column, _ = nadaraya_watson(at, x, y[:, None])
    torch.testing.assert_close(column, right[:, None])
    vectors, _ = nadaraya_watson(at, x, np.stack([y, -y], 1))
    torch.testing.assert_close(vectors, torch.stack([right, -right], 1))
    with pytest.raises(ValueError, match="x must have one axis"):
        nadaraya_watson(at, torch.ones(6, 2), y)


def test_contrast_refuses_what_means_nothing():
    for wrong in (
        {"momentum": 1.5},
        {"momentum": -0.1},
        {"momentum": math.nan},
        {"temperature": 0},
        {"temperature": -1},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            MoCo(nn.Linear(3, 4), dim=4, queue_size=8, **wrong)
    q = torch.ones(1, 4)
    with pytest.raises(ValueError, match="temperature"):
        info_nce(q, q, torch.ones(4, 2), 0.0)


def test_non_maximum_suppression_wants_a_score_for_each_box_and_is_the_same_in_halves():
    rng = torch.Generator().manual_seed(3)
    low = torch.rand(40, 2, generator=rng) * 300
    boxes = torch.cat([low, low + 20 + torch.rand(40, 2, generator=rng) * 300], 1)
    scores = torch.rand(40, generator=rng)
    halves = non_max_suppression(boxes.half(), scores, 0.5)
    assert halves.tolist() == non_max_suppression(boxes.half().float(), scores, 0.5).tolist()
    whole = non_max_suppression(boxes.int(), scores, 0.5)
    assert whole.tolist() == non_max_suppression(boxes.int().float(), scores, 0.5).tolist()
    with pytest.raises(ValueError, match="4 boxes and 3 scores"):
        non_max_suppression(boxes[:4], scores[:3], 0.5)
