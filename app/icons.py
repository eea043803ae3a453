"""Our own 20-px stroke icons: one SVG file each, drawn in ``currentColor`` and tinted by a token."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton

from app import theme
from engines.core.assets import assets

FOLDER = assets("icons")
PX = 18


def names() -> tuple[str, ...]:
    """Every icon there is."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.svg")))


@cache
def _source(name: str) -> str:
    return (FOLDER / f"{name}.svg").read_text(encoding="utf-8")


@cache
def _pixmap(name: str, tint: str, px: int, scale: int) -> QPixmap:
    picture = QPixmap(px * scale, px * scale)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        QSvgRenderer(QByteArray(_source(name).replace("currentColor", tint).encode())).render(painter)
    picture.setDevicePixelRatio(scale)
    return picture


def pixmap(name: str, token: str = "text2", px: int = PX, scale: int = 2) -> QPixmap:
    """One icon as a picture of ``px`` logical pixels, tinted by a token of the theme in use."""
    return _pixmap(name, theme.code(token), px, scale)


def icon(name: str, off: str = "text2", on: str = "accent", px: int = PX) -> QIcon:
    """One icon for a button: token ``off`` normally, ``on`` while it is checked, ``control`` while disabled."""
    made = QIcon()
    for scale in (1, 2, 3):
        for mode, state, token in (
            (QIcon.Mode.Normal, QIcon.State.Off, off),
            (QIcon.Mode.Normal, QIcon.State.On, on),
            (QIcon.Mode.Disabled, QIcon.State.Off, "control"),
            (QIcon.Mode.Disabled, QIcon.State.On, "control"),
        ):
            made.addPixmap(pixmap(name, token, px, scale), mode, state)
    return made


def put(button: QAbstractButton, name: str, off: str = "text2", on: str = "accent", px: int = PX) -> None:
    """Give a button an icon that follows the theme."""

    def apply(target: QAbstractButton) -> None:
        target.setIcon(icon(name, off, on, px))
        target.setIconSize(QSize(px, px))

    theme.dress(button, "icon", apply)
