"""DETR: detection as a set (Carion et al. 2020).

Public names are loaded when first asked for, so that the spec stays free of torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.blocks.matcher import HungarianMatcher as HungarianMatcher
    from engines.blocks.suppression import non_max_suppression as non_max_suppression
    from engines.blocks.suppression import soft_non_max_suppression as soft_non_max_suppression
    from engines.detr.checkpoint import load_checkpoint as load_checkpoint
    from engines.detr.engine import Engine as Engine
    from engines.detr.matching.loss import SetCriterion as SetCriterion
    from engines.detr.model import Detr as Detr
    from engines.detr.model import DetrConfig as DetrConfig

__getattr__, __dir__ = public(__name__)
