"""Which image and class of the ground truth a result means: by id, by number, or by name where ids are others.

A list of results names images by the ids of the ground truth; ultralytics 8.3 and sahi 0.12 write a file's stem there,
as text or as a number. A whole object with scores (datumaro 1.13, globox 2.9, FiftyOne 1.x) counts images and classes
anew and tells their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from engines.core.errors import Message
from engines.data.coco_values import Ident, as_number, plain
from engines.data.finder import readings, stem_of
from engines.data.split_words import folded

BY_NUMBER = "{name}: ids are read as numbers."
BY_STEM = "{name}: images are found by their file names, since their ids are not those of the ground truth."
BY_NAME = "{name}: images and classes are found by their names, since it numbers them itself."
SHIFTED = "{name}: its classes are numbered {mine}, those of the ground truth {theirs}. Are they shifted?"


@dataclass(frozen=True)
class Idents:
    """Finds places in the ground truth.

    ``image`` and ``label`` give None for what it does not name; ``notes`` say how they were found where it was not by
    id.
    """

    image: Callable[[Any], int | None]
    label: Callable[[Any], int | None]
    notes: tuple[Message, ...] = ()


def _unique(pairs: Iterable[tuple[Any, int]]) -> dict[Any, int]:
    """What stands for one place only."""
    found: dict[Any, int] = {}
    twice = set()
    for key, place in pairs:
        if found.setdefault(key, place) != place:
            twice.add(key)
    return {key: place for key, place in found.items() if key not in twice}


def stem_key(name: str) -> str:
    """A file's name as it is compared: the last part, without ending."""
    parts = next(readings(name), [""])
    return folded(stem_of(parts[-1]))


def of_list(
    name: str, images: Mapping[Ident, int], files: Mapping[int, str], labels: Mapping[Ident, int],
    classes: Mapping[str, int], asked: set[Any], said: set[Any],
) -> Idents:  # fmt: skip
    """For a list of results.

    Parameters
    ----------
    name : str
        What to call it.
    images, labels : mapping
        Places in the ground truth by id.
    files, classes : mapping
        File names by place, places by the names of classes.
    asked, said : set
        Ids of images and of classes that the results name.
    """
    notes: list[Message] = []
    numbers = _unique((as_number(ident), place) for ident, place in images.items())
    stems = _unique((stem_key(file), place) for place, file in files.items() if file)
    stem_numbers = _unique((int(stem), place) for stem, place in stems.items() if stem.isdecimal())

    def by_id(ident: Any) -> int | None:
        key = plain(ident)
        return images.get(key) if key is not None else None

    def by_number(ident: Any) -> int | None:
        return numbers.get(as_number(ident))

    def by_stem(ident: Any) -> int | None:
        return stems.get(stem_key(ident)) if isinstance(ident, str) else stem_numbers.get(plain(ident))

    ways: list[tuple[Callable[[Any], int | None], str]] = [(by_id, ""), (by_number, BY_NUMBER), (by_stem, BY_STEM)]
    known = [sum(way(ident) is not None for ident in asked) for way, _ in ways]
    exact = known[0] == len(asked) or (known[0] > 0 and known[2] < len(asked))
    best = 0 if exact else max((2, 1), key=lambda at: known[at])
    if best and known[best] > known[0]:
        notes.append(Message(ways[best][1], {"name": name}))
    way = ways[best][0] if known[best] else by_id
    if best == 0 and known[1] > known[0]:  # most are ids as they stand, some are texts
        way = _either(by_id, by_number)
    label, told = _labels(name, labels, classes, said)
    return Idents(way, label, (*notes, *told))


def _either(first: Callable[[Any], int | None], then: Callable[[Any], int | None]) -> Callable[[Any], int | None]:
    def find(ident: Any) -> int | None:
        found = first(ident)
        return then(ident) if found is None else found

    return find


def _labels(
    name: str, labels: Mapping[Ident, int], classes: Mapping[str, int], said: set[Any]
) -> tuple[Callable[[Any], int | None], list[Message]]:
    numbers = _unique((as_number(ident), place) for ident, place in labels.items())

    def by_number(ident: Any) -> int | None:
        return numbers.get(as_number(ident))

    def by_name(ident: Any) -> int | None:
        return classes.get(folded(ident)) if isinstance(ident, str) else None

    find = _either(by_number, by_name)
    mine = {as_number(ident) for ident in said}
    theirs = set(numbers)
    notes = []
    if mine and theirs and all(isinstance(one, int) for one in (*mine, *theirs)):
        for step in (-1, 1):
            if mine - theirs and mine <= {one + step for one in theirs}:
                values = {"name": name, "mine": _span(mine), "theirs": _span(theirs)}
                notes.append(Message(SHIFTED, values))
    return find, notes


def _span(numbers: set[Any]) -> str:
    return f"{min(numbers)} … {max(numbers)}" if len(numbers) > 1 else str(min(numbers))


def of_whole(
    name: str, own_images: Mapping[Any, str], own_classes: Mapping[Any, str], files: Mapping[int, str],
    classes: Mapping[str, int], by_id: Idents,
) -> Idents:  # fmt: skip
    """For a whole object with scores: by the names of its own images and classes, else as for a list.

    Parameters
    ----------
    name : str
    own_images, own_classes : mapping
        Its file names and names of classes by its own ids.
    files, classes : mapping
        As in `of_list`.
    by_id : Idents
        What is done where names tell nothing.
    """
    whole = _unique((_path_key(file), place) for place, file in files.items() if file)
    stems = _unique((stem_key(file), place) for place, file in files.items() if file)
    image_of = {}
    for ident, file in own_images.items():
        place = whole.get(_path_key(file))
        place = stems.get(stem_key(file)) if place is None else place
        if place is not None:
            image_of[as_number(ident)] = place
    label_of = {as_number(one): classes[folded(said)] for one, said in own_classes.items() if folded(said) in classes}
    if not image_of and not label_of:
        return by_id
    image = (lambda ident: image_of.get(as_number(ident))) if image_of else by_id.image
    label = (lambda ident: label_of.get(as_number(ident))) if label_of else by_id.label
    return Idents(image, label, (Message(BY_NAME, {"name": name}),))


def _path_key(file: str) -> str:
    parts = next(readings(file), [""])
    return folded(str(PurePosixPath(*parts)))
