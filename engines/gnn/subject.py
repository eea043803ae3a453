"""The graph that settings ask for, with features: what the engines of "Watch" and "Train" share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engines.core.memo import Memo
from engines.core.pictures import Picture
from engines.data.samples import sample as sample_photo
from engines.gnn import files, samples
from engines.gnn.graph import Graph, made
from engines.gnn.spec import OWN, PATCHES, WatchParams

MOST_OWN = 256  #: nodes that are told apart by a feature each; more have random ones
RANDOM = 32


class Subjects:
    """Makes graphs and remembers the one made last."""

    def __init__(self) -> None:
        self._graphs: Memo[Graph] = Memo(2)
        self._photos: Memo[Picture] = Memo()

    def graph(self, params: WatchParams) -> Graph:
        """The graph, without edits."""
        if params.sample == OWN:
            if params.file:
                return self._read(Path(params.file))
            return params.own or self._graphs.get("none", lambda: made(OWN, 1, []))
        if params.sample == PATCHES:
            photo = params.picture or self._photos.get(None, sample_photo)
            return self._graphs.get(photo, lambda: samples.of_photo(photo))
        key = params.sample, params.nodes, params.inside, params.between, params.seed
        return self._graphs.get(key, lambda: samples.sample(*key))

    def _read(self, path: Path) -> Graph:
        """The graph of a file, read anew when the file is another one."""
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            changed = 0  # the reader says what is wrong
        return self._graphs.get((path, changed), lambda: files.read(path))


def features(graph: Graph, seed: int) -> Tensor:
    """What the nodes hold at first, (N, F): their features; without any, one number for each node, or random ones."""
    if graph.features.shape[1]:
        return torch.from_numpy(np.ascontiguousarray(graph.features, np.float32))
    if graph.nodes <= MOST_OWN:
        return torch.eye(graph.nodes)
    return torch.randn(graph.nodes, RANDOM, generator=torch.Generator().manual_seed(seed))
