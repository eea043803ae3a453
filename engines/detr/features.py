"""The features of a frozen ViT in the place of a DETR's backbone: of any model that another topic offers.

The patch tokens after the last norm are the feature map. The ViT itself is no part of the DETR: it stands in no
``state_dict``, is never trained, and is loaded when it is first used. Self-supervised ViTs tell objects from their
surroundings without having been shown a box (Caron et al. 2021; Oquab et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from engines.blocks.backbone import Backbone
from engines.checkpoints import backbones, catalog
from engines.core.errors import LabError
from engines.detr.config import FEATURES, BackboneConfig
from engines.detr.preprocess import IMAGENET_MEAN, IMAGENET_STD


class FrozenFeatures(nn.Module):
    """A backbone for `engines.detr.model.Detr`.

    Parameters
    ----------
    config : BackboneConfig
        ``widths`` are the features of a place, ``stem`` the pixels of its side, ``source`` the model.
    net : Backbone, optional
        The model, if it is at hand.
    """

    def __init__(self, config: BackboneConfig, net: Backbone | None = None) -> None:
        super().__init__()
        self.out_channels, self.stride = config.widths[0], config.stem
        self._source, self._sha256 = config.source, config.sha256
        self._net: tuple[Backbone, ...] = (
            () if net is None else (net,)
        )  # in a tuple: a part of this module would be saved with it

    @property
    def net(self) -> Backbone:
        """The frozen model.

        Raises
        ------
        LabError
            If it is not on this machine, or is another one than this DETR has learned on.
        """
        if not self._net:
            title = catalog.describe(self._source).title
            if catalog.fingerprint(self._source) != self._sha256:
                raise LabError(
                    "The weights of {name} are not those that this DETR was trained on the features of.", name=title
                )
            with torch.device("cpu"):  # whoever builds a model without numbers wants this one with them
                self._net = (frozen(self._source),)
        return self._net[0]

    def begin(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, H, W), normalized as for ImageNet, as the model wants them."""
        net = self.net.to(pixels.device)
        mean, std, own_mean, own_std = (
            torch.tensor(values, device=pixels.device).view(1, 3, 1, 1)
            for values in (IMAGENET_MEAN, IMAGENET_STD, net.mean, net.std)
        )
        return pixels if net.mean == IMAGENET_MEAN and net.std == IMAGENET_STD else (
            (pixels * std + mean - own_mean) / own_std
        )  # fmt: skip

    def steps(self) -> Sequence[Callable[[Tensor], Tensor]]:
        """What the pixels go through, one after the other."""
        return self.net.stages()

    def forward(self, pixels: Tensor) -> Tensor:
        """Normalized pixels (B, 3, H, W) -> features (B, F, h, w)."""
        x = self.begin(pixels)
        for step in self.steps():
            x = step(x)
        return x


def frozen(source: str) -> Backbone:
    """A model with a feature map.

    Raises
    ------
    LabError
        If it is not here, or has no feature map.
    """
    net = backbones.load(source, backbones.MAP)
    return net.eval().requires_grad_(False)


def described(source: str, net: Backbone) -> BackboneConfig:
    """How a DETR on these features is saved."""
    return BackboneConfig(FEATURES, (net.width,), (0,), net.patch, source, catalog.fingerprint(source))
