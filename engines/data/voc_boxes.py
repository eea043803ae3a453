"""Reads annotations in Pascal VOC's format: one XML file for each picture."""

from __future__ import annotations

import math
import xml.sax
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from xml.sax.handler import ContentHandler, feature_external_ges, feature_external_pes
from xml.sax.xmlreader import Locator

from engines.core.errors import Message
from engines.data.box_faults import Faults, Raw, RawBox

LARGEST = 8 * 2**20  # bytes
DEEPEST = 50
CORNERS = ("xmin", "ymin", "xmax", "ymax")


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


class Tree(ContentHandler):
    """Builds nodes with their lines, which ElementTree does not keep."""

    def __init__(self) -> None:
        super().__init__()
        self.root: Node | None = None
        self._open: list[Node] = []
        self._place: Locator | None = None

    def setDocumentLocator(self, locator: Locator) -> None:
        self._place = locator

    def startElement(self, name: str, attrs: object) -> None:
        line = self._place.getLineNumber() if self._place is not None else 0
        node = Node(name, line or 0)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)
        if len(self._open) > DEEPEST:
            raise xml.sax.SAXException("too deep")

    def endElement(self, name: str) -> None:
        self._open.pop()

    def characters(self, content: str) -> None:
        self._open[-1].text += content


def parse(data: bytes) -> Node | None:
    """The root element; nothing outside of the file is ever read."""
    tree = Tree()
    parser = xml.sax.make_parser()
    parser.setFeature(feature_external_ges, False)
    parser.setFeature(feature_external_pes, False)
    parser.setContentHandler(tree)
    parser.parse(BytesIO(data))
    return tree.root


def read(path: Path, faults: Faults) -> Raw | None:
    """The picture that a file tells of; None if it can't be read or is something else."""
    try:
        if path.stat().st_size > LARGEST:
            faults.add(path, 1, Message("the file is too large"))
            return None
        root = parse(path.read_bytes())
    except OSError as error:
        faults.add(path, 1, Message("can't be read ({reason})", {"reason": error.strerror or str(error)}))
        return None
    except xml.sax.SAXParseException as error:
        faults.add(path, error.getLineNumber() or 1, Message("not valid XML"))
        return None
    except (xml.sax.SAXException, ValueError, LookupError):  # nested too deep, an encoding that does not exist
        faults.add(path, 1, Message("not valid XML"))
        return None
    if root is None or root.name != "annotation":
        faults.add(path, 1 if root is None else root.line, Message("this is no annotation"))
        return None
    size = tuple(_whole(root.said("size", side)) for side in ("width", "height"))
    name = root.said("filename") or path.stem
    raw = Raw(path, root.line, name, (size[0], size[1]) if min(size) > 0 else (0, 0))
    raw.others = tuple(path.stem + suffix for suffix in (".jpg", ".jpeg", ".png", ".bmp", ".webp"))
    for node in root.children:
        if node.name == "object":
            _object(node, path, raw, faults)
    return raw


def splits(root: Path) -> dict[str, str]:
    """Which pictures (names without ending) the lists of ``ImageSets/Main`` or of the folder itself name for what."""
    found: dict[str, str] = {}
    for split in ("test", "val", "train"):  # a name in several lists is trained on
        for folder in (root / "ImageSets" / "Main", root):
            file = folder / f"{split}.txt"
            if file.is_file():
                try:
                    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
                except OSError:
                    continue
                found |= {Path(line.split()[0]).stem: split for line in lines if line.strip()}
                break
    return found


def _whole(text: str) -> int:
    number = _number(text)
    return int(number) if number is not None and number > 0 else 0


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _object(node: Node, path: Path, raw: Raw, faults: Faults) -> None:
    name = node.said("name")
    if not name:
        return faults.add(path, node.line, Message("an object without a name"))
    box = node.child("bndbox")
    if box is None:
        return faults.add(path, node.line, Message("an object without a box"))
    left, top, right, bottom = (_number(box.said(corner)) for corner in CORNERS)
    if left is None or top is None or right is None or bottom is None:
        return faults.add(path, box.line, Message("the box is not four numbers"))
    left, top = left - 1, top - 1  # the first pixel is 1, and the last one belongs to the box
    if right <= left or bottom <= top:
        return faults.add(path, box.line, Message("the box has no area"))
    if node.said("difficult") == "1":
        faults.crowds += 1
        return None
    raw.boxes.append(RawBox(name, (left, top, right, bottom), box.line))
    return None
