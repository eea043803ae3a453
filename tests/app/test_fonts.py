"""The fonts that come along: what they are, that every sign of ours is in them, and that nothing else is needed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import unicodedata
from functools import cache
from pathlib import Path

import pytest
from PySide6.QtGui import QFontDatabase, QFontMetricsF, QRawFont, QTextLayout
from PySide6.QtWidgets import QApplication, QToolTip

from app import fonts, theme, words
from tests.app.reading import HAN

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(fonts.FOLDER.glob("*.[ot]tf"))
SHIPPED = {fonts.LATIN, fonts.HAN, fonts.MONO}
NICKNAMES = {"Sans", "Sans Serif", "Serif", "Monospace"}  # Qt lists them with fontconfig, whatever is there
SAMPLES = ("Step 12", "第 12 步", "−0.25 ≤ x", "qjgÅ|", "“注意力” ViT-B/16")
EMPTY = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><cachedir>{}</cachedir></fontconfig>'


@cache
def signs() -> frozenset[str]:
    """Every character that our sources and word files hold."""
    files = [ROOT / "main.py", *(ROOT / "app").rglob("*.py"), *(ROOT / "engines").rglob("*.py")]
    files += (ROOT / "assets").rglob("*.json")
    return frozenset(sign for path in files for sign in path.read_text(encoding="utf-8") if sign.isprintable())


def lacking(name: str, wanted) -> str:
    raw = QRawFont(str(fonts.FOLDER / name), 16)
    assert raw.isValid()
    return "".join(sorted(sign for sign in wanted if not raw.supportsCharacter(ord(sign))))


def drawn_by(text: str, **kind: object) -> set[tuple[str, bool]]:
    """Families that a text is drawn in, each with whether a sign is missing in it."""
    layout = QTextLayout(text, theme.font(**kind))
    layout.beginLayout()
    layout.createLine()
    layout.endLayout()
    return {(run.rawFont().familyName(), 0 in run.glyphIndexes()) for run in layout.glyphRuns()}


@pytest.fixture(autouse=True)
def english(qapp):
    words.set_language("en")
    theme.use("light")
    yield
    words.set_language("en")
    theme.use("light")


# ------------------------------------------------------------------ the files
def test_the_card_tells_of_these_very_files():
    card = json.loads((fonts.FOLDER / "card.json").read_text(encoding="utf-8"))
    assert {name for name in card if name.endswith("tf")} == {path.name for path in FILES}
    for path in FILES:
        data = path.read_bytes()
        assert card[path.name]["sha256"] == hashlib.sha256(data).hexdigest()
        assert card[path.name]["bytes"] == len(data)
    assert sum(path.stat().st_size for path in FILES) < 6e6
    terms = (fonts.FOLDER / "OFL.txt").read_text(encoding="utf-8")
    assert all(said in terms for said in ("SIL OPEN FONT LICENSE Version 1.1", "Google LLC", "Adobe"))


def test_they_bear_names_that_no_system_has(qapp):
    """A system's Noto of another version is never taken for ours."""
    found = set()
    for path in FILES:
        number = QFontDatabase.addApplicationFont(str(path))
        found |= set(QFontDatabase.applicationFontFamilies(number))
        QFontDatabase.removeApplicationFont(number)
    assert found == SHIPPED


@pytest.mark.parametrize("style", ["Regular", "Bold"])
def test_every_sign_of_ours_is_in_them(qapp, style):
    """A sign that is not asks for ``make fonts``."""
    han = {sign for sign in signs() if HAN.match(sign)}
    assert len(han) > 800
    assert not lacking(f"AttentionLabSans-{style}.ttf", signs() - han)
    assert not lacking(f"AttentionLabSansSC-{style}.otf", han)
    assert not lacking("AttentionLabMono-Regular.ttf", signs() - han)


def test_the_common_chinese_characters_are_in_them(qapp):
    pairs = [(row, cell) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)][:-5]
    common = [bytes(pair).decode("gb2312") for pair in pairs]
    assert len(common) == 3755  # level 1 of GB 2312
    assert not lacking("AttentionLabSansSC-Regular.otf", [*common, *"、。《》（），：；？！“”‘’—"])


