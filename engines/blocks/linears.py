"""Linear layers that oneDNN multiplies, for models that are only looked at.

torch hands products in float32 to MKL, which on processors of other makers than its own takes more than twice as long
as oneDNN, that torch has for convolutions. Same numbers to the last bits, no further memory.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)

THERE = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
LEAST = 2**14  #: numbers of a weight from which on it is worth the call


class QuickLinear(nn.Linear):
    """As `nn.Linear`; gradients go the usual way."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        if self._usual(x):
            return super().forward(x)
        found: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
        return found

    def _usual(self, x: Tensor) -> bool:
        learns = torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad)
        wide = x.dtype == self.weight.dtype == torch.float32 and x.device.type == "cpu"
        return learns or not wide or not x.numel() or x.dim() < 2 or torch.is_autocast_enabled("cpu")


def quicken(net: M) -> M:
    """Let the large linear layers of a model be `QuickLinear` from now on; parameters and their names stay."""
    for parent in list(net.modules()) if THERE else ():
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear and child.weight.numel() >= LEAST:
                with torch.device("meta"):
                    made = QuickLinear(child.in_features, child.out_features, child.bias is not None)
                made.weight, made.bias = child.weight, child.bias
                made.train(child.training)
                setattr(parent, name, made)
    return net
