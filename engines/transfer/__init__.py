"""Transfer learning: a linear probe, fine-tuning and training from scratch on few labels.

The names below are loaded when first asked for, so that importing `engines.transfer.spec` does not import torch.
"""

from __future__ import annotations
