"""Swin Transformer: attention inside of windows that shift from block to block.

The names below are loaded when first asked for, so that importing `engines.swin.asking` does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.swin.block import SwinBlock as SwinBlock
    from engines.swin.layouts import attention_mask as attention_mask
    from engines.swin.layouts import relative_position_index as relative_position_index
    from engines.swin.load import load_checkpoint as load_checkpoint
    from engines.swin.measures import rollout as rollout
    from engines.swin.model import Swin as Swin
    from engines.swin.model import SwinConfig as SwinConfig

__getattr__, __dir__ = public(__name__)
