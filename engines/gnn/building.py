"""Builds a graph from what a file says, piece by piece, and says by line what is wrong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engines.core.errors import LabError, Message
from engines.gnn.graph import MOST_CLASSES, MOST_EDGES, MOST_NODES, Graph

LARGEST = float(np.finfo(np.float32).max)
Line = int | Callable[[], int]  #: of a file, or what finds it


class Builder:
    """A graph that is read piece by piece.

    Parameters
    ----------
    name, source : str
        Of the file.
    """

    def __init__(self, name: str, source: str) -> None:
        self.name, self.source = name, source
        self.numbers: dict[str, int] = {}
        self.pairs: list[tuple[int, int]] = []
        self.weights: list[float] = []
        self.labels: dict[int, str] = {}

    def fault(self, text: str, line: Line, **values: object) -> LabError:
        """What is wrong in a line."""
        number = line() if callable(line) else line
        return LabError("{name}, line {line}: {fault}", name=self.name, line=number, fault=Message(text, values))

    def node(self, name: str, line: Line) -> int:
        """The number of a node, new or known."""
        if name not in self.numbers and len(self.numbers) >= MOST_NODES:
            raise self.fault("more than {most} nodes.", line, most=f"{MOST_NODES:,}")
        return self.numbers.setdefault(name, len(self.numbers))

    def edge(self, source: str, target: str, weight: float, line: Line) -> None:
        """One more edge."""
        if len(self.pairs) >= MOST_EDGES:
            raise self.fault("more than {most} edges.", line, most=f"{MOST_EDGES:,}")
        self.pairs.append((self.node(source, line), self.node(target, line)))
        self.weights.append(weight)

    def weight(self, text: object, line: Line) -> float:
        """A weight that is a number and not negative."""
        try:
            value = float(str(text))
        except ValueError:
            raise self.fault("the weight {weight} is not a number.", line, weight=repr(str(text))) from None
        if not 0 <= value <= LARGEST:
            raise self.fault("the weight {weight} is negative or not finite.", line, weight=repr(str(text)))
        return value

    def graph(self, directed: bool, features: np.ndarray | None = None) -> Graph:
        """What was read; features (N, F).

        Raises
        ------
        LabError
            Of a file without a node.
        """
        count = len(self.numbers)
        if not count:
            raise LabError("{name}: holds no edge and no node.", name=self.name)
        classes = tuple(sorted(set(self.labels.values())))
        names = tuple(self.numbers)
        if len(classes) == len(self.labels) > MOST_CLASSES:  # all of them differ: names, as other programs write them
            names, classes = tuple(self.labels.get(n, name) for n, name in enumerate(names)), ()
            self.labels = {}
        place = {one: n for n, one in enumerate(classes)}
        labels = np.array([place[self.labels[n]] if n in self.labels else -1 for n in range(count)], np.int64)
        edges = np.array(self.pairs, np.int64).reshape(-1, 2).T.copy()
        return Graph(
            self.name, names, edges, np.array(self.weights, np.float32), labels, classes,
            np.zeros((count, 0), np.float32) if features is None else features, directed=directed, source=self.source,
        )  # fmt: skip
