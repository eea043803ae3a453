"""Graphs from files: lists of edges, GraphML, node-link JSON, and Cora's ``.content`` with ``.cites``.

What is wrong is said with the line that it stands in. Pickles are not opened: one may run any program.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from engines.core import files
from engines.core.errors import LabError
from engines.gnn.building import Builder
from engines.gnn.graph import Graph
from engines.gnn.graphml import LABELS, read_graphml
from engines.gnn.names import CORA, is_pickle

MOST_BYTES = 64 * 2**20
#: What the head of a table of edges begins with.
HEADS = {"source", "from", "src", "target", "to", "dst", "node1", "node_1", "id1", "id_1"}


def read(path: Path) -> Graph:
    """The graph in a file.

    Parameters
    ----------
    path : Path
        Of one of `KINDS`; of Cora either of the two files, the other one lies beside it.

    Raises
    ------
    LabError
        In words and by line: not there, not of its kind, too large.
    """
    name, ending = path.name, path.suffix.lower()
    if is_pickle(path):
        raise LabError(
            "{name}: a pickle, which may run any program when it is opened. Cora's cora.content and cora.cites are "
            "text and are read.", name=name,
        )  # fmt: skip
    if ending in CORA:
        return read_cora(path)
    text = read_text(path)
    if ending == ".json":
        return read_json(text, name, str(path))
    if ending == ".graphml":
        return read_graphml(text, name, str(path))
    return read_table(text, name, str(path))


def read_text(path: Path) -> str:
    """A file as text.

    Raises
    ------
    LabError
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise LabError("{name}: more than {most} MB.", name=path.name, most=MOST_BYTES // 2**20)
        raw = path.read_bytes()
    except OSError as error:
        raise LabError("{name}: {reason}", name=path.name, reason=files.reason(error)) from error
    if raw[:1] == b"\x80" or b"\0" in raw[:4096]:
        raise LabError("{name}: not a text file.", name=path.name)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise LabError("{name}, line {line}: not UTF-8.", name=path.name, line=line) from error


def read_table(text: str, name: str, source: str = "") -> Graph:
    """An edge a line: source, target and, if you like, a weight, parted by commas, semicolons, tabs or blanks."""
    built = Builder(name, source)
    lines = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1)]
    lines = [(n, line) for n, line in lines if line and not line.startswith(("#", "%", "//"))]
    comma = next((sign for sign in (",", ";", "\t") if lines and sign in lines[0][1]), None)
    for place, (number, line) in enumerate(lines):
        parts = [part.strip().strip('"') for part in (line.split(comma) if comma else line.split())]
        if place == 0 and parts[0].lower() in HEADS:
            continue
        if len(parts) not in (2, 3) or not parts[0] or not parts[1]:
            raise built.fault("{n} {n:column|columns}, where source, target and perhaps a weight should be.", number,
                              n=len(parts))  # fmt: skip
        built.edge(parts[0], parts[1], built.weight(parts[2], number) if len(parts) == 3 else 1.0, number)
    return built.graph(False)


