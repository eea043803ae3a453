"""Turns the texts of a vector picture into outlines, so that it looks the same where our fonts are not installed.

Embedding the fonts would keep the texts selectable, but few programs that people paste a figure into read a font from
an SVG; the words stay in the file as labels, for search and for screen readers.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from functools import lru_cache

from PySide6.QtCore import QPointF
from PySide6.QtGui import QFont, QPainterPath

from app import theme
from engines.core import limits

SVG = "http://www.w3.org/2000/svg"
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
FINE = 64  # outlines are taken from letters this much larger, which no hint has moved to pixels
MOVE, LINE, CURVE = (QPainterPath.ElementType.MoveToElement, QPainterPath.ElementType.LineToElement,
                     QPainterPath.ElementType.CurveToElement)  # fmt: skip

#: What Qt writes as it stands and XML does not allow: a class name in somebody's file may hold anything.
NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")

ET.register_namespace("", SVG)
ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def outlined(svg: bytes) -> bytes:
    """An SVG as QSvgGenerator writes it, with each text as a path and no word of a font."""
    parser, svg = ET.XMLParser(), NOT_XML.sub(b"", svg)
    for at in range(0, len(svg), limits.XML_PIECE):  # a picture in it has megabytes: other threads have their turns
        parser.feed(svg[at : at + limits.XML_PIECE])
    root: ET.Element = parser.close()
    for parent in list(root.iter()):
        parent[:] = [_path(child) if child.tag == f"{{{SVG}}}text" else child for child in parent if not _blank(child)]
    for node in root.iter():
        for name in [name for name in node.attrib if name.startswith("font-")]:
            del node.attrib[name]
    made: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return made


def _blank(node: ET.Element) -> bool:
    """A text of which nothing is to be seen, for which there is no path."""
    return node.tag == f"{{{SVG}}}text" and not (node.text or "").strip()


def _path(text: ET.Element) -> ET.Element:
    kept = {name: value for name, value in text.attrib.items() if name.startswith(("fill", "stroke"))}
    size, weight = float(text.get("font-size", "12")), int(text.get("font-weight", "400"))
    said = text.text or ""
    made = ET.Element(f"{{{SVG}}}path", kept)
    made.set("d", _drawn(said, families(text.get("font-family", "")), size, weight))
    made.set("fill-rule", "nonzero")
    made.set("transform", f"translate({text.get('x', '0')},{text.get('y', '0')})")
    made.set("role", "img")
    made.set("aria-label", said.strip())
    made.tail = "\n"
    return made


def families(named: str) -> tuple[str, ...]:
    """The families that a text was drawn with, from the names in an SVG.

    Qt before 6.11 names the first alone; ours stand behind it.
    """
    return tuple(dict.fromkeys([*(name.strip(" '\"") for name in named.split(",")), *theme.font().families()]))


@lru_cache(maxsize=1024)  # the same numbers stand there again and again
def _drawn(text: str, families: tuple[str, ...], size: float, weight: int) -> str:
    """Path data of a text that begins at the origin."""
    font = QFont()
    font.setFamilies(families)
    font.setPixelSize(round(size * FINE))
    font.setWeight(QFont.Weight(weight))
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    path = QPainterPath()
    path.addText(QPointF(0, 0), font, text)
    parts = []
    for i in range(path.elementCount()):
        one = path.elementAt(i)
        sign = {MOVE: "M", LINE: "L", CURVE: "C"}.get(one.type, "")  # the rest of a curve follows without one
        parts.append(f"{sign}{_short(one.x / FINE)} {_short(one.y / FINE)}")
    return " ".join(parts)


def _short(value: float) -> str:
    """Hundredths of a pixel, without idle zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
