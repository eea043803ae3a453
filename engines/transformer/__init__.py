"""The Transformer, encoder and decoder, trained live on tasks whose alignment can be read.

Public names are loaded when first asked for, so that `engines.transformer.spec` stays free of torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.transformer.checkpoint import load_bundled as load_bundled
    from engines.transformer.decoding import beam_search as beam_search
    from engines.transformer.decoding import greedy as greedy
    from engines.transformer.model import Trace as Trace
    from engines.transformer.model import Transformer as Transformer
    from engines.transformer.switches import Switches as Switches
    from engines.transformer.training.trainer import Run as Run
    from engines.transformer.training.trainer import Trainer as Trainer

__getattr__, __dir__ = public(__name__)
