"""Who mixes with whom: ‖∂y_i / ∂x_j‖ of blocks of any net that a topic offers, two nets side by side on one photo.

The names below are loaded when first asked for, so that importing `engines.mixing.spec` does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.blocks.mixing import mixing_matrix as mixing_matrix
    from engines.mixing.nets import load as load

__getattr__, __dir__ = public(__name__)
