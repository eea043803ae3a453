"""The two buttons in a header that choose what is looked at: the model and the picture."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from app import words
from app.header import DropDown, entry, with_keys
from app.samples import sample_names
from app.topics import topic
from app.words import Text, tr
from app.words import known as known
from engines.checkpoints import catalog, layout
from engines.checkpoints.catalog import KnownModel
from engines.core.errors import Message

if TYPE_CHECKING:
    from app.topic.tab import Tab

LONGEST = 22  #: letters of a name that stand on a button; the middle of a longer one is left out
IN_MENU = 44  #: the same for a line of a menu


def shortened(name: str, longest: int = LONGEST) -> str:
    """A name that fits on a button: without what stands in brackets or where it is from, then without its middle."""
    if len(name) > longest:
        name = name.split(" (")[0].split("（")[0].split(", from ")[0]
    if len(name) <= longest:
        return name
    room = longest - 3
    tail = min(room // 2, max(room // 3, len(Path(name).suffix) + 3))
    return f"{name[: room - tail].rstrip()}...{name[len(name) - tail :].lstrip()}"


class Chooser(DropDown):
    """A drop-down that shows a name, shortened where it is long; the whole name is in its tooltip.

    Parameters
    ----------
    tab : Tab
        Its shell opens, downloads and takes what is chosen.
    name : str or Message
        What to show before anything is known.
    tip : str
        Tooltip with ``{name}`` in it.
    """

    def __init__(self, tab: Tab, name: Text, tip: str) -> None:
        super().__init__(name, "", self.fill)
        self._tab, self._tip, self._name = tab, tip, name

    def fill(self, menu: QMenu) -> None:
        """Write the lines of the menu; called each time it opens."""

    def show_name(self, name: Text) -> None:
        """Show this name; a plain string is a key, a file's name goes through `words.plain`."""
        self._name = name
        self.retranslated()

    def retranslated(self) -> None:
        """Shorten the name anew: it may be longer in the other language."""
        whole = tr(self._name)
        self.set_text(words.plain(shortened(whole)))
        words.say(self, "setToolTip", Message(self._tip, {"name": whole}))


class ModelChooser(Chooser):
    """Lists the models of a topic: those at hand are used at once, those of the hub are fetched on a click."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab, "Model", "Model: {name}")
        self.source = ""

    def show_model(self, source: str, title: str = "") -> None:
        """Show which model answers; the title is the catalog's if not given."""
        self.source = source
        self.show_name(known(title or catalog.describe(source).title))

    def fill(self, menu: QMenu) -> None:
        shell, known = self._tab.shell, catalog.available(self._tab.topic.name)
        for model in known:
            self._line(menu, model)
        listed = {model.name for model in known}
        recent = [source for source in shell.settings.recent_models if source not in listed]
        here = [model for model in map(catalog.describe, recent) if model.topic in ("", self._tab.topic.name)]
        if here:
            menu.addSeparator()
        for model in here:
            self._line(menu, model)
        menu.addSeparator()
        entry(menu, "Open a model folder", shell.open_folder)

    def _line(self, menu: QMenu, model: KnownModel) -> None:
        ready, title = model.ready, words.plain(shortened(tr(known(model.title)), IN_MENU))
        offer = Message("{name}: download, {size} MB", {"name": title, "size": words.number(model.size_mb)})
        fetch = model.kind == "hub" and not ready
        line = entry(
            menu,
            offer if fetch else title,
            lambda: self._tab.shell.download(model.name) if fetch else self._take(model.name),
            checked=model.name == self.source,
            enabled=ready or fetch,
        )
        line.setToolTip(tr(model.note) if model.note else model.name)

    def _take(self, source: str) -> None:
        if source != self.source:
            self._tab.take_model(source)


class PictureChooser(Chooser):
    """Sample photos, files, the clipboard and the pictures of the last times."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab, "Picture", "Picture: {name}")
        self.source = ""

    def show_picture(self, name: str, source: str = "") -> None:
        """Show which picture is on screen; ``source`` is its path, if it has one."""
        self.source = source
        self.show_name(known(name))

    def fill(self, menu: QMenu) -> None:
        shell = self._tab.shell
        inner = menu.addMenu(tr("Sample photos"))
        for name, title in sample_names():
            entry(inner, title, partial(shell.take_sample, name))
        menu.addSeparator()
        for text, keys, act in (("Open pictures", "Ctrl+O", shell.open_files), ("Paste", "Ctrl+V", shell.paste)):
            entry(menu, with_keys(text, keys), act)
        others = shell.used_elsewhere(self._tab.topic.name)
        if others:
            menu.addSeparator()
        for name, picture in others:
            owner = topic(name)
            title = Message(owner.title) if owner is not None else words.plain(name)
            shown = words.plain(shortened(tr(known(picture.name)), IN_MENU))
            said = Message("{name}, as in {topic}", {"name": shown, "topic": title})
            entry(menu, said, partial(shell.take_shown, picture))
        recent = [Path(path) for path in shell.settings.recent_pictures if Path(path).is_file()]
        if recent:
            menu.addSeparator()
        for path in recent:
            line = entry(
                menu,
                words.plain(shortened(path.name, IN_MENU)),
                partial(shell.take_paths, [str(path)]),
                checked=str(path) == self.source,
            )
            line.setToolTip(str(path))


def model_chooser(tab: Tab) -> ModelChooser:
    """The header's button for the model."""
    return ModelChooser(tab)


def picture_chooser(tab: Tab) -> PictureChooser:
    """The header's button for the picture."""
    return PictureChooser(tab)


def is_usable(source: str) -> bool:
    """Whether a remembered model is still there, without any network."""
    return not source or catalog.describe(source).ready or layout.is_model_folder(Path(source))
