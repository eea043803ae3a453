"""The card that holds a view, the line that says it is busy, and the error bar under the header."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEasingCurve, QEvent, QPropertyAnimation, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QLayout, QStackedLayout, QWidget

from app import icons, theme, words
from app.steady import Steady
from app.theme import BODY, CARD_HEAD, HEAD, S1, S2, S3, SMALL
from app.widgets import Button, Item, Pad, Piece, box, button, col, label, row
from app.words import Text


# ------------------------------------------------------------------ card
class BusyLine(QWidget):
    """A thin accent line that runs along the upper edge of its parent.

    It is always there and mostly paints nothing: to show a widget costs ten times as much as to paint this one.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.runs = False
        self._at = 0
        self._run = QTimer(self, interval=40)
        self._run.timeout.connect(self._step)

    def set_busy(self, busy: bool) -> None:
        """Run, or rest."""
        if busy == self.runs:
            return
        self.runs, self._at = busy, 0
        if busy and theme.duration(1):
            self._run.start()
        else:
            self._run.stop()
        self.raise_()
        self.update()

    def _step(self) -> None:
        self._at = (self._at + 2) % 100
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self.runs:
            return
        wide = self.width()
        with QPainter(self) as painter:
            if not theme.duration(1):
                painter.fillRect(self.rect(), theme.color("accent"))
                return
            length = wide // 4
            painter.fillRect(QRect(self._at * (wide + length) // 100 - length, 0, length, 2), theme.color("accent"))


class Card(QFrame):
    """White paper with a head (title, note, tools), a body and a foot.

    Attributes
    ----------
    empty_text, empty_button
        What stands in place of the body where there is nothing to show.
    """

    def __init__(
        self,
        title: Text,
        body: Piece,
        note: Text = "",
        tools: Sequence[Item] = (),
        foot: Piece | None = None,
        pad: Pad = (S3, S2, S3, S3),
    ) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.title = Steady(title, HEAD, True)
        self.note = Steady(note, SMALL, kind="quiet")
        self._head = row(self.title, self.note, 1, *tools)
        self._head.addStrut(CARD_HEAD)
        inside = col(self._head, gap=S2, pad=pad)
        self._body = body if isinstance(body, QWidget) else None
        self._name_body(title)
        self._pages = QStackedLayout()
        inside.addLayout(self._pages, 1)
        if isinstance(foot, QLayout):
            inside.addLayout(foot)
        elif foot is not None:
            inside.addWidget(foot)
        self.setLayout(inside)
        self._pages.addWidget(body if isinstance(body, QWidget) else box(body))
        self.empty_text = label("", BODY, kind="quiet", wrap=True)
        self.empty_text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.empty_button = Button(" ", kind="boxed")
        self._pages.addWidget(
            box(col(1, self.empty_text, (row(1, self.empty_button, 1), 0), 1, gap=S3, pad=(S3, 0, S3, 0)))
        )
        self._empty_act: Callable[[], object] | None = None
        self.empty_button.clicked.connect(self._act)
        self._busy = BusyLine(self)

    def set_title(self, text: Text, **values: object) -> None:
        """Say another title."""
        words.say(self.title, "setText", text, **values)
        self._name_body(text, **values)

    def _name_body(self, text: Text, **values: object) -> None:
        """The view is called like its card."""
        if self._body is not None:
            words.say(self._body, "setAccessibleName", text, **values)

    def set_note(self, text: Text, **values: object) -> None:
        """Say another note beside the title."""
        words.say(self.note, "setText", text, **values)

    def is_busy(self) -> bool:
        """Whether the line runs."""
        return self._busy.runs

    def is_empty(self) -> bool:
        """Whether the line of `set_empty` stands in place of the body."""
        return bool(self._pages.currentIndex() == 1)

    def set_busy(self, busy: bool) -> None:
        """Old content stays, a thin line runs along the card."""
        self._busy.set_busy(busy)

    def set_empty(self, text: Text | None, action: Text = "", act: Callable[[], object] | None = None) -> None:
        """Show one line and one button instead of the body; None brings the body back."""
        if text is not None:
            words.say(self.empty_text, "setText", text)
            self.empty_button.setVisible(bool(action))
            if action:
                self.empty_button.set_text(action)
            self._empty_act = act
        self._pages.setCurrentIndex(0 if text is None else 1)

    def _act(self) -> None:
        if self._empty_act is not None:
            self._empty_act()

    def resizeEvent(self, _event: QEvent) -> None:
        self._busy.setGeometry(theme.R2, 0, self.width() - 2 * theme.R2, 2)


def card(title: Text, body: Piece, note: Text = "", tools: Sequence[Item] = (), foot: Piece | None = None) -> Card:
    """A card around a view or a layout."""
    return Card(title, body, note, tools, foot)


# ------------------------------------------------------------------ errors
UNBOUND = 16_777_215  # Qt's largest height


class ErrorBar(QFrame):
    """A bar under the header: a word, the reason, one action, a cross. Never modal.

    Attributes
    ----------
    floats : bool
        It lies over something, and in no layout: it does not slide, for what gives it its height then?
    """

    closed = Signal()
    opening = Signal()  # it is about to be shown

    def __init__(self) -> None:
        super().__init__()
        self.floats = False
        self.setProperty("kind", "error")
        self._icon = QLabel()
        self._word = label("", BODY, True, "danger")
        self._reason = label("", BODY, wrap=True)
        self._reason.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.action = button(" ", kind="boxed", clicked=self._acted)
        self._also = button(" ", kind="boxed", clicked=self._also_acted)
        self._close = button(icon="close", tip="Close", clicked=self.dismiss)
        self.setLayout(
            row(self._icon, self._word, (self._reason, 1), self._also, self.action, self._close, gap=S2,
                pad=(S3, S1, S3, S1))
        )  # fmt: skip
        self._act: Callable[[], object] | None = None
        self._more: Callable[[], object] | None = None
        self._slide = QPropertyAnimation(self, b"maximumHeight", self)
        self._slide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._slide.finished.connect(lambda: self.setMaximumHeight(UNBOUND))
        self.hide()

    def tell(
        self,
        reason: Text,
        word: Text = "Error",
        action: Text = "",
        act: Callable[[], object] | None = None,
        kind: str = "",
    ) -> None:
        """Show the bar.

        ``kind`` is ``error`` or ``warning``, by default what the word is: a note is no error. The word says which, not
        the color alone.
        """
        kind = kind or ("warning" if word == "Note" else "error")
        token = "danger" if kind == "error" else "warn"
        theme.set_kind(self, kind)
        theme.set_kind(self._word, token)
        theme.dress(self._icon, "icon", lambda w: w.setPixmap(icons.pixmap("warning", token)))
        words.say(self._word, "setText", word)
        words.say(self._reason, "setText", reason)
        self.action.setVisible(bool(action))
        self._also.hide()
        if action:
            self.action.set_text(action)
        self._act = act
        self.setAccessibleName(f"{self._word.text()}: {self._reason.text()}")
        self._open()

    def offer(self, action: Text, act: Callable[[], object]) -> None:
        """Offer something else to do about what the bar says; the bar stays."""
        self._also.set_text(action)
        self._also.show()
        self._more = act

    def _also_acted(self) -> None:
        if self._more is not None:
            self._more()

    def _open(self) -> None:
        """Slide down, unless motion is reduced, it floats, or it is already there."""
        self._slide.stop()
        self.setMaximumHeight(UNBOUND)
        if self.isHidden():
            self.opening.emit()
        length = theme.duration(theme.ERROR_MS)
        if length and self.isHidden() and not self.floats and self.parentWidget() is not None:
            self._slide.setDuration(length)
            self._slide.setStartValue(0)
            self._slide.setEndValue(max(40, self.sizeHint().height()))
            self._slide.start()
        self.show()

    def retranslated(self) -> None:
        """Keep the spoken name in step with the words."""
        self.setAccessibleName(f"{self._word.text()}: {self._reason.text()}")

    def reason(self) -> str:
        """What stands in the bar; empty while it is hidden."""
        return "" if self.isHidden() else self._reason.text()

    def _acted(self) -> None:
        act = self._act
        self.dismiss()
        if act is not None:
            act()

    def dismiss(self) -> None:
        """Hide the bar."""
        self.hide()
        self.closed.emit()
