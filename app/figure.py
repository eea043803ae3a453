"""A figure for a paper: a view at a width in mm, in either theme, with its color bars and a caption of its settings.

A plot or map is laid out anew for its size on paper, so that its words are as large there whatever the window is like;
a list is drawn as it stands.

PNG has the pixels that width and resolution ask for; SVG and PDF are drawn, not rastered, but for what is an image on
screen. Texts of an SVG are outlines, those of a PDF carry their fonts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import pyqtgraph as pg
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QPoint, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QPageLayout, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QGraphicsView, QWidget

from app import theme, words
from app.export import PROGRAM, png, settings_of, settings_text
from app.outlines import outlined
from app.plots.view import View
from app.saving import Filling
from app.theme import CAPTION, S2
from app.waiting import DRIVEN
from engines.core.params import Choice, Params, Range, Switch, rules
from engines.core.pictures import Picture

KINDS = (".png", ".svg", ".pdf")
INCH = 25.4  #: mm
NARROWEST, WIDEST = 30.0, 400.0  #: mm
COARSEST, FINEST = 72, 1200  #: dpi
FINE = 1200  #: dpi to which places in an SVG are rounded
MANY = 2000  #: points of a plot that are painted one by one, which takes some 10 ms
MOST_PIXELS = 20_000_000  #: they are painted in the window's thread, in less than a quarter of a second
PX = 0.24  #: mm a pixel takes on paper: captions of 11 px are set in 7.5 points
HASHED = 12  #: digits of the hash of the weights that a caption names
GAP = S2  #: px between view, bars and caption, and around all


@runtime_checkable
class Captioned(Protocol):
    """What a page says of itself in a caption; see `app.topic.page.Page`."""

    def captioned(self) -> list[str]:
        """The settings to name."""

    def caption(self) -> Iterable[words.Text]:
        """What stands beside them."""


@dataclass(frozen=True)
class Figure:
    """What is asked for.

    Attributes
    ----------
    width : float
        Of the whole, in mm: 85 is a column of most journals, 174 a page.
    dpi : int
        Resolution of a PNG.
    look : str
        Theme it is drawn in.
    caption, bars : bool
        Whether the settings are written below, and whether the color bars of the view come along.
    aspect : float
        Height of the view over its width; 0 is that on screen.
    """

    width: float = 85.0
    dpi: int = 300
    look: str = "light"
    caption: bool = True
    bars: bool = True
    aspect: float = 0.0


def bars_of(view: QWidget) -> list[QWidget]:
    """The color bars in sight that belong to a view."""
    return [bar for bar in getattr(view, "color_bars", ()) if not bar.isHidden()]


def caption_of(view: QWidget) -> str:
    """The settings as a sentence of names and values, in the language in use.

    Then what was done to the model without a control of the dock, and at its end what made the figure.
    """
    said: list[str] = []
    above: QWidget | None = view
    while above is not None:
        params = getattr(above, "params", None)
        if isinstance(params, Params):
            names = above.captioned() if isinstance(above, Captioned) else list(rules(params))
            shown = (
                (name, rule)
                for name, rule in rules(params).items()
                if rule.label and name in names and name not in DRIVEN
            )
            said = [f"{words.tr(rule.label)} {_said(params, name, rule)}" for name, rule in shown]
            said += [words.tr(text) for text in above.caption()] if isinstance(above, Captioned) else []
            break
        above = above.parentWidget()
    return "; ".join([*said, *_made_with(settings_of(view))])


def _made_with(settings: Mapping[str, object]) -> Iterator[str]:
    """Picture, model, the beginning of its weights' hash, and the program."""
    picture = settings.get("picture")
    if isinstance(picture, str | Picture):
        yield words.tr("Picture: {name}", name=picture if isinstance(picture, str) else picture.name)
    name = str(settings.get("title") or settings.get("model") or "")
    if name:
        yield words.tr("Model: {name}", name=words.tr(words.known(name)))
    if settings.get("sha256"):
        yield f"SHA-256 {str(settings['sha256'])[:HASHED]}"
    yield PROGRAM


