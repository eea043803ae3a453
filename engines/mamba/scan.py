"""The selective scan: h_t = exp(Δ_t A) h_(t−1) + Δ_t B_t u_t, y_t = C_t h_t (Gu and Dao 2023, "Mamba", algorithm 2).

Time goes step by step, in pieces: what a piece needs is made at once for all of its steps, and no more than a piece is
ever held. For the gradients only the state at the start of each piece is kept, and the piece is computed again: the
paper's own trade (3.3.2) of memory against work, on a processor.

Shapes: B sequences, D channels, N numbers of state, L steps, T of them in a piece. Inside, channels stand last: then
one line of memory belongs to one number of state, and all products run along it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

PIECE = 2**17  #: numbers of state in a piece: its tables stay in a processor's cache


def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_states: bool = False,
    *,
    start: Tensor | None = None,
    return_last_state: bool = False,
) -> Any:
    """The scan of a Mamba layer, with gradients to all that goes in.

    Parameters
    ----------
    u : Tensor (B, D, L)
        What goes in.
    delta : Tensor (B, D, L)
        Step sizes.
    A : Tensor (D, N)
        Negative; each number of state decays by exp(Δ A) a step.
    B, C : Tensor (B, N, L)
        How u is written into the state, and how the state is read.
    D : Tensor (D,), optional
        What of u goes past the state.
    z : Tensor (B, D, L), optional
        The result is multiplied by SiLU(z).
    delta_bias : Tensor (D,), optional
        Added to ``delta`` first.
    delta_softplus : bool
        Then softplus.
    return_states : bool
        All states, too: they are L times as large as one.
    start : Tensor (B, D, N), optional
        The state to begin with; 0 if not given.
    return_last_state : bool
        The state after the last step, too.

    Returns
    -------
    out : Tensor (B, D, L)
        With ``return_states`` ``(out, states (B, D, N, L))``, with ``return_last_state`` ``(out, state (B, D, N))``.
    """
    if delta_bias is not None:
        delta = delta + delta_bias[:, None]
    if delta_softplus:
        delta = F.softplus(delta)
    if start is None:
        start = u.new_zeros(u.shape[0], u.shape[1], A.shape[1])
    if return_states:
        states = all_states(u, delta, A, B, start)  # (B, D, N, L)
        y, last = (states * C[:, None]).sum(2), states[..., -1]
    else:
        y, last = _Scan.apply(u, delta, A, B, C, start)
    if D is not None:
        y = y + u * D[:, None]
    if z is not None:
        y = y * F.silu(z)
    if return_states:
        return y, states
    return (y, last) if return_last_state else y


def all_states(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, start: Tensor) -> Tensor:
    """Every state of the scan, (B, D, N, L); arguments as of `selective_scan`, Δ ready for use."""
    decay = torch.exp(delta[:, :, None] * A[None, :, :, None])  # (B, D, N, L)
    written = (delta * u)[:, :, None] * B[:, None]
    h, found = start, []
    for kept, new in zip(decay.unbind(-1), written.unbind(-1), strict=True):
        h = torch.addcmul(new, kept, h)
        found.append(h)
    return torch.stack(found, -1)


class _Scan(torch.autograd.Function):
    """y and the last state from u, Δ, A, B, C and the first state."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, start: Tensor) -> Any:
        batch, _, length = u.shape
        steps = max(1, min(length, PIECE // max(1, batch * A.numel())))
        across = _last(A)  # (N, D)
        u, delta = _first(u), _first(delta)  # (L, B, D)
        B, C = _first(B), _first(C)  # (L, B, N)
        h = start.transpose(1, 2).contiguous()  # (B, N, D)
        y = torch.empty_like(u)
        saved, room = [h], _Room(steps, h)
        for begin in range(0, length, steps):
            part = slice(begin, begin + steps)
            _, states = room.fill(delta[part], u[part], across, B[part], h)
            torch.matmul(C[part, :, None], states, out=y[part, :, None])
            h = states[-1].clone()
            saved.append(h)
        ctx.steps = steps
        ctx.save_for_backward(u, delta, across, B, C, torch.stack(saved[:-1]))
        return y.permute(1, 2, 0), h.transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_y: Tensor, to_last: Tensor) -> Any:
        u, delta, across, B, C, saved = ctx.saved_tensors
        to_y = _first(to_y)
        to_u, to_delta = torch.empty_like(u), torch.empty_like(delta)
        to_B, to_C, to_A = torch.empty_like(B), torch.empty_like(C), torch.zeros_like(across)
        behind = to_last.transpose(1, 2).contiguous()  # (B, N, D): what comes to a piece's last state from later ones
        room = _Room(ctx.steps, behind)
        for number in range(len(saved) - 1, -1, -1):
            part = slice(number * ctx.steps, (number + 1) * ctx.steps)
            d, x, b, c, dy = delta[part], u[part], B[part], C[part], to_y[part]
            decay, states = room.fill(d, x, across, b, saved[number])
            torch.matmul(states, dy[..., None], out=to_C[part, ..., None])
            g = c[..., None] * dy[:, :, None]  # (T, B, N, D): to each state
            g[-1] += behind
            steps = list(zip(g.unbind(0), decay.unbind(0), strict=True))
            for (before, _), (after, kept) in zip(steps[-2::-1], steps[:0:-1], strict=True):
                before.addcmul_(kept, after)
            behind = decay[0] * g[0]
            torch.matmul(g, (d * x)[..., None], out=to_B[part, ..., None])
            to_written = torch.matmul(b[:, :, None], g)[:, :, 0]  # (T, B, D), to Δ u
            to_u[part] = to_written * d
            g *= decay  # from here on to Δ A
            g[1:] *= states[:-1]
            g[0] *= saved[number]
            to_A += torch.mul(g, d[:, :, None], out=states).sum((0, 1))
            to_delta[part] = to_written.mul_(x).add_(torch.mul(g, across, out=states).sum(2))
        return (
            to_u.permute(1, 2, 0),
            to_delta.permute(1, 2, 0),
            to_A.T,
            to_B.permute(1, 2, 0),
            to_C.permute(1, 2, 0),
            behind.transpose(1, 2),
        )


class _Room:
    """Two tables of a piece, used for one piece after the other: fresh memory would cost as much as the work in it.

    Parameters
    ----------
    steps : int
        T.
    like : Tensor (B, N, D)
        A state.
    """

    def __init__(self, steps: int, like: Tensor) -> None:
        self._decay, self._states = like.new_empty(2, steps, *like.shape).unbind(0)

    def fill(self, delta: Tensor, u: Tensor, across: Tensor, B: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Decay and state of each step of a piece, (T, B, N, D), from a state (B, N, D)."""
        decay, states = self._decay[: len(u)], self._states[: len(u)]
        torch.mul(delta[:, :, None], across, out=decay).exp_()
        torch.mul(B[..., None], (delta * u)[:, :, None], out=states)
        for kept, state in zip(decay.unbind(0), states.unbind(0), strict=True):
            h = state.addcmul_(kept, h)
        return decay, states


def _first(x: Tensor) -> Tensor:
    """(B, ·, L) -> (L, B, ·), in this order in memory."""
    return x.permute(2, 0, 1).contiguous()


def _last(A: Tensor) -> Tensor:
    """(D, N) -> (N, D)."""
    return A.T.contiguous()
