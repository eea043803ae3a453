"""Pieces that draw numpy arrays and know no topic."""

import pyqtgraph  # noqa: F401 - loaded here, so that the colors can be set before the first view is made

from app import theme

theme.set_up_plots()
