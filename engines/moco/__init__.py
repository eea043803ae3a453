"""Contrastive learning with a queue: MoCo v1 and v2, and what the paper compares it with.

Public names are loaded when first asked for, so that `engines.moco.spec` stays free of torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.moco.load import load_encoder as load_encoder
    from engines.moco.model import Encoder as Encoder
    from engines.moco.model import MoCo as MoCo
    from engines.moco.model import info_nce as info_nce
    from engines.moco.test.tuning import Tuner as Tuner
    from engines.moco.training import Trainer as Trainer
    from engines.moco.two_views.engine import Engine as Engine

__getattr__, __dir__ = public(__name__)
