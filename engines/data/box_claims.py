"""Which annotation a picture belongs to where several claim it: it is used once, with boxes that are its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from engines.core.errors import Message
from engines.data.box_faults import Faults, Raw, RawBox
from engines.data.finder import Found
from engines.data.split_words import TRAIN

TWICE = "Pictures listed more than once, each used once: {n} (first: {name})."


@dataclass(frozen=True, eq=False)
class Claim:
    """An annotation and the picture that was found for it."""

    raw: Raw
    found: Found


def settled(claims: Iterable[Claim], faults: Faults) -> list[tuple[Raw, Path]]:
    """Each picture once, in the order of the claims.

    Of several claims those stay that the folders speak for most. If they agree on which picture is meant their boxes
    are put together, each once; if they name pictures of different folders nobody knows whose it is, and none stays.
    """
    groups: dict[Path, list[Claim]] = {}
    for claim in claims:
        if claim.found.path is not None:
            groups.setdefault(claim.found.path, []).append(claim)
    owned: list[tuple[Raw, Path]] = []
    for path, group in groups.items():
        if len(group) == 1:
            owned.append((group[0].raw, path))
            continue
        faults.note(TWICE, name=path.name)
        best = max(claim.found.sure for claim in group)
        staying = [claim for claim in group if claim.found.sure == best]
        boxes = _together(claim.raw for claim in staying)
        asked = {claim.found.said for claim in staying if claim.found.said}
        if len(asked) > 1 and any(_own(claim.raw) != set(boxes) for claim in staying):
            for claim in staying:
                _refuse(claim.raw, "the name {picture} stands for pictures in several folders", faults)
            continue
        for claim in group:
            if claim.found.sure != best and not _own(claim.raw) <= set(boxes):
                _refuse(claim.raw, "the picture {picture} belongs to other annotations", faults)
        splits = {claim.raw.split for claim in staying if claim.raw.split}
        split = TRAIN if TRAIN in splits else min(splits, default="")
        owned.append((replace(staying[0].raw, boxes=list(boxes.values()), split=split), path))
    return owned


def _key(box: RawBox) -> tuple[str, tuple[float, ...]]:
    return box.name, tuple(round(side, 2) for side in box.xyxy)


def _own(raw: Raw) -> set[tuple[str, tuple[float, ...]]]:
    return {_key(box) for box in raw.boxes}


def _together(raws: Iterable[Raw]) -> dict[tuple[str, tuple[float, ...]], RawBox]:
    """All boxes, each once."""
    boxes: dict[tuple[str, tuple[float, ...]], RawBox] = {}
    for raw in raws:
        for box in raw.boxes:
            boxes.setdefault(_key(box), box)
    return boxes


def _refuse(raw: Raw, text: str, faults: Faults) -> None:
    faults.add(
        raw.file, raw.line, Message(text, {"picture": raw.picture}), count=max(1, len(raw.boxes)), entry=raw.entry
    )
