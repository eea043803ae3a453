"""ResNeSt: convolutions in splits, and attention that weighs the splits of each channel.

The names below are loaded when first asked for, so that importing `engines.resnest.asking` does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.resnest.load import load_checkpoint as load_checkpoint
    from engines.resnest.model import ResNeSt as ResNeSt
    from engines.resnest.model import ResNeStConfig as ResNeStConfig
    from engines.resnest.split_attention import SplitAttention as SplitAttention
    from engines.resnest.split_attention import radix_softmax as radix_softmax

__getattr__, __dir__ = public(__name__)
