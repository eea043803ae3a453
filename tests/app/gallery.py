"""Renders every view at real sizes, in both themes and languages, to be looked at.

``python tests/app/gallery.py FOLDER [page …]`` writes ``FOLDER/<page>-<theme>-<lang>-<size>.png``.
``LAB_FONT="DejaVu Sans"`` puts a wide font first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from PySide6.QtWidgets import QApplication, QGridLayout, QScrollArea, QWidget

from app import theme, words
from app.cards import card
from app.controls import Chips
from app.legend import Key
from app.plots.curves import Curve, Curves
from app.sections import section
from app.sliders import ParamRow, Scale
from app.views.bars import Bar, Bars, probability
from app.views.boxeditor import BoxEditor
from app.views.boxes import Box, class_token, detection, matched, truth, unmatched
from app.views.boxview import BoxView
from app.views.colorbar import ColorBar
from app.views.filmstrip import FilmStrip
from app.views.matrix import Matrix
from app.views.mosaic import Mosaic
from app.views.photomap import PhotoMap, weight_percent
from app.views.table import QueryTable, Row
from app.views.tokenmap import TokenMap
from app.widgets import MenuButton, Segments, box, button, col, label, quiet, row, rule
from engines.core.errors import Message
from engines.data.samples import sample

ROWS, COLS = 16, 24


def photo(height: int = 300, width: int = 450) -> np.ndarray:
    """The cat; uint8 (h, w, 3)."""
    return np.ascontiguousarray(sample("cat").rgb[:height, :width])


def attention(seed: int, count: int, rows: int = ROWS, cols: int = COLS) -> np.ndarray:
    """Smooth random maps that sum to one; float32 (count, rows, cols)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :cols]
    out = np.zeros((count, rows, cols))
    for k in range(count):
        for _ in range(4):
            cy, cx, spread = rng.uniform(0, rows), rng.uniform(0, cols), rng.uniform(0.8, 3.5)
            out[k] += rng.random() * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * spread**2))
        out[k] += 0.12 * rng.random((rows, cols)) * rng.random()
    return (out / out.sum((1, 2), keepdims=True)).astype(np.float32)


def dock(*sections: object) -> QWidget:
    """The dock as the tab builds it."""
    parts: list[object] = []
    for i, part in enumerate(sections):
        parts += [rule()] * bool(i) + [part]
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(box(col(*parts, 1, gap=12, pad=(16, 12, 16, 12)), "scroll"))
    foot = col(quiet("3 changes to the model"), button("Reset all changes", "reset", "boxed"), pad=(16, 8, 16, 12))
    made = box(col((area, 1), rule(), foot, gap=0), "dock")
    made.setFixedWidth(theme.DOCK)
    return made


