"""The keys of the window, bound and told in the help (F1) from one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app import pageexport, words
from app.lessons.lesson import lesson
from app.questions import ask_to_close
from app.regions import focus_next
from app.search.palette import search
from app.session import dialogs
from app.sheet import Sheet, bring_or_open
from engines.core.errors import Message

if TYPE_CHECKING:
    from app.window import Window

Keys = QKeySequence.StandardKey
WIDE = 560
LEFT = 170
TAKES = (
    "Drop photos, a folder of photos or a folder with a model on the window. The tab on screen shows them.",
    "Every map, photo and plot can be saved: click it with the right mouse button.",
    "A name in color is a setting that is not at its default. A double-click on its slider brings the default back.",
)


@dataclass(frozen=True)
class Key:
    """A key of the window.

    Attributes
    ----------
    keys : tuple of QKeySequence.StandardKey or str
        Any of them.
    says : str
        What it does.
    act : callable
        Does it, to the window.
    late : bool
        What has the focus hears it first: only what nothing there wanted comes to the window.
    """

    keys: tuple[QKeySequence.StandardKey | str, ...]
    says: str
    act: Callable[[Window], object]
    late: bool = False

    def written(self) -> str:
        """The keys as the system writes them."""
        return ", ".join(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in self.keys)


def on_tab(name: str) -> Callable[[Window], object]:
    """Calls a method of the tab on screen."""
    return lambda window: getattr(window.tab, name)() if window.tab is not None else None


def on_presenter(name: str, *values: int) -> Callable[[Window], object]:
    """Calls a method of the presenter."""
    return lambda window: getattr(window.presenter, name)(*values)


def next_region(window: Window) -> None:
    """F6: side, header, centre, dock, status, and round again."""
    if window.tab is not None:
        page = window.tab.pages[window.tab.page]
        focus_next((window.side, window.tab.header, page.centre, page.dock, window.status))


OF_WINDOW = (
    Key(("Ctrl+K",), "Search", search),
    Key(("F1",), "Keys and help", lambda window: bring_or_open(window, Help)),
    Key((Keys.Open,), "Open pictures", lambda window: window.open_files()),
    Key((Keys.Paste,), "Paste a picture", lambda window: window.paste()),
    Key((Keys.Copy,), "Copy what is on screen as a picture", on_tab("copy_picture")),
    Key((Keys.Save,), "Save what is on screen", pageexport.ask),
    Key(("Ctrl+Shift+O",), "Open a session", dialogs.ask_to_open),
    Key(("Ctrl+Shift+S",), "Save the session", dialogs.ask_to_save),
    Key(("Ctrl+Shift+C",), "Copy the settings of the page as text", dialogs.copy_settings),
    Key((Keys.Undo,), "Undo", on_tab("undo")),
    Key(("Ctrl+Y", "Ctrl+Shift+Z"), "Redo", on_tab("redo")),
    Key(("0",), "Fit the views", on_tab("fit")),
    Key(("Esc",), "Unpin or deselect", on_tab("escape"), late=True),
    Key(("F6",), "To the next part of the window", next_region),
    Key(("Ctrl+PgDown",), "Next page", on_presenter("turn", 1)),
    Key(("Ctrl+PgUp",), "Previous page", on_presenter("turn", -1)),
    Key(("Ctrl+Tab",), "Next tab", on_presenter("turn_tab", 1)),
    Key(("Ctrl+Shift+Tab",), "Previous tab", on_presenter("turn_tab", -1)),
    Key(("F8",), "Highlight the pointer", on_presenter("toggle_light")),
    Key(("F9",), "Hide or show the side list and the dock", on_presenter("toggle_bare")),
    Key(("F11",), "Full screen", on_presenter("full_screen")),
    Key(("Ctrl++", "Ctrl+="), "Larger", on_presenter("zoom", 1)),
    Key(("Ctrl+-",), "Smaller", on_presenter("zoom", -1)),
    Key(("Ctrl+0",), "Normal size", on_presenter("zoom", 0)),
    Key((Keys.Quit,), "Quit", lambda window: ask_to_close(window) or window.close()),
)

#: What controls and views hear while they have the focus: keys and what they do, both texts.
OF_PARTS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Maps, photos and plots",
        (
            ("Point", "Show the values there"),
            ("Click, Enter", "Pin or unpin it"),
            ("Arrow keys", "To the neighboring cell"),
            ("Wheel", "Zoom at the pointer"),
            ("Drag", "Pan"),
            ("Right button", "Copy, save, or a figure for a paper"),
        ),
    ),
    (
        "Sliders",
        (
            ("Arrow keys", "One step"),
            ("Page up, Page down", "Ten steps"),
            ("Double-click", "Back to the default"),
            ("Enter in the field", "Apply the typed number"),
        ),
    ),
    (
        "Training pages",
        (
            ("Space", "Start or pause"),
            (".", "One step"),
            ("Home, End", "Show the first or the latest step"),
        ),
    ),
)


def act_late(window: Window, event: QKeyEvent) -> bool:
    """Do what a key says that nothing has wanted; False if it says nothing here."""
    pressed = QKeySequence(event.keyCombination())
    found = [key for key in OF_WINDOW if key.late and pressed in [QKeySequence(one) for one in key.keys]]
    for key in found:
        key.act(window)
    return bool(found)


def bind(window: Window) -> None:
    """Listen to the keys of the window, but those that come to it last."""
    for key in OF_WINDOW:
        if key.late:
            continue
        for sequence in key.keys:
            QShortcut(QKeySequence(sequence), window).activated.connect(lambda act=key.act: act(window))


def lesson_of(window: QWidget) -> Message | None:
    """The lesson that leads over the page on screen, with its first step there; None where none does."""
    tab = getattr(window, "tab", None)
    found = None if tab is None else lesson(tab.topic.name)
    if tab is None or found is None:
        return None
    at = next((n for n, step in enumerate(found.steps) if step.page == tab.now.name()), None)
    if at is None:
        return None
    return Message(
        "{lesson}, step {n} of {all}", {"lesson": Message(found.title), "n": at + 1, "all": len(found.steps)}
    )


class Help(Sheet):
    """F1: what the window takes, and all of its keys."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Keys and help", WIDE)
        if (told := lesson_of(parent)) is not None:
            self.heading("The lesson of this page")
            self.line(told)
        for text in TAKES:
            self.line(text)
        self.heading("Everywhere")
        self.pairs([(words.plain(key.written()), key.says) for key in OF_WINDOW if key.written()], LEFT)
        for title, keys in OF_PARTS:
            self.heading(title)
            self.pairs(list(keys), LEFT)
