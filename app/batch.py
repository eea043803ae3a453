"""``attention-lab --export FOLDER PHOTOS...``: each photo's maps and boxes as files, from a shell and without Qt.

For every topic that offers stills (`engines.core.stills`) a photo ``cat.jpg`` becomes ``cat-<topic>-<map>.png`` for
each kind of map, ``cat-<topic>-boxes.png`` where it finds things, ``cat-<topic>.npz`` with the numbers, and
``cat-<topic>.json`` with the settings, which are in the NPZ, too. What the folder holds already stays: where there is
such a file, all of the photo's are called ``cat-2-<topic>`` and so on.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app import __version__, stillpictures
from engines.checkpoints import catalog
from engines.core import files, offers
from engines.core.errors import LabError
from engines.core.pictures import SUFFIXES, Picture
from engines.core.stills import KIND, Camera, Still
from engines.data.pictures import read_picture

FAILED = 1  #: exit code where something could not be exported


@dataclass(frozen=True)
class Station:
    """A topic with its camera."""

    topic: str
    camera: Camera


def export(folder: Path, photos: Sequence[Path], models: Iterable[str], device: str) -> int:
    """Write the files and tell what was done; returns the exit code.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    photos : sequence of Path
        Files; a folder stands for the pictures right in it.
    models : iterable of str
        Sources to use; of several of one topic the last. Other topics use the best that is here.
    device : str
    """
    wanted: dict[str, str] = {}
    able = [offer.topic for offer in offers.found(KIND)]
    for source in models:
        topic = catalog.topic_of(source)
        if not topic:
            return _refuse(f"{source}: no topic here can use this model.")
        if topic not in able:
            return _refuse(f"{source}: a model of {topic}, which can't be exported; these can: {', '.join(able)}.")
        wanted[topic] = source
    found = list(_pictures(photos))
    if not found:
        return _refuse("There is no picture to export: name some, or a folder that holds some.")
    stations = list(_stations(wanted, device))
    failed = not wanted.keys() <= {station.topic for station in stations}  # a model that was asked for says nothing
    try:
        there = _names(folder)
    except OSError as error:
        return _refuse(f"{folder} can't be read: {error.strerror}")
    used: set[str] = set()
    for path in found:
        name = _free(path.stem, used, there, able)
        try:
            picture = read_picture(path)
            for station in stations:
                still = station.camera.take(picture)
                written = _write(folder, f"{name}-{station.topic}", path, picture, still)
                print(f"{path.name}: {station.topic}: {still.said}; {', '.join(written)}", flush=True)
        except LabError as error:
            print(error, file=sys.stderr)
            failed = True
    return FAILED if failed or not stations else 0


def _refuse(why: str) -> int:
    print(why, file=sys.stderr)
    return FAILED


def _stations(wanted: dict[str, str], device: str) -> Iterator[Station]:
    """The topics that can answer here; of the others it is said why not, once."""
    for offer in offers.found(KIND):
        try:
            yield Station(offer.topic, offer.load()(wanted.get(offer.topic, ""), device))
        except LabError as error:
            print(f"{offer.topic}: {error}", file=sys.stderr)


def _pictures(photos: Sequence[Path]) -> Iterator[Path]:
    for path in photos:
        if path.is_dir():
            yield from sorted(inner for inner in path.iterdir() if inner.name.lower().endswith(SUFFIXES))
        else:
            yield path  # whether it is one, reading will tell


def _names(folder: Path) -> list[str]:
    """What the folder holds, as a disk that doesn't tell capitals apart compares it; nothing if it is to be made."""
    try:
        return [name.casefold() for name in os.listdir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []  # a file in its place is complained of by who writes


def _free(stem: str, used: set[str], there: Iterable[str], topics: Iterable[str]) -> str:
    """A name for all files of a photo that no photo before has, for two folders may each hold a ``cat``, and no file.

    Parameters
    ----------
    stem : str
        The photo's own name.
    used : set of str
        Names of the photos before; this one's comes in.
    there : iterable of str
        Files that the folder held before.
    topics : iterable of str
        Of which the photo may have files.
    """
    tails = tuple(f"-{topic.casefold()}{end}" for topic in topics for end in "-.")

    def is_used(name: str) -> bool:
        heads = tuple(name + tail for tail in tails)
        return name in used or any(file.startswith(heads) for file in there)

    name, count = stem, 2
    while is_used(name.casefold()):
        name, count = f"{stem}-{count}", count + 1
    used.add(name.casefold())
    return name


def _write(folder: Path, name: str, path: Path, picture: Picture, still: Still) -> list[str]:
    """Put all of one still into the folder; returns the names of the files."""
    settings = json.dumps(
        {
            "program": f"Attention Lab {__version__}",
            "photo": path.name,
            "size": [picture.rgb.shape[1], picture.rgb.shape[0]],
            **still.settings,
        },
        ensure_ascii=False,
        indent=1,
        default=str,
    )
    written = []

    def put(file: str, content: bytes) -> None:
        files.write(folder / file, content)
        written.append(file)

    for drawn in still.maps:
        put(f"{name}-{drawn.name}.png", _png(stillpictures.maps(still.photo, drawn), settings))
    if still.marks is not None:
        put(f"{name}-boxes.png", _png(stillpictures.boxes(still.photo, still.marks), settings))
    numbers = io.BytesIO()
    np.savez_compressed(numbers, allow_pickle=False, settings=np.array(settings), **still.arrays)
    put(f"{name}.npz", numbers.getvalue())
    put(f"{name}.json", settings.encode())
    return written


def _png(image: Image.Image, settings: str) -> bytes:
    """With the settings in it, as the window's PNG have them."""
    about = PngInfo()
    about.add_itxt("settings", settings)
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=about)
    return out.getvalue()
