#!/usr/bin/env bash
# PySide6 6.11.3: an override in Python that only calls Qt's own method stops every other Python thread meanwhile.
#
# Expected: Qt's painting is C++ that touches no Python object. PySide6 lets other threads run while the event loop
#           does it, and ``super().paintEvent(event)`` is the same painting.
# Instead:  an override is called with the interpreter's lock held, and the call of Qt's method inside of it does not
#           let go. The same holds for ``event`` and ``viewportEvent``, through which all paints of a view go.
# Matters:  a training on a thread of its own stands still for as long as the window paints. A method that was added to
#           count paints, or to look at one kind of event, costs that without computing anything.
# Do:       look at events in an event filter, which is through before Qt paints; override ``paintEvent`` only where
#           Python does the painting itself.
#
# Seen: a graphics view with 6,000 large circles; the longest silence of a thread that else beats each millisecond or so,
#       on a machine with other work to do:
#   paintEvent overridden     0.80 s, in a paint of 0.80 s
#   viewportEvent overridden  0.26 s, in a paint of 0.25 s
#   nothing overridden        0.00 s
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check PySide6-Essentials==6.11.3
QT_QPA_PLATFORM=offscreen "$tmp/venv/bin/python" -I - <<'PY'
import sys
import threading
import time
from itertools import pairwise

from PySide6.QtCore import QTimer
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QApplication, QGraphicsScene, QGraphicsView


class Painting(QGraphicsView):
    took = 0.0

    def paintEvent(self, event):
        began = time.perf_counter()
        super().paintEvent(event)
        self.took = max(self.took, time.perf_counter() - began)


class Hearing(QGraphicsView):
    took = 0.0

    def viewportEvent(self, event):
        began = time.perf_counter()
        try:
            return super().viewportEvent(event)
        finally:
            self.took = max(self.took, time.perf_counter() - began)


app = QApplication([])
scene = QGraphicsScene()
for i in range(6000):
    scene.addEllipse(i % 300, i // 300 * 3, 140, 140)
beats, goes_on = [], True


def beat():
    while goes_on:
        beats.append(time.perf_counter())
        time.sleep(0.001)


def silence(view):
    """The longest time between two beats while the view is painted, s."""
    view.setRenderHint(QPainter.RenderHint.Antialiasing)
    view.resize(900, 700)
    beats.clear()
    view.show()
    QTimer.singleShot(100, app.quit)  # comes after the paint, however long that is
    app.exec()
    time.sleep(0.1)
    view.close()
    return max(b - a for a, b in pairwise(beats.copy()))


thread = threading.Thread(target=beat)
thread.start()
painting, hearing = Painting(scene), Hearing(scene)
seen = {"paintEvent": silence(painting), "viewportEvent": silence(hearing), "none": silence(QGraphicsView(scene))}
goes_on = False
thread.join()
paints = {"paintEvent": painting.took, "viewportEvent": hearing.took}
print("PySide6 6.11.3, the longest silence of another thread while a view is painted")
for name, seconds in seen.items():
    print(f"  override: {name:13} {seconds:.2f} s", f"of {paints[name]:.2f} s" if name in paints else "")
if any(seen[name] < 0.9 * took for name, took in paints.items()) or seen["none"] > min(paints.values()) / 2:
    sys.exit("this is not what was seen with 6.11.3")
PY
