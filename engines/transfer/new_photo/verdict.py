"""What a probe says of a photo."""

from __future__ import annotations

import numpy as np

from engines.core.errors import LabError
from engines.core.pictures import Picture
from engines.data.class_folders import squared
from engines.transfer.events import Floats, Probe
from engines.transfer.library import Loaded, Prepared, embed
from engines.transfer.new_photo.spec import Verdict
from engines.transfer.spec import THUMB

NEAR = 8  #: most alike pictures beside the photo


def fits(probe: Probe, prepared: Prepared) -> bool:
    """Whether a probe stands on the backbone in hand, at its size."""
    return probe.model_hash == prepared.backbone.hash and probe.side == prepared.side


def judged(prepared: Prepared, photo: Picture, features: Floats, probe: Probe | None, by: Loaded) -> Verdict:
    """What the probe predicts for a photo with features (D,), and which pictures of the set are most similar.

    Raises
    ------
    LabError
        If the probe was made on another backbone than its source now gives.
    """
    seen = squared(photo.rgb, prepared.side)
    names: tuple[str, ...] = ()
    sure = np.zeros(0, np.float32)
    if probe is not None:
        mine = features
        if not fits(probe, prepared):
            if by.hash != probe.model_hash or by.net.width != probe.weight.shape[1]:
                raise LabError("{name}: the weights are not the ones that the probe was trained on.", name=by.title)
            seen = squared(photo.rgb, probe.side)
            mine = embed(by, seen[None])[0]
        chances = probe.probabilities(mine)
        order = np.argsort(-chances, kind="stable")
        names, sure = tuple(probe.names[i] for i in order), chances[order]
    every = prepared.features
    lengths = np.linalg.norm(every, axis=1) * np.linalg.norm(features)
    cosines = every @ features / np.maximum(lengths, 1e-12)
    near = np.argsort(-cosines, kind="stable")[:NEAR]
    return Verdict(
        photo.name, seen, names, sure, near, cosines[near].astype(np.float32),
        tuple(prepared.set.names[label] for label in prepared.truth[near]), prepared.pixels(near, THUMB),
    )  # fmt: skip
