"""The scale study as a table of runs: what `engines.studies` may vary. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.params import Choice, Params, Range, setting
from engines.studies.spec import Kind
from engines.vit.scale_study.spec import CIFAR, DIGITS, FOLDER, KINDS, SIZES


@dataclass(frozen=True)
class Trained(Params):
    """One training.

    Attributes
    ----------
    pictures, folder : str
        The set, and where it lies if it is not the digits.
    count : int
        Training pictures; all there are if they are fewer.
    size, network : str
    """

    pictures: str = setting(DIGITS, Choice((DIGITS, CIFAR, FOLDER), "Pictures"))
    folder: str = setting("")
    count: int = setting(500, Range(2, 50_000, 1, "Pictures", log=True))
    size: str = setting("S", Choice(SIZES, "Size"))
    network: str = setting(KINDS[0], Choice(KINDS, "Network"))


KINDS_OF_STUDY = (
    Kind("scale", Trained, "engines.vit.scale_study.training:measured", ("accuracy", "training", "loss")),
)
