"""Transfer learning: a linear probe, fine-tuning and training from scratch on few labels.

The names below are loaded when first asked for, so that importing `engines.transfer.spec` does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.transfer.engine import Engine as Engine
    from engines.transfer.learn.training import Trainer as Trainer
    from engines.transfer.probe import load_probe as load_probe
    from engines.transfer.probe import save_probe as save_probe

__getattr__, __dir__ = public(__name__)
