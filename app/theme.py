"""Color tokens, color maps, fonts and the style sheet. No color is written anywhere else.

Two themes share one set of token names. `use` switches tokens, palette, style sheet and pyqtgraph together;
what a widget was dressed with through `dress` is put on again by `restyle`, so no restart is needed.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache

import numpy as np
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from app import fonts, words
from app.pieces import pieces
from app.ramps import CATEGORIES, STOPS, blend, linear, rgb
from app.stylesheet import sheet
from app.undressed import Undressed

THEMES = ("light", "dark")
TOKENS: dict[str, dict[str, str]] = {
    "light": {
        "window": "#EEF0F4", "surface": "#FFFFFF", "sunken": "#F5F6F9", "border": "#DADEE6", "control": "#7B8393",
        "text": "#1B1E25", "text2": "#545B69", "accent": "#3A55D9", "on_accent": "#FFFFFF", "accent_soft": "#E6EAFC",
        "truth": "#00755A", "pred": "#A84900", "warn": "#855600", "danger": "#B3261E", "ok": "#0B7A3E",
    },
    "dark": {
        "window": "#0F1115", "surface": "#181B21", "sunken": "#12151A", "border": "#2B303A", "control": "#7D8596",
        "text": "#E9EBF0", "text2": "#A4ABB9", "accent": "#93A8FF", "on_accent": "#0F1115", "accent_soft": "#252C48",
        "truth": "#2FCB9B", "pred": "#F5A623", "warn": "#E9B44C", "danger": "#FF8A80", "ok": "#5BD08C",
    },
}  # fmt: skip
FIXED = {"ink": "#0F1115", "chalk": "#FFFFFF"}  # on photos and maps, which look the same in both themes

S1, S2, S3, S4 = 4, 8, 12, 16  # spacing, px
R1, R2 = 4, 8  # radii: controls, cards
CAPTION, SMALL, BODY, HEAD, FORMULA, TITLE = 11, 12, 13, 14, 15, 17  # type scale, px
SIDE, RAIL, DOCK, HEADER, STATUS, CARD_HEAD = 224, 56, 268, 56, 32, 30
BROKEN = 230  # least height of cards that went below each other for want of width
NARROW = 1440  # windows under this width get the rail
ERROR_MS, BUSY_MS = 120, 1000

FONT_VARIABLE = "LAB_FONT"  # puts one family first, to look at layouts with a wide or a narrow font


class _State:
    """The theme in use and how each widget was dressed."""

    def __init__(self) -> None:
        self.name = "light"
        self.motion = True
        self.lead = ""  # the family put first
        self.dressed: weakref.WeakKeyDictionary[QObject, dict[str, Callable[..., None]]] = weakref.WeakKeyDictionary()


_state = _State()


@contextmanager
def borrowed(look: str) -> Iterator[None]:
    """The tokens of a theme for a moment, to paint with; nothing on screen is told of it."""
    before, _state.name = _state.name, look
    try:
        yield
    finally:
        _state.name = before


# ------------------------------------------------------------------ tokens
def name() -> str:
    """``"light"`` or ``"dark"``."""
    return _state.name


def code(token: str) -> str:
    """The ``#RRGGBB`` of a token in the theme in use; ``cat0`` to ``cat5`` are the categories."""
    if token in FIXED:
        return FIXED[token]
    if token.startswith("cat") and token[3:].isdigit():
        return CATEGORIES[_state.name][int(token[3:])]
    return TOKENS[_state.name][token]


def known(token: str) -> str:
    """A token of a file: itself, or the first of the curves where there is none of that name."""
    return token if token in TOKENS[_state.name] else "cat0"


def color(token: str, alpha: int = 255) -> QColor:
    """The color of a token in the theme in use, with alpha 0..255."""
    return QColor(_color(_state.name, token, alpha))


@cache  # views ask for hundreds at each painting
def _color(_theme: str, token: str, alpha: int) -> QColor:
    made = QColor(code(token))
    made.setAlpha(alpha)
    return made


def from_rgb(red: int, green: int, blue: int) -> QColor:
    """A color that was computed, for example looked up in a ramp; each 0..255."""
    return QColor(red, green, blue)


def cat(index: int) -> QColor:
    """Category color; the order is fixed, at most six belong into one view (then shapes go round with them)."""
    return QColor(CATEGORIES[_state.name][index % 6])


