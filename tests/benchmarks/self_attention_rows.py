"""Which slider of this topic the row "foundations" drags."""

from tests.benchmarks.foundation_rows import Drag

DRAGGED = Drag("engines.self_attention.sentence.engine", "temperature", 0.5, 2.0)
