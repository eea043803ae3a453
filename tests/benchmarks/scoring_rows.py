"""Which slider of this topic the row "foundations" drags."""

from tests.benchmarks.foundation_rows import Drag

DRAGGED = Drag("engines.scoring.compare.engine", "temperature", 0.5, 2.0)
