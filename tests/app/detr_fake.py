"""A DETR that knows the answer: it puts one query on each drawn shape, so that the tab can be tested without weights.

The source ``real`` is a model of DETR-R50's size (100 queries, 6 layers, 8 heads) that looks at photos.
"""

from __future__ import annotations

import threading

import numpy as np
from PySide6.QtWidgets import QLabel

from app.tabs.detr import TOPIC
from app.tabs.detr.detect.page import DetectPage
from app.tabs.detr.relevance.page import RelevancePage
from app.tabs.detr.scene.page import ScenePage
from engines.core.errors import LabError, Message
from engines.core.protocol import Progress
from engines.detr.spec import (
    BEST_REAL_CLASS,
    CROSS,
    DECODER_SELF,
    ENCODER_SELF,
    KINDS,
    Detections,
    EncoderAttention,
    ModelInfo,
    PictureShown,
    draw_background,
    render,
)

SIZE = 384
LABELS = ("N/A", "person", "cat", "dog", "hot dog", "traffic light", "wine glass")


class FakeDetr:
    asked = []  # pixels and threads of all requests
    dim = 1.0  # all scores are multiplied by this

    def __init__(self):
        self._known = {}

    def run(self, job):
        params = job.params
        type(self).asked.append((params, threading.current_thread()))
        if params.source == "broken":
            raise LabError("{name}: not downloaded yet.", name="broken")
        yield Progress(0, 2, Message("Encoding the picture"))
        yield self._once(("info", params.source), lambda: info(params.source))
        told = self._known["info", params.source]
        key = ("picture", params.drawing if told.toy or params.picture is None else None, params.picture, told.toy)
        shown = self._once(key, lambda: picture(params, told.toy))
        yield shown
        params = job.params
        if params.pixel is not None:
            yield encoder(params, told, shown)
        yield detections(params, told, shown, self.dim)

    def _once(self, key, make):
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]


def info(source):
    toy = source != "real"
    return ModelInfo(
        source,
        "Toy DETR" if toy else "DETR ResNet-50",
        KINDS if toy else LABELS,
        16 if toy else 100,
        3 if toy else 6,
        3 if toy else 6,
        4 if toy else 8,
        4 if toy else 8,
        1000,
        toy,
        Message("91 classes of COCO."),
    )


def picture(params, toy):
    if params.picture is not None and not toy:
        return PictureShown(params.picture.rgb, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    paper = draw_background(params.drawing, 96) if params.picture is None else params.picture.rgb
    rgb, boxes = render(params.drawing.shapes, paper, SIZE)
    labels = [KINDS.index(shape.kind) for shape in params.drawing.shapes]
    return PictureShown(rgb, boxes, np.array(labels, np.int64))


def maps_of(layers, heads, rows, cols, seed):
    rng = np.random.default_rng(seed)
    out = rng.random((layers, heads, rows, cols)).astype(np.float32) ** 6
    return out / out.sum((-2, -1), keepdims=True)


def grid(shown, toy):
    height, width = shown.rgb.shape[:2]
    return (12, 12) if toy else (max(1, round(25 * height / 800)), max(1, round(25 * width / 800)))


def extent(shown):
    height, width = shown.rgb.shape[:2]
    return (0.0, 0.0, float(width), float(height))


def encoder(params, told, shown):
    rows, cols = grid(shown, told.toy)
    height, width = shown.rgb.shape[:2]
    cell = (int(params.pixel[1] / height * rows), int(params.pixel[0] / width * cols))
    maps = maps_of(told.encoder_layers, told.encoder_heads, rows, cols, cell[0] * cols + cell[1])
    for off in params.heads_off:
        if off.attention == ENCODER_SELF:
            maps[off.layer, off.head] = 0
    return EncoderAttention(cell, maps, extent(shown))


def detections(params, told, shown, dim=1.0):
    count, layers, heads = told.num_queries, told.decoder_layers, told.num_heads
    rng = np.random.default_rng(5)
    height, width = shown.rgb.shape[:2]
    boxes = np.sort(rng.random((count, 2, 2)), 1).reshape(count, 4) * np.array([width, height] * 2)
    scores = rng.random(count) * 0.2
    labels = rng.integers(1, len(told.labels), count)
    n = len(shown.true_boxes) if told.toy else 4
    where = np.arange(n) * 3 % count
    scores[where] = 0.95 - 0.05 * np.arange(n)
    if told.toy:
        boxes[where], labels[where] = shown.true_boxes + 1.5, shown.true_labels
    scores = scores * dim
    plain = boxes, scores, labels
    if params.temperature != 1 and params.attention == CROSS:
        boxes, scores = boxes + 12, scores * 0.8
    on = np.ones(count, bool)
    on[list(params.queries_off)] = False
    no_object = 1 - scores

    def passing(values, available):
        real = np.ones(count, bool) if params.rule == BEST_REAL_CLASS else values > no_object
        return (values >= params.threshold) & real & available

    query = params.query if 0 <= params.query < count else int(np.where(on, scores, -1).argmax())
    rows, cols = grid(shown, told.toy)
    cross = maps_of(layers, heads, rows, cols, query)
    self_attention = maps_of(layers, heads, count, count, 1)
    self_attention /= self_attention.sum(-1, keepdims=True)
    for off in params.heads_off:
        if off.attention == CROSS:
            cross[off.layer, off.head] = 0
        elif off.attention == DECODER_SELF:
            self_attention[off.layer, off.head] = 0
    steps = np.linspace(0.4, 1, layers)
    passes = passing(scores, on)
    return Detections(
        boxes.astype(np.float32),
        scores.astype(np.float32),
        labels,
        no_object.astype(np.float32),
        passes,
        on,
        plain[0].astype(np.float32),
        plain[1].astype(np.float32),
        plain[2],
        passing(plain[1], np.ones(count, bool)),
        np.stack([boxes + 20 * (1 - s) for s in steps]).astype(np.float32),
        np.stack([scores * s for s in steps]).astype(np.float32),
        np.stack([labels] * layers),
        np.stack([passing(scores * s, on) for s in steps]),
        query,
        cross,
        extent(shown),
        self_attention,
        Message("{count} of {queries}", {"count": int(passes.sum()), "queries": count}),
        params.touched,
        said(scores, labels, no_object, len(told.labels)),
    )


def said(scores, labels, no_object, classes):
    """Probabilities of all classes, "no object" last."""
    out = np.zeros((len(scores), classes + 1), np.float32)
    out[np.arange(len(scores)), labels], out[:, -1] = scores, no_object
    return out


# ------------------------------------------------------------------ a window with it
def open_detr(open_window, monkeypatch):
    """A window whose DETR tab asks this engine."""
    for kind in (DetectPage, ScenePage, RelevancePage):
        monkeypatch.setattr(kind, "engine", "tests.app.detr_fake:FakeDetr")
    for module in ("app.topics", "app.window"):
        monkeypatch.setattr(f"{module}.topics", lambda: (TOPIC,))
        monkeypatch.setattr(f"{module}.topic", lambda name: TOPIC if name == "detr" else None)
    monkeypatch.setattr(FakeDetr, "asked", [])
    return open_window()


def open_tab(window, qtbot):
    """Its tab, with the first answer."""
    tab = window.show_topic("detr")
    qtbot.waitUntil(lambda: tab.model.newest is not None and not tab.is_busy)
    return tab


def settle(qtbot, tab, act):
    """Do something and wait for the answer to it."""
    with qtbot.waitSignal(tab.rested, timeout=5000):
        act()


def texts(widget):
    """What the labels in sight say."""
    return {label.text() for label in widget.findChildren(QLabel) if label.isVisible()}
