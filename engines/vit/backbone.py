"""A ViT without its head, for those who learn on its features."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn

from engines.blocks.backbone import Backbone
from engines.vit.load import load_checkpoint
from engines.vit.model import ViT

_MOST = 224  # pixels; more costs more than it brings here
_USUAL = 112


class ViTBackbone(Backbone):
    """The class token of a ViT after the final norm.

    Parameters
    ----------
    net : ViT
        Becomes the wrapper's own, and loses its head.
    """

    def __init__(self, net: ViT) -> None:
        config = net.config
        sides: tuple[int, ...] = (config.image_size,)
        if config.resizable and config.image_size > _MOST // 2:
            patch = config.patch_size
            sides = tuple(range(4 * patch, min(_MOST, config.image_size) + 1, patch))
        usual = min(sides, key=lambda side: abs(side - _USUAL))
        super().__init__(config.width, sides, usual, config.mean, config.std)
        net.head = net.distillation_head = None
        self.net, self.patch = net, config.patch_size

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, side, side) -> class tokens (B, D); of the last layer nothing else is computed."""
        net, last = self.net, self.net.config.layers - 1
        x = net.embed(pixels)
        for index in range(last + 1):
            x, _ = net.block(index)(x, first=1 if index == last else None)
        tokens: Tensor = net.norm(x)
        return tokens[:, 0]

    def stages(self) -> tuple[Callable[[Tensor], Tensor], ...]:
        """Embedding, one step for each layer, and the patches after the final norm as a map (B, D, side, side)."""
        blocks = (partial(self._through, index) for index in range(self.net.config.layers))
        return self.net.embed, *blocks, self._map

    def _through(self, index: int, x: Tensor) -> Tensor:
        return self.net.block(index)(x)[0]

    def maps(self, pixels: Tensor) -> Iterator[Tensor]:
        """The patch tokens that leave each layer, (B, D, rows, cols)."""
        x = self.net.embed(pixels)
        for index in range(self.net.config.layers):
            x = self._through(index, x)
            yield self._on_grid(x)

    def _map(self, x: Tensor) -> Tensor:
        normed: Tensor = self.net.norm(x)
        return self._on_grid(normed)

    def _on_grid(self, x: Tensor) -> Tensor:
        """Tokens (B, N, D) -> those of the patches as a map (B, D, rows, cols)."""
        patches = x[:, self.net.config.prefix :]
        side = math.isqrt(patches.shape[1])  # pictures are square here
        return patches.transpose(1, 2).unflatten(-1, (side, side))

    def fresh(self, seed: int) -> ViTBackbone:
        """Truncated normal weights that keep the size of what goes through (1 / √inputs), zero biases."""
        generator = torch.Generator().manual_seed(seed)
        net = ViT(self.net.config)
        for module in net.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.trunc_normal_(module.weight, std=module.weight[0].numel() ** -0.5, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for tokens in (net.class_token, net.position_embedding, net.distillation_token):
            if tokens is not None:
                nn.init.trunc_normal_(tokens, std=0.02, generator=generator)
        for layer in range(net.config.layers):
            block = net.block(layer)
            for scale in (block.scale1, block.scale2):
                if scale is not None:
                    nn.init.constant_(scale, 0.1)  # 1 would do too; DINOv2's own 1e-5 learns nothing in a few steps
        return ViTBackbone(net)


def load(source: str) -> ViTBackbone:
    """The backbone of a ViT's source; frozen, in eval mode."""
    return ViTBackbone(load_checkpoint(source)).eval()
