#!/usr/bin/env bash
# pyqtgraph 0.14.0: each PlotItem, and each ColorBarItem, brings 44 widgets or more to the application.
#
# Expected: a plot is a graphics item in a scene. It costs what is drawn, and a style sheet of the application, which
#           can't style graphics items, does not concern it.
# Instead:  its constructor builds the form of its context menu (check boxes, group boxes, sliders, a list), whether
#           the menu is ever opened or switched off. They are widgets without a parent in any window: a search through
#           the window does not find them, yet QApplication.setStyleSheet polishes each of them every time. A
#           ColorBarItem is a PlotItem too, so a bar for each map doubles that.
# Matters:  a window with fifty plots and color bars has 2,500 widgets more than it shows. A change of its theme by a
#           style sheet takes twice as long, and making the plots takes longer than drawing them.
# Do:       put a GraphicsLayout together from a ViewBox and AxisItems where the menu is not wanted; where a
#           ColorBarItem is, clear WA_WState_Polished and the posted PolishRequest of the widgets of its `ctrl`.
#
# Seen: widgets of the application, for each of twenty:
#   PlotItem 92, with enableMenu=False 44, ColorBarItem 44, ViewBox with two AxisItems 0
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check pyqtgraph==0.14.0 PySide6-Essentials==6.11.3 \
    numpy==2.4.6
QT_QPA_PLATFORM=offscreen "$tmp/venv/bin/python" -I - <<'PY'
import sys

import pyqtgraph as pg
from PySide6.QtWidgets import QApplication

MANY = 20
app = QApplication([])


def pieces():
    """A plot without the menu."""
    box = pg.ViewBox(enableMenu=False)
    axes = [pg.AxisItem(side) for side in ("left", "bottom")]
    for axis in axes:
        axis.linkToView(box)
    return box, axes


def widgets_of(make):
    """Widgets of the application that each of ``MANY`` brings."""
    before = len(app.allWidgets())
    kept = [make() for _ in range(MANY)]
    found = (len(app.allWidgets()) - before) / len(kept)
    return round(found)


seen = {
    "PlotItem": widgets_of(pg.PlotItem),
    "PlotItem, enableMenu=False": widgets_of(lambda: pg.PlotItem(enableMenu=False)),
    "ColorBarItem": widgets_of(pg.ColorBarItem),
    "ViewBox and two AxisItems": widgets_of(pieces),
}
print("pyqtgraph 0.14.0, widgets of the application for each of", MANY)
for name, count in seen.items():
    print(f"  {name}: {count}")
if not (min(list(seen.values())[:3]) >= 40 and seen["ViewBox and two AxisItems"] == 0):
    sys.exit("this is not what was seen with 0.14.0")
PY
