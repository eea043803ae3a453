"""The bar above a tab: title, pages, model, picture, undo, redo, copy, fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEasingCurve, QPropertyAnimation, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QPainter
from PySide6.QtWidgets import QButtonGroup, QMenu, QToolButton, QWidget

from app import theme, words
from app.fitting import FittingBar
from app.theme import HEADER, S1, S3, S4, TITLE
from app.widgets import Button, button, label, row
from app.words import Text
from engines.core.errors import Message

FORMS = 5  #: of a header, from wide to narrow


class DropDown(Button):
    """A button whose menu is built anew each time it opens."""

    def __init__(self, text: Text, tip: Text, fill: Callable[[QMenu], None]) -> None:
        super().__init__(text, "down", "boxed", tip, after=True)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(lambda: refill(menu, fill))
        self.setMenu(menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)


def refill(menu: QMenu, fill: Callable[[QMenu], None]) -> None:
    """Empty a menu and fill it again."""
    for inner in menu.findChildren(QMenu):  # `clear` lets go of them without deleting them
        inner.deleteLater()
    menu.clear()
    fill(menu)


def entry(
    menu: QMenu, text: Text, act: Callable[[], object], checked: bool | None = None, enabled: bool = True
) -> QAction:
    """Add one line to a menu."""
    action = QAction(words.tr(text).replace("&", "&&"), menu)
    if checked is not None:
        action.setCheckable(True)
        action.setChecked(checked)
    action.setEnabled(enabled)
    action.triggered.connect(lambda _checked=False: act())
    menu.addAction(action)
    return action


def with_keys(text: str, keys: str) -> Message:
    """A line of a menu with its keys at the right."""
    return Message("{text}\t{keys}", {"text": Message(text), "keys": keys})


class Header(FittingBar):
    """Title and pages at the left, what is looked at and the tools at the right.

    Signals
    -------
    paged : int
        Another page was chosen.
    """

    paged = Signal(int)
    undo = Signal()
    redo = Signal()
    copied = Signal()
    fitted = Signal()

    def __init__(self, title: Text, pages: Sequence[Text], choosers: Sequence[QWidget] = ()) -> None:
        super().__init__()
        self.setProperty("kind", "head")
        self.setFixedHeight(HEADER)
        self._group = QButtonGroup(self)
        for i, text in enumerate(pages):
            page = button(text, kind="page")
            page.setCheckable(True)
            page.setChecked(i == 0)
            self._group.addButton(page, i)
        self._title = label(title, TITLE, True)
        self.turn = DropDown(pages[0] if pages else "Pages", "Pages", self._fill_pages)
        self._pages = tuple(pages)
        self.more = button(icon="more", tip="More")
        menu = QMenu(self.more)
        menu.aboutToShow.connect(lambda: refill(menu, self._fill_more))
        self.more.setMenu(menu)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.undo_button = button(icon="undo", tip="Undo (Ctrl+Z)", clicked=self.undo.emit)
        self.redo_button = button(icon="redo", tip="Redo (Ctrl+Y)", clicked=self.redo.emit)
        copy = button(icon="copy", tip="Copy what is on screen as a picture (Ctrl+C)", clicked=self.copied.emit)
        fit = button(icon="fit", tip="Fit the views (0)", clicked=self.fitted.emit)
        self._tools = (self.undo_button, self.redo_button, copy, fit)
        self._choosers = tuple(choosers)
        self._row = row(self._title, -S4, *self._group.buttons(), self.turn, 1, *choosers, -S1, *self._tools,
                        self.more, gap=S1, pad=(S4, 0, S3, 0))  # fmt: skip
        self.setLayout(self._row)
        self._form = -1
        self._take_form(0)
        self.underline = Underline(self)
        self._group.idClicked.connect(self._clicked)
        self.set_steps(False, False)

    def set_page(self, index: int) -> None:
        """Mark a page without telling anybody; a tab of one page has no buttons."""
        page = self._group.button(index)
        if page is not None:
            page.setChecked(True)
            self.turn.set_text(self._pages[index])
            self.underline.move_under(page, animated=False)

    def set_steps(self, undo: bool, redo: bool) -> None:
        """Whether there is something to undo and to redo."""
        self.undo_button.setEnabled(undo)
        self.redo_button.setEnabled(redo)

    def _clicked(self, index: int) -> None:
        self.underline.move_under(self._group.button(index), animated=True)
        self.turn.set_text(self._pages[index])
        self.paged.emit(index)

    # -- in a narrow window
    def _parts(self, form: int) -> tuple[QWidget, ...]:
        """What is shown of title, pages and tools, from all to a menu of pages and a menu of tools."""
        pages = tuple(self._group.buttons())
        title, turn = (self._title,), (self.turn,) * bool(pages)
        forms: tuple[tuple[QWidget, ...], ...] = (
            (*title, *pages, *self._tools),
            (*pages, *self._tools),
            (*title, *turn, *self._tools),
            (*turn, *self._tools),
            (*turn, self.more),
        )
        return forms[form]

    def _need(self, form: int) -> int:
        shown = [*self._parts(form), *(one for one in self._choosers if not one.isHidden())]
        margins, gap = self._row.contentsMargins(), self._row.spacing()
        rest = margins.left() + margins.right() + S4 + S1
        return rest + sum(max(one.minimumSizeHint().width(), one.minimumWidth()) + gap for one in shown)

    def _take_form(self, form: int) -> None:
        if form == self._form:
            return
        self._form = form
        shown = self._parts(form)
        for one in (self._title, self.turn, self.more, *self._tools, *self._group.buttons()):
            one.setVisible(one in shown)

    def fit_parts(self) -> None:
        """The first form that has room; the last, if none has."""
        self._take_form(next((form for form in range(FORMS) if self._need(form) <= self.width()), FORMS - 1))

    def minimumSizeHint(self) -> QSize:
        """That of the narrowest form."""
        return QSize(self._need(FORMS - 1), HEADER)

    def _fill_pages(self, menu: QMenu) -> None:
        for index, text in enumerate(self._pages):
            button = self._group.button(index)
            entry(menu, text, button.click, checked=button.isChecked())

    def _fill_more(self, menu: QMenu) -> None:
        entry(menu, with_keys("Undo", "Ctrl+Z"), self.undo.emit, enabled=self.undo_button.isEnabled())
        entry(menu, with_keys("Redo", "Ctrl+Y"), self.redo.emit, enabled=self.redo_button.isEnabled())
        entry(menu, with_keys("Copy what is on screen as a picture", "Ctrl+C"), self.copied.emit)
        entry(menu, with_keys("Fit the views", "0"), self.fitted.emit)


class Underline(QWidget):
    """The accent line that runs from one page's name to the next."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._target: QWidget | None = None
        self._run = QPropertyAnimation(self, b"geometry", self)
        self._run.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._run.finished.connect(self.hide)  # at rest the style sheet draws the line
        self.hide()

    def move_under(self, target: QWidget, animated: bool) -> None:
        """Run to ``target``, or be there at once; where it is, or is on its way to already, nothing happens."""
        before, self._target = self._target, target
        if before is target:
            return
        self._run.stop()
        self.hide()  # a run that is stopped does not say that it has finished
        if animated and before is not None and target.isVisible() and theme.duration(1):
            self._run.setDuration(theme.duration(120))
            self._run.setStartValue(_below(before))
            self._run.setEndValue(_below(target))
            self.setGeometry(_below(before))
            self.show()
            self._run.start()

    def paintEvent(self, _event: object) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), theme.color("accent"))


def _below(page: QWidget) -> QRect:
    """Where the line stands under a page's name."""
    return QRect(page.x(), page.geometry().bottom() - 1, page.width(), 2)
