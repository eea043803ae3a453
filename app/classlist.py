"""What a model of few classes can say at all, and which models can say more: a sentence, and a list one click away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtWidgets import QLabel, QMenu

from app import theme, words
from app.choosers import IN_MENU, shortened
from app.header import DropDown, entry
from app.theme import SMALL
from app.words import Text
from engines.checkpoints import catalog
from engines.core.errors import Message, joined

FEW = 20  #: classes up to which a model is said to know few
NAMED = 12  #: of them that a sentence names; all stand in the list


def class_name(name: str) -> Message:
    """The first of a class's names, in Chinese where there is an entry for it."""
    found = words.known(name.split(",")[0].strip())
    return found if isinstance(found, Message) else Message(found)


def knows(source: str, labels: Sequence[str]) -> Message | None:
    """What has to be known of a model to judge what it says; None where nothing does.

    Parameters
    ----------
    source : str
        As `engines.checkpoints.catalog.describe` takes it.
    labels : sequence of str
        Its classes.
    """
    caveat = catalog.describe(source).caveat
    said = [Message(caveat)] if caveat else []
    if 0 < len(labels) <= FEW:
        names = words.listed([class_name(name) for name in labels[:NAMED]])
        if len(labels) > NAMED:
            names = Message("{names} and {n} more", {"names": names, "n": len(labels) - NAMED})
        text = "It names one of {n} {n:class|classes} whatever the picture shows: {names}."
        said.append(Message(text, {"n": len(labels), "names": names}))
    return joined(said) if said else None


class KnownLine(QLabel):
    """The sentence of `knows`; hidden where there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setProperty("kind", "quiet")
        theme.set_font(self, SMALL)
        self.hide()

    def show_model(self, source: str, labels: Sequence[str]) -> None:
        """Whose classes they are."""
        said = knows(source, labels)
        self.setVisible(said is not None)
        if said is not None:
            words.say(self, "setText", said)


class ClassList(DropDown):
    """Opens the list of a model's classes, with the models below it that name more; hidden where they are many.

    Parameters
    ----------
    topic : str
        Whose models are offered.
    fetch : callable
        Downloads a model of the hub and uses it; gets its name.
    """

    def __init__(self, topic: str, fetch: Callable[[str], object]) -> None:
        super().__init__("Classes", "The classes of this model, and models that name more", self.fill)
        self._topic, self._fetch = topic, fetch
        self._source, self._labels = "", tuple[str, ...]()
        self.hide()

    def show_model(self, source: str, labels: Sequence[str]) -> None:
        """Whose classes they are."""
        self._source, self._labels = source, tuple(labels)
        self.setVisible(0 < len(labels) <= FEW)
        if labels:
            self.set_text(Message("{n} {n:class|classes}", {"n": len(labels)}))

    def fill(self, menu: QMenu) -> None:
        """Write the lines of the menu; called each time it opens."""
        for name in self._labels:
            entry(menu, class_name(name), _nothing, enabled=False)
        better = catalog.describe(self._source).better
        more = [catalog.describe(better)] if better else []
        more += catalog.with_more_classes(self._topic, FEW)
        if more:
            menu.addSeparator()
        for model in more:
            said: Text = words.plain(shortened(words.tr(words.known(model.title)), IN_MENU))
            if not model.ready:
                said = Message("{name}: download, {size} MB", {"name": said, "size": words.number(model.size_mb)})
            line = entry(menu, said, partial(self._fetch, model.name))
            line.setToolTip(words.tr(model.note))


def _nothing() -> None:
    """A class is only there to be read."""
