"""Features of the pictures of a part, by any backbone of this project."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache

import numpy as np
import torch

from engines.checkpoints import backbones, catalog
from engines.core.errors import LabError
from engines.data.class_folders import read_square
from engines.studies.parts import Part
from engines.studies.spec import Found
from engines.transfer.feature_study.study import Featured
from engines.transfer.library import Loaded, embed
from engines.transfer.store import model_hash


@lru_cache(1)
def _loaded(source: str) -> Loaded:
    net = backbones.load(source)
    return Loaded(source, catalog.describe(source).title, net, model_hash(net), torch.device("cpu"))


def measured(params: Featured, _seed: int, part: Part) -> Found:
    """Compute them. What can't be read has NaN in its place, and is counted.

    Returns
    -------
    Found
        ``features`` float32 (n, F), ``model`` the hash of all weights, ``side`` the size that the pictures had.
    """
    loaded = _loaded(params.model)
    side = loaded.net.nearest(params.side)
    features = np.full((len(part), loaded.net.width), np.nan, np.float32)
    piece, good = loaded.piece(side), 0
    for first in range(0, len(part), piece):
        places, squares = list[int](), []
        for index in range(first, min(first + piece, len(part))):
            content = part.content(index)  # what has changed ends the run
            with suppress(LabError):
                squares.append(read_square(content, side, part.names[index]))
                places.append(index)
        if squares:
            features[places] = embed(loaded, np.stack(squares))
        good += len(squares)
    numbers = {"readable": float(good), "unreadable": float(len(part) - good)}
    return Found(numbers, {"features": features, "model": np.array(loaded.hash), "side": np.array(side)})
