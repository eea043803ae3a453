#!/usr/bin/env bash
# PySide6 6.11.3: one control character in a drawn text, and QSvgGenerator writes a file that no reader opens.
#
# Expected: what QPainter can draw, QSvgGenerator can write: "<" and "&" are escaped, so the rest is cared for as well.
# Instead:  characters that XML 1.0 forbids (U+0001 to U+001F but tab and line ends) go into the file as they are, from
#           texts, title and description. The painter reports success; XML parsers and Qt's own QSvgRenderer refuse it.
# Matters:  axes of attention maps carry tokens, and vocabularies have tokens for single control bytes; texts out of
#           PDFs have form feeds. The picture on screen is right, the exported figure is lost, and one learns it later.
# Do:       replace the characters by their signs (U+2400 and up) before they are drawn, or draw texts as paths.
#
# Seen:
#   "a<b&c"   drawn: opens                 title: opens
#   "a\x0cb"  drawn: ParseError, Qt no     title: ParseError, Qt no
#   "a\x1bb"  drawn: ParseError, Qt no     title: ParseError, Qt no
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check PySide6_Essentials==6.11.3
QT_QPA_PLATFORM=offscreen QT_LOGGING_RULES='*=false' "$tmp/venv/bin/python" -I - <<'PY'
import sys
import xml.etree.ElementTree as ElementTree

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QSize
from PySide6.QtGui import QGuiApplication, QPainter
from PySide6.QtSvg import QSvgGenerator, QSvgRenderer

app = QGuiApplication([])


def written(drawn, title):
    into = QBuffer()
    into.open(QIODevice.OpenModeFlag.WriteOnly)
    svg = QSvgGenerator()
    svg.setOutputDevice(into)
    svg.setSize(QSize(100, 50))
    svg.setViewBox(QRect(0, 0, 100, 50))
    svg.setTitle(title)
    with QPainter(svg) as painter:
        painter.drawText(5, 20, drawn)
    return bytes(into.data())


def opened(svg):
    qt = QSvgRenderer(QByteArray(svg)).isValid()
    try:
        ElementTree.fromstring(svg)
    except ElementTree.ParseError:
        return "ParseError, Qt " + ("yes" if qt else "no")
    return "opens" if qt else "opens, Qt no"


print("PySide6 6.11.3, QSvgGenerator")
seen = []
for text in ("a<b&c", "a\x0cb", "a\x1bb"):
    results = opened(written(text, "title")), opened(written("text", text))
    print(f"  {text!r:9} drawn: {results[0]:18} title: {results[1]}")
    seen.append(results)
refused = "ParseError, Qt no"
if seen != [("opens", "opens"), (refused, refused), (refused, refused)]:
    sys.exit("this is not what was seen with 6.11.3")
PY
