"""Features of a frozen ViT, computed once for each photo and its mirror image and kept, and what is done with them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engines.blocks.backbone import Backbone
from engines.checkpoints import catalog
from engines.data.detector_pictures import Own, Sample
from engines.detr import features, vits
from engines.detr.config import BackboneConfig
from engines.detr.preprocess import normalize
from engines.detr.training.featurestore import FeatureStore

MOST_PHOTOS = 1000  # their features stay in memory: 0.4 MB a photo for a small ViT


class Features:
    """A frozen ViT, and the features of all photos that it has seen.

    Parameters
    ----------
    source : str
        Of the ViT; empty for the best one that is here.

    Raises
    ------
    LabError
        If it is not here or has no feature map.
    """

    def __init__(self, source: str) -> None:
        self.source = source or vits.best()
        self.net: Backbone = features.frozen(self.source)
        self.config: BackboneConfig = features.described(self.source, self.net)
        self.title = catalog.describe(self.source).title
        self.side = self.net.sides[-1]
        self._module = features.FrozenFeatures(self.config, self.net)
        self._known: dict[int, tuple[np.ndarray, ...]] = {}
        self._store = FeatureStore(self.config.sha256)

    def fill(self, data: Own, device: torch.device) -> Iterator[tuple[int, int]]:
        """Put the features into the pictures of ``data``; yields how many are done, and of how many."""
        groups = (data.training, data.validation)
        total, done = sum(map(len, groups)), 0
        for group in groups:
            for at, sample in enumerate(group):
                key = zlib.crc32(sample.rgb.tobytes())
                if key not in self._known:
                    yield done, total
                    self._known[key] = self._store.get(sample.rgb) or self._computed(sample.rgb, device)
                group[at] = replace(sample, features=self._known[key])
                done += 1
        seen = {zlib.crc32(sample.rgb.tobytes()) for group in groups for sample in group}
        self._known = {key: self._known[key] for key in seen}  # those of other photos are let go
        FeatureStore.trim()

    def _computed(self, rgb: np.ndarray, device: torch.device) -> tuple[np.ndarray, ...]:
        found = self._of(rgb, device)
        self._store.put(rgb, found)
        return found

    @torch.inference_mode()
    def _of(self, rgb: np.ndarray, device: torch.device) -> tuple[np.ndarray, ...]:
        pixels = normalize(np.stack([rgb, rgb[:, ::-1]])).to(device)
        return tuple(self._module(pixels).to(torch.float16).cpu().numpy())


def pixels_or_features(samples: Sequence[Sample]) -> tuple[Tensor, bool]:
    """What goes into a model: features (B, F, h, w) where they are known, else normalized pixels (B, 3, S, S)."""
    if samples[0].features:
        return torch.from_numpy(np.stack([sample.features[0] for sample in samples])).float(), True
    return normalize(np.stack([sample.rgb for sample in samples])), False
