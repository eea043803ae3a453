"""The bundled encoder without its head, for those who learn on its features."""

from __future__ import annotations

import torch
from torch import Tensor

from engines.blocks.backbone import Backbone
from engines.core.errors import LabError
from engines.moco.load import load_encoder
from engines.moco.model import Encoder
from engines.moco.saved import bundled


class MoCoBackbone(Backbone):
    """What an encoder hands on before the head whose output is compared.

    Parameters
    ----------
    encoder : Encoder
    sizes : dict
        What it was made with, so that another one can be made.
    side : int
        Pixels a side of the pictures it was trained on.
    mean, std : tuple of float
    """

    def __init__(
        self, encoder: Encoder, sizes: dict[str, object], side: int, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> None:
        super().__init__(encoder.out_features, (side,), side, mean, std)
        self._sizes = sizes
        self.backbone, self.lift = encoder.backbone, encoder.lift

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, side, side) -> features (B, F)."""
        found: Tensor = self.lift(self.backbone(pixels)).mean((2, 3))
        return found

    def fresh(self, seed: int) -> MoCoBackbone:
        """The same network as it is before any training."""
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            made = Encoder(**self._sizes)  # type: ignore[arg-type]  # as they stand on the card
        return MoCoBackbone(made, self._sizes, self.side, self.mean, self.std)


def load(source: str) -> MoCoBackbone:
    """The bundled encoder; frozen, in eval mode.

    Raises
    ------
    LabError
        If this copy has no bundled weights.
    """
    if not bundled():
        raise LabError("{name}: the file is missing.", name=source)
    encoder = load_encoder()
    config = encoder.card["config"]
    sizes = {name: config[name] for name in ("widths", "blocks", "features", "dim", "mlp")}
    made = MoCoBackbone(encoder, sizes, encoder.side, tuple(config["mean"]), tuple(config["std"]))
    return made.eval().requires_grad_(False)
