"""Photos that are on every machine with this program: those in the wheels of scikit-image and scikit-learn.

The packages are not imported for it (that takes a second); their files are simply read. Photos that
scikit-image would download first are not listed.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.core.errors import LabError
from engines.core.pictures import Picture


@dataclass(frozen=True)
class Sample:
    """A photo to start with: ``name`` is what programs call it, ``title`` the English text to show."""

    name: str
    title: str
    package: str
    file: str

    @property
    def path(self) -> Path | None:
        """Where it lies, or None if this machine lacks it."""
        spec = importlib.util.find_spec(self.package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            path = Path(place) / self.file
            if path.is_file():
                return path
        return None


SAMPLES = (
    Sample("cat", "Cat", "skimage", "data/chelsea.png"),
    Sample("astronaut", "Astronaut", "skimage", "data/astronaut.png"),
    Sample("coffee", "Cup of coffee", "skimage", "data/coffee.png"),
    Sample("motorcycle", "Motorcycle", "skimage", "data/motorcycle_left.png"),
    Sample("china", "Temple in China", "sklearn", "datasets/images/china.jpg"),
    Sample("flower", "Flower", "sklearn", "datasets/images/flower.jpg"),
    Sample("rocket", "Rocket", "skimage", "data/rocket.jpg"),
    Sample("camera", "Photographer", "skimage", "data/camera.png"),
    Sample("clock", "Clock in motion", "skimage", "data/clock_motion.png"),
    Sample("coins", "Coins", "skimage", "data/coins.png"),
    Sample("moon", "Moon", "skimage", "data/moon.png"),
    Sample("hubble", "Deep field of Hubble", "skimage", "data/hubble_deep_field.jpg"),
)


def samples() -> list[Sample]:
    """Those that are really on this machine, the best to start with first."""
    return [sample for sample in SAMPLES if sample.path is not None]


def sample(name: str = "") -> Picture:
    """Read one by name; without a name the first there is, and a drawn picture where there is none.

    Raises
    ------
    LabError
        If there is no sample of that name.
    """
    from engines.data.pictures import read_picture  # Pillow is not needed for the list

    for entry in samples():
        if not name or entry.name == name:
            return read_picture(entry.path or "", entry.title)
    if name:
        raise LabError("{name}: no such sample.", name=name)
    return drawn()


def drawn(side: int = 256) -> Picture:
    """A disk on a slope of colors, (side, side): something to look at without any file."""
    y, x = np.mgrid[:side, :side] / (side - 1)
    rgb = np.stack([x, y, 1 - (x + y) / 2], -1)
    rgb[(x - 0.4) ** 2 + (y - 0.55) ** 2 < 0.05] = (0.95, 0.9, 0.8)
    return Picture("Drawn picture", np.rint(rgb * 255).astype(np.uint8))
