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
from app.sliders import ParamRow, Scale
from app.views.bars import Bars, probability
from app.views.colorbar import ColorBar
from app.views.mosaic import Mosaic
from app.views.photomap import PhotoMap, weight_percent
from app.widgets import MenuButton, Segments, box, button, col, label, quiet, row, rule, section
from engines.core.errors import Message

ROWS, COLS = 16, 24


def photo(height: int = 300, width: int = 450) -> np.ndarray:
    """A photo where scikit-image is installed, a drawn one otherwise; uint8 (h, w, 3)."""
    try:
        from skimage import data
    except ImportError:
        y, x = np.mgrid[:height, :width]
        return np.stack([x % 256, y % 256, (x + y) % 256], 2).astype(np.uint8)
    return np.ascontiguousarray(data.chelsea()[:height, :width])


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
        "Attention on the photo", view, "24 × 16 patches", [Segments(("Looks at", "Looked at by"))], row(note, 1, bar)
    )
    mosaic = Mosaic()
    mosaic.set_maps(heads, top)
    bits = -(heads * np.log2(heads + 1e-12)).sum((1, 2))
    mosaic.set_captions(
        [Message("H{n}", {"n": i + 1}) for i in range(12)],
        [Message("{bits} bit", {"bits": f"{b:.1f}"}) for b in bits],
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
        section("Where to look", ParamRow("Layer", Scale(1, 12, 1, 0), 9), ParamRow("Head", Scale(1, 12, 1, 0), 5)),
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
            ParamRow("Top share outlined", Scale(0, 1, 0.01, 0, percent=True), 0.4),
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


PAGES: dict[str, Callable[[], QWidget]] = {"vit": vit}


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
    main(sys.argv[1] if len(sys.argv) > 1 else "/tmp/gallery", sys.argv[2:])
