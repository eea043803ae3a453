"""What all pages of the ViT tab are told: the model, how its patches lie on the photo, its prediction. No torch.

See `engines.vit.asking` for how layers, heads and tokens are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Event, Frame, Subject

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ModelInfo(Subject):
    """The model that answers.

    Attributes
    ----------
    source : str
        What it was loaded from (the engine's choice, where ``OfPhoto.model`` is empty).
    title : str
        Name to show.
    family : str
        ``vit``, ``deit``, ``dino``, ``dinov2``…
    layers, heads, width, patch_size : int
        ``patch_size`` in pixels of the model's input.
    resolutions : (low, high, step)
        What the resolution slider may be set to, in pixels; low = high for a model of fixed size. Settings beyond
        are taken as the nearest end.
    labels : tuple of str
        Class names; empty for a model without a head.
    parameters : int
        Numbers learned.
    sha256 : str
        Of its weights' file, see `engines.checkpoints.catalog.fingerprint`; empty where it is no file.
    cuts : bool
        Whether the folder's own processor shows it no more than the middle of a photo.
    chooses : bool
        It is large enough for a choice of backends.
    parts : tuple of int
        Of the numbers learned, how many belong to the patches and their positions, to the tokens before them, to
        attention, to the rest of the layers, and to the head with the norm before it: all of them. Empty where they
        were not counted.
    """

    source: str
    title: str
    family: str
    layers: int
    heads: int
    width: int
    patch_size: int
    resolutions: tuple[int, int, int]
    labels: tuple[str, ...]
    parameters: int
    sha256: str = ""
    cuts: bool = False
    chooses: bool = False
    parts: tuple[int, ...] = ()

    @property
    def has_head(self) -> bool:
        """Whether the model names classes."""
        return bool(self.labels)


@dataclass(frozen=True)
class PhotoGrid(Subject):
    """How the model's patches lie on the photo.

    Attributes
    ----------
    name : str
        The picture's name.
    photo : ndarray uint8 (height, width, 3)
        The picture itself (the engine's choice, where ``OfPhoto.picture`` is None).
    rows, cols : int
        Patches; token ``prefix + row * cols + col``.
    prefix : int
        Tokens before the patches: 1, the class token; 2 for a distilled DeiT, whose token 1 is the distillation token.
    rectangle : (left, top, right, bottom)
        What the grid covers, in pixels of the photo (floats, edges, origin at the top left corner).
    seen : ndarray uint8 (h, w, 3)
        The picture as the model gets it, after resizing.
    """

    name: str
    photo: Bytes = field(repr=False)
    rows: int
    cols: int
    prefix: int
    rectangle: tuple[float, float, float, float]
    seen: Bytes = field(repr=False)

    @property
    def tokens(self) -> int:
        """Prefix tokens and patches."""
        return self.prefix + self.rows * self.cols


@dataclass(frozen=True)
class Prediction(Event):
    """What the model says, beside the untouched model.

    Attributes
    ----------
    changed : bool
        Whether temperature, head mask or masked patches are in play.
    labels : tuple of str
        The (at most) five likeliest classes, likeliest first; empty for a model without a head.
    probabilities, untouched : ndarray (k,)
        Of these classes, from the model as it is set now and from the untouched one.
    untouched_label : str
        The untouched model's likeliest class.
    similarity : ndarray (L,)
        Cosine between the class token and that of the untouched model, after each layer; the last one after
        the final norm. All 1 while nothing is changed.
    """

    changed: bool
    labels: tuple[str, ...]
    probabilities: Floats = field(repr=False)
    untouched: Floats = field(repr=False)
    untouched_label: str
    similarity: Floats = field(repr=False)


@dataclass(frozen=True)
class OfOneClass(Frame):
    """Base of the frames that are about one class.

    Attributes
    ----------
    target : int
        The class that is asked about; −1 for a model without a head.
    label : str
        Its name; empty without a head.
    candidates : tuple of int
        The (at most) five likeliest classes of the untouched model.
    """

    target: int
    label: str
    candidates: tuple[int, ...]
