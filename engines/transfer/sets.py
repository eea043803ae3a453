"""Where pictures and labels come from: scikit-learn's digits, or class folders read one picture at a time."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Generator
from pathlib import Path

import numpy as np

from engines.core.errors import Message
from engines.data import class_folders, digits
from engines.data.pictures import read_bytes
from engines.transfer.events import Bytes


class PictureSet(ABC):
    """Pictures in classes.

    Attributes
    ----------
    title : str
        Empty for the digits.
    key : str
        The same for the same set, another for another one.
    names : tuple of str
    counts : tuple of int
    notes : tuple of Message
        What was passed over when looking.
    """

    title: str
    key: str
    names: tuple[str, ...]
    counts: tuple[int, ...]
    notes: tuple[Message, ...] = ()

    @abstractmethod
    def content(self, label: int, index: int) -> bytes:
        """The bytes of a picture, by its place in its class.

        Raises
        ------
        LabError
            If it can't be read.
        """

    @abstractmethod
    def square(self, label: int, index: int, content: bytes, side: int) -> Bytes:
        """Those bytes as the middle square (side, side, 3) of the picture.

        Raises
        ------
        LabError
            If they are no picture.
        """


class Digits(PictureSet):
    """scikit-learn's handwritten digits, enlarged."""

    def __init__(self) -> None:
        images, labels = digits.load()
        self.title, self.key, self.names = "", "digits", digits.NAMES
        self._images = [images[labels == label] for label in range(len(self.names))]
        self.counts = tuple(len(each) for each in self._images)

    def content(self, label: int, index: int) -> bytes:
        """The pixels of a picture, as bytes."""
        return self._images[label][index].tobytes()

    def square(self, label: int, index: int, content: bytes, side: int) -> Bytes:
        """A picture from its content, uint8 (side, side, 3)."""
        image = np.frombuffer(content, np.uint8).reshape(digits.SIDE, digits.SIDE, 3)
        return class_folders.squared(image, side)


class Folders(PictureSet):
    """Class folders."""

    def __init__(self, paths: tuple[str, ...], found: class_folders.ClassFolders) -> None:
        self.title, self.names, self.counts, self.notes = found.name, found.names, found.counts, found.notes
        self._files = found.files
        told = repr((sorted(str(Path(path).resolve()) for path in paths), found.names, found.counts))
        self.key = hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def content(self, label: int, index: int) -> bytes:
        """The file of a picture."""
        path = Path(self._files[label][index])
        return read_bytes(path, self._named(path))

    def square(self, label: int, index: int, content: bytes, side: int) -> Bytes:
        """A picture from its content, uint8 (side, side, 3)."""
        return class_folders.read_square(content, side, self._named(Path(self._files[label][index])))

    @staticmethod
    def _named(path: Path) -> str:
        return f"{path.parent.name}/{path.name}"


def open_set(paths: tuple[str, ...]) -> Generator[int, None, PictureSet]:
    """The digits for (), else class folders; yields how many files were seen, at places to stop.

    Raises
    ------
    LabError
        If there are no two classes with pictures.
    """
    if not paths:
        return Digits()
    found = yield from class_folders.scanning(paths)
    return Folders(paths, found)
