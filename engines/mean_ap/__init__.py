"""Mean average precision, taken apart (Everingham et al. 2010; Lin et al. 2014).

Public names are loaded when first asked for, as in the other topics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.core.lazy import public

if TYPE_CHECKING:
    from engines.blocks.average_precision import Evaluation as Evaluation
    from engines.blocks.average_precision import evaluate as evaluate
    from engines.mean_ap.engine import Engine as Engine

__getattr__, __dir__ = public(__name__)
