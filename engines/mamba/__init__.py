"""Mamba: selective state spaces, beside attention.

The names below are loaded when first asked for, so that importing `engines.mamba.events` does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.mamba.block import MambaBlock as MambaBlock
    from engines.mamba.hidden import implicit_attention as implicit_attention
    from engines.mamba.load import load_checkpoint as load_checkpoint
    from engines.mamba.model import Mamba as Mamba
    from engines.mamba.model import MambaConfig as MambaConfig
    from engines.mamba.scan import selective_scan as selective_scan
    from engines.mamba.steps import discretize as discretize

__getattr__, __dir__ = public(__name__)
