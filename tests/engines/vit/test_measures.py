"""Rollout and the numbers said about heads, against plain loops, and in the empty and extreme cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engines.vit import rollout
from engines.vit.measures import cosine, entropy, mean_distance, principal_colors, spread
from tests.closeness import FEW, close


def random_weights(layers=3, heads=2, tokens=5):
    torch.manual_seed(1)
    return [torch.randn(heads, tokens, tokens).softmax(-1) for _ in range(layers)]


def by_hand(weights, fusion, discard):
    """Rollout with loops in numpy."""
    result = None
    for layer in weights:
        fused = getattr(np, fusion)(layer.numpy().astype(np.float64), axis=0)
        n = len(fused)
        smallest = sorted(range(n * n), key=lambda i: fused.flat[i])[: int(n * n * discard)]
        for i in smallest:
            if i % n != 0:
                fused.flat[i] = 0
        fused = fused + np.eye(n)
        fused = fused / fused.sum(1, keepdims=True)
        result = fused if result is None else fused @ result
    return result


@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
@pytest.mark.parametrize("discard", [0.0, 0.3, 0.9, 1.0])
def test_rollout_equals_loops(fusion, discard):
    weights = random_weights()
    got = rollout(weights, fusion, discard)
    close(got.numpy(), by_hand(weights, fusion, discard), FEW)
    close(got.sum(-1).numpy(), 1, FEW)


def test_the_class_tokens_column_is_never_discarded():
    got = rollout(random_weights(1), "mean", 1.0)
    assert (got[:, 0] > 0).all()
    assert got[1:, 1:].sub(torch.diag(got[1:, 1:].diag())).abs().max() == 0


def test_an_unknown_fusion_is_refused():
    with pytest.raises(ValueError, match="median"):
        rollout(random_weights(), "median")


def test_entropy_in_bits():
    rows = torch.stack([torch.full((8,), 1 / 8), torch.eye(8)[2]])
    close(entropy(rows).numpy(), [3, 0], FEW)


def test_mean_distance_equals_loops_and_leaves_the_class_token_out():
    rows, cols = 2, 3
    weights = random_weights(1, 2, 7)[0]
    expected = []
    for head in weights.numpy():
        per_patch = []
        for q in range(6):
            share = head[1 + q, 1:] / head[1 + q, 1:].sum()
            far = [math.dist(divmod(q, cols), divmod(k, cols)) for k in range(6)]
            per_patch.append(float(share @ np.array(far)))
        expected.append(np.mean(per_patch))
    close(mean_distance(weights, rows, cols).numpy(), expected, FEW)


def test_spread_is_0_for_one_spot_and_grows():
    one, two = torch.zeros(10), torch.zeros(10)
    one[4] = 1
    two[1] = two[3] = 0.5  # first row of 3 × 3: columns 0 and 2
    close([spread(one, 3, 3), spread(two, 3, 3)], [0, 1], FEW)


def test_cosine_is_one_with_itself():
    similar = cosine(torch.tensor([[1.0, 0], [3, 0], [0, 2], [-1, 0]]))
    close(similar.numpy()[0], [1, 1, 0, -1], FEW)


def test_principal_colors_equal_those_of_scikit_learn_up_to_sign():
    from sklearn.decomposition import PCA

    torch.manual_seed(0)
    patches = torch.randn(30, 8) * torch.tensor([9.0, 5, 3, 1, 1, 1, 1, 1])
    rgb, explained = principal_colors(patches, 5, 6)
    reference = PCA(3).fit(patches.double().numpy())
    close(explained.numpy(), reference.explained_variance_ratio_)
    scores = reference.transform(patches.double().numpy())
    for axis in range(3):
        inside = rgb.view(30, 3)[:, axis].numpy()
        middle = (inside > 0) & (inside < 1)
        assert abs(np.corrcoef(inside[middle], scores[middle, axis])[0, 1]) > 0.999


@pytest.mark.parametrize(("count", "rows", "cols"), [(1, 1, 1), (2, 1, 2)])
def test_principal_colors_of_almost_nothing_are_finite(count, rows, cols):
    rgb, explained = principal_colors(torch.ones(count, 4), rows, cols)
    assert rgb.shape == (rows, cols, 3)
    assert torch.isfinite(rgb).all()
    assert torch.isfinite(explained).all()