@lru_cache(maxsize=4096)  # a table of numbers asks for hundreds at each painting
def luminance(text: str) -> float:
    """WCAG 2 relative luminance of ``#RRGGBB``, 0..1."""
    return float(linear(rgb(text)) @ np.array([0.2126, 0.7152, 0.0722]))


def contrast(a: str, b: str) -> float:
    """WCAG 2 contrast ratio of two ``#RRGGBB`` colors, 1..21."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def ink_on(paper: str) -> QColor:
    """Black or white, whichever has more contrast on ``#RRGGBB`` paper."""
    return color(_ink(paper))


@lru_cache(maxsize=4096)  # a table of numbers asks for each of its cells
def _ink(paper: str) -> str:
    return max(FIXED, key=lambda token: contrast(FIXED[token], paper))


def inks_on(map_name: str) -> tuple[QColor, ...]:
    """`ink_on` for each of the 256 colors of a `ramp`."""
    return _inks(STOPS[map_name][_state.name])


@cache  # a page may show thirty tables of numbers
def _inks(stops: tuple[str, ...]) -> tuple[QColor, ...]:
    return tuple(ink_on(f"#{r:02X}{g:02X}{b:02X}") for r, g, b in blend(stops).tolist())


# ------------------------------------------------------------------ color maps
def ramp(map_name: str = "ember", gap: bool = False) -> np.ndarray:
    """``ember``, ``tide`` or ``diff`` in the theme in use, uint8 (256, 3), read-only.

    With ``gap`` index 0 is the paper and 1..255 span the map.
    """
    stops = STOPS[map_name][_state.name]
    return _gapped(stops, code("surface")) if gap else blend(stops)


@cache
def _gapped(stops: tuple[str, ...], paper: str) -> np.ndarray:
    table = np.vstack([np.rint(255 * rgb(paper)).astype(np.uint8), blend(stops, 255)])
    table.setflags(write=False)
    return table


def ramp_table(map_name: str = "ember") -> list[int]:
    """256 ARGB numbers for an indexed image."""
    return list(_table(STOPS[map_name][_state.name]))


