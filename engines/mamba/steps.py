"""From h' = A h + B u in continuous time to steps of length Δ (Gu and Dao 2023, 2 and 3.5.1).

Code that runs real models takes exp(Δ A) for the decay, as a zero-order hold does, but Δ B for what is written, as
Euler's step does; the paper's equation 4 has a zero-order hold for both.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engines.mamba.rules import BILINEAR, EULER, HOLD


def discretize(delta: Tensor, A: Tensor, B: Tensor, rule: str = EULER) -> tuple[Tensor, Tensor]:
    """Decay and input of each step.

    Parameters
    ----------
    delta : Tensor (B, D, L)
        Step sizes.
    A : Tensor (D, N)
    B : Tensor (B, N, L)
    rule : str
        One of `engines.mamba.rules.RULES`.

    Returns
    -------
    decay, gain : Tensor (B, D, N, L)
        h_t = decay_t h_(t−1) + gain_t u_t.

    Raises
    ------
    ValueError
        For another rule.
    """
    step, rate = delta[:, :, None], A[None, :, :, None]  # (B, D, 1, L), (1, D, N, 1)
    x, written = step * rate, B[:, None]
    if rule == HOLD:
        still = rate == 0  # then the integral of 1 over the step
        return torch.exp(x), torch.where(still, step, torch.expm1(x) / torch.where(still, 1.0, rate)) * written
    if rule == EULER:
        return torch.exp(x), step * written
    if rule == BILINEAR:
        return (1 + x / 2) / (1 - x / 2), step / (1 - x / 2) * written
    raise ValueError(f"no such rule: {rule}")


def recurrence(decay: Tensor, gain: Tensor, u: Tensor) -> Tensor:
    """All states (B, D, N, L) of h_t = decay_t h_(t−1) + gain_t u_t; decay and gain (B, D, N, L), u (B, D, L)."""
    h = torch.zeros_like(decay[..., 0])
    found = []
    for kept, new in zip(decay.unbind(-1), (gain * u[:, :, None]).unbind(-1), strict=True):
        h = kept * h + new
        found.append(h)
    return torch.stack(found, -1)


def doubling(decay: Tensor, gain: Tensor, u: Tensor) -> Tensor:
    """The same states (B, D, N, L) in log₂ L rounds that each run over all steps at once (Hillis and Steele 1986).

    Pairs (a, b), which stand for h → a h + b, are put together: after a round each place knows twice as many steps.
    Parameters as of `recurrence`.
    """
    a, b = decay, gain * u[:, :, None]
    reach = 1
    while reach < u.shape[-1]:
        earlier_a, earlier_b = a[..., :-reach], b[..., :-reach]
        b = torch.cat([b[..., :reach], b[..., reach:] + a[..., reach:] * earlier_b], -1)
        a = torch.cat([a[..., :reach], a[..., reach:] * earlier_a], -1)
        reach *= 2
    return b


def kernel(decay: Tensor, gain: Tensor, C: Tensor) -> Tensor:
    """The answer to one pulse, (B, D, L), of a system that is the same at each step.

    Parameters
    ----------
    decay, gain : Tensor (B, D, N, L)
        Only the first step counts: they are all alike.
    C : Tensor (B, N, L)
    """
    steps = torch.arange(C.shape[-1], device=C.device, dtype=decay.dtype)
    powers = decay[..., :1] ** steps  # (B, D, N, L); 0⁰ is 1
    return (C[:, None, :, :1] * gain[..., :1] * powers).sum(2)


def convolution(k: Tensor, u: Tensor) -> Tensor:
    """Σ_s k_(t−s) u_s, causal: kernel (B, D, L) or (D, L) and u (B, D, L) -> (B, D, L), by their spectra."""
    length = 2 * u.shape[-1]
    spectrum = torch.fft.rfft(k, length) * torch.fft.rfft(u, length)
    return torch.fft.irfft(spectrum, length)[..., : u.shape[-1]]
