"""Our optimizers make the steps that torch's make."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engines.blocks.optimizers import SGD, Adam, clipped
from engines.blocks.states import as_arrays
from tests.closeness import FEW, close

RATE = 0.01
OURS = {
    "adam": (lambda v: Adam(v, betas=(0.9, 0.98), eps=1e-9), lambda v: torch.optim.Adam(v, RATE, (0.9, 0.98), 1e-9)),
    "adamw": (lambda v: Adam(v, weight_decay=0.1), lambda v: torch.optim.AdamW(v, RATE, weight_decay=0.1)),
    "sgd": (
        lambda v: SGD(v, 0.9, weight_decay=5e-4),
        lambda v: torch.optim.SGD(v, RATE, momentum=0.9, weight_decay=5e-4),
    ),
    "plain": (lambda v: SGD(v, 0.0), lambda v: torch.optim.SGD(v, RATE)),
}


def values():
    g = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=g) for shape in ((3, 4), (5,), ())]


def gradients(step):
    g = torch.Generator().manual_seed(100 + step)
    return [torch.randn(v.shape, generator=g) * 10.0 ** (step % 3 - 1) for v in values()]


@pytest.mark.parametrize("name", OURS)
def test_steps_equal_torchs(name):
    make, reference = OURS[name]
    ours, theirs = values(), [v.requires_grad_() for v in values()]
    mine, other = make(ours), reference(theirs)
    for step in range(12):
        mine.step(gradients(step), RATE)
        for value, gradient in zip(theirs, gradients(step), strict=True):
            value.grad = gradient
        other.step()
    for value, expected in zip(ours, theirs, strict=True):
        close(value, expected.detach(), FEW)


@pytest.mark.parametrize("name", OURS)
def test_a_resumed_run_goes_the_same_way(name):
    make, _ = OURS[name]
    whole, part = values(), values()
    first, second = make(whole), make(part)
    for step in range(3):
        first.step(gradients(step), RATE)
        second.step(gradients(step), RATE)
    third = make(part)
    third.load(second.state())
    for step in range(3, 6):
        first.step(gradients(step), RATE)
        third.step(gradients(step), RATE)
    assert all(torch.equal(a, b) for a, b in zip(whole, part, strict=True))


def test_decay_can_differ_from_value_to_value():
    held, decayed = torch.ones(2), torch.ones(2)
    Adam([held, decayed], weight_decay=[0.0, 0.5]).step([torch.zeros(2), torch.zeros(2)], 0.1)
    assert held.tolist() == [1, 1]
    torch.testing.assert_close(decayed, torch.full((2,), 0.95))


def test_gradients_are_scaled_by_their_joint_norm():
    long, norm = clipped([torch.tensor([3.0]), torch.tensor([[4.0]])], 1.0)
    assert norm == pytest.approx(5)
    torch.testing.assert_close(torch.cat([g.flatten() for g in long]), torch.tensor([0.6, 0.8]))
    short, norm = clipped([torch.tensor([0.3])], 1.0)
    assert short[0].item() == pytest.approx(0.3)
    assert norm == pytest.approx(0.3)


def test_a_state_is_copied_once():
    """An optimizer has twice the numbers of its model."""
    adam = Adam(values())
    state = adam.state()
    found = as_arrays(state)
    assert all(np.shares_memory(found[name], value.numpy()) for name, value in state.items())
    adam.step(gradients(0), RATE)
    assert not any(found[name].any() for name in found)
