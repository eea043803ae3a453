"""What the page "Denoising queries" can ask for and what it is told. Imports no torch.

Sizes: G groups, T objects, D = G·2·T denoising queries, Q queries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.params import Params, Range, looked, setting
from engines.core.protocol import Frame
from engines.data.scenes import DEFAULT_SCENE, Drawing, random_drawing
from engines.rt_detr.events import Floats, Ints
from engines.rt_detr.noising import BOX_NOISE, LABEL_NOISE, box_noise_of, label_noise_of

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: who may see whom, not who does
QUERIES = 12  #: beside the denoising ones
SHOWN = 384  #: side in pixels of the scene
MOST_GROUPS = 4
SCENE, NOISE = "Scene", "Noise"


@dataclass(frozen=True)
class NoiseParams(Params):
    """Settings of the page."""

    scene: int = setting(
        0,
        Range(0, 999, 1, "Scene", group=SCENE, tip="Number of the drawn scene; of each the shapes are drawn anew."),
    )
    groups: int = setting(
        2,
        Range(1, MOST_GROUPS, 1, "Denoising groups", group=NOISE,
              tip="Each holds two copies of every object: a good one, which is to find it again, and a bad one, which "
                  "is to say that there is nothing."),
    )  # fmt: skip
    box_noise: float = setting(BOX_NOISE, box_noise_of(NOISE))
    label_noise: float = setting(LABEL_NOISE, label_noise_of(NOISE))
    seed: int = setting(
        0, Range(0, 999, 1, "Seed", group=NOISE, tip="Of the noise; each step of a training has its own.")
    )
    group: int = looked(
        1, Range(1, MOST_GROUPS, 1, "Group shown", group=SCENE, tip="Whose copies are drawn."), asked=False
    )

    @property
    def drawing(self) -> Drawing:
        """The drawn scene of this number."""
        return random_drawing(self.scene) if self.scene else DEFAULT_SCENE


@dataclass(frozen=True, eq=False)
class NoisedScene(Frame):
    """A scene, its noised copies, and who may see whom.

    Attributes
    ----------
    rgb : ndarray uint8 (S, S, 3)
    classes : tuple of str
    true_boxes : ndarray float32 (T, 4), true_labels : ndarray int64 (T,)
        cxcywh as shares of the scene.
    boxes : ndarray float32 (G, 2, T, 4), labels : ndarray int64 (G, 2, T)
        The good copies of a group, then the bad ones.
    ious : ndarray float32 (G, 2, T)
        Of each copy with its object.
    mask : ndarray bool (D + Q, D + Q)
        Which query (row) may see which: the groups one after the other, then the queries.
    """

    rgb: npt.NDArray[np.uint8] = field(repr=False)
    classes: tuple[str, ...]
    true_boxes: Floats
    true_labels: Ints
    boxes: Floats = field(repr=False)
    labels: Ints = field(repr=False)
    ious: Floats = field(repr=False)
    mask: npt.NDArray[np.bool_] = field(repr=False)
