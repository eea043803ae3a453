"""How `mini-vit` learns quickly. All of this is training only: the result is a standard ViT.

* **A convolution as the starting point** (Trockman & Kolter 2023, "Mimetic initialization"; Zheng et al. 2024,
  "Structured initialization"): position embeddings start as 2-D Fourier features, and the query and key maps of the
  first layers as rotations of these, so that each head begins by looking at one neighbor of its patch.
* **Whitened patches** (Coates & Ng 2012): the patch embedding starts as a PCA whitening of patches.
* **Muon** (Jordan et al. 2024) for the matrices inside the blocks.
* **Products in float16**, accumulated in float32: processors with AVX512-FP16 do them about 1.6 times as fast.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.quick import product
from engines.vit.model import ViT

PLACE = 32  # numbers of a Fourier feature; also the width of a head


def quick_forward(net: ViT, patches: Tensor, places: Tensor) -> Tensor:
    """What ``net`` computes, for any subset of patches.

    Parameters
    ----------
    net : ViT
    patches : Tensor (B, n, 3 p²)
    places : Tensor of int (B, n)
        Where in the whole grid each patch lies.

    Returns
    -------
    Tensor (B, classes)
    """
    assert net.head is not None
    batch, n = patches.shape[:2]
    position = net.position_embedding[0]
    x = F.linear(patches, net.patch_embedding.weight.flatten(1), net.patch_embedding.bias) + position[1:][places]
    x = torch.cat([(net.class_token + position[:1]).expand(batch, -1, -1), x], 1)  # (B, 1 + n, D)
    for index in range(net.config.layers):
        block = net.block(index)
        a = block.attention
        w = torch.cat([a.q_proj.weight, a.k_proj.weight, a.v_proj.weight])
        b = torch.cat([a.q_proj.bias, a.k_proj.bias, a.v_proj.bias])
        q, k, v = product(block.norm1(x), w, b).view(batch, n + 1, 3, a.num_heads, -1).permute(2, 0, 3, 1, 4)
        weights = ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(-1)  # (B, H, 1 + n, 1 + n)
        x = x + product((weights @ v).transpose(1, 2).flatten(2), a.out_proj.weight, a.out_proj.bias)
        inner = F.gelu(product(block.norm2(x), block.fc1.weight, block.fc1.bias))
        x = x + product(inner, block.fc2.weight, block.fc2.bias)
    logits: Tensor = net.head(net.norm(x[:, 0]))
    return logits


def to_patches(pixels: Tensor, side: int) -> Tensor:
    """(B, h, w, 3) -> (B, n, 3 side²), each in the order of a convolution's weights."""
    batch, h, w, _ = pixels.shape
    x = pixels.view(batch, h // side, side, w // side, side, 3)
    return x.permute(0, 1, 3, 5, 2, 4).reshape(batch, -1, 3 * side * side)


def fourier_places(grid: int) -> Tensor:
    """(grid², 4 grid): features of row and column; those of different rows (columns) are orthogonal."""
    frequencies = (torch.arange(grid) + 0.5) * (math.pi / grid)
    angle = torch.arange(grid)[:, None] * frequencies
    axis = torch.stack([angle.cos(), angle.sin()], -1).flatten(1)  # (grid, 2 grid)
    both = torch.cat([axis[:, None].expand(-1, grid, -1), axis[None].expand(grid, -1, -1)], -1)
    return both.flatten(0, 1)


def rotation(rows: int, cols: int, grid: int) -> Tensor:
    """(4 grid, 4 grid): turns the features of a place into those of the place so many rows and columns away."""
    angles = [step * (f + 0.5) * math.pi / grid for step in (rows, cols) for f in range(grid)]
    return torch.block_diag(*[torch.tensor([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]]) for a in angles])


NEIGHBORS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))


@torch.no_grad()
def start(net: ViT, patches: Tensor, structured: int, gain: float) -> None:
    """Fill ``net`` with its starting values.

    Parameters
    ----------
    net : ViT
        With an 8 × 8 grid and heads of width 32, so that a head can hold a whole place.
    patches : Tensor (M, 3 p²)
        Samples to whiten with.
    structured : int
        So many first layers start with each head at a neighbor; the others at random.
    gain : float
        How sharply: the softmax sees about 6 gain² more for the neighbor than for the others.

    Raises
    ------
    ValueError
        If grid or heads have other sizes.
    """
    width, grid = net.config.width, net.grid
    if 4 * grid != PLACE or width // net.config.heads != PLACE:
        raise ValueError("the starting point is made for a grid of 8 × 8 patches and heads of width 32")
    content = width - PLACE  # channels for what a patch shows; the rest say where it is
    centered = patches - patches.mean(0)
    sizes, directions = torch.linalg.eigh(centered.T @ centered / len(patches))
    mix = torch.linalg.qr(torch.randn(content, patches.shape[1]))[0] * math.sqrt(content / patches.shape[1])
    weight = torch.zeros(width, patches.shape[1])
    weight[:content] = mix @ (directions / (sizes + 1e-2).sqrt()).T
    net.patch_embedding.weight.copy_(weight.view_as(net.patch_embedding.weight))
    assert net.patch_embedding.bias is not None
    net.patch_embedding.bias.copy_(-(weight @ patches.mean(0)))
    net.position_embedding.zero_()
    net.position_embedding[0, 1:, content:] = fourier_places(grid) * math.sqrt(2) * 1.6
    nn.init.normal_(net.class_token[..., :content], std=0.5)
    for index in range(net.config.layers):
        block = net.block(index)
        a = block.attention
        for linear, scale in (
            (a.q_proj, 0.5),
            (a.k_proj, 0.5),
            (a.v_proj, 1.0),
            (a.out_proj, 0.5),
            (block.fc1, 1.0),
            (block.fc2, 0.5),
        ):
            nn.init.orthogonal_(linear.weight, scale)
            nn.init.zeros_(linear.bias)
        for head in range(net.config.heads if index < structured else 0):
            offset = NEIGHBORS[(index * net.config.heads + head) % len(NEIGHBORS)]
            rows = slice(head * PLACE, (head + 1) * PLACE)
            for linear, sight in ((a.q_proj, rotation(*offset, grid)), (a.k_proj, torch.eye(PLACE))):
                linear.weight[rows] *= 0.2
                linear.weight[rows, content:] = gain * sight
    assert net.head is not None
    nn.init.zeros_(net.head.weight)
    nn.init.zeros_(net.head.bias)
