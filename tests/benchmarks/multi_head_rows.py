"""Which slider of this topic the row "foundations" drags."""

from tests.benchmarks.foundation_rows import Drag

DRAGGED = Drag("engines.multi_head.heads.engine", "temperature", 0.4, 2.0)
