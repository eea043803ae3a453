"""RT-DETR: detection as a set, in real time (Zhao et al. 2024).

Public names are loaded when first asked for, so that the spec stays free of torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.blocks.varifocal import varifocal_loss as varifocal_loss
    from engines.rt_detr.checkpoint import load_checkpoint as load_checkpoint
    from engines.rt_detr.deformable import deformable_attention as deformable_attention
    from engines.rt_detr.matcher import HungarianMatcher as HungarianMatcher
    from engines.rt_detr.model import RtDetr as RtDetr

__getattr__, __dir__ = public(__name__)
