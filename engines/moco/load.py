"""The bundled encoder, trained without labels on CIFAR-10: for this topic's own pages and as a backbone for others.

encoder = load_encoder()
features = encoder.features(encoder.prepare(pixels))  # uint8 (B, 3, H, W) -> (B, 256)
"""

from __future__ import annotations

from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from engines.checkpoints import layout
from engines.checkpoints.catalog import WEIGHTS
from engines.moco.model import Encoder
from engines.moco.spec import NAME


class Pretrained(Encoder):
    """An `Encoder` that knows its card.

    Attributes
    ----------
    card : dict
        What ``assets/weights/moco-cifar10.json`` says.
    side : int
        Pixels a side of the pictures it was trained on.
    """

    def __init__(self, card: dict[str, Any]) -> None:
        sizes = {name: card["config"][name] for name in ("widths", "blocks", "features", "dim", "mlp")}
        super().__init__(**sizes)
        self.card, self.side = card, int(card["config"]["image_size"])
        self._mean, self._std = (torch.tensor(card["config"][name])[:, None, None] for name in ("mean", "std"))

    def prepare(self, pixels: Tensor) -> Tensor:
        """uint8 (B, 3, H, W) -> float (B, 3, 32, 32), resized with anti-aliasing and normalized."""
        found = pixels.float()
        if found.shape[-2:] != (self.side, self.side):
            size = (self.side, self.side)
            found = F.interpolate(found, size, mode="bicubic", antialias=True).clamp(0, 255)
        found = (found / 255 - self._mean) / self._std
        return found.contiguous(memory_format=torch.channels_last)


def load_encoder() -> Pretrained:
    """The bundled encoder, in eval mode, without gradients.

    Raises
    ------
    FileNotFoundError
        If this copy has no bundled weights.
    """
    card = layout.read_json(WEIGHTS / f"{NAME}.json")
    made = Pretrained(card)
    made.load_state_dict(load_file(WEIGHTS / f"{NAME}.safetensors"))
    return made.requires_grad_(False).eval()
