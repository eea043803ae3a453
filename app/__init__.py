"""All of Qt: the window, its views and its tabs."""

__version__ = "0.1.0"
