"""Reads annotations in Pascal VOC's format: one XML file for each picture."""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.reading import in_blocks, read_text
from engines.data.box_faults import Faults, Raw, RawBox
from engines.data.finder import stem_of
from engines.data.split_words import TRAIN, folded, key_of, split_of
from engines.data.voc_origin import Origin

CORNERS = ("xmin", "ymin", "xmax", "ymax")
_LISTS = ("train", "val", "valid", "test")  #: and not trainval, which says nothing of which one it is
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*(["'])([A-Za-z0-9._-]+)\1[^>]*\?>""")
_FLAG = re.compile(r"\s+-?[01]$")


@dataclass
class Node:
    """An element: its name, line, text and children."""

    name: str
    line: int
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def child(self, name: str) -> Node | None:
        """The first child of that name."""
        return next((child for child in self.children if child.name == name), None)

    def said(self, *path: str) -> str:
        """Text of a descendant; empty if there is none."""
        at: Node | None = self
        for name in path:
            at = at.child(name) if at is not None else None
        return at.text.strip() if at is not None else ""


class RefusedError(Exception):
    """A file that is XML and is not read all the same."""

    def __init__(self, reason: Message) -> None:
        self.reason = reason
        super().__init__(str(reason))


class Tree:
    """Builds nodes with their lines, which ElementTree does not keep.

    Nothing outside of the file is ever read, and no entity is expanded: a file that declares any is refused, since a
    few lines of them can stand for gigabytes.
    """

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[tuple[Node, list[str]]] = []  # with the pieces of its text
        self._count = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._said
        self._parser.EntityDeclHandler = self._declared

    def feed(self, data: bytes, last: bool) -> None:
        """Go on with a piece; raises ExpatError, ValueError, LookupError (an unknown encoding) or `RefusedError`."""
        self._parser.Parse(data, last)

    def _start(self, name: str, _attributes: object) -> None:
        node = Node(name, self._parser.CurrentLineNumber)
        self._count += 1
        if self._open:
            self._open[-1][0].children.append(node)
        else:
            self.root = node
        self._open.append((node, []))
        if len(self._open) > limits.XML_DEPTH:
            raise RefusedError(Message("nested too deeply"))
        if self._count > limits.XML_NODES:
            raise RefusedError(Message("too many elements"))

    def _end(self, _name: str) -> None:
        node, said = self._open.pop()
        node.text = "".join(said)

    def _said(self, text: str) -> None:
        if self._open:
            self._open[-1][1].append(text)

    def _declared(self, *_entity: object) -> None:
        raise RefusedError(Message("it declares entities, which are not read"))


def parsing(data: bytes) -> Generator[None, None, Node | None]:
    """The root element, with places to stop."""
    tree = Tree()
    for at in range(0, len(data), limits.XML_PIECE):
        tree.feed(data[at : at + limits.XML_PIECE], False)
        yield
    tree.feed(b"", True)
    return tree.root


def in_utf8(data: bytes) -> bytes:
    """The same text without its declaration where that says an encoding of several bytes a letter.

    The parser lacks these: GB2312, GBK, GB18030, Big5, Shift-JIS.

    Raises
    ------
    LookupError, ValueError
        For an encoding that nobody knows, and text that is not in it.
    """
    declared = _DECLARED.match(data)
    if declared is None or declared[2].lower() in (b"utf-8", b"utf-16", b"iso-8859-1", b"us-ascii", b"ascii"):
        return data
    name = declared[2].decode("ascii")
    return data[declared.end() :].decode("gb18030" if name.lower() in ("gb2312", "gbk") else name).encode()


def read(path: Path, faults: Faults, origin: Origin | None = None) -> Generator[object, None, Raw | None]:
    """The picture that a file tells of; None if it can't be read or is something else. Yields at places to stop.

    Its boxes are as the file has them; ``origin`` sees what tells where they are counted from.
    """
    origin = origin or Origin()
    try:
        data = yield from in_blocks(path, limits.VOC_FILE)
        root = yield from parsing(in_utf8(data))
    except LabError as error:
        faults.refuse(error.message)
        return None
    except RefusedError as error:
        faults.add(path, 1, error.reason)
        return None
    except expat.ExpatError as error:
        faults.add(path, error.lineno or 1, Message("not valid XML"))
        return None
    except (ValueError, LookupError):  # an encoding that does not exist or has several bytes a letter
        faults.add(path, 1, Message("not valid XML"))
        return None
    if root is None or root.name != "annotation":
        faults.add(path, 1 if root is None else root.line, Message("this is not an annotation"))
        return None
    size = tuple(_whole(root.said("size", side)) for side in ("width", "height"))
    name = root.said("filename") or path.stem
    raw = Raw(path, root.line, name, (size[0], size[1]) if min(size) > 0 else (0, 0))
    raw.own = path.stem  # pictures and sheets are renamed together, and what is written inside stays
    raw.others = tuple(filter(None, (root.said("path"),)))
    for node in root.children:
        if node.name == "object":
            _object(node, path, raw, faults, origin)
    origin.see_source(root.said("source", "database"), root.said("source", "annotation"))
    if root.child("source") is None and any(_is_empty(node, "difficult") for node in root.children):
        origin.marks[0] += 1  # pylabel, which leaves what it was not told empty
    return raw


class SplitLists:
    """Which sheets the lists of a data set name for what: ``ImageSets/Main/train.txt``, or ``train.txt`` beside them.

    A line is a picture's name, with blanks and folders as it may have them, without ending or with one; what stands
    behind it in the lists of single classes (``1``, ``-1``) is no part of it.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self._said: dict[str, list[tuple[Path, tuple[str, ...], str]]] = {}
        for file in files:
            base = file.parent.parent if file.parent.name == "Main" else file.parent
            base = base.parent if base.name == "ImageSets" else base
            try:
                lines = read_text(file, limits.LIST_FILE, errors="replace").splitlines()
            except LabError:
                continue
            for line in filter(None, map(str.strip, lines)):
                parts = [
                    part for part in _FLAG.sub("", line).replace("\\", "/").split("/") if part not in ("", ".", "..")
                ]
                if parts:
                    key = tuple(map(folded, (*parts[:-1], stem_of(parts[-1]))))
                    self._said.setdefault(key[-1], []).append((base, key, split_of(file.stem)))

    def of(self, sheet: Path) -> str:
        """The split of a sheet; empty if no list names it. One that several name is trained on."""
        own = tuple(map(folded, (*sheet.parts[:-1], stem_of(sheet.stem))))
        found = {
            split
            for base, key, split in self._said.get(own[-1], ())
            if base in sheet.parents and self._meant(key, own, base)
        }
        return TRAIN if TRAIN in found else max(found, default="")

    @staticmethod
    def _meant(key: tuple[str, ...], own: tuple[str, ...], base: Path) -> bool:
        """Whether the folders that a line gives are those of a sheet, or such as hold pictures."""
        folders = [part for part in key[:-1] if key_of(part)]
        mine = [part for part in own[len(base.parts) : -1] if key_of(part)]
        shorter = min(len(folders), len(mine))
        return not shorter or mine[-shorter:] == folders[-shorter:]


def is_list(path: Path) -> bool:
    """Whether a file is named as a list of a split: ``train.txt``, not those of single classes or of other tasks."""
    return folded(path.stem) in _LISTS and path.parent.name not in ("Segmentation", "Layout", "Action")


def _is_empty(node: Node, name: str) -> bool:
    found = node.child(name)
    return found is not None and not found.text.strip()


def _whole(text: str) -> int:
    number = _number(text)
    return int(number) if number is not None and number > 0 else 0


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _object(node: Node, path: Path, raw: Raw, faults: Faults, origin: Origin) -> None:
    name = node.said("name")
    if not name:
        return faults.add(path, node.line, Message("an object without a name"))
    box = node.child("bndbox")
    if box is None and (outline := node.child("polygon")) is not None:
        return _outlined(name, outline, path, raw, faults, origin)
    if box is None:
        return faults.add(path, node.line, Message("an object without a box"))
    said = [box.said(corner) for corner in CORNERS]
    left, top, right, bottom = map(_number, said)
    if left is None or top is None or right is None or bottom is None:
        return faults.add(path, box.line, Message("the box is not four numbers"))
    corners = (left, top, right, bottom)
    origin.see_box(corners, any("." in text for text in said), raw.size)
    if node.said("difficult") == "1":
        faults.crowds += 1
        return None
    raw.boxes.append(RawBox(name, corners, box.line))
    return None


def _outlined(name: str, outline: Node, path: Path, raw: Raw, faults: Faults, origin: Origin) -> None:
    """An object of LabelMe's sheets, which are VOC's with a polygon for the box, counted from 0."""
    points = [(_number(node.said("x")), _number(node.said("y"))) for node in outline.children if node.name == "pt"]
    good = [(x, y) for x, y in points if x is not None and y is not None]
    if len(good) < 2 or len(good) < len(points):
        return faults.add(path, outline.line, Message("the box is not four numbers"))
    origin.marks[0] += 1
    (left, right), (top, bottom) = ((min(line), max(line)) for line in zip(*good, strict=True))
    corners = (left, top, right, bottom)
    origin.see_box(corners, False, raw.size)
    raw.boxes.append(RawBox(name, corners, outline.line))
    return None
