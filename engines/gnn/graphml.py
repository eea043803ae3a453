"""GraphML, read element by element, so that a fault can be said with its line."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from engines.core.errors import LabError
from engines.gnn.building import Builder
from engines.gnn.graph import Graph

LABELS = ("label", "class", "club", "group")


def read_graphml(text: str, name: str, source: str = "") -> Graph:
    """The first graph of a GraphML file; ``weight`` of its edges and ``label`` of its nodes are used.

    Raises
    ------
    LabError
        By line.
    """
    reader = _Reader(Builder(name, source))
    try:
        reader.parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        reason = expat.errors.messages[error.code]
        raise LabError("{name}, line {line}: not XML. {why}", name=name, line=error.lineno, why=reason) from error
    if not reader.graphs:
        raise LabError("{name}: holds no graph.", name=name)
    for at, source_, target, weight in reader.edges:
        for end in (source_, target):
            if end not in reader.built.numbers:
                raise reader.built.fault("an edge ends at {node}, which is no node.", at, node=repr(end))
        reader.built.edge(source_, target, weight, at)
    return reader.built.graph(reader.directed)


class _Reader:
    def __init__(self, built: Builder) -> None:
        self.built, self.directed, self.graphs = built, False, 0
        self.edges: list[tuple[int, str, str, float]] = []
        self._keys: dict[str, str] = {}  # id of a key -> its name
        self._open: tuple[str, Any] = ("", None)  # the node or edge that is open
        self._data: str | None = None
        self._said = ""
        self.parser = expat.ParserCreate("UTF-8")  # of `text`, whatever it says of the file
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._entity

    @property
    def _line(self) -> int:
        return self.parser.CurrentLineNumber

    def _entity(self, *_: object) -> None:
        raise self.built.fault("entities are not read.", self._line)

    def _start(self, element: str, given: dict[str, str]) -> None:
        kind = element.rpartition(":")[2]
        if kind == "key":
            self._keys[given.get("id", "")] = given.get("attr.name", "")
        elif kind == "graph":
            self.graphs += 1
            if self.graphs == 1:
                self.directed = given.get("edgedefault") == "directed"
        elif self.graphs != 1:
            return
        elif kind == "node":
            if "id" not in given:
                raise self.built.fault("a node without id.", self._line)
            self._open = "node", self.built.node(given["id"], self._line)
        elif kind == "edge":
            if "source" not in given or "target" not in given:
                raise self.built.fault("an edge without source or target.", self._line)
            self._open = "edge", len(self.edges)
            self.edges.append((self._line, given["source"], given["target"], 1.0))
        elif kind == "data":
            self._data, self._said = self._keys.get(given.get("key", ""), given.get("key", "")), ""

    def _text(self, text: str) -> None:
        if self._data is not None:
            self._said += text

    def _end(self, element: str) -> None:
        closed = element.rpartition(":")[2]
        if closed in ("node", "edge"):
            self._open = "", None  # what follows is said of the graph
        if closed != "data" or self._data is None:
            return
        name, said, (kind, number) = self._data, self._said.strip(), self._open
        self._data = None
        if kind == "edge" and name == "weight":
            line, source, target, _ = self.edges[number]
            self.edges[number] = line, source, target, self.built.weight(said, self._line)
        elif kind == "node" and name in LABELS and said:
            self.built.labels[number] = said