def _said(params: Params, name: str, rule: Range | Choice | Switch) -> str:
    value = getattr(params, name)
    match rule:
        case Range():
            shown = value * 100 if rule.percent else value
            unit = "%" if rule.percent else words.tr(rule.unit) if rule.unit else ""
            return f"{words.number(shown, rule.digits)} {unit}".strip()
        case Switch():
            return words.tr("on" if value else "off")
        case Choice():
            return words.tr(value)


@contextmanager
def lent(look: str, *widgets: QWidget) -> Iterator[None]:
    """Widgets in another theme, for painting them; nothing of it is seen on screen."""
    if look == theme.name():
        yield
        return
    with theme.borrowed(look):
        _restyled(widgets)
        yield
    _restyled(widgets)


def size_of(view: QWidget, figure: Figure) -> QSize:
    """How large a view is laid out for paper, px; never smaller than it can be."""
    if not isinstance(view, View) or view.is_list:
        return view.size()
    wide = max(view.minimumWidth(), min(view.maximumWidth(), round(figure.width / PX) - 2 * GAP))
    high = round(wide * (figure.aspect or view.height() / max(1, view.width())))
    return QSize(wide, max(view.minimumHeight(), min(view.maximumHeight(), high)))


@contextmanager
def laid_out(sizes: Mapping[QWidget, QSize]) -> Iterator[None]:
    """Widgets in other sizes, for painting them; nothing of it is seen on screen."""
    before = {widget: widget.geometry() for widget in sizes}
    for widget, size in sizes.items():
        widget.resize(size)
    try:
        yield
    finally:
        for widget, place in before.items():
            widget.setGeometry(place)


@contextmanager
def as_shapes(widgets: Iterable[QWidget]) -> Iterator[None]:
    """Dots of plots as shapes, no paper below them as a picture, and pictures as they are, not as JPEG.

    On screen dots and paper are copies, in its pixels.
    """
    views = [widget for widget in widgets if isinstance(widget, QGraphicsView)]
    kept = [(view.cacheMode(), view.renderHints()) for view in views]
    for view in views:
        view.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)
        view.setRenderHint(QPainter.RenderHint.LosslessImageRendering)
    items = [item for view in views if view.scene() is not None for item in view.scene().items()]
    dots = [item for item in items if isinstance(item, pg.ScatterPlotItem) and len(item.data) <= MANY]
    for each in dots:
        each.setExportMode(True, {"antialias": True})
    try:
        yield
    finally:
        for each in dots:
            each.setExportMode(False)
        for view, (mode, hints) in zip(views, kept, strict=True):
            view.setCacheMode(mode)
            view.setRenderHints(hints)


def _restyled(widgets: tuple[QWidget, ...]) -> None:
    for widget in widgets:
        told = getattr(widget, "restyled", None)
        if callable(told):
            told()


class Sheet:
    """A view with what belongs to it, placed on paper; all in logical pixels of the view.

    Parameters
    ----------
    view : QWidget
    figure : Figure

    Attributes
    ----------
    sizes : dict of QWidget to QSize
        What is painted, and how large.
    """

    def __init__(self, view: QWidget, figure: Figure) -> None:
        self._view = view
        self._bars = bars_of(view) if figure.bars else []
        self._caption = caption_of(view) if figure.caption else ""
        size = size_of(view, figure)
        wide, y = size.width(), GAP + size.height()
        self.sizes: dict[QWidget, QSize] = {view: size}
        self._places: list[QPoint] = []
        for bar in self._bars:
            self.sizes[bar] = QSize(max(bar.minimumWidth(), min(bar.width(), wide)), bar.height())
            self._places.append(QPoint(GAP, y + GAP))
            y += GAP + bar.height()
        self._words = QRectF(GAP, y + GAP, wide, 0)
        if self._caption:
            self._words.setHeight(self._high(wide))
            y = round(self._words.bottom())
        self.size = QSize(wide + 2 * GAP, y + GAP)

    def _high(self, wide: int) -> float:
        """Height of the caption, px."""
        image = QImage(1, 1, QImage.Format.Format_RGB32)
        with QPainter(image) as painter:
            painter.setFont(theme.font(CAPTION))
            place = QRectF(0, 0, wide, 10_000)
            return painter.boundingRect(place, int(Qt.TextFlag.TextWordWrap), self._caption).height()

    def paint(self, painter: QPainter) -> None:
        """Draw all of it."""
        painter.fillRect(QRect(QPoint(0, 0), self.size), theme.color("surface"))
        for widget, place in ((self._view, QPoint(GAP, GAP)), *zip(self._bars, self._places, strict=True)):
            painter.save()
            painter.translate(place)
            QWidget.render(widget, painter, QPoint(0, 0))
            painter.restore()
        if self._caption:
            painter.setFont(theme.font(CAPTION))
            painter.setPen(theme.color("text2"))
            painter.drawText(self._words, int(Qt.TextFlag.TextWordWrap), self._caption)


