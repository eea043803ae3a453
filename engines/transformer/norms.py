"""Layer and batch normalization behind one call.

Sources: Ba et al. 2016, "Layer Normalization"; Ioffe & Szegedy 2015, "Batch Normalization".
Shapes: B batch, N tokens, E width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SequenceBatchNorm(nn.Module):
    """Batch normalization of each of the E numbers over the batch and all positions that are not padding.

    In training the statistics are those of the batch: mean and biased variance over the B·N positions that ``valid``
    names, padding left out altogether; the running ones move towards them by ``momentum`` (with the unbiased
    variance, as torch's ``BatchNorm1d``). In evaluation the running ones are used. Padding itself is normalized with
    the same two numbers, so that shapes stay, but nothing attends to it. A single position has variance 0: its answer
    is the bias, whatever it holds. A batch of nothing but padding has no statistics: it gets the running ones.

    Parameters
    ----------
    dim : int
        Width E.
    momentum : float
        Share of the newest batch in the running statistics.
    eps : float
        Added to the variance.

    Attributes
    ----------
    counts_padding : bool
        Padding counts like any position, as `nn.BatchNorm1d` has it.
    alone : bool
        In training each sample has statistics of its own: what a batch of one would give it. Nothing is learned then.
    """

    def __init__(self, dim: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.counts_padding = self.alone = False
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))
        self.running_mean: Tensor
        self.running_var: Tensor
        self.register_buffer("running_mean", torch.zeros(dim))
        self.register_buffer("running_var", torch.ones(dim))

    def statistics(self, x: Tensor, valid: Tensor | None = None) -> tuple[Tensor, Tensor, int]:
        """Mean (E,), biased variance (E,) and the number of positions they were taken over."""
        rows = x.flatten(0, 1) if valid is None else x[valid]  # (positions that count, E)
        if not len(rows):
            return self.running_mean, self.running_var, 0
        variance, mean = torch.var_mean(rows, 0, correction=0)
        return mean, variance, len(rows)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Normalize x (B, N, E); valid (B, N), True = counts -> (B, N, E)."""
        if self.counts_padding:
            valid = None
        if self.training and self.alone:
            mean, variance = self._of_each(x, valid)
        elif self.training:
            mean, variance, count = self.statistics(x, valid)
            with torch.no_grad():
                momentum = self.momentum if count else 0.0
                self.running_mean.lerp_(mean, momentum)
                self.running_var.lerp_(variance * (count / max(1, count - 1)), momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        return (x - mean) * torch.rsqrt(variance + self.eps) * self.weight + self.bias

    @staticmethod
    def _of_each(x: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and biased variance (B, 1, E) of each sample's own positions."""
        counts = torch.ones_like(x[..., :1]) if valid is None else valid[..., None].to(x.dtype)  # (B, N, 1)
        total = counts.sum(1, keepdim=True).clamp_min(1)
        mean = (x * counts).sum(1, keepdim=True) / total
        return mean, ((x - mean).square() * counts).sum(1, keepdim=True) / total


#: The normalizations a Transformer can be built with.
NORMS: dict[str, type[nn.LayerNorm] | type[SequenceBatchNorm]] = {"layer": nn.LayerNorm, "batch": SequenceBatchNorm}


def normalized(norm: nn.Module, x: Tensor, valid: Tensor | None = None) -> Tensor:
    """``norm(x)`` of x (B, N, E); only batch normalization asks which positions count, ``valid`` (B, N)."""
    answer: Tensor = norm(x, valid) if isinstance(norm, SequenceBatchNorm) else norm(x)
    return answer
