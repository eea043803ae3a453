"""What all pages on a picture ask with. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.blocks.backends import BFLOAT16, FASTEST, FLOAT32, SPEED
from engines.core.params import PHOTO, Choice, Params, Range, looked, setting
from engines.core.pictures import Picture
from engines.core.training import Weights
from engines.data.scenes import DEFAULT_SCENE, Drawing, draw_background, random_drawing, render

BUNDLED = "toy-rt-detr"
SHOWN = 384  #: side in pixels of a drawn scene as it is shown; the toy model sees it smaller
PICTURE, CHANGE, DRAW = "Picture", "Interventions", "Display"  # sections of the docks


@dataclass(frozen=True)
class OfPicture(Params):
    """A picture in a model.

    Attributes
    ----------
    source : str
        Model: a bundled name, a folder, or the id of a hub model that has been downloaded.
    picture : Picture, optional
        The photo. For the toy model its middle square is what the drawn shapes lie on.
    scene : int
        Number of the drawn scene.
    compute : str
        Backend of the convolutions.
    weights : Weights, optional
        A state of a run on the page "Training"; it is the model where ``source`` is `TRAINED_HERE`.
    """

    source: str = looked(BUNDLED, kept=True)
    picture: Picture | None = setting(None, remembered=PHOTO)
    weights: Weights | None = looked(None, passing=True)
    scene: int = setting(
        0,
        Range(0, 999, 1, "Scene", group=PICTURE, tip="Number of the drawn scene; of each the shapes are drawn anew."),
    )

    compute: str = setting(
        FASTEST,
        Choice(
            (FASTEST, FLOAT32, BFLOAT16),
            "Backend of the convolutions",
            group=SPEED,
            tip="What computes the convolutions of a real model. Fastest: the quickest on this machine with the same "
            "output. All attention stays in float32.",
        ),
    )

    @property
    def drawing(self) -> Drawing:
        """The drawn scene of this number."""
        return random_drawing(self.scene) if self.scene else DEFAULT_SCENE

    def drawn_on(self, size: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """The scene on its own background, or on the photo.

        Returns
        -------
        rgb : ndarray uint8 (size, size, 3)
        boxes : ndarray (N, 4)
            Of its shapes, xyxy in pixels.
        """
        drawing = self.drawing
        background = draw_background(drawing, 96) if self.picture is None else self.picture.rgb
        return render(drawing.shapes, background, size)
