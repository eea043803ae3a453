"""Small parts every page is built from: rows and columns, labels, buttons, cards, segments, menus, the error bar.

Texts are English keys (see `app.words`) or whole Messages; fonts and icons follow language and theme.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import (
    QAbstractButton,
    QBoxLayout,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import icons, theme, words
from app.rings import RingedPushButton, RingedToolButton
from app.theme import BODY, S2, SMALL
from app.words import Text
from engines.core.errors import Message

Piece: TypeAlias = QWidget | QLayout
Item: TypeAlias = Piece | tuple[Piece, int] | int
Pad: TypeAlias = int | tuple[int, int, int, int]


# ------------------------------------------------------------------ arranging
def _fill(layout: QBoxLayout, items: Iterable[Item], gap: int, pad: Pad) -> None:
    layout.setSpacing(gap)
    layout.setContentsMargins(*(pad if isinstance(pad, tuple) else (pad,) * 4))
    for item in items:
        piece, stretch = item if isinstance(item, tuple) else (item, 0)
        if isinstance(piece, int):
            if piece > 0:
                layout.addStretch(piece)
            else:
                layout.addSpacing(-piece)
        elif isinstance(piece, QLayout):
            layout.addLayout(piece, stretch)
        else:
            layout.addWidget(piece, stretch)


def row(*items: Item, gap: int = S2, pad: Pad = 0) -> QHBoxLayout:
    """Side by side. A positive number is a stretch, a negative one a space in px, ``(thing, n)`` a stretched thing."""
    layout = QHBoxLayout()
    _fill(layout, items, gap, pad)
    return layout


def col(*items: Item, gap: int = S2, pad: Pad = 0) -> QVBoxLayout:
    """Below each other; items as in `row`."""
    layout = QVBoxLayout()
    _fill(layout, items, gap, pad)
    return layout


def box(layout: QLayout, kind: str = "") -> QFrame:
    """A frame around a layout, with a role of the style sheet."""
    frame = QFrame()
    if kind:
        frame.setProperty("kind", kind)
    frame.setLayout(layout)
    return frame


def rule() -> QFrame:
    """A horizontal 1-px line."""
    line = QFrame()
    line.setProperty("kind", "rule")
    line.setFixedHeight(1)
    return line


# ------------------------------------------------------------------ words
def label(text: Text = "", px: int = BODY, bold: bool = False, kind: str = "", wrap: bool = False) -> QLabel:
    """A line of text, said in the chosen language."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if kind:
        made.setProperty("kind", kind)
    theme.set_font(made, px, bold)
    if text:
        words.say(made, "setText", text)
    else:
        made.setText(" ")
        made.setText("")  # one that never said anything is of another size than one that fell silent
    return made


def quiet(text: Text = "", px: int = SMALL, wrap: bool = False) -> QLabel:
    """A note in the second text color."""
    return label(text, px, kind="quiet", wrap=wrap)


# ------------------------------------------------------------------ buttons
class Button(RingedToolButton):
    """A tool button whose text and picture follow language and theme."""

    def __init__(
        self, text: Text = "", icon: str = "", kind: str = "", tip: Text = "", px: int = BODY, after: bool = False
    ) -> None:
        super().__init__()
        if kind:
            self.setProperty("kind", kind)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme.set_font(self, px)
        if after:
            self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        if icon:
            self.set_icon(icon)
        beside = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        self.setToolButtonStyle(beside if icon and text else Qt.ToolButtonStyle.ToolButtonTextOnly)
        if icon and not text:
            self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            self.setFixedWidth(36)
        if text:
            self.set_text(text)
        if tip:
            words.say(self, "setToolTip", tip)
        if tip or text:
            words.say(self, "setAccessibleName", text or tip)

    def setMenu(self, menu: QMenu) -> None:
        """Qt's own; a button with its icon behind its words runs from right to left, its menu does not."""
        menu.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        super().setMenu(menu)

    def set_text(self, text: Text) -> None:
        """Say another text on the button."""
        words.say(self, "setText", text)
        words.say(self, "setAccessibleName", text)

    def set_icon(self, icon: str) -> None:
        """Show another icon."""
        inked = self.property("kind") == "primary"
        icons.put(self, icon, "on_accent" if inked else "text2", "on_accent" if inked else "accent")

    def setText(self, text: str) -> None:
        """Qt's own, with the gap between icon and text that LOOK asks for."""
        gap = " " if text and not self.icon().isNull() else ""
        super().setText(gap + text if self.layoutDirection() == Qt.LayoutDirection.LeftToRight else text + gap)

    def sizeHint(self) -> QSize:
        """Never narrower than its words."""
        return super().sizeHint().expandedTo(QSize(24, 28))

    def minimumSizeHint(self) -> QSize:
        """A button does not shrink: cut words help nobody."""
        return self.sizeHint()


def button(
    text: Text = "",
    icon: str = "",
    kind: str = "",
    tip: Text = "",
    px: int = BODY,
    after: bool = False,
    clicked: Callable[[], object] | None = None,
) -> Button:
    """A button; without text an icon button, which must have a tip. ``after`` puts the icon behind the text."""
    made = Button(text, icon, kind, tip, px, after)
    if clicked is not None:
        made.clicked.connect(lambda _checked=False: clicked())
    return made


