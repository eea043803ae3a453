"""Scoring functions: additive, dot-product and scaled dot-product attention on the same queries and keys.

The names below are loaded when first asked for, so that importing `engines.scoring.spec` does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.scoring.model import ConcatenatedMLP as ConcatenatedMLP
    from engines.scoring.model import additive_parts as additive_parts
    from engines.scoring.model import attend as attend
    from engines.scoring.model import dot_product_scores as dot_product_scores
    from engines.scoring.model import entropy_bits as entropy_bits

__getattr__, __dir__ = public(__name__)
