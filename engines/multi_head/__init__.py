"""Multi-head attention: one input through h heads of the same total width, and a task that needs two of them.

Public names are loaded when first asked for, so that the specs stay free of torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.blocks.attention import MultiHeadAttention as MultiHeadAttention
    from engines.multi_head.heads.engine import Engine as Engine
    from engines.multi_head.measures import map_agreement as map_agreement
    from engines.multi_head.measures import output_agreement as output_agreement
    from engines.multi_head.training.train import Trainer as Trainer

__getattr__, __dir__ = public(__name__)
