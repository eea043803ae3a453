"""Contrasts recomputed from the tokens, ramps, fonts, icons, and that no color stands outside the theme."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel, QToolButton, QWidget

from app import fonts, icons, ramps, theme, words
from app.tabs.mean_ap.messages import MARKS
from app.views.boxes import class_token
from engines.mean_ap.spec import BACKGROUND, RIGHT

ROOT = Path(__file__).resolve().parents[2]
PAPERS = ("window", "surface", "sunken")
# Brettel-like matrices of Machado et al. 2009 (severity 1) in linear RGB.
BLIND = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


@pytest.fixture(autouse=True)
def _light_afterwards(qapp):
    yield
    words.set_language("en")
    theme.use("light")


@pytest.mark.parametrize("name", theme.THEMES)
def test_contrasts(name):
    tokens = theme.TOKENS[name]
    for ink in ("text", "text2", "accent", "truth", "pred", "warn", "danger", "ok"):
        for paper in PAPERS:
            assert theme.contrast(tokens[ink], tokens[paper]) >= 4.5, (ink, paper)
    for ink in ("text", "accent"):
        assert theme.contrast(tokens[ink], tokens["accent_soft"]) >= 4.5, ink
    assert theme.contrast(tokens["accent"], tokens["on_accent"]) >= 4.5
    for paper in PAPERS:
        assert theme.contrast(tokens["control"], tokens[paper]) >= 3
    for color in ramps.CATEGORIES[name]:
        assert theme.contrast(color, tokens["surface"]) >= 3, color


def test_contrast_of_black_and_white_is_21():
    assert theme.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert theme.contrast("#777777", "#777777") == 1


@pytest.mark.parametrize("name", theme.THEMES)
def test_truth_and_prediction_are_told_apart_without_color_vision(name):
    truth, pred = (theme.TOKENS[name][t] for t in ("truth", "pred"))
    for matrix in BLIND.values():
        seen = [_lab(np.array(matrix) @ ramps.linear(ramps.rgb(c))) for c in (truth, pred)]
        assert np.linalg.norm(seen[0] - seen[1]) >= 16


@pytest.mark.parametrize("name", theme.THEMES)
def test_right_and_wrong_detections_are_told_apart_without_color_vision(name):
    """By color in every kind of sight, and by the form of the frame."""
    theme.use(name)
    right, wrong = (theme.code(MARKS[verdict][1]) for verdict in (RIGHT, BACKGROUND))
    for matrix in (np.eye(3), *map(np.array, BLIND.values())):
        seen = [_lab(matrix @ ramps.linear(ramps.rgb(c))) for c in (right, wrong)]
        assert np.linalg.norm(seen[0] - seen[1]) >= 40
    tokens = {MARKS[verdict][1] for verdict in MARKS if MARKS[verdict][0] == "FP"}
    assert tokens == {MARKS[BACKGROUND][1]}


@pytest.mark.parametrize("name", theme.THEMES)
def test_six_classes_have_six_colors(name):
    theme.use(name)
    colors = [theme.code(class_token(label)) for label in range(6)]
    assert len(set(colors)) == 6
    for matrix in (np.eye(3), *map(np.array, BLIND.values())):
        seen = [_lab(matrix @ ramps.linear(ramps.rgb(c))) for c in colors]
        apart = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
        assert min(apart) >= 12


def _code(rgb):
    return f"#{rgb[0]:02X}{rgb[1]:02X}{rgb[2]:02X}"


def _lab(linear):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(
        linear, 0, 1
    )
    t = xyz / [0.9505, 1.0, 1.089]
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_ember_gets_strictly_lighter_and_is_the_same_in_both_themes():
    theme.use("light")
    light = theme.ramp("ember")
    theme.use("dark")
    np.testing.assert_array_equal(light, theme.ramp("ember"))
    shine = [theme.luminance(_code(c)) for c in light]
    assert (np.diff(shine) > 0).all()
    assert tuple(light[0]) == (0x1B, 0x17, 0x30)
    assert tuple(light[-1]) == (0xFB, 0xEB, 0xA6)


@pytest.mark.parametrize("name", theme.THEMES)
def test_tide_sinks_into_the_paper_and_diff_has_zero_in_the_middle(name):
    theme.use(name)
    tide = [theme.contrast(_code(c), theme.code("surface")) for c in theme.ramp("tide")]
    assert (np.diff(tide) < 0.02).all()
    assert tide[-1] < 1.1 < 4.5 < tide[0]
    diff = theme.ramp("diff")
    middle = _code(diff[128])
    assert theme.contrast(middle, theme.code("surface")) < 1.2


def test_gap_table_has_the_paper_at_index_zero():
    table = theme.ramp("ember", gap=True)
    assert table.shape == (256, 3)
    assert [_code(color) for color in table[[0, 1, 255]]] == [theme.code("surface"), "#1B1730", "#FBEBA6"]


def test_no_color_outside_the_theme():
    pattern = re.compile(r"#[0-9A-Fa-f]{6}\b|QColor\(\s*[\"'\d]|Qt\.GlobalColor\.(?!transparent)")
    for path in (ROOT / "app").rglob("*.py"):
        if path.name in ("theme.py", "ramps.py"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not pattern.search(line), f"{path.name}:{number} {line.strip()}"


def test_fonts_follow_the_language(qapp):
    latin = theme.font(13).families()
    words.set_language("zh")
    han = theme.font(13).families()
    assert set(han) == set(latin)
    assert theme.font(14, bold=True).bold()
    assert theme.font(15, mono=True).families()[0] == fonts.MONO
    assert (latin[0], han[0]) == (fonts.LATIN, fonts.HAN)


def test_every_icon_draws_in_the_token_it_is_given(qapp):
    assert {"vit", "detr", "copy", "undo", "redo", "fit", "close", "reset"} <= set(icons.names())
    for name in icons.names():
        image = icons.pixmap(name, "accent").toImage().convertToFormat(QImage.Format.Format_ARGB32)
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(-1, 4)
        solid = pixels[pixels[:, 3] == 255]
        assert len(solid) > 8, name
        accent = theme.color("accent")
        assert (np.abs(solid[:, :3].astype(int) - [accent.blue(), accent.green(), accent.red()]) <= 2).all(), name


def test_a_switch_dresses_everything_again(qtbot):
    root = QWidget()
    qtbot.addWidget(root)
    label, button = QLabel("x", root), QToolButton(root)
    theme.set_font(label, 14, bold=True)
    icons.put(button, "vit")

    def tint() -> int:
        image = button.icon().pixmap(18, 18).toImage()
        wide, high = image.width(), image.height()
        colors = (image.pixelColor(x, y) for x in range(wide) for y in range(high))
        return max(colors, key=lambda c: c.alpha()).lightness()

    theme.switch(root, "light")
    before = tint()
    theme.switch(root, "dark", "zh")
    assert tint() > before + 40
    assert label.font().families() == theme.font(14, True).families()
    assert theme.name() == "dark"
    assert words.language() == "zh"


def test_a_sheet_is_put_on_after_none_and_only_where_it_is_another(qapp, monkeypatch):
    """Over another sheet Qt takes four times as long."""
    theme.use("light")
    put = []
    whole = type(qapp).setStyleSheet
    monkeypatch.setattr(type(qapp), "setStyleSheet", lambda app, text: (put.append(text), whole(app, text)))
    theme.use("dark")
    theme.use("dark")
    assert [bool(text) for text in put] == [False, True]
    theme.use("light")


def test_kinds_change_color_at_once(qtbot):
    theme.use("light")
    label = QLabel("x")
    qtbot.addWidget(label)
    theme.set_kind(label, "accent")
    label.ensurePolished()
    assert label.palette().windowText().color().name().upper() == theme.code("accent")
    theme.set_kind(label, "quiet")
    assert label.palette().windowText().color().name().upper() == theme.code("text2")


def test_fonts_outlive_every_polish(qtbot):
    """A style sheet that polishes a widget once more must not bring an older font back."""
    root = QWidget()
    qtbot.addWidget(root)
    label = QLabel("x", root)
    theme.set_font(label, 17, bold=True)
    theme.set_kind(label, "accent")
    root.show()
    assert label.font().bold()
    theme.set_font(label, 12)
    theme.set_kind(label, "")
    assert not label.font().bold()
    theme.set_kind(label, "accent")
    theme.set_font(label, 12, bold=True)
    theme.switch(root, "dark")
    assert (label.font().bold(), label.font().pixelSize()) == (True, 12)


def test_motion_can_be_reduced():
    assert theme.duration(120) == 120
    theme.set_motion(False)
    assert theme.duration(120) == 0
    theme.set_motion(True)


def test_wrong_names_are_refused():
    with pytest.raises(ValueError, match="theme"):
        theme.use("sepia")
    with pytest.raises(KeyError):
        theme.code("magenta")
