"""Vision Transformer: attention of ViT, DeiT, DINO and DINOv2 on a photo.

The names below are loaded when first asked for, so that importing `engines.vit.spec` does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.vit.load import load_checkpoint as load_checkpoint
    from engines.vit.measures import rollout as rollout
    from engines.vit.model import ViT as ViT
    from engines.vit.model import ViTConfig as ViTConfig

__getattr__, __dir__ = public(__name__)
