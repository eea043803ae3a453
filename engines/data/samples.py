"""Photos to start with; who took them, and under which license, says ``assets/photos/CREDITS.md``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engines.core.assets import assets
from engines.core.errors import LabError
from engines.core.pictures import Picture


@dataclass(frozen=True)
class Sample:
    """A photo to start with: ``name`` is what programs call it, ``title`` the English text to show."""

    name: str
    title: str
    file: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return assets("photos") / self.file


SAMPLES = (
    Sample("cat", "Cat", "chelsea.webp"),
    Sample("astronaut", "Astronaut", "astronaut.webp"),
    Sample("coffee", "Cup of coffee", "coffee.webp"),
    Sample("china", "Temple in China", "china.jpg"),
    Sample("flower", "Flower", "flower.jpg"),
    Sample("rocket", "Rocket", "rocket.jpg"),
    Sample("camera", "Photographer", "camera.webp"),
    Sample("clock", "Clock in motion", "clock_motion.webp"),
    Sample("coins", "Coins", "coins.webp"),
    Sample("hubble", "Hubble Deep Field", "hubble_deep_field.jpg"),
)


def credit() -> dict[str, str]:
    """Who took each bundled photo, and under which license, by file; those of no sample are backgrounds."""
    rows = (line.split("|") for line in (assets("photos") / "CREDITS.md").read_text("utf-8").splitlines())
    told = {row[1].strip(" `"): (row[3].strip(), row[4].strip()) for row in rows if len(row) > 5 and "`" in row[1]}
    return {file: f"{by}, {terms}" for file, (by, terms) in told.items()}


def samples() -> list[Sample]:
    """All of them, the best to start with first."""
    return list(SAMPLES)


def sample(name: str = "") -> Picture:
    """Read one by name; without a name the first.

    Raises
    ------
    LabError
        If there is no sample of that name.
    """
    from engines.data.pictures import read_picture  # Pillow is not needed for the list

    for entry in SAMPLES:
        if not name or entry.name == name:
            return read_picture(entry.path, entry.title)
    raise LabError("{name}: no such sample.", name=name)
