"""Self-attention over a sentence, the positions it needs, and what it costs against convolution and recurrence.

Public names are loaded when first asked for, so that the specs stay free of torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.self_attention.model import SelfAttention as SelfAttention
    from engines.self_attention.model import learned as learned
    from engines.self_attention.model import rotate as rotate
    from engines.self_attention.sentence.engine import Engine as Engine
    from engines.self_attention.sentence.tokens import tokenize as tokenize

__getattr__, __dir__ = public(__name__)
