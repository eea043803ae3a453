"""Annotations as they were read, and those that can't be used: file, line, reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from engines.core.errors import Message

TOLD = 50  # faults that are put into words; all are counted


@dataclass(frozen=True)
class RawBox:
    """A box in pixels, xyxy, with its class.

    That is ``name``, and ``number`` where the format numbers classes. With it come its line and which entry it is, from
    0, of a list in a table.
    """

    name: str
    xyxy: tuple[float, float, float, float]
    line: int
    number: float = 0
    entry: int = -1


@dataclass
class Raw:
    """What an annotation file says of one picture.

    Attributes
    ----------
    file, line, entry : Path, int, int
        Where it says so; ``entry`` in the list of a table, from 0.
    picture : str
        File name of the picture; ``own``: the name to try before it; ``others``: names to try if there is none of it.
    size : (int, int)
        Width and height; (0, 0) if not said.
    shares : bool
        Boxes are shares of the picture as it is shown, not pixels.
    folders : list of (tuple of str, str)
        Folders of pictures, by their last parts, with the split that a table of the data set says they are.
    split : str
        "train", "val" or "test" where a list, or else the annotation's name or folder, says so.
    ident : int or None
        The picture's number in a table that numbers them.
    """

    file: Path
    line: int
    picture: str
    size: tuple[int, int]
    boxes: list[RawBox] = field(default_factory=list)
    own: str = ""
    others: tuple[str, ...] = ()
    split: str = ""
    entry: int = -1
    shares: bool = False
    folders: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    ident: int | None = None


@dataclass
class Faults:
    """Counts what can't be used and tells of the first ones.

    Attributes
    ----------
    told, count : list of Message, int
    crowds : int
        Left out on purpose.
    noted : dict of str to (int, dict)
        What else should be known: English texts with ``{n}``, how often, and what the first time was about.
    """

    told: list[Message] = field(default_factory=list)
    count: int = 0
    crowds: int = 0
    noted: dict[str, tuple[int, dict[str, object]]] = field(default_factory=dict)

    def note(self, text: str, count: int = 1, **values: object) -> None:
        """Something that is no fault happened so many times; the text gets the first ``values``."""
        before, first = self.noted.get(text, (0, values))
        self.noted[text] = before + count, first

    def notes(self) -> list[Message]:
        """What was noted, in words."""
        return [Message(text, {"n": count, **values}) for text, (count, values) in self.noted.items()]

    def add(self, file: Path, line: int, reason: Message, count: int = 1, entry: int = -1) -> None:
        """``count`` annotations can't be used. Where a file has no line breaks the ``entry`` tells more."""
        self.count += count
        if len(self.told) < TOLD:
            text = "{name}, line {line}: {reason}" if entry < 0 else "{name}, line {line}, entry {n}: {reason}"
            values = {"name": file.name, "line": line, "reason": reason}
            self.told.append(Message(text, values if entry < 0 else values | {"n": entry + 1}))

    def refuse(self, reason: Message) -> None:
        """A whole file can't be used; ``reason`` names it."""
        self.count += 1
        if len(self.told) < TOLD:
            self.told.append(reason)

    def first(self) -> Message | None:
        """The first fault."""
        return self.told[0] if self.told else None
