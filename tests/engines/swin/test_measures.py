"""Rollout and relevance beside products of whole matrices; entropy and distance by hand."""

from __future__ import annotations

import numpy as np
import torch

from engines.core.protocol import Job
from engines.swin.layouts import layout, unrolled
from engines.swin.measures import mean_distance, mean_entropy, relevance, rollout
from engines.swin.watch.engine import Engine
from engines.swin.watch.spec import RELEVANCE, ROLLOUT, WatchParams
from tests.engines.swin.test_model import pixels, random_net


def merging(high, wide):
    """The matrix of a merging: each new token is the mean of the (at most) four that it is made of."""
    rows, cols = -(-high // 2), -(-wide // 2)
    matrix = torch.zeros(rows * cols, high * wide)
    for r in range(high):
        for c in range(wide):
            matrix[r // 2 * cols + c // 2, r * wide + c] = 1
    return matrix / matrix.sum(1, keepdim=True)


def whole(trace):
    """Each block's matrix over its grid, mean over heads, and the mergings between."""
    for index, cut in enumerate(trace.layouts):
        before = trace.layouts[max(0, index - 1)]
        if (before.height, before.width) != (cut.height, cut.width):
            yield merging(before.height, before.width), False
        yield trace.on_grid(index)[0], True


def test_rollout_is_the_product_of_whole_matrices():
    trace = random_net().trace(pixels(36, 28))
    product = torch.eye(trace.layouts[0].tokens)
    for matrix, attends in whole(trace):
        if attends:
            matrix = matrix.mean(0) + torch.eye(matrix.shape[-1])
            matrix = matrix / matrix.sum(-1, keepdim=True)
        product = matrix @ product
    found = rollout([each[0] for each in trace.attention], trace.layouts)
    torch.testing.assert_close(found, product, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.sum(-1), torch.ones(len(found)), atol=1e-5, rtol=0)


def test_relevance_is_the_product_of_whole_matrices():
    net, x = random_net(), pixels()
    tokens = net.embed(x).requires_grad_(True)
    weights, after = [], tokens
    for step in net.steps(tokens, (32, 32), {}):
        weights.append(step.weights)
        after = step.after
    gradients = torch.autograd.grad(net.conclude(after)[1][0, 3], weights)
    layouts = net.trace(x).layouts
    product, start = torch.eye(256), torch.eye(256)
    cut = layouts[0]
    for one, gradient, now in zip(weights, gradients, layouts, strict=True):
        if now.tokens != cut.tokens:
            product, start = merging(cut.height, cut.width) @ product, merging(cut.height, cut.width) @ start
        cut = now
        cam = unrolled((one * gradient).clamp_min(0).detach()[None], cut)[0].mean(0)
        product = product + cam @ product
    found = relevance([each.detach() for each in weights], gradients, layouts)
    torch.testing.assert_close(found, (product - start).mean(0), atol=1e-6, rtol=1e-4)
    assert (found >= 0).all()


def test_even_attention_has_the_entropy_and_distance_of_its_window():
    cut = layout(4, 4, 4)
    even = torch.full((1, 2, 16, 16), 1 / 16)
    torch.testing.assert_close(mean_entropy(even, cut), torch.full((2,), 4.0))
    where = torch.stack(torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing="ij"), -1).view(16, 2)
    torch.testing.assert_close(mean_distance(even, cut), torch.full((2,), float(torch.cdist(where, where).mean())))


def test_overlays_of_the_page(one_thread):
    engine = Engine()

    def overlay(**asked):
        *_, answer = engine.run(Job(WatchParams(block=6, **asked), Engine, lambda event: None))
        return answer.overlay

    mean, pinned = overlay(overlay=ROLLOUT), overlay(overlay=ROLLOUT, pinned=(3, 5))
    assert mean.values.shape == (16, 16)
    assert abs(float(mean.values.sum()) - 1) < 1e-4
    assert abs(float(pinned.values.sum()) - 1) < 1e-4
    assert overlay(overlay=RELEVANCE, target=4).label != overlay(overlay=RELEVANCE, target=5).label


def test_relevance_where_a_window_has_nothing_left_to_attend_to(one_thread):
    """The softmax over nothing has no NaN in its gradients either."""
    window = tuple((row, col) for row in range(4) for col in range(4))
    asked = WatchParams(block=6, overlay=RELEVANCE, removed=window)
    *_, answer = Engine().run(Job(asked, Engine, lambda event: None))
    assert np.isfinite(answer.overlay.values).all()
    assert answer.overlay.values.max() > 0
