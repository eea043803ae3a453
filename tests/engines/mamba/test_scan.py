"""The scan beside transformers' reference and mambapy, its gradients, its extremes, and the attention hidden in it."""

from __future__ import annotations

import pytest
import torch
from mambapy.pscan import pscan
from torch.nn import functional as F

from engines.mamba import discretize, implicit_attention, selective_scan
from engines.mamba import scan as scan_module
from engines.mamba.rules import BILINEAR, EULER, HOLD
from engines.mamba.steps import convolution, doubling, kernel, recurrence
from tests.engines.mamba import reference


def given(batch=2, channels=6, state=4, length=37, seed=0, dtype=torch.float32):
    """u, Δ before softplus, A, B, C, D, z and Δ's bias."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=dtype)

    sizes = batch, channels, length
    A = -torch.arange(1, state + 1, dtype=dtype).repeat(channels, 1)
    forms = (batch, state, length)
    return normal(*sizes), normal(*sizes) - 2, A, normal(*forms), normal(*forms), normal(channels), normal(*sizes), (
        normal(channels)
    )  # fmt: skip


def theirs(u, delta, A, B, C, D, z, bias):
    reference.quiet()
    from transformers.models.mamba.modeling_mamba import mamba_selective_scan

    return mamba_selective_scan(
        u, delta, A, B, C, D=D, z=z, delta_bias=bias, delta_softplus=True, return_last_state=True
    )


@pytest.mark.parametrize("length", [1, 37])
def test_the_scan_is_transformers(length):
    case = given(length=length)
    wanted, last = theirs(*case)
    out, state = selective_scan(*case, delta_softplus=True, return_last_state=True)
    torch.testing.assert_close(out, wanted, atol=2e-5, rtol=0)
    torch.testing.assert_close(state, last, atol=2e-5, rtol=0)
    out, states = selective_scan(*case, delta_softplus=True, return_states=True)
    torch.testing.assert_close(out, wanted, atol=2e-5, rtol=0)
    torch.testing.assert_close(states[..., -1], last, atol=2e-5, rtol=0)


def test_all_states_are_those_of_mambapys_parallel_scan():
    u, delta, A, B, C, *_ = given(length=32)
    delta = F.softplus(delta)
    step = delta.transpose(1, 2)[..., None]  # (B, L, D, 1)
    wanted = pscan(torch.exp(step * A), step * B.transpose(1, 2)[:, :, None] * u.transpose(1, 2)[..., None])
    y, states = selective_scan(u, delta, A, B, C, return_states=True)
    torch.testing.assert_close(states, wanted.permute(0, 2, 3, 1), atol=1e-5, rtol=0)
    torch.testing.assert_close(y, torch.einsum("bldn,bnl->bdl", wanted, C), atol=1e-5, rtol=0)


def test_gradients_are_those_of_differences(monkeypatch):
    monkeypatch.setattr(scan_module, "PIECE", 60)  # four steps to a piece, so that pieces meet
    case = [each.requires_grad_() for each in given(1, 3, 2, 9, dtype=torch.float64)]
    start = torch.randn(1, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()

    def scan(*values):
        return selective_scan(*values[:8], delta_softplus=True, start=values[8], return_last_state=True)

    assert torch.autograd.gradcheck(scan, (*case, start))


@pytest.mark.parametrize("delta", [0.0, 50.0])
def test_the_slowest_and_the_fastest_step_stay_finite(delta):
    """Nothing is forgotten and nothing is written; all is forgotten at once."""
    case = given(1, 2, 4, 2048)
    u, _, A, B, C = (each.requires_grad_() for each in case[:5])
    out = selective_scan(u, torch.full_like(u, delta), A, B, C)
    gradients = torch.autograd.grad(out.square().sum(), (u, A, B, C))
    assert all(torch.isfinite(each).all() for each in (out, *gradients))
    if not delta:
        assert not out.any()
    else:  # of what came before nothing is left
        own = (delta * u * (B * C).sum(1, keepdim=True)).detach()
        torch.testing.assert_close(out.detach(), own, atol=1e-4, rtol=0)


def test_step_by_step_is_the_whole_at_once():
    u, delta, A, B, C, D, z, bias = given(length=20)
    whole = selective_scan(u, delta, A, B, C, D, z, bias, True)
    state, parts = torch.zeros(2, 6, 4), []
    for t in range(20):
        at = slice(t, t + 1)
        y, state = selective_scan(
            u[..., at], delta[..., at], A, B[..., at], C[..., at], D, z[..., at], bias, True, start=state,
            return_last_state=True,
        )  # fmt: skip
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts, -1), whole, atol=1e-5, rtol=0)


def test_hidden_attention_makes_the_output_of_the_input():
    u, delta, A, B, C, D, _, _ = given()
    delta = F.softplus(delta)
    weights = implicit_attention(delta, A, B, C)
    wanted = selective_scan(u, delta, A, B, C, D)
    torch.testing.assert_close((weights @ u[..., None])[..., 0] + D[:, None] * u, wanted, atol=1e-5, rtol=0)
    assert not weights.triu(1).any()
    assert (weights < 0).float().mean() > 0.1  # no softmax was here
    torch.testing.assert_close(implicit_attention(delta, A, B, C, row=-1), weights[:, :, -1:])


def test_hidden_attention_of_a_long_sequence_is_no_nan():
    """Products of decays leave what a float holds: here after 64 steps."""
    length = 2048
    delta, A = torch.full((1, 1, length), 0.1), torch.full((1, 2), -16.0)
    A[0, 1] = -1e-3
    B = C = torch.ones(1, 2, length)
    weights = implicit_attention(delta, A, B, C)
    assert torch.isfinite(weights).all()
    apart = torch.arange(length)
    wanted = 0.1 * (torch.exp(-1.6 * apart) + torch.exp(-1e-4 * apart))
    torch.testing.assert_close(weights[0, 0, -1].flip(0), wanted, atol=1e-6, rtol=1e-4)


def test_the_rules_by_hand():
    delta, A, B = torch.tensor([[[0.5]]]), torch.tensor([[-2.0]]), torch.tensor([[[3.0]]])
    e = torch.exp(torch.tensor(-1.0)).item()
    for rule, decay, gain in ((HOLD, e, 3 * (1 - e) / 2), (EULER, e, 1.5), (BILINEAR, 0.5 / 1.5, 1.0)):
        found = discretize(delta, A, B, rule)
        assert [each.item() for each in found] == pytest.approx([decay, gain])
    assert discretize(delta, A * 0, B, HOLD)[1].item() == pytest.approx(1.5)  # nothing decays: the step itself
    with pytest.raises(ValueError, match="no such rule"):
        discretize(delta, A, B, "Runge and Kutta")


def test_one_number_of_state_is_a_gate_under_a_zero_order_hold_alone():
    """Theorem 1: h_t = (1 − σ(z)) h_(t−1) + σ(z) u_t."""
    generator = torch.Generator().manual_seed(0)
    z, u = torch.randn(2, 1, 1, 40, generator=generator, dtype=torch.float64)
    gate, h, wanted = torch.sigmoid(z), torch.zeros(1, 1, dtype=torch.float64), []
    for t in range(40):
        h = (1 - gate[..., t]) * h + gate[..., t] * u[..., t]
        wanted.append(h)
    A, B = -torch.ones(1, 1, dtype=torch.float64), torch.ones(1, 1, 40, dtype=torch.float64)
    apart = {}
    for rule in (HOLD, EULER):
        states = recurrence(*discretize(F.softplus(z), A, B, rule), u)
        apart[rule] = (states[:, :, 0] - torch.stack(wanted, -1)).abs().max().item()
    assert apart[HOLD] < 1e-7
    assert apart[EULER] > 0.1


def test_what_is_the_same_at_each_step_is_a_convolution():
    u, _, A, _, _, *_ = given(dtype=torch.float64)
    delta = torch.full_like(u, 0.3)
    B, C = torch.randn(2, 2, 4, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    B, C = B.expand(2, 4, 37), C.expand(2, 4, 37)
    for rule in (HOLD, EULER, BILINEAR):
        decay, gain = discretize(delta, A, B, rule)
        states = recurrence(decay, gain, u)
        y = (states * C[:, None]).sum(2)
        torch.testing.assert_close(convolution(kernel(decay, gain, C), u), y, atol=1e-5, rtol=0)
        torch.testing.assert_close(doubling(decay, gain, u), states, atol=1e-9, rtol=0)
    weights = implicit_attention(delta, A, B, C)
    torch.testing.assert_close(weights[..., 1:, 1:], weights[..., :-1, :-1], atol=1e-5, rtol=0)  # Toeplitz
