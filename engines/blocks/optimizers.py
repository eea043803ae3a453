"""Optimizers, written out: the first step of one of torch's own loads a compiler, which takes seconds.

They take gradients explicitly (``torch.autograd.grad``), so a model is never left with gradients of an old step.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1), with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2).

    Parameters
    ----------
    values : sequence of Tensor
        What is learned; changed in place.
    betas : tuple of float
        Decay of the running mean and of the running square.
    eps : float
        Keeps the division finite.
    weight_decay : float or sequence of float
        One for all or one a value; multiplied by the learning rate.
    """

    def __init__(
        self,
        values: Sequence[Tensor],
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float | Sequence[float] = 0.0,
    ) -> None:
        self._values = list(values)
        self._betas, self._eps = betas, eps
        self._weight_decay = (
            [weight_decay] * len(self._values) if isinstance(weight_decay, float | int) else list(weight_decay)
        )
        self._mean = [torch.zeros_like(v) for v in self._values]
        self._square = [torch.zeros_like(v) for v in self._values]
        self._steps = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], learning_rate: float) -> None:
        """Move the values against their gradients, which have the shapes and the order of the values."""
        self._steps += 1
        first, second = self._betas
        if any(self._weight_decay):
            torch._foreach_mul_(self._values, [1 - learning_rate * d for d in self._weight_decay])
        torch._foreach_lerp_(self._mean, list(gradients), 1 - first)
        torch._foreach_mul_(self._square, second)
        torch._foreach_addcmul_(self._square, list(gradients), list(gradients), 1 - second)
        scale = torch._foreach_div(self._square, 1 - second**self._steps)
        torch._foreach_sqrt_(scale)
        torch._foreach_add_(scale, self._eps)
        torch._foreach_addcdiv_(self._values, self._mean, scale, -learning_rate / (1 - first**self._steps))

    def state(self) -> dict[str, Tensor]:
        """Everything a resumed run needs, by name; a copy."""
        found = {"steps": torch.tensor(self._steps)}
        for i, (mean, square) in enumerate(zip(self._mean, self._square, strict=True)):
            found[f"mean.{i}"], found[f"square.{i}"] = mean.clone(), square.clone()
        return found

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from a `state`."""
        self._steps = int(state["steps"])
        for i in range(len(self._values)):
            self._mean[i].copy_(state[f"mean.{i}"])
            self._square[i].copy_(state[f"square.{i}"])


class SGD:
    """Stochastic gradient descent with momentum and weight decay added to the gradient, as torch's.

    Parameters
    ----------
    values : sequence of Tensor
        What is learned; changed in place.
    momentum : float
        Share of the last velocity that is kept.
    weight_decay : float
        Weight decay.
    """

    def __init__(self, values: Sequence[Tensor], momentum: float = 0.9, weight_decay: float = 0.0) -> None:
        self._values, self._momentum, self._weight_decay = list(values), momentum, weight_decay
        self._velocity = [torch.zeros_like(v) for v in self._values]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], learning_rate: float) -> None:
        """Move the values against their gradients, which have the shapes and the order of the values."""
        moved = [torch.add(g, v, alpha=self._weight_decay) for g, v in zip(gradients, self._values, strict=True)]
        torch._foreach_mul_(self._velocity, self._momentum)
        torch._foreach_add_(self._velocity, moved)
        torch._foreach_add_(self._values, self._velocity, alpha=-learning_rate)

    def state(self) -> dict[str, Tensor]:
        """Everything a resumed run needs, by name; a copy."""
        return {f"velocity.{i}": v.clone() for i, v in enumerate(self._velocity)}

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from a `state`."""
        for i, v in enumerate(self._velocity):
            v.copy_(state[f"velocity.{i}"])


@torch.no_grad()
def clipped(gradients: Sequence[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    """Gradients of any shapes, scaled so that their joint L2 norm is at most ``max_norm``; the norm they had."""
    norm = torch.stack(torch._foreach_norm(list(gradients))).norm()
    scale = (max_norm / (norm + 1e-6)).clamp(max=1.0)
    return list(torch._foreach_mul(list(gradients), scale)), float(norm)
