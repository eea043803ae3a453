"""Variance through depth: a net with random weights, how large its activations and gradients are at each layer.

Sources: Glorot & Bengio 2010 (variance of activations and gradients); Xiong et al. 2020, "On layer normalization in
the Transformer architecture" (pre- against post-norm); Vaswani et al. 2017, footnote 4 (why 1/√d).
"""

from __future__ import annotations

import math
from collections.abc import Generator

import torch
from torch import Tensor

from engines.core.protocol import Event
from engines.transformer.model import EncoderLayer
from engines.transformer.passing import Pass
from engines.transformer.showing import array
from engines.transformer.spec import PAUSE
from engines.transformer.why.spec import Claim

SEED, BATCH, TOKENS = 0, 2, 16
AT_ONCE = 16  #: layers between two places to stop


class Net:
    """As many layers as were asked for so far, with random weights that stay the same, whatever else is set.

    Parameters
    ----------
    width, heads : int
        E and H.
    """

    def __init__(self, width: int, heads: int) -> None:
        self._heads, self._generator = heads, torch.Generator().manual_seed(SEED)
        self.given = torch.randn(BATCH, TOKENS, width, generator=self._generator)  # (B, N, E)
        other = torch.Generator().manual_seed(SEED + 1)  # of its own, so that it is the same at each depth
        self.pulled = torch.randn(self.given.shape, generator=other)  # (B, N, E)
        self._layers: list[EncoderLayer] = []

    def layer(self, at: int) -> EncoderLayer:
        """A layer, counted from 0; those below it are drawn first."""
        while len(self._layers) <= at:
            self._layers.append(drawn(self.given.shape[-1], self._heads, self._generator))
        return self._layers[at]


class Sharp(Pass):
    """A pass whose scores are not divided by √d."""

    def attention(self, name: str, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Output (B, H, Q, d) and weights (B, H, Q, K): queries √d times as long undo the division."""
        return super().attention(name, q * math.sqrt(q.shape[-1]), k, v, mask)


def variance(depth: int, pre_norm: bool, scaled: bool, net: Net) -> Generator[Event, None, Claim]:
    """One pass forward and back through the first ``depth`` layers of a net.

    The loss is the mean over all outputs times fixed random numbers, so that each of them matters alike.

    Returns
    -------
    Claim
        Curves: ``deviation`` (depth + 1,), of the activations that enter each layer and that leave the last;
        ``gradients`` (depth + 1,), ‖dL/dx‖ there; ``entropy`` (depth,), mean entropy of the weights over the largest
        there can be. Values: of ``deviation``, ``gradients`` the last over the first, the mean of ``entropy``.
    """
    stream, entropies = [net.given.clone().requires_grad_(True)], []
    for i in range(depth):
        layer = net.layer(i)
        layer.norm_first = pre_norm
        go = (Pass if scaled else Sharp)(need_weights=True)
        stream.append(layer(stream[-1], None, go))
        weights = go.weights["encoder"][0].detach()
        entropies.append(float(-(weights * weights.clamp_min(1e-30).log()).sum(-1).mean()) / math.log(TOKENS))
        if i % AT_ONCE == AT_ONCE - 1:
            yield PAUSE
    loss = (stream[-1] * net.pulled).mean()
    yield PAUSE
    gradients = torch.autograd.grad(loss, stream)
    deviation = torch.stack([h.detach().std() for h in stream])
    norms = torch.stack([g.norm() for g in gradients])
    return Claim(
        {
            "deviation": ratio(deviation[-1], deviation[0]),
            "gradients": ratio(norms[0], norms[-1]),
            "entropy": sum(entropies) / depth,
        },
        {
            "deviation": array(deviation),
            "gradients": array(norms),
            "entropy": array(torch.tensor(entropies)),
        },
    )


def drawn(width: int, heads: int, generator: torch.Generator) -> EncoderLayer:
    """A layer with Xavier-uniform matrices and biases 0, whose weights take no gradients."""
    layer = EncoderLayer(0, width, heads, 4 * width, "layer", False).requires_grad_(False)
    for module in layer.modules():
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.xavier_uniform_(module.weight, generator=generator)
            torch.nn.init.zeros_(module.bias)
    return layer


def ratio(a: Tensor, b: Tensor) -> float:
    """A scalar over a scalar; 0 where both are."""
    return float(a / b.clamp_min(torch.finfo(b.dtype).tiny))
