"""Linear layers that multiply with half the bits, between others that don't: softmax, norms and sums stay float32."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

M = TypeVar("M", bound=nn.Module)


class HalfLinear(nn.Module):
    """A linear layer in bfloat16; what goes in and comes out is float32.

    Parameters
    ----------
    linear : nn.Linear
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = nn.Parameter(linear.weight.detach().to(torch.bfloat16), requires_grad=False)
        bias = None if linear.bias is None else linear.bias.detach().to(torch.bfloat16)
        self.bias = None if bias is None else nn.Parameter(bias, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        return F.linear(x.to(torch.bfloat16), self.weight, self.bias).float()


def with_half_linears(net: M) -> M:
    """A copy whose linear layers are `HalfLinear`; the other tensors are those of ``net`` itself."""
    shared = {id(tensor): tensor for tensor in (*net.parameters(), *net.buffers())}
    made = copy.deepcopy(net, dict(shared))
    for parent in list(made.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear):
                setattr(parent, name, HalfLinear(child))
    return made