class WideButton(RingedPushButton):
    """A button that fills its row, text and icon in the middle."""

    def __init__(self, text: Text, icon: str = "", kind: str = "boxed", tip: Text = "") -> None:
        super().__init__()
        self.setProperty("kind", kind)
        theme.set_font(self, BODY)
        words.say(self, "setText", text)
        words.say(self, "setAccessibleName", text)
        if tip:
            words.say(self, "setToolTip", tip)
        if icon:
            icons.put(self, icon)


class Segments(QFrame):
    """A few options side by side, one of them chosen."""

    chosen = Signal(int)

    def __init__(self, options: Sequence[Text], at: int = 0, tips: Sequence[Text] = (), px: int = SMALL) -> None:
        super().__init__()
        self.setProperty("kind", "segments")
        self._group = QButtonGroup(self)
        for i, text in enumerate(options):
            one = Button(text, kind="segment", tip=tips[i] if i < len(tips) else "", px=px)
            one.setCheckable(True)
            one.setChecked(i == at)
            one.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self._group.addButton(one, i)
        self.setLayout(row(*self._group.buttons(), gap=0))
        self._group.idClicked.connect(self.chosen)

    def at(self) -> int:
        """Index of the chosen option."""
        return self._group.checkedId()

    def button(self, index: int) -> QAbstractButton:
        """One of the options, to be pressed."""
        return self._group.button(index)

    def set_at(self, index: int) -> None:
        """Choose without telling anybody."""
        self._group.button(index).setChecked(True)


MANY = 300  # entries of a menu; more are parted


class MenuButton(Button):
    """A button that opens a list and shows what was chosen there.

    Attributes
    ----------
    exclusive : QActionGroup
        The entries, of which one is checked.
    """

    chosen = Signal(int)

    def __init__(
        self, options: Sequence[Text] = (), at: int = 0, prefix: str = "", tip: Text = "", px: int = BODY
    ) -> None:
        super().__init__(" ", "down", "boxed", tip, px, after=True)
        self._prefix = prefix  # a template with {value}, for example "Sort: {value}"
        self._options: list[Text] = []
        self._at = -1
        self._menu = QMenu(self)
        self.exclusive = QActionGroup(self)
        self._actions: dict[int, QAction] = {}
        self._parts: list[QMenu] = []
        self.setMenu(self._menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.set_options(options, at)

    def set_options(self, options: Sequence[Text], at: int = 0) -> None:
        """Offer another list; a plain string is a key, so a name of the outside world goes through `words.plain`."""
        self._menu.clear()
        for old in self.exclusive.actions():
            self.exclusive.removeAction(old)
            old.deleteLater()
        for part in self._parts:
            part.deleteLater()
        self._options, self._actions, self._parts = list(options), {}, []
        self._at = -1
        if len(options) <= MANY:
            self._offer(self._menu, range(len(options)))
        else:
            self._part(math.isqrt(len(options)) + 1)
        if options:
            self.set_at(min(at, len(options) - 1))

    def _offer(self, menu: QMenu, places: Iterable[int]) -> None:
        for i in places:
            action = QAction(self)
            action.setCheckable(True)
            words.say(action, "setText", self._options[i])
            action.triggered.connect(lambda _checked=False, i=i: self.pick(i))
            self.exclusive.addAction(action)
            action.setChecked(i == self._at)
            self._actions[i] = action
            menu.addAction(action)

    def _part(self, length: int) -> None:
        """A menu of many parts, each filled when it is opened: thousands of entries would hold the window up."""
        for first in range(0, len(self._options), length):
            places = range(first, min(first + length, len(self._options)))
            part = QMenu(self._menu)
            ends = {"first": self._options[places[0]], "last": self._options[places[-1]]}
            words.say(part, "setTitle", Message("{first} – {last}", ends))
            part.aboutToShow.connect(partial(self._open, part, places))
            self._menu.addMenu(part)
            self._parts.append(part)

    def _open(self, part: QMenu, places: range) -> None:
        if part.isEmpty():
            self._offer(part, places)

    def pick(self, index: int) -> None:
        self.set_at(index)
        self.chosen.emit(index)

    def at(self) -> int:
        """Index of what is chosen; −1 in an empty list."""
        return self._at

    def set_at(self, index: int) -> None:
        """Choose without telling anybody."""
        self._at = index
        checked = self.exclusive.checkedAction()
        if index in self._actions:
            self._actions[index].setChecked(True)
        elif checked is not None:
            checked.setChecked(False)  # what is chosen stands in a part that was not opened yet
        chosen = self._options[index]
        if self._prefix:
            value = chosen if isinstance(chosen, Message) else Message(chosen)
            self.set_text(Message(self._prefix, {"value": value}))
        else:
            self.set_text(chosen)

    def wheelEvent(self, event: QEvent) -> None:
        """The wheel belongs to the page."""
        event.ignore()


def show_or_hide(part: QWidget, shown: bool) -> None:
    """As ``setVisible``; but what has no parent yet is shown with the parent it gets, not as a window of its own."""
    if shown and part.parentWidget() is None:
        part.setAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide, False)
    else:
        part.setVisible(shown)


def popup(menu: QMenu, under: QWidget) -> None:
    """Open a menu below a widget."""
    menu.popup(under.mapToGlobal(QPoint(0, under.height() + 2)))


def swap(holder: QWidget, old: QWidget, new: QWidget) -> None:
    """Put other options into the place of old ones."""
    layout = holder.layout()
    assert layout is not None
    layout.replaceWidget(old, new)
    old.hide()
    old.deleteLater()
