"""A graph network on patches for the topic "Mixing": L of its blocks hear of what is up to L steps away, and no more.

See `engines.blocks.mixers`.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from engines.blocks.mixers import MOST, Grid, Span
from engines.gnn.load import load_checkpoint
from engines.gnn.patchnet import PatchBlock, PatchNet


class SeenByPatchNet:
    """The patches of one photo.

    Parameters
    ----------
    net : PatchNet
    pixels : Tensor (1, 3, side, side)
    """

    @torch.no_grad()
    def __init__(self, net: PatchNet, pixels: Tensor) -> None:
        self._net = net
        x, self._grid = net.embed(pixels)
        self._edges: dict[int, Tensor] = {}
        self._entered, self._maps = [x], list[Tensor]()
        for index in range(len(net.blocks)):
            x, weights = self._through(index, self._entered[-1])
            self._entered.append(x)
            self._maps.append(weights)

    def _through(self, index: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """Patches (R, N, D) through a block, and the mean weights (N, N) of the first graph."""
        count, nodes = x.shape[:2]
        if count not in self._edges:
            self._edges = {count: self._net.edges(self._grid, count).to(x.device)}
        block = self._net.blocks[index]
        assert isinstance(block, PatchBlock)
        out, edges, weights = block(x.flatten(0, 1), self._edges[count])
        first = (edges < nodes).all(0)
        made = x.new_zeros(nodes, nodes)
        made[edges[1, first], edges[0, first]] = weights[first].mean(1)
        return out.view(x.shape), made

    def span(self, first: int, last: int) -> Span:
        """See `engines.blocks.mixers.Seen`."""

        def function(x: Tensor) -> Tensor:
            for index in range(first, last + 1):
                x, _ = self._through(index, x)
            return x

        @torch.no_grad()
        def attention() -> Tensor:
            maps = self._maps[first : last + 1]
            if len(maps) == 1:
                return maps[0]
            made = torch.eye(len(maps[0]), device=maps[0].device)
            for one in maps:  # half of each is the skip (Abnar & Zuidema 2020)
                made = (one + torch.eye(len(one), device=one.device)) @ made / 2
            return made

        grid = Grid(*self._grid)
        return Span(function, self._entered[first], grid, grid, True, attention)


class PatchMixer:
    """A graph network as a row of blocks."""

    def __init__(self, net: PatchNet) -> None:
        self._net = net
        self.blocks = len(net.blocks)

    def look(self, rgb: npt.NDArray[np.uint8]) -> SeenByPatchNet:
        """See `engines.blocks.mixers.Mixer`."""
        config = self._net.config
        side = min(config.image_size // config.patch_size, math.isqrt(MOST)) * config.patch_size
        small = np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling.BICUBIC), np.float32) / 255
        pixels = (torch.from_numpy(small) - torch.tensor(config.mean)) / torch.tensor(config.std)
        device = next(self._net.parameters()).device
        return SeenByPatchNet(self._net, pixels.permute(2, 0, 1)[None].to(device))


def load(source: str, device: str = "cpu") -> PatchMixer:
    """The net of a graph network's source."""
    return PatchMixer(load_checkpoint(source).to(torch.device(device)))