# ------------------------------------------------------------------ how they are used
@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("kind", [{}, {"bold": True}, {"mono": True}], ids=["plain", "bold", "mono"])
def test_ours_are_taken_before_the_systems(language, kind):
    words.set_language(language)
    for text in SAMPLES:
        families = {family for family, _ in drawn_by(text, **kind)}
        assert families <= SHIPPED, text
        assert (fonts.MONO in families) == ("mono" in kind)


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_bold_is_drawn_in_letters_of_its_own(language):
    """Where a family has no bold, Qt draws what stands behind it plain as well."""
    words.set_language(language)
    for text in ("ViT-B/16", "Attention"):
        assert theme.text_width(text, 13, bold=True) > theme.text_width(text, 13) + 1


def test_a_line_is_as_high_in_each_of_them():
    heights = {QFontMetricsF(theme.font(13, bold, mono)).height() for bold in (True, False) for mono in (True, False)}
    words.set_language("zh")
    heights |= {QFontMetricsF(theme.font(13, bold, mono)).height() for bold in (True, False) for mono in (True, False)}
    assert len(heights) == 1
    assert heights.pop() < 13 * 1.2


def test_numbers_keep_their_column():
    for bold in (True, False):
        assert len({theme.text_width(digit, 13, bold) for digit in "0123456789−+"}) == 1


def test_a_chinese_text_has_quotes_of_full_width():
    words.set_language("zh")
    assert theme.text_width("“ViT”", 13) == theme.text_width("ViT", 13) + 2 * 13


def test_the_desktop_has_no_say_in_how_they_are_drawn():
    made = theme.font()
    assert made.hintingPreference() == made.HintingPreference.PreferVerticalHinting
    assert made.styleStrategy() & made.StyleStrategy.NoSubpixelAntialias


def test_tips_and_menus_are_written_in_them(qapp):
    for font in (QApplication.font(), QApplication.font("QMenu"), QToolTip.font()):
        assert font.families()[0] == fonts.LATIN


def test_a_family_can_be_put_first(monkeypatch):
    monkeypatch.setenv(theme.FONT_VARIABLE, fonts.MONO)
    theme.use()
    assert theme.font().families()[0] == QApplication.font().families()[0] == fonts.MONO


# ------------------------------------------------------------------ without any other
def unreadable() -> list[str]:
    """Texts of the program, in both languages, with a sign that is drawn as a box or in a font that is not ours."""
    bad = []
    for language in words.LANGUAGES:
        words.set_language(language)
        for texts in words.translations().items():
            for text in texts:
                text = unicodedata.normalize("NFC", text.replace("\n", " "))
                if any(family not in SHIPPED or boxed for family, boxed in drawn_by(text)):
                    bad.append(text)
    return bad


BARE = """
import sys
from PySide6.QtWidgets import QApplication
app = QApplication(["lab"])
from app import fonts, theme, words
from app.settings import Settings
from app.window import Window
from tests.app import test_fonts
theme.use("dark")
window = Window(Settings.load(temporary=True))
window.resize(1280, 800)
assert not window.grab().isNull()
assert fonts.load() <= {*test_fonts.SHIPPED, *test_fonts.NICKNAMES}, fonts.load()
print(test_fonts.unreadable())
window.close()
"""


def test_without_any_font_of_the_system_every_text_can_be_read(tmp_path):
    if not sys.platform.startswith("linux"):
        pytest.skip("only fontconfig can be told of no fonts")
    (tmp_path / "fonts.conf").write_text(EMPTY.format(tmp_path / "cache"), encoding="utf-8")
    around = {**os.environ, "FONTCONFIG_FILE": str(tmp_path / "fonts.conf"), "QT_QPA_PLATFORM": "offscreen"}
    around |= {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", BARE], cwd=ROOT, env=around, capture_output=True, text=True,
                          timeout=500, check=False)  # fmt: skip
    noise = [line for line in done.stderr.splitlines() if "propagateSizeHints" not in line]
    assert (done.returncode, done.stdout, noise) == (0, "[]\n", [])