def vit() -> QWidget:
    """The ViT page of the look's pictures."""
    heads = attention(3, 12)
    top = float(heads.max()) * 0.3
    view = PhotoMap()
    view.set_photo(photo())
    view.set_grid(ROWS, COLS)
    view.set_map(heads[4], top, class_value=0.12)
    view.set_mass(0.4)
    view.set_pin((6, 17))
    strongest = tuple(int(v) for v in np.unravel_index(heads[4].argmax(), (ROWS, COLS)))
    view.set_hover(strongest)
    view.reserve = 490
    bar = ColorBar(Message("Attention"), least=160)
    bar.set_range(0, top, clipped=True)
    bar.set_mark(view.share_at(strongest))
    note = label(
        Message(
            "Patch {row}, {col} pinned. Strongest: {value}",
            {"row": 7, "col": 18, "value": weight_percent(float(heads[4].max()))},
        ),
        theme.SMALL,
    )
    left = card(
        "Attention on the photo", view, "24 × 16 patches", [Segments(("Attends to", "Attended by"))], row(note, 1, bar)
    )
    mosaic = Mosaic()
    mosaic.set_maps(heads, top)
    bits = -(heads * np.log2(heads + 1e-12)).sum((1, 2))
    mosaic.set_captions(
        [Message("H{n}", {"n": i + 1}) for i in range(12)],
        [Message("{bits} bits", {"bits": f"{b:.1f}"}) for b in bits],
    )
    mosaic.set_off((2, 7))
    mosaic.set_at(4)
    scale = ColorBar(Message("Shared scale"))
    scale.set_range(0, top, clipped=True)
    right = card(
        Message("Heads of layer {n}", {"n": 9}),
        mosaic,
        "",
        [MenuButton(("index", "entropy", "distance"), prefix="Sort: {value}", px=theme.SMALL)],
        scale,
    )
    layers = Mosaic(columns=12, captions=False, headers=True, gap=2)
    layers.set_maps(attention(7, 144), 0.02)
    layers.set_at(8 * 12 + 4)
    small = ColorBar(least=70)
    small.set_range(0, 0.02, clipped=True)
    cls = card("Class token", layers, "layers ↓  heads →", [small])
    bars = Bars(widest_note="+88.8")
    names = (
        ("Egyptian cat", 0.522, 0.441),
        ("tabby cat", 0.241, 0.318),
        ("tiger cat", 0.128, 0.146),
        ("lynx", 0.021, 0.012),
        ("bath towel", 0.009, 0.006),
    )
    bars.set_bars([probability(Message(n), v, g) for n, v, g in names], 0.6)
    pred = card(
        "Prediction",
        bars,
        "ViT-B/16, ImageNet classes",
        foot=quiet("Dashed outline: the untouched model. Right: change in points."),
    )
    chips = Chips(12)
    chips.set_off((2, 7))
    side = dock(
        section("Selection", ParamRow("Layer", Scale(1, 12, 1, 0), 9), ParamRow("Head", Scale(1, 12, 1, 0), 5)),
        section(
            "Change the model",
            ParamRow(
                "Temperature", Scale(0.1, 10, 0.01, 2, log=True), 1.7, 1.0, "Divides the scores before the softmax"
            ),
            Segments(("This head", "Whole layer")),
            col(row(label("Heads"), 1, quiet("10 of 12 on")), chips),
        ),
        section(
            "Overlay",
            ParamRow("Opacity", Scale(0, 1, 0.01, 0, percent=True), 0.8),
            ParamRow("Outlined mass", Scale(0, 1, 0.01, 0, percent=True), 0.4),
            Segments(("Shared", "Per head", "Absolute")),
        ),
    )
    grid = QGridLayout()
    grid.setSpacing(theme.S3)
    grid.setContentsMargins(*(theme.S3,) * 4)
    for i, one in enumerate((left, right, pred, cls)):
        grid.addWidget(one, i // 2, i % 2)
    grid.setColumnStretch(0, 81)
    grid.setColumnStretch(1, 50)
    grid.setRowStretch(1, 1)
    return box(row((box(grid), 1), side, gap=0), "window")


def detections(count: int, seed: int = 2) -> list[tuple[tuple[float, ...], int, float]]:
    """Boxes (cx, cy, w, h), class, score."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        w, h = rng.uniform(0.08, 0.4, 2)
        box = (rng.uniform(w / 2, 1 - w / 2), rng.uniform(h / 2, 1 - h / 2), w, h)
        out.append((tuple(map(float, box)), int(rng.integers(0, 6)), float(rng.random() ** 3)))
    return out


def detect() -> QWidget:
    """Boxes, film strip and query table."""
    names = ("square", "circle", "triangle", "ring", "star", "cross")
    found = detections(100)
    best = sorted(found, key=lambda d: -d[2])[:7]
    view = BoxView()
    view.set_photo(photo())
    view.set_boxes(
        [
            detection(b, Message("{name} {score}", {"name": Message(names[c]), "score": f"{s:.2f}"}), c)
            for b, c, s in best
        ]
    )
    view.set_at(2)
    view.set_hover(1)
    strip = FilmStrip()
    steps = [[detection(tuple(np.array(b) * (1 + 0.06 * k)), "", c) for b, c, _ in best[:5]] for k in range(6, 0, -1)]
    strip.set_frames(
        photo(), steps, [Message("Layer {n}", {"n": k + 1}) for k in range(6)], [f"{k + 2}" for k in range(6)]
    )
    strip.set_at(5)
    left = card("Photo", view, "7 of 100", foot=box(col(strip)))
    table = QueryTable()
    table.set_rows(
        [
            Row(i, Message(names[c]), s, b, class_token(c), s > 0.5, s * 0.9 if s > 0.5 else None)
            for i, (b, c, s) in enumerate(found)
        ],
        off=(3, 5),
    )
    table.set_at(7)
    right = card("Queries", table, "100")
    heat = BoxView()
    heat.set_photo(photo())
    heat.set_heat(attention(5, 1, 19, 28)[0])
    heat.set_boxes([detection(best[0][0], names[best[0][1]], best[0][1])])
    heat.set_at(0)
    heat.set_cross((0.3, 0.4))
    heat.set_note(
        Message(
            "0 of 100. Best score {score} (query {query}, {name}). Lower the threshold?",
            {"score": "0.41", "query": 17, "name": "cat"},
        )
    )
    editor = BoxEditor()
    editor.set_photo(photo(300, 300))
    editor.set_boxes(
        [
            truth((0.3, 0.3, 0.3, 0.2), "A square"),
            matched((0.35, 0.33, 0.3, 0.2), "1"),
            unmatched((0.7, 0.7, 0.2, 0.3), "2"),
            Box(0.6, 0.4, 0.3, 0.2, "ring", "cat2", angle=30),
        ],
        [(1, 0)],
    )
    editor.set_at(3)
    cross = Mosaic(columns=8, captions=False, headers=True, gap=4)
    cross.set_maps(attention(7, 48, 19, 28), 0.02)
    cross.set_at(5 * 8 + 4)
    grid = QGridLayout()
    for i, one in enumerate(
        (left, right, card("Cross-attention", heat), card("Layers × heads", cross), card("Scene", editor))
    ):
        grid.addWidget(one, i // 2 if i < 4 else 1, i % 2 if i < 4 else 2)
    grid.setSpacing(12)
    grid.setColumnStretch(0, 3)
    grid.setColumnStretch(1, 2)
    grid.setColumnStretch(2, 2)
    grid.setRowStretch(0, 3)
    grid.setRowStretch(1, 2)
    return box(grid, "window")


def training() -> QWidget:
    """Curves, token map, small mosaic and bars."""
    rng = np.random.default_rng(1)
    x = np.arange(220) * 10
    loss = 0.06 + 3.2 * np.exp(-x / 340) + 0.5 * np.exp(-x / 1200)
    held = loss * 1.08 + 0.16 * (1 - np.exp(-x / 900))
    token = 100 / (1 + np.exp(-(x - 580) / 170))
    plots = [Curves(y_ticks=(0, 1, 2, 3, 4)), Curves(y_range=(0, 100), y_ticks=(0, 25, 50, 75, 100))]
    train = Curve(Message("train"), x, loss, "cat0", raw=loss * np.exp(rng.normal(0, 0.09, 220)))
    plots[0].set_curves([train, Curve(Message("held-out"), x, held, "cat1", dashed=True)], 2400)
    band = Curve(Message("token"), x, token, "cat0", low=token - 4, high=np.minimum(100, token + 4), digits=1)
    plots[1].set_curves([band, Curve(Message("sequence"), x, token * 0.95, "cat1", digits=1)], 2400)
    for plot in plots:
        plot.set_cursor(1580)
    source, target = list("3 May 1998"), list("1998-05-03")
    cross = np.exp(rng.normal(0, 1, (10, 10)) + 2.5 * np.eye(10)[::-1])
    tokens = TokenMap()
    tokens.set_values(cross / cross.sum(1, keepdims=True), low=0)
    tokens.set_tokens(target, source)
    tokens.set_at((5, -1))
    wide = TokenMap()
    wide.set_values(rng.random((6, 9)), low=0)
    wide.set_tokens(["layer", "norm", "query", "key", "value", "head"], ["attention", "is", "all", "you", "need"] * 2)
    queries = TokenMap()
    queries.set_values(rng.random((100, 100)) ** 6, low=0)
    queries.set_at((17, -1))
    upper = row(
        (card("Loss", plots[0], tools=[plots[0].key]), 1), (card("Accuracy, %", plots[1], tools=[plots[1].key]), 1)
    )
    lower = row(*((card("Cross-attention", view, "layer 2"), 1) for view in (tokens, wide, queries)), gap=12)
    return box(col((upper, 10), (lower, 12), gap=12, pad=12), "window")


def matching() -> QWidget:
    """Cost matrices as a sum, and the loss in parts."""
    rng = np.random.default_rng(3)
    line = row(gap=8)
    for i, (name, sign) in enumerate((("1 × class", "+"), ("5 × L1", "+"), ("2 × GIoU", "="), ("Total cost", ""))):
        cost = rng.normal(0, 2, (7, 4)).astype(np.float32)
        view = Matrix()
        view.set_values(cost)
        view.set_names([str(k + 1) for k in range(7)], list("ABCD"), ["pred"] * 4 + ["text2"] * 3, ["truth"] * 4)
        view.set_pairs([(k, k) for k in range(4)], [(0, 1), (1, 0), (2, 2), (3, 3)] if i == 3 else ())
        bar = ColorBar(ramp="tide")
        bar.set_range(float(cost.min()), float(cost.max()))
        line.addLayout(col(label(name, bold=True), (view, 1), bar, gap=4), 1)
        if sign:
            line.addWidget(label(sign, theme.TITLE, kind="quiet"))
    cost_card = card("Cost of predictions (rows) for objects (columns)", line, "outline: optimal")
    bars = Bars(widest="0.00")
    terms = (("cat0", "Cross-entropy"), ("cat1", "5 × L1"), ("cat2", "2 × GIoU"))
    parts = rng.random((5, 3)) * [1, 1.5, 2]
    bars.set_bars(
        [
            Bar(f"{i + 1} → {'ABCDE'[i]}", tuple((float(v), f"cat{k}") for k, v in enumerate(p)), f"{p.sum():.2f}")
            for i, p in enumerate(parts)
        ]
    )
    loss = card(
        "Set loss",
        bars,
        "per matched pair",
        foot=Key(terms),
    )
    return box(col((row(loss, gap=12), 2), (cost_card, 3), gap=12, pad=12), "window")


PAGES: dict[str, Callable[[], QWidget]] = {"vit": vit, "detect": detect, "training": training, "matching": matching}


def main(folder: str, wanted: list[str]) -> None:
    """Write the pictures."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    app.setStyle("Fusion")
    os.makedirs(folder, exist_ok=True)
    for name in wanted or list(PAGES):
        for look, language, size in (
            ("light", "en", (1224, 812)),
            ("dark", "zh", (1224, 712)),
            ("dark", "en", (1696, 992)),
        ):
            words.set_language(language)
            theme.use(look)
            page = PAGES[name]()
            page.resize(*size)
            page.show()
            for _ in range(4):
                app.processEvents()
            page.grab().save(f"{folder}/{name}-{look}-{language}-{size[0]}.png")
            page.close()
            page.deleteLater()
            app.processEvents()
    print("no Chinese for:", sorted(words.missing()))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "gallery", sys.argv[2:])