def taken(view: QWidget, figure: Figure, kind: str) -> Filling:
    """A copy of a view as a figure, made now; what is returned writes it, on any thread.

    Parameters
    ----------
    view : QWidget
    figure : Figure
    kind : str
        One of `KINDS`.
    """
    sheet = Sheet(view, figure)
    with laid_out(sheet.sizes), lent(figure.look, *sheet.sizes), as_shapes(sheet.sizes):
        return MAKERS[kind](sheet, figure, settings_text(settings_of(view)))


def pixels(view: QWidget, figure: Figure) -> QSize:
    """Size of the PNG, px; no more than `MOST_PIXELS` in all."""
    return _pixels(Sheet(view, figure), figure)


def _pixels(sheet: Sheet, figure: Figure) -> QSize:
    wide = figure.width / INCH * figure.dpi
    high = wide * sheet.size.height() / sheet.size.width()
    shrink = min(1.0, (MOST_PIXELS / (wide * high)) ** 0.5)
    return QSize(max(1, round(wide * shrink)), max(1, round(high * shrink)))


def _png(sheet: Sheet, figure: Figure, settings: str) -> Filling:
    size = _pixels(sheet, figure)
    image = QImage(size, QImage.Format.Format_RGB32)
    per_m = round(1000 * size.width() / figure.width)
    image.setDotsPerMeterX(per_m)
    image.setDotsPerMeterY(per_m)
    image.setText("settings", settings)
    with QPainter(image) as painter:
        painter.scale(size.width() / sheet.size.width(), size.height() / sheet.size.height())
        sheet.paint(painter)
    return lambda out: out.write(png(image))


def _svg(sheet: Sheet, figure: Figure, settings: str) -> Filling:
    store, device = buffer()
    made = QSvgGenerator()
    made.setOutputDevice(device)
    scale = figure.width / INCH * FINE / sheet.size.width()
    made.setResolution(FINE)
    made.setSize(QSize(round(sheet.size.width() * scale), round(sheet.size.height() * scale)))
    made.setViewBox(QRect(QPoint(0, 0), sheet.size))
    made.setDescription(settings)
    with QPainter(made) as painter:
        sheet.paint(painter)
    painted = bytes(store.data())
    return lambda out: out.write(outlined(painted))


def _pdf(sheet: Sheet, figure: Figure, settings: str) -> Filling:
    store, device = buffer()
    made = QPdfWriter(device)
    high = figure.width * sheet.size.height() / sheet.size.width()
    page = QPageSize(QSizeF(figure.width, high), QPageSize.Unit.Millimeter, "", QPageSize.SizeMatchPolicy.ExactMatch)
    made.setPageLayout(QPageLayout(page, QPageLayout.Orientation.Portrait, QMarginsF()))
    dots = max(1, round(sheet.size.width() * INCH / figure.width))
    made.setResolution(dots)  # a dot is a pixel of the screen: so thick is a cosmetic line, and so coarse a hatch
    made.setCreator("Attention Lab")
    made.setTitle(settings)
    with QPainter(made) as painter:
        scale = figure.width / INCH * dots / sheet.size.width()
        painter.scale(scale, scale)
        sheet.paint(painter)
    painted = bytes(store.data())
    return lambda out: out.write(painted)


def buffer() -> tuple[QByteArray, QBuffer]:
    """What a device paints into, in memory."""
    store = QByteArray()
    device = QBuffer(store)
    device.open(QIODevice.OpenModeFlag.WriteOnly)
    return store, device


MAKERS: dict[str, Callable[[Sheet, Figure, str], Filling]] = {".png": _png, ".svg": _svg, ".pdf": _pdf}
