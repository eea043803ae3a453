"""pyqtgraph's classes as a type checker may see them: as Qt's, which they extend. pyqtgraph brings no types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg

if TYPE_CHECKING:
    from PySide6.QtWidgets import QGraphicsObject as GraphicsObject
    from PySide6.QtWidgets import QGraphicsView as GraphicsView
else:
    GraphicsObject, GraphicsView = pg.GraphicsObject, pg.GraphicsView

__all__ = ["GraphicsObject", "GraphicsView"]