def read_json(text: str, name: str, source: str = "") -> Graph:
    """Node-link JSON as networkx has it: ``nodes`` with ``id``, ``links`` or ``edges`` with ``source``, ``target``."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise LabError("{name}, line {line}: not JSON. {why}", name=name, line=error.lineno, why=error.msg) from error
    except RecursionError as error:
        raise LabError("{name}: not a graph, but JSON that is nested too deeply.", name=name) from error
    except ValueError as error:  # Python turns no number of more than some thousand digits into an int
        raise LabError("{name}: holds a number of too many digits.", name=name) from error
    links = found.get("links", found.get("edges")) if isinstance(found, dict) else None
    nodes = found.get("nodes") if isinstance(found, dict) else None
    if not isinstance(links, list) or not isinstance(nodes, list):
        raise LabError("{name}: JSON without the lists nodes and links of a graph.", name=name)
    built = Builder(name, source)

    def line(key: str, place: int) -> Callable[[], int]:
        return lambda: line_of(text, key, place)  # looked for where there is a fault only: it takes a while

    for place, node in enumerate(nodes):
        at, said = line("nodes", place), name_of(node.get("id")) if isinstance(node, dict) else None
        if said is None:
            raise built.fault("node {n} has no id.", at, n=place + 1)
        if said in built.numbers:
            raise built.fault("{node} stands there twice.", at, node=said)
        number = built.node(said, at)
        label = next((node[key] for key in LABELS if key in node), None)
        if isinstance(label, str | int):
            built.labels[number] = shown(str(label))
    for place, link in enumerate(links):
        at = line("links" if "links" in found else "edges", place)
        given = [link.get(key) if isinstance(link, dict) else None for key in ("source", "target")]
        ends = [name_of(end) for end in given]
        for end, told in zip(ends, given, strict=True):
            if end is None or end not in built.numbers:
                raise built.fault("edge {n} ends at {node}, which is no node.", at, n=place + 1, node=repr(told))
        weight = link.get("weight")
        built.edge(str(ends[0]), str(ends[1]), 1.0 if weight is None else built.weight(weight, at), at)
    return built.graph(found.get("directed") is True)


def name_of(found: object) -> str | None:
    """The name of a node by its id; networkx's tuples are lists in JSON. None for what is no id."""
    if isinstance(found, list) and found and all(isinstance(part, str | int | float) for part in found):
        return shown(", ".join(map(str, found)))
    return shown(str(found)) if isinstance(found, str | int | float) else None


def shown(text: str) -> str:
    """A text without the halves of signs that JSON may hold and no screen can show."""
    return text.encode("utf-8", "replace").decode()


def line_of(text: str, key: str, place: int) -> int:
    """The line in which the entry at a place of a list begins, counted from 1; that of the list where it is nested."""
    start = re.search(rf'"{key}"\s*:\s*\[', text)
    if start is None:
        return 1
    at, depth, seen, quoted, escaped = start.end(), 0, 0, False, False
    for index in range(at, len(text)):
        sign = text[index]
        if quoted:
            quoted, escaped = sign != '"' or escaped, sign == "\\" and not escaped
        elif sign == '"':
            quoted = True
            if depth == 0 and seen == place:
                return text.count("\n", 0, index) + 1
        elif sign in "[{":
            if depth == 0 and seen == place:
                return text.count("\n", 0, index) + 1
            depth += 1
        elif sign in "]}":
            depth -= 1
            if depth < 0:
                break
        elif sign == "," and depth == 0:
            seen += 1
        elif depth == 0 and seen == place and not sign.isspace():
            return text.count("\n", 0, index) + 1
    return text.count("\n", 0, start.start()) + 1


def read_cora(path: Path) -> Graph:
    """``NAME.content`` (number, words as 0 and 1, class) with ``NAME.cites`` (cited, citing)."""
    content, cites = path.with_suffix(".content"), path.with_suffix(".cites")
    for one in (content, cites):
        if not one.is_file():
            raise LabError("{name}: {other} does not lie beside it.", name=path.name, other=one.name)
    built = Builder(content.name, str(content))
    rows: list[Any] = []
    for number, line in _lines(read_text(content)):
        parts = line.split()
        if len(parts) < 3 or (rows and len(parts) - 2 != len(rows[0])):
            raise built.fault("{n} {n:column|columns}, where a number, words and a class should be.", number,
                              n=len(parts))  # fmt: skip
        if parts[0] in built.numbers:
            raise built.fault("{node} stands there twice.", number, node=parts[0])
        node = built.node(parts[0], number)
        try:
            rows.append(np.array(parts[1:-1], np.float32))
        except ValueError:
            raise built.fault("a word is not a number.", number) from None
        if not np.isfinite(rows[-1]).all():
            raise built.fault("a word is not a finite number.", number)
        built.labels[node] = parts[-1]
    other = Builder(cites.name, str(cites))
    for number, line in _lines(read_text(cites)):
        parts = line.split()
        if len(parts) != 2:
            raise other.fault("{n} {n:column|columns}, where two numbers should be.", number, n=len(parts))
        for part in parts:
            if part not in built.numbers:
                raise other.fault("{node} is not in {content}.", number, node=part, content=content.name)
        built.edge(parts[1], parts[0], 1.0, number)
    return built.graph(False, np.stack(rows) if rows else None)


def _lines(text: str) -> Iterable[tuple[int, str]]:
    return ((n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip())
