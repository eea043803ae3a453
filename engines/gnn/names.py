"""Names of files that hold graphs, and of those that are not opened."""

from __future__ import annotations

import re
from pathlib import Path

TABLES = (".csv", ".tsv", ".edges", ".edgelist", ".txt")
CORA = (".content", ".cites")
KINDS = (*TABLES, ".graphml", ".json", *CORA)  #: endings of files that are read
PICKLES = (".pkl", ".pickle")
PLANETOID = re.compile(r"ind\.[\w-]+\.(x|tx|allx|y|ty|ally|graph)$")


def is_pickle(path: Path) -> bool:
    """Whether a file is one of Planetoid's, or another pickle, by its name."""
    return path.suffix.lower() in PICKLES or PLANETOID.search(path.name) is not None
