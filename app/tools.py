"""The buttons of the side: lessons above, and at its foot light or dark, language, and the menu of settings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from app import diagnostics, pageexport, theme, words
from app.about import About
from app.computing import add_threads
from app.header import entry, refill, with_keys
from app.keys import Help
from app.networksheet import NetworkSheet
from app.search.palette import search
from app.session import dialogs
from app.sheet import bring_or_open
from app.widgets import Button, button
from engines.core.errors import Message

if TYPE_CHECKING:
    from app.window import Window


class Tools:
    """Builds the buttons and fills the menu each time it opens.

    Parameters
    ----------
    window : Window
        What they act on.

    Attributes
    ----------
    buttons : tuple of Button
        At the foot.
    lessons : Button
        Above the topics.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        look = button(icon="sun", tip="Light or dark", clicked=window.toggle_theme)
        language = button(icon="lang", tip="Language", clicked=window.toggle_language)
        more = button(icon="gear", tip="Settings")
        menu = QMenu(more)
        menu.aboutToShow.connect(lambda: refill(menu, self.fill))
        more.setMenu(menu)
        more.setPopupMode(more.ToolButtonPopupMode.InstantPopup)
        self.buttons: tuple[Button, ...] = look, language, more
        self.lessons = button(
            "Start here", "lessons", kind="topic", tip="Lessons, step by step", clicked=self.show_lessons
        )

    def fill(self, menu: QMenu) -> None:
        """Theme, language, side, motion, opening, diagnostics; what is chosen is checked."""
        window, settings = self._window, self._window.settings
        for text, name in (("Theme of the system", ""), ("Light", "light"), ("Dark", "dark")):
            entry(menu, text, partial(window.ask_theme, name), checked=settings.theme == name)
        menu.addSeparator()
        for text, name in (("English", "en"), ("简体中文", "zh")):
            entry(menu, words.plain(text), partial(window.ask_language, name), checked=words.language() == name)
        menu.addSeparator()
        entry(menu, "Icons only in the sidebar", self._toggle_rail, checked=window.side.rail)
        presenter = window.presenter
        entry(menu, with_keys("Full screen", "F11"), presenter.full_screen, checked=window.isFullScreen())
        hide = with_keys("Hide the side list and the dock", "F9")
        entry(menu, hide, presenter.toggle_bare, checked=presenter.bare)
        entry(menu, with_keys("Highlight the pointer", "F8"), presenter.toggle_light, checked=presenter.lit)
        size = menu.addMenu(words.tr("Size of everything"))
        for text, keys, by in (("Larger", "Ctrl++", 1), ("Smaller", "Ctrl+-", -1), ("Normal size", "Ctrl+0", 0)):
            entry(size, with_keys(text, keys), partial(presenter.zoom, by))
        entry(menu, "Reduce motion", self._toggle_motion, checked=settings.reduce_motion)
        add_threads(window, menu)
        menu.addSeparator()
        entry(menu, with_keys("Open pictures", "Ctrl+O"), window.open_files)
        entry(menu, "Open a folder", window.open_folder)
        entry(menu, with_keys("Save what is on screen", "Ctrl+S"), partial(pageexport.ask, window))
        menu.addSeparator()
        entry(menu, with_keys("Open a session", "Ctrl+Shift+O"), partial(dialogs.ask_to_open, window))
        dialogs.add_recent(window, menu)
        entry(menu, with_keys("Save the session", "Ctrl+Shift+S"), partial(dialogs.ask_to_save, window))
        keys = "Ctrl+Shift+C"
        entry(menu, with_keys("Copy the settings of the page as text", keys), partial(dialogs.copy_settings, window))
        menu.addSeparator()
        entry(menu, with_keys("Search", "Ctrl+K"), self.search)
        entry(menu, "Network and models", self.show_network)
        entry(menu, with_keys("Keys and help", "F1"), self.show_help)
        entry(menu, "About Attention Lab", self.show_about)
        entry(menu, "Copy diagnostics", self.copy_diagnostics)

    def show_lessons(self) -> None:
        """The lesson in hand, beside its tab."""
        self._window.guide.start()

    def search(self) -> None:
        """Ctrl+K: search topics, pages, settings and lessons."""
        search(self._window)

    def show_help(self) -> None:
        """F1: keys and help."""
        bring_or_open(self._window, Help)

    def show_network(self) -> None:
        """Address of the hub, token, proxy, and the models on this machine."""
        bring_or_open(self._window, NetworkSheet)

    def show_about(self) -> None:
        """Version, licenses and credits."""
        bring_or_open(self._window, About)

    def copy_diagnostics(self) -> None:
        """Put what a bug report needs on the clipboard."""
        window = self._window
        QGuiApplication.clipboard().setText(diagnostics.report(window.settings, window.tabs))
        if window.tab is not None:
            window.tab.tell(Message("Copied: versions, device and recent errors, without your names and paths."))

    def _toggle_motion(self) -> None:
        settings = self._window.settings
        settings.reduce_motion = not settings.reduce_motion
        theme.set_motion(not settings.reduce_motion)

    def _toggle_rail(self) -> None:
        side = self._window.side
        self._window.settings.rail = not side.rail
        side.set_rail(not side.rail)
