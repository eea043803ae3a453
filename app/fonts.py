"""The fonts that the program brings along (``assets/fonts``), and those of the systems for what they lack.

A font made here is drawn alike on every machine: the desktop's settings for hinting and colored edges are not asked.
"""

from __future__ import annotations

from functools import cache

from PySide6.QtGui import QFont, QFontDatabase

from engines.core.assets import assets

FOLDER = assets("fonts")
LATIN, HAN, MONO = "Attention Lab Sans", "Attention Lab Sans SC", "Attention Lab Mono"

LATIN_BEHIND = ("Segoe UI Variable Text", "Segoe UI", "SF Pro Text", "DejaVu Sans")
HAN_BEHIND = ("Microsoft YaHei UI", "PingFang SC", "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei")


@cache
def load() -> frozenset[str]:
    """Make the fonts known to Qt, once; the families there are then, the system's among them.

    A file that cannot be read is left out: its family is not there, and a system's takes its place.
    """
    for path in sorted(FOLDER.glob("*.[ot]tf")):
        QFontDatabase.addApplicationFont(str(path))
    return frozenset(QFontDatabase.families())


@cache
def _made(px: int, bold: bool, mono: bool, strike: bool, language: str, lead: str) -> QFont:
    latin, han = (LATIN, *LATIN_BEHIND), (HAN, *HAN_BEHIND)
    # The shipped ones stand before all others: a system's font must not take a sign that a shipped one has.
    shipped = (HAN, LATIN) if language == "zh" else (LATIN, HAN)
    behind = han + latin if language == "zh" else latin + han
    chain = [MONO, *shipped, *behind] if mono else [*shipped, *behind]
    there = load()
    made = QFont()
    made.setFamilies(list(dict.fromkeys([lead] * bool(lead) + [family for family in chain if family in there])))
    made.setPixelSize(px)
    made.setWeight(QFont.Weight.Bold if bold else QFont.Weight.Normal)
    made.setStrikeOut(strike)
    made.setHintingPreference(QFont.HintingPreference.PreferVerticalHinting)  # crisp lines, widths as designed
    made.setStyleStrategy(QFont.StyleStrategy.NoSubpixelAntialias)
    return made


def font(
    px: int, bold: bool = False, mono: bool = False, strike: bool = False, language: str = "en", lead: str = ""
) -> QFont:
    """A font of ``px`` pixels for texts in ``language``; the family ``lead``, if named, comes first."""
    return QFont(_made(px, bold, mono, strike, language, lead))
