"""The block of Mamba (Gu and Dao 2023, figure 3): projections, a short causal convolution, the selective scan, a gate.

Parameters bear the names that mamba-ssm and transformers give them. Shapes: B sequences of L tokens of a width, D
channels inside, N numbers of state, R the rank of Δ's projection, K steps of the convolution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.mamba.hidden import implicit_attention
from engines.mamba.scan import selective_scan

SLOWEST, FASTEST, FLOOR = 1e-3, 1e-1, 1e-4  # of Δ at the start, whatever goes in


@dataclass(frozen=True)
class Changes:
    """What is done to a block beside computing it.

    Attributes
    ----------
    still : frozenset of str
        Of ``delta``, ``B`` and ``C``, those that are the same at all tokens: their mean over the tokens.
    forgets : bool
        Off: the decay is 1 everywhere.
    off : frozenset of int
        Channels whose output is 0.
    """

    still: frozenset[str] = field(default=frozenset())
    forgets: bool = True
    off: frozenset[int] = field(default=frozenset())


PLAIN = Changes()


@dataclass(frozen=True, eq=False)
class Inside:
    """All that the scan of a block is given and gives, for B sequences.

    Attributes
    ----------
    u, z, delta, y : Tensor (B, D, L)
        What enters (after the convolution), the gate before SiLU, step sizes, what leaves before the gate.
    A : Tensor (D, N)
    B, C : Tensor (B, N, L)
    out : Tensor (B, L, width)
        What the block adds to the stream.
    states : Tensor (B, D, N, L) or None
    """

    u: Tensor
    z: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    y: Tensor
    out: Tensor
    states: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Held:
    """All that a block keeps from token to token, however many there were.

    Attributes
    ----------
    window : Tensor (B, D, K − 1)
        What the convolution still needs.
    state : Tensor (B, D, N)
    """

    window: Tensor
    state: Tensor


class MambaBlock(nn.Module):
    """One layer, without norm and skip connection.

    Parameters
    ----------
    width : int
    state : int
        N.
    expand : int
        D is so many times the width.
    kernel : int
        K.
    rank : int, optional
        R; a sixteenth of the width if not given.
    bias, conv_bias : bool
        Of the projections and of the convolution.
    inner : int, optional
        D, where it is no whole multiple of the width.
    """

    def __init__(
        self,
        width: int,
        state: int = 16,
        expand: int = 2,
        kernel: int = 4,
        rank: int | None = None,
        *,
        bias: bool = False,
        conv_bias: bool = True,
        inner: int | None = None,
    ) -> None:
        super().__init__()
        self.inner = expand * width if inner is None else inner
        self.state = state
        self.rank = math.ceil(width / 16) if rank is None else rank
        self.in_proj = nn.Linear(width, 2 * self.inner, bias=bias)
        self.conv1d = nn.Conv1d(self.inner, self.inner, kernel, groups=self.inner, padding=kernel - 1, bias=conv_bias)
        self.x_proj = nn.Linear(self.inner, self.rank + 2 * state, bias=False)
        self.dt_proj = nn.Linear(self.rank, self.inner)
        rates = torch.arange(1.0, state + 1, device="cpu").repeat(self.inner, 1).log()  # see `engines.blocks.unfilled`
        self.A_log = nn.Parameter(rates)
        self.D = nn.Parameter(torch.ones(self.inner))
        self.out_proj = nn.Linear(self.inner, width, bias=bias)
        start_steps(self.dt_proj)

    @property
    def A(self) -> Tensor:
        """−exp(A_log), (D, N)."""
        return -torch.exp(self.A_log if self.A_log.dtype == torch.float64 else self.A_log.float())

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, width) -> (B, L, width)."""
        return self.look(x).out

    def look(self, x: Tensor, changes: Changes = PLAIN, states: bool = False, silent: int = -1) -> Inside:
        """All that is computed for x (B, L, width), with some of it changed.

        Parameters
        ----------
        x : Tensor (B, L, width)
        changes : Changes
        states : bool
            Keep all states, too.
        silent : int
            The token that writes nothing into the state, counted from 0; −1 for none.
        """
        projected, z = self.in_proj(x).transpose(1, 2).chunk(2, dim=1)  # (B, D, L) each
        u = F.silu(self.conv1d(projected)[..., : x.shape[1]])
        delta, B, C = self._selected(u, changes)
        A = self.A if changes.forgets else torch.zeros_like(self.A)
        if silent >= 0:
            B = B.index_fill(-1, torch.tensor(silent, device=B.device), 0.0)
        found = selective_scan(u, delta, A, B, C, self.D, return_states=states)
        y, kept = found if states else (found, None)
        out = self._gated(y, z, changes)
        return Inside(u, z, delta, A, B, C, y, out, kept)

    def begin(self, batch: int) -> Held:
        """What is kept before the first token of B sequences."""
        new = self.D.new_zeros
        return Held(new(batch, self.inner, self.conv1d.kernel_size[0] - 1), new(batch, self.inner, self.state))

    def step(self, x: Tensor, held: Held) -> tuple[Tensor, Held]:
        """One token more, (B, width) -> (B, width), and what is kept then."""
        projected, z = self.in_proj(x)[..., None].chunk(2, dim=1)  # (B, D, 1) each
        window = torch.cat([held.window, projected], -1)  # (B, D, K)
        u = F.silu(F.conv1d(window, self.conv1d.weight, self.conv1d.bias, groups=self.inner))
        delta, B, C = self._selected(u, PLAIN)
        y, state = selective_scan(u, delta, self.A, B, C, self.D, start=held.state, return_last_state=True)
        return self._gated(y, z, PLAIN)[:, 0], Held(window[..., 1:], state)

    @torch.no_grad()
    def hidden_attention(self, x: Tensor, channels: Sequence[int] | None = None) -> Tensor:
        """The weights by which the scan mixes its inputs; see `engines.mamba.hidden`.

        Parameters
        ----------
        x : Tensor (B, L, width)
        channels : sequence of int, optional
            All if not given.

        Returns
        -------
        weights : Tensor (B, D, L, L)
            Lower triangular, of any sign; over the convolved input, with D u added, they make the scan's output.
        """
        seen = self.look(x)
        chosen = slice(None) if channels is None else list(channels)
        return implicit_attention(seen.delta[:, chosen], seen.A[chosen], seen.B, seen.C)

    def _selected(self, u: Tensor, changes: Changes) -> tuple[Tensor, Tensor, Tensor]:
        """Δ (B, D, L), B and C (B, N, L) for what goes in, (B, D, L)."""
        low, B, C = self.x_proj(u.transpose(1, 2)).split([self.rank, self.state, self.state], dim=-1)
        delta = F.softplus(self.dt_proj(low)).transpose(1, 2)
        made = {"delta": delta, "B": B.transpose(1, 2), "C": C.transpose(1, 2)}
        for name in changes.still:
            made[name] = made[name].mean(-1, keepdim=True).expand_as(made[name])
        return made["delta"], made["B"], made["C"]

    def _gated(self, y: Tensor, z: Tensor, changes: Changes) -> Tensor:
        """What leaves, (B, L, width)."""
        y = y * F.silu(z)
        if changes.off:
            y = y.index_fill(1, torch.tensor(sorted(changes.off), device=y.device), 0.0)
        out: Tensor = self.out_proj(y.transpose(1, 2))
        return out


@torch.no_grad()
def start_steps(projection: nn.Linear) -> None:
    """Start Δ's projection so that softplus of its bias is spread evenly, as powers, between 1e-3 and 1e-1 (3.6)."""
    if projection.weight.is_meta:
        return  # what it starts with is read into it
    nn.init.uniform_(projection.weight, -(projection.in_features**-0.5), projection.in_features**-0.5)
    projection.bias.copy_(steps_before_softplus(torch.rand(projection.out_features)))


def steps_before_softplus(shares: Tensor) -> Tensor:
    """Biases (D,) whose softplus lies at these shares (D,), 0 to 1, of the way from the slowest to the fastest step."""
    span = math.log(FASTEST) - math.log(SLOWEST)
    steps = torch.exp(shares * span + math.log(SLOWEST)).clamp(min=FLOOR)
    return steps + torch.log(-torch.expm1(-steps))
