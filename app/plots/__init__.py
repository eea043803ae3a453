"""Live plots: everything that shows data is a pyqtgraph item in a pyqtgraph view. Knows no topic.

What pyqtgraph has is used as it is; what it lacks is one `GraphicsObject` that draws many things at once.
"""

import pyqtgraph  # noqa: F401 - so that it hears of the colors before the first plot is made

from app import theme

theme.set_up_plots()
