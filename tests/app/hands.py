"""Random hands on a window: every kind of thing that a person can do to it, drawn from a seed.

They never meet a real file dialog: its keys and buttons would rename, delete and write wherever it happens to stand.
`without_dialogs` answers in its place, and `Hands` refuses to work without it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from unittest import mock

from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMenu,
    QMessageBox,
    QToolButton,
    QWidget,
)

from app import export, folders, pageexport
from app.drops import SESSION
from app.figure import KINDS, taken
from app.figuredialog import FigureDialog
from app.networksheet import NetworkSheet
from app.plots.surface import Surface
from app.presenter import Presenter
from app.session import dialogs
from app.sliders import Slider
from app.strip import PictureStrip
from app.views.base import PixelView
from app.views.table import QueryTable
from engines.data.samples import samples
from tests.app.reading import visible

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
MODIFIERS = (NONE, NONE, NONE, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier)
KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End,
    Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Tab,
    Qt.Key.Key_Backtab, Qt.Key.Key_Delete, Qt.Key.Key_0, Qt.Key.Key_Period, Qt.Key.Key_F6, Qt.Key.Key_D,
)  # fmt: skip
TYPED = ("", "7", "-3", "0", "1e9", "nan", "inf", "0.33", "50 %", "猫", "−1", "1,000", "1e-400", "9" * 400)
SIZES = ((960, 600), (1280, 800), (1281, 801), (1440, 900), (1920, 1080), (1000, 1400), (2600, 700))


def opened(*_: object) -> NoReturn:
    """In place of showing a dialog."""
    raise AssertionError("a file dialog was opened in a random walk")


def _chosen_none(_sheet: NetworkSheet) -> None:
    """No folder. A Mock in its place would stand among what PySide connects to, which crashed it before 6.11.1."""


@contextmanager
def without_dialogs(folder: Path) -> Iterator[None]:
    """File dialogs answer at once: nothing is opened, and what is saved goes to ``folder``; no file manager comes."""
    answers = {
        "getOpenFileName": ("", ""),
        "getOpenFileNames": ([], ""),
        "getExistingDirectory": "",
        "getSaveFileName": (str(folder / "saved"), ""),
    }

    def figure(dialog: FigureDialog) -> None:
        kind = KINDS[dialog.kind.at()]
        dialog._view.window().saving.write(folder / f"figure{kind}", taken(dialog._view, dialog.figure, kind))
        dialog.accept()

    def page(_window: QWidget, name: str, copies: pageexport.Copies, save: Callable[[str, str], object]) -> None:
        kind = copies.kinds[-1]
        save(str(folder / f"{name}{kind}"), kind)
        copies.deleteLater()

    def session(window: QWidget, _title: str) -> mock.Mock:
        return mock.Mock(open=lambda: window.session.save(folder / f"saved{SESSION}"))

    said = {name: lambda *_, answer=answer, **__: answer for name, answer in answers.items()}
    with (
        mock.patch.multiple(QFileDialog, **said, **dict.fromkeys(("open", "exec", "show"), opened)),
        mock.patch.object(QMessageBox, "open", lambda question: question.buttons()[0].click()),
        mock.patch.object(FigureDialog, "_ask", figure),
        mock.patch.object(pageexport, "_choose", page),
        mock.patch.object(dialogs, "_dialog", session),
        mock.patch.object(folders, "command", return_value=("", [])),
        mock.patch.object(folders.QDesktopServices, "openUrl", return_value=False),
        mock.patch.object(NetworkSheet, "_ask_folder", _chosen_none),
        mock.patch.object(Presenter, "start_anew", return_value=None),  # it would close the window
        mock.patch.object(export, "_ask", lambda view, kind: export.save_aside(view, folder / f"saved{kind}")),
    ):
        yield


class Hands:
    """What can be done to a window.

    Parameters
    ----------
    window : Window
    seed : int
    drops : list of Path
        Pictures good and bad, folders, models: what is dropped.
    """

    def __init__(self, window: QWidget, seed: int, drops: list[Path]) -> None:
        assert QFileDialog.open is opened, "work inside of without_dialogs()"
        self.window, self.drops = window, drops
        self.dice = random.Random(seed)
        self.log: list[str] = []
        self._closer = QTimer(window, interval=5)  # a menu opened by a key waits for its choice
        self._closer.timeout.connect(self._close_popup)
        self._closer.start()
        self._acts: list[tuple[int, Callable[[], str]]] = [
            (20, self.drag_slider),
            (10, self.nudge_slider),
            (4, self.type_value),
            (14, self.press_button),
            (5, self.choose_from_menu),
            (14, self.click_view),
            (10, self.drag_view),
            (12, self.hover_view),
            (5, self.turn_wheel),
            (12, self.press_keys),
            (3, self.open_context_menu),
            (4, self.turn_page),
            (3, self.turn_topic),
            (1, self.switch_language),
            (1, self.switch_theme),
            (2, self.resize),
            (6, self.step_back_or_forward),
            (3, self.drop),
            (2, self.take_sample),
            (2, self.choose_thumbnail),
            (3, self.cancel),
            (1, self.paste),
        ]

    def act(self) -> None:
        """One random act."""
        ((_, act),) = self.dice.choices(self._acts, [weight for weight, _ in self._acts])
        self.do(act)

    def do(self, act: Callable[[], str]) -> None:
        """Do one thing, and write down which."""
        self.log.append(act.__name__)
        self.log[-1] += " " + act()

    def breathe(self, often: float) -> None:
        """Between two parts of an act; ``often`` says how likely it is that the window gets a turn."""
        if often and self.dice.random() < often:
            QApplication.processEvents()

    @staticmethod
    def _close_popup() -> None:
        popup = QApplication.activePopupWidget()
        if popup is not None:
            popup.close()

    # -- finding things
    def _some(self, kind: type, keep: Callable[[QWidget], bool] = lambda _w: True) -> QWidget | None:
        found = [w for w in self._here() if isinstance(w, kind) and w.isEnabled() and keep(w)]
        return self.dice.choice(found) if found else None

    def _here(self) -> list[QWidget]:
        """All that is seen in the window itself, not in a dialog of it."""
        return [w for w in visible(self.window) if not isinstance(w.window(), QDialog)]

    def _place(self, widget: QWidget) -> QPoint:
        beyond = self.dice.random() < 0.05  # a drag may leave the view
        spread = 60 if beyond else 0
        return QPoint(
            self.dice.randint(-spread, max(0, widget.width() - 1) + spread),
            self.dice.randint(-spread, max(0, widget.height() - 1) + spread),
        )

    def _view(self) -> QWidget | None:
        here = self._here()
        found = [w for w in here if isinstance(w, PixelView)] + [w.viewport() for w in here if isinstance(w, Surface)]
        found += [w.viewport() for w in here if isinstance(w, QueryTable)]
        return self.dice.choice(found) if found else None

    def _mouse(self, widget: QWidget, kind: QEvent.Type, at: QPoint, held: Qt.KeyboardModifier = NONE) -> None:
        """A mouse event as the window system would send it (QTest has no drags with modifiers)."""
        moving = kind == QEvent.Type.MouseMove
        down = LEFT if kind != QEvent.Type.MouseButtonRelease else Qt.MouseButton.NoButton
        place = QPointF(at)
        button = Qt.MouseButton.NoButton if moving else LEFT
        QApplication.sendEvent(
            widget, QMouseEvent(kind, place, QPointF(widget.mapToGlobal(at)), button, down, held)
        )  # fmt: skip

    # -- acts
    def drag_slider(self) -> str:
        slider = self._some(Slider)
        if slider is None:
            return "none"
        self._mouse(slider, QEvent.Type.MouseButtonPress, self._place(slider))
        for _ in range(self.dice.randint(1, 8)):
            self._mouse(slider, QEvent.Type.MouseMove, self._place(slider))
            self.breathe(0.3)
        self._mouse(slider, QEvent.Type.MouseButtonRelease, self._place(slider))
        return slider.accessibleName()

    def nudge_slider(self) -> str:
        slider = self._some(Slider)
        if slider is None:
            return "none"
        if self.dice.random() < 0.2:
            QTest.mouseDClick(slider, LEFT)
            return f"{slider.accessibleName()} reset"
        slider.setFocus()
        QTest.keyClick(slider, self.dice.choice(KEYS[:8]))
        return slider.accessibleName()

    def type_value(self) -> str:
        field = self._some(QLineEdit)
        if field is None:
            return "none"
        text = self.dice.choice(TYPED)
        field.setFocus()
        field.selectAll()
        field.insert(text)
        QTest.keyClick(field, self.dice.choice((Qt.Key.Key_Return, Qt.Key.Key_Tab, Qt.Key.Key_Escape)))
        return f"{field.accessibleName()} {text[:12]}"

    def press_button(self) -> str:
        def plain(w: QWidget) -> bool:
            return not (isinstance(w, QToolButton) and w.menu() is not None)

        one = self._some(QAbstractButton, plain)
        if one is None:
            return "none"
        name = one.accessibleName() or one.text()
        QTest.mouseClick(one, LEFT)
        return name

    def choose_from_menu(self) -> str:
        one = self._some(QToolButton, lambda w: w.menu() is not None)
        return "none" if one is None else self._choose(one.menu())

    def _choose(self, menu: QMenu) -> str:
        menu.aboutToShow.emit()
        lines = [a for a in menu.actions() if a.isEnabled() and not a.isSeparator()]
        if not lines:
            return "empty menu"
        line = self.dice.choice(lines)
        if line.menu() is not None:
            return self._choose(line.menu())
        text = line.text()
        line.trigger()
        return text

    def click_view(self) -> str:
        view = self._view()
        if view is None:
            return "none"
        at, held = self._place(view), self.dice.choice(MODIFIERS)
        if self.dice.random() < 0.15:
            QTest.mouseDClick(view, LEFT, held, at)
        else:
            QTest.mouseClick(view, LEFT, held, at)
        return f"{type(view).__name__} {view.accessibleName()} {at.x()}, {at.y()}"

    def drag_view(self) -> str:
        view = self._view()
        if view is None:
            return "none"
        held = self.dice.choice(MODIFIERS)
        self._mouse(view, QEvent.Type.MouseButtonPress, self._place(view), held)
        for _ in range(self.dice.randint(1, 6)):
            self._mouse(view, QEvent.Type.MouseMove, self._place(view), held)
            self.breathe(0.3)
        if self.dice.random() < 0.95:  # else the window system ate the release
            self._mouse(view, QEvent.Type.MouseButtonRelease, self._place(view), held)
        return f"{type(view).__name__} {view.accessibleName()}"

    def hover_view(self) -> str:
        view = self._view()
        if view is None:
            return "none"
        for _ in range(self.dice.randint(1, 6)):
            at = QPointF(self._place(view))
            QApplication.sendEvent(
                view,
                QMouseEvent(QEvent.Type.MouseMove, at, view.mapToGlobal(at), Qt.MouseButton.NoButton,
                            Qt.MouseButton.NoButton, NONE),
            )  # fmt: skip
            self.breathe(0)
        if self.dice.random() < 0.4:
            QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
        return type(view).__name__

    def turn_wheel(self) -> str:
        view = self._view() if self.dice.random() < 0.7 else self._some(Slider)
        if view is None:
            return "none"
        at, by = QPointF(self._place(view)), self.dice.choice((-1200, -120, -15, 15, 120, 1200))
        wheel = QWheelEvent(at, view.mapToGlobal(at), QPoint(), QPoint(0, by), Qt.MouseButton.NoButton, NONE,
                            Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
        QApplication.sendEvent(view, wheel)
        return f"{type(view).__name__} {by}"

    def press_keys(self) -> str:
        target = self._some(QWidget, lambda w: bool(w.focusPolicy()))
        if target is None:
            return "none"
        target.setFocus(Qt.FocusReason.TabFocusReason)
        keys = [self.dice.choice(KEYS) for _ in range(self.dice.randint(1, 4))]
        for key in keys:
            QTest.keyClick(QApplication.focusWidget() or target, key, self.dice.choice(MODIFIERS))
            self.breathe(0)
        return f"{type(target).__name__} {[k.name for k in keys]}"

    def open_context_menu(self) -> str:
        view = self._some(QWidget, lambda w: isinstance(w, PixelView | Surface | QueryTable))
        if view is None:
            return "none"
        made = export.menu(view)
        text = self._choose(made)
        made.deleteLater()
        return f"{type(view).__name__} {text}"

    def turn_page(self) -> str:
        tab = self.window.tab
        page = self.dice.randrange(len(tab.pages))
        tab.show_page(page)
        return str(page)

    def turn_topic(self) -> str:
        name = self.dice.choice(sorted(self.window.tabs))
        self.window.show_topic(name)
        return name

    def switch_language(self) -> str:
        self.window.toggle_language()
        return ""

    def switch_theme(self) -> str:
        self.window.toggle_theme()
        return ""

    def resize(self) -> str:
        size = self.dice.choice(SIZES)
        self.window.resize(*size)
        return str(size)

    def step_back_or_forward(self) -> str:
        for _ in range(self.dice.randint(1, 6)):
            self.dice.choice((self.window.tab.undo, self.window.tab.undo, self.window.tab.redo))()
            self.breathe(0)
        return ""

    def drop(self) -> str:
        if not self.drops:
            return "nothing"
        several = self.dice.choice((1, 1, 1, 2, 5))
        paths = [self.dice.choice(self.drops) for _ in range(several)]
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        if self.dice.random() < 0.1:
            data.setUrls([QUrl("https://example.org/cat.png")])
        self.window.intake.dropped(data)
        return str([path.name for path in paths])

    def take_sample(self) -> str:
        found = samples()
        name = self.dice.choice(found).name if found else "nothing"
        self.window.take_sample(name)
        return name

    def choose_thumbnail(self) -> str:
        strip = self._some(PictureStrip)
        if strip is None or not strip.count():  # of bad files alone
            return "none"
        strip.setCurrentRow(self.dice.randrange(strip.count()))
        return str(strip.currentRow())

    def cancel(self) -> str:
        self.window.cancel()
        return ""

    def paste(self) -> str:
        clipboard = QApplication.clipboard()
        kind = self.dice.randrange(3)
        if kind == 0:
            clipboard.setText("no picture")
        elif kind == 1:
            image = QImage(33, 21, QImage.Format.Format_ARGB32)
            image.fill(Qt.GlobalColor.transparent)
            clipboard.setImage(image)
        self.window.paste()
        return str(kind)
