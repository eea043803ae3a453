"""Answers the page "Scan by hand", in double precision: what differs is no rounding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.core.protocol import Event, Job
from engines.mamba.rules import RULES
from engines.mamba.scan_by_hand.spec import LENGTH, NOISE, PULSES, STEP, Floats, HandFrame, HandParams
from engines.mamba.steps import convolution, discretize, doubling, kernel, recurrence

NONE = np.zeros(0)


class Engine:
    """Yields one `HandFrame`."""

    def run(self, job: Job[HandParams]) -> Iterator[Event]:
        """Answer as ``job.params`` ask for."""
        yield answered(job.params.following(job.params))


def shaped(name: str) -> Floats:
    """An input to begin with, (L,)."""
    t = np.arange(LENGTH)
    if name == PULSES:
        made = np.zeros(LENGTH)
        made[[3, 17, 22, 38]] = 1.5, -1.0, 1.0, 0.6
        return made
    if name == STEP:
        return np.where((t >= 8) & (t < 30), 1.0, 0.0)
    if name == NOISE:
        return np.clip(np.random.default_rng(0).normal(size=LENGTH) * 0.7, -2, 2)
    return np.asarray(np.sin(2 * np.pi * t / 16) + 0.4 * np.sin(2 * np.pi * t / 5))


@torch.no_grad()
def answered(params: HandParams) -> HandFrame:
    """All of one channel."""
    values = np.array(params.values) if params.values else shaped(params.shape)
    u = torch.from_numpy(values.astype(np.float64))[None, None]  # (1, 1, L)
    fixed = torch.tensor(params.delta, dtype=torch.float64)
    bias = fixed + torch.log(-torch.expm1(-fixed))  # softplus of it is Δ
    z = params.slope * u + bias if params.select_delta else bias.expand_as(u)
    delta = F.softplus(z)
    A = -params.rate * torch.arange(1, params.state + 1, dtype=torch.float64)[None]  # (1, N)
    ones = torch.ones(1, params.state, LENGTH, dtype=torch.float64)
    B = params.write * ones * (u if params.select_B else 1)
    C = params.read * ones * (u if params.select_C else 1)
    made = {rule: discretize(delta, A, B, rule) for rule in RULES}
    states = {rule: recurrence(*each, u) for rule, each in made.items()}
    rules = torch.cat([(each * C[:, None]).sum(2)[0] for each in states.values()])  # (3, L)
    decay, gain = made[params.rule]
    attention = matrix(decay, gain, C)[0, 0]
    y = (states[params.rule] * C[:, None]).sum(2)
    shift = None if params.selects else kernel(decay, gain, C)
    gate, gated = NONE.reshape(0, 0), NONE
    if params.is_gate:
        gate = torch.cat([each[0, 0] for each in states.values()]).numpy()
        gated = gating(z[0, 0].numpy(), values)
    return HandFrame(
        u=values.astype(np.float64),
        delta=delta[0, 0].numpy(),
        y=y[0, 0].numpy(),
        decay=decay[0, 0].numpy(),
        gain=gain[0, 0].numpy(),
        states=states[params.rule][0, 0].numpy(),
        C=C[0].numpy(),
        attention=attention.numpy(),
        by_convolution=NONE if shift is None else convolution(shift, u)[0, 0].numpy(),
        by_attention=(attention @ u[0, 0]).numpy(),
        by_scan=(doubling(decay, gain, u) * C[:, None]).sum(2)[0, 0].numpy(),
        kernel=NONE if shift is None else shift[0, 0].numpy(),
        rules=rules.numpy(),
        gate=gate,
        gated=gated,
    )


def matrix(decay: Tensor, gain: Tensor, C: Tensor) -> Tensor:
    """The attention of a channel under any rule, (B, D, L, L): products of decays, one step further at a time.

    Parameters
    ----------
    decay, gain : Tensor (B, D, N, L)
    C : Tensor (B, N, L)
    """
    length = C.shape[-1]
    kept = torch.zeros(*gain.shape, dtype=gain.dtype)  # of each step's input what is still in the state
    rows = []
    for t in range(length):
        kept = kept * decay[..., t, None]
        kept[..., t] = gain[..., t]
        rows.append((kept * C[:, None, :, t, None]).sum(2))
    return torch.stack(rows, 2)


def gating(z: Floats, u: Floats) -> Floats:
    """h_t = (1 − σ(z_t)) h_(t−1) + σ(z_t) u_t, (L,) each (Gu and Dao 2023, theorem 1)."""
    gate, h, found = 1 / (1 + np.exp(-z)), 0.0, np.empty_like(u, dtype=np.float64)
    for t in range(len(u)):
        h = (1 - gate[t]) * h + gate[t] * u[t]
        found[t] = h
    return found
