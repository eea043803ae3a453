"""A sheet of paper about a page: its name, its cards with their formulas, and the settings that made them.

Cards are drawn, not rastered, as large as the paper allows. Paper is white: they wear the light theme for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QMarginsF, QPoint, QRectF, Qt
from PySide6.QtGui import QPageLayout, QPageSize, QPainter, QPalette, QPdfWriter
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from app import stylesheet, theme
from app.export import settings_of, settings_text
from app.figure import INCH, buffer, caption_of
from app.saving import Filling
from app.theme import CAPTION, S2, TITLE, TOKENS

EDGE = 12.0  #: mm, margin of the paper
PX = 0.28  #: mm a pixel of title and caption takes on paper


def sheet(centre: QWidget, title: str) -> Filling:
    """A copy of a page's cards as an A4 sheet in PDF, made now; what is returned writes it, on any thread.

    Parameters
    ----------
    centre : QWidget
    title : str
        In the language in use.
    """
    store, device = buffer()
    made = QPdfWriter(device)
    wide = centre.width() >= centre.height()
    turned = QPageLayout.Orientation.Landscape if wide else QPageLayout.Orientation.Portrait
    edges = QMarginsF(EDGE, EDGE, EDGE, EDGE)
    made.setPageLayout(QPageLayout(QPageSize(QPageSize.PageSizeId.A4), turned, edges, QPageLayout.Unit.Millimeter))
    made.setResolution(round(INCH / PX))  # a dot is a pixel: what Qt draws in dots, as the lines of plots, is seen
    made.setCreator("Attention Lab")
    made.setTitle(f"{title}; {settings_text(settings_of(centre))}")
    with _light(centre), QPainter(made) as painter:
        scale = PX / INCH * made.resolution()
        painter.scale(scale, scale)
        _paint(painter, QRectF(0, 0, made.width() / scale, made.height() / scale), centre, title)
    painted = bytes(store.data())
    return lambda out: out.write(painted)


@contextmanager
def _light(centre: QWidget) -> Iterator[None]:
    """The page in the light theme; nothing of it is seen on screen."""
    if theme.name() == "light":
        yield
        return
    with theme.borrowed("light"):
        centre.setStyleSheet(stylesheet.sheet(TOKENS["light"]))
        filled = [centre, *(one.viewport() for one in centre.findChildren(QAbstractScrollArea))]
        for one in filled:
            one.setPalette(theme.palette())
        theme.restyle(centre)
        yield
    for one in filled:
        one.setPalette(QPalette())  # that of the application again
    centre.setStyleSheet("")
    theme.restyle(centre)


def _paint(painter: QPainter, paper: QRectF, centre: QWidget, title: str) -> None:
    """Title above, settings below, and the cards in the room between."""
    wrapped = int(Qt.TextFlag.TextWordWrap)
    caption = caption_of(centre)
    painter.setFont(theme.font(CAPTION))
    words = painter.boundingRect(paper, wrapped, caption)
    painter.setPen(theme.color("ink"))
    words.moveBottom(paper.bottom())
    painter.drawText(words, wrapped, caption)
    painter.setFont(theme.font(TITLE, bold=True))
    head = painter.boundingRect(paper, wrapped, title)
    painter.drawText(head, wrapped, title)
    room = paper.adjusted(0, head.height() + S2, 0, -words.height() - S2)
    scale = min(room.width() / centre.width(), room.height() / centre.height())
    painter.translate(room.left() + (room.width() - scale * centre.width()) / 2, room.top())
    painter.scale(scale, scale)
    painter.fillRect(centre.rect(), theme.color("window"))
    QWidget.render(centre, painter, QPoint(0, 0))
