"""Which slider of this topic the row "foundations" drags."""

from tests.benchmarks.foundation_rows import Drag

DRAGGED = Drag("engines.attention_pooling.kernel_regression.engine", "bandwidth", 0.3, 3.0)
