"""How `mini-swin` learns quickly. All of this is training only: the result is a standard Swin.

* **A convolution as the starting point** (after Trockman & Kolter 2023, "Mimetic initialization"): the relative
  position bias of each head starts as a hill around one neighbor, so that the head begins by looking there.
* **Muon** (Jordan et al. 2024) for the matrices of blocks and mergings and, on a processor that has them, **products in
  float16**: see `engines.blocks.quick`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.swin.block import SwinBlock
from engines.swin.model import PatchMerging, Swin

NEIGHBORS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))


Product = Callable[[Tensor, Tensor, Tensor], Tensor]  # x wᵀ + b


def quick_forward(net: Swin, pixels: Tensor, product: Product = F.linear) -> Tensor:
    """What ``net`` computes of pixels (B, 3, h, w) that windows divide: logits.

    ``product`` makes the matrix products; `engines.blocks.quick.product` makes them in float16.
    """
    assert net.head is not None
    x, index = net.embed(pixels), 0
    for number, grid in enumerate(net.grids(pixels.shape[2], pixels.shape[3])):
        stage = net.stage(number)
        for _ in stage.blocks:
            x = _block(net.block(index), x, grid, product)
            index += 1
        if stage.merging is not None:
            x = _merged(stage.merging, x, grid, product)
    logits: Tensor = net.head(net.norm(x).mean(1))
    return logits


def _block(block: SwinBlock, x: Tensor, grid: tuple[int, int], product: Product) -> Tensor:
    cut, batch, dim, n = block.layout(grid), len(x), x.shape[-1], block.window**2
    w = torch.cat([block.q_proj.weight, block.k_proj.weight, block.v_proj.weight])
    b = torch.cat([block.q_proj.bias, block.k_proj.bias, block.v_proj.bias])
    h = block.norm1(x).index_select(1, cut.place.flatten())
    q, k, v = product(h, w, b).view(batch, -1, n, 3, block.heads, dim // block.heads).permute(3, 0, 1, 4, 2, 5)
    added = block.bias()[None]  # (1, H, n, n)
    if cut.may_attend is not None:
        added = added.masked_fill(~cut.may_attend[:, None], -math.inf)
    scores = (q * (dim // block.heads) ** -0.5) @ k.transpose(-2, -1)
    heads = ((scores + added).softmax(-1) @ v).transpose(2, 3).reshape(batch, -1, dim)
    x = x + product(heads, block.out_proj.weight, block.out_proj.bias).index_select(1, cut.back)
    inner = F.gelu(product(block.norm2(x), block.fc1.weight, block.fc1.bias))
    return x + product(inner, block.fc2.weight, block.fc2.bias)


def _merged(merging: PatchMerging, x: Tensor, grid: tuple[int, int], product: Product) -> Tensor:
    x = x.unflatten(1, grid)
    corners = torch.cat([x[:, row::2, col::2] for col in (0, 1) for row in (0, 1)], -1).flatten(1, 2)
    weight = merging.reduction.weight
    return product(merging.norm(corners), weight, weight.new_zeros(len(weight)))


@torch.no_grad()
def start(net: Swin, gain: float, generator: torch.Generator) -> None:
    """Fill ``net`` with its starting values.

    Parameters
    ----------
    net : Swin
        With a head.
    gain : float
        How sharply heads attend to their neighbor: the bias falls by so much per squared token.
    generator : torch.Generator
    """
    reach = net.config.window - 1
    steps = torch.arange(-reach, reach + 1)
    head = 0
    for index in range(net.config.blocks):
        block = net.block(index)
        for linear, scale in (
            (block.q_proj, 0.3), (block.k_proj, 0.3), (block.v_proj, 1.0), (block.out_proj, 0.5),
            (block.fc1, 1.0), (block.fc2, 0.5),
        ):  # fmt: skip
            nn.init.orthogonal_(linear.weight, scale, generator=generator)
            nn.init.zeros_(linear.bias)
        for number in range(block.heads):
            down, across = NEIGHBORS[head % len(NEIGHBORS)]
            hill = (steps[:, None] + down).square() + (steps + across).square()  # query minus key is minus the way
            block.relative_position_bias_table[:, number] = -gain * hill.flatten().clamp(max=8)
            head += 1
    for stage in range(len(net.config.depths)):
        merging = net.stage(stage).merging
        if merging is not None:
            nn.init.orthogonal_(merging.reduction.weight, generator=generator)
    weight = net.patch_embedding.weight
    nn.init.orthogonal_(weight.view(len(weight), -1), generator=generator)
    assert net.head is not None
    assert net.patch_embedding.bias is not None
    for zeros in (net.patch_embedding.bias, net.head.weight, net.head.bias):
        nn.init.zeros_(zeros)
