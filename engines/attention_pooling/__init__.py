"""Attention pooling: Nadaraya-Watson kernel regression, with a fixed bandwidth and with a learned one.

Public names are loaded when first asked for, so that `engines.attention_pooling.spec` stays free of torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.attention_pooling.learned_w.training import Trainer as Trainer
    from engines.attention_pooling.model import ParametricPooling as ParametricPooling
    from engines.attention_pooling.model import leave_one_out_error as leave_one_out_error
    from engines.attention_pooling.model import nadaraya_watson as nadaraya_watson

__getattr__, __dir__ = public(__name__)
