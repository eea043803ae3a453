"""What a pretrained model must be able to do so that others can learn on its features.

Each topic that has such a model wraps it in a `Backbone`; who needs one gets it by its source from
`engines.checkpoints.backbones`, without knowing the topic.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """A model without its head: a batch of square pictures becomes one vector of numbers per picture.

    Parameters
    ----------
    width : int
        F, numbers per picture.
    sides : tuple of int
        Sides in pixels that pictures may have, rising.
    side : int
        The one to use if nobody says otherwise.
    mean, std : tuple of float
        What pixels in 0..1 are normalized with.

    Attributes
    ----------
    patch : int
        Pixels of a side of the places that `stages` tells of.
    """

    patch = 1

    def __init__(
        self, width: int, sides: tuple[int, ...], side: int, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> None:
        super().__init__()
        self.width, self.sides, self.side = width, sides, side
        self.mean, self.std = mean, std

    @abstractmethod
    def forward(self, pixels: Tensor) -> Tensor:
        """Normalized pixels (B, 3, side, side) -> features (B, F)."""

    def stages(self) -> tuple[Callable[[Tensor], Tensor], ...]:
        """Steps for pixels (B, 3, side, side) to go through one after the other: features of each place (B, F, h, w).

        A model that has no such features gives no steps.
        """
        return ()

    def maps(self, pixels: Tensor) -> Iterator[Tensor]:
        """What each place of pictures (B, 3, side, side) has become after each layer, as maps (B, F, h, w).

        F is as it is there. No norm is laid over them: what a norm leaves has the same sum over its channels whatever
        the picture. A model that has no such maps gives none.
        """
        return iter(())

    @abstractmethod
    def fresh(self, seed: int) -> Backbone:
        """The same architecture with random weights, trainable; the same seed gives the same ones."""

    def normalize(self, pictures: Tensor) -> Tensor:
        """Pictures (B, side, side, 3) uint8 -> pixels (B, 3, side, side)."""
        unit = pictures.float() / 255
        mean, std = torch.tensor(self.mean, device=unit.device), torch.tensor(self.std, device=unit.device)
        return ((unit - mean) / std).permute(0, 3, 1, 2).contiguous()

    def nearest(self, side: int) -> int:
        """The allowed side closest to ``side``."""
        return min(self.sides, key=lambda each: (abs(each - side), each))
