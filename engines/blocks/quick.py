"""What lets a small model learn quickly on one processor core: products in float16, and Muon (Jordan et al. 2024).

Processors with AVX512-FP16 multiply float16 about 1.6 times as fast as float32.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class HalfProduct(torch.autograd.Function):
    """``x wᵀ + b`` with products in float16, and float32 on both sides."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        """(..., i), (o, i), (o,) -> (..., o)."""
        half_x, half_w = x.reshape(-1, x.shape[-1]).half(), w.half()
        ctx.save_for_backward(half_x, half_w)
        ctx.shape = x.shape
        return torch.addmm(b.half(), half_x, half_w.t()).float().view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of x (..., I), w (O, I) and b (O,); the loss is scaled up so that they don't vanish in float16."""
        half_x, half_w = ctx.saved_tensors
        grad = grads[0].reshape(-1, grads[0].shape[-1])
        half = grad.half()
        return (half @ half_w).float().view(ctx.shape), (half.t() @ half_x).float(), grad.sum(0)


def product(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """``x wᵀ + b``, (..., i), (o, i), (o,) -> (..., o); see `HalfProduct`."""
    found: Tensor = HalfProduct.apply(x, w, b)
    return found


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """Newton–Schulz iteration towards the nearest orthogonal matrix, (n, o, i) -> the same (Jordan et al. 2024)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.transpose(-2, -1) if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.transpose(-2, -1)
        x = a * x + (b * square + c * (square @ square)) @ x
    return x.transpose(-2, -1) if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal: every direction of a matrix learns at the same pace (Jordan et al. 2024).

    Parameters
    ----------
    params : iterable of nn.Parameter
        Matrices.
    lr : float
        Spectral norm of a step for a matrix that is not taller than wide.
    momentum, weight_decay : float
    """

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # returns no loss
        """One step for all matrices; those of one shape are made orthogonal together."""
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[nn.Parameter]] = {}
            for p in group["params"]:
                by_shape.setdefault(tuple(p.shape), []).append(p)
            for shape, params in by_shape.items():
                updates = [self._momentum(p, group["momentum"]) for p in params]
                pace = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for p, update in zip(params, orthogonalize(torch.stack(updates)), strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(update, alpha=-pace)

    def _momentum(self, p: nn.Parameter, momentum: float) -> Tensor:
        assert p.grad is not None
        if "buffer" not in self.state[p]:
            self.state[p]["buffer"] = torch.zeros_like(p)
        buffer: Tensor = self.state[p]["buffer"]
        buffer.lerp_(p.grad, 1 - momentum)
        return p.grad.lerp(buffer, momentum)