@cache
def _table(stops: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(0xFF000000 | int(r) << 16 | int(g) << 8 | int(b) for r, g, b in blend(stops))


# ------------------------------------------------------------------ type
def font(px: int = BODY, bold: bool = False, mono: bool = False, strike: bool = False) -> QFont:
    """The font of a step of the type scale in the language in use."""
    return fonts.font(px, bold, mono, strike, words.language(), "" if mono else _state.lead)


def text_width(text: str, px: int = CAPTION, bold: bool = False) -> float:
    """Width of a text in logical pixels."""
    return _width(text, px, bold, words.language(), _state.lead)


@lru_cache(maxsize=4096)  # the same names are measured at each painting
def _width(text: str, px: int, bold: bool, language: str, lead: str) -> float:
    return QFontMetricsF(fonts.font(px, bold, False, False, language, lead)).horizontalAdvance(text)


# ------------------------------------------------------------------ dressing
def dress(target: QObject, key: str, apply: Callable[..., None]) -> None:
    """Call ``apply(target)`` now and at each `restyle`. ``apply`` must not hold the target itself."""
    _state.dressed.setdefault(target, {})[key] = apply
    apply(target)


def set_font(target: QWidget, px: int = BODY, bold: bool = False, mono: bool = False, strike: bool = False) -> None:
    """Give a widget a font that follows the language."""
    dress(target, "font", lambda widget: widget.setFont(font(px, bold, mono, strike)))


def set_kind(target: QWidget, kind: str) -> None:
    """Give a widget a role of the style sheet (``quiet``, ``boxed``, ``primary``, ...)."""
    if target.property("kind") != kind:
        target.setProperty("kind", kind)
        if target.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
            target.style().unpolish(target)
            target.style().polish(target)
            _put_font_on(target)
        target.update()


def _put_font_on(target: QWidget) -> None:
    """A style sheet that polishes a widget once more brings back the font it had at first."""
    font_of = _state.dressed.get(target, {}).get("font")
    if font_of is not None:
        font_of(target)


def restyle(root: QWidget) -> None:
    """Dress everything under ``root`` again; objects with a method ``restyled`` are told afterwards."""
    _restyle([root, *root.findChildren(QObject)])


def _restyle(objects: Iterable[QObject]) -> None:
    for _ in _restyling(objects):
        pass


def _restyling(objects: Iterable[QObject]) -> Iterator[None]:
    everything = list(objects)
    yield from pieces(everything, _put_on)
    yield from pieces(everything, _tell)


def _put_on(item: QObject) -> None:
    for apply in list(_state.dressed.get(item, {}).values()):
        apply(item)


def _tell(item: QObject) -> None:
    told = getattr(item, "restyled", None)
    if callable(told):
        told()
    if isinstance(item, QWidget):
        item.update()


def palette() -> QPalette:
    """Qt's own colors in the theme in use."""
    role = QPalette.ColorRole
    made = QPalette()
    for one, token in (
        (role.Window, "window"), (role.Base, "sunken"), (role.AlternateBase, "surface"), (role.Button, "surface"),
        (role.WindowText, "text"), (role.Text, "text"), (role.ButtonText, "text"), (role.PlaceholderText, "text2"),
        (role.Highlight, "accent"), (role.HighlightedText, "on_accent"), (role.Accent, "accent"),
        (role.ToolTipBase, "text"), (role.ToolTipText, "surface"), (role.Link, "accent"),
    ):  # fmt: skip
        made.setColor(one, color(token))
    return made


def use(theme: str | None = None) -> None:
    """Switch tokens, palette, application font, style sheet and pyqtgraph together."""
    if theme is not None:
        if theme not in THEMES:
            raise ValueError(f"theme {theme!r} is none of {THEMES}")
        _state.name = theme
    _state.lead = os.environ.get(FONT_VARIABLE, "")
    app = QApplication.instance()
    if isinstance(app, QApplication):
        app.setPalette(palette())
        if app.font() != font():  # else each widget is asked for its own once more
            app.setFont(font())
        if (dressed := sheet(TOKENS[_state.name])) != app.styleSheet():
            if app.styleSheet():
                app.setStyleSheet("")  # one put on over another takes Qt four times as long: 1.7 s for all tabs
            app.setStyleSheet(dressed)
    set_up_plots()


def set_up_plots() -> None:
    """Tell pyqtgraph the colors, if it is loaded; the window opens before it is (`app.plots` calls this then)."""
    pg = sys.modules.get("pyqtgraph")
    if pg is not None and hasattr(pg, "setConfigOptions"):
        pg.setConfigOptions(
            background=code("surface"), foreground=code("text2"), antialias=False, imageAxisOrder="row-major"
        )


def switch(root: QWidget, theme: str | None = None, language: str | None = None) -> None:
    """Change theme or language of a whole window without a restart."""
    for _ in steps(root, theme, language):
        pass
    finish(root)


def steps(root: QWidget, theme: str | None = None, language: str | None = None) -> Iterator[None]:
    """Change theme or language; each ``yield`` is a place where the event loop may have a turn, with nothing painted.

    Another theme is put on what is in sight, in pieces. What is hidden gets it afterwards (`app.undressed`).
    """
    app = QApplication.instance()
    if isinstance(app, QApplication) and theme not in (None, _state.name):
        hidden = undressed(root)
        hidden.leave()
        try:
            yield
            app.setStyleSheet("")  # half of the work of `use`
            yield
            use(theme)
        finally:
            hidden.left()
        yield
        yield from hidden.dressing_seen()
    elif language is None:
        use(theme)
    if language is not None:
        yield from undressed(root).finishing()
        words.set_language(language)
        use()
        yield
        yield from words.retranslation(root)
        yield
        yield from _restyling([root, *root.findChildren(QObject)])


def undressed(root: QWidget) -> Undressed:
    """What of a window still wears the look before."""
    found = root.findChild(Undressed, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return found or Undressed(root, _restyling)


def finish(root: QWidget) -> None:
    """Have a whole window wear the look in use, hidden parts too."""
    undressed(root).finish()


def system() -> str:
    """The theme the desktop asks for; light where it says nothing."""
    hints = QApplication.styleHints()
    return "dark" if hints.colorScheme() == Qt.ColorScheme.Dark else "light"


# ------------------------------------------------------------------ motion
def set_motion(on: bool) -> None:
    """Whether controls may move; off is the setting "Reduce motion"."""
    _state.motion = on


def duration(ms: int) -> int:
    """Length of an animation, 0 where motion is reduced."""
    return ms if _state.motion else 0
