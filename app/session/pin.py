"""A view as it was when it was pinned: its picture, its numbers, and the settings that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.session.values import NUMBERS, Array, MisfitError, Parts, Tree
from engines.core import limits


@dataclass(frozen=True, eq=False)
class Pin:
    """What is compared with, as A.

    Attributes
    ----------
    caption : str
        The settings, in the language in which it was pinned.
    shown : ndarray uint8 (height, width, 3)
    arrays : mapping of str to ndarray
        The numbers behind it, by name.
    """

    caption: str
    shown: npt.NDArray[np.uint8]
    arrays: Mapping[str, Array]


def tree_of(pin: Pin, parts: Parts) -> Tree:
    """A pin as JSON; its arrays go into ``parts``, without the numbers where they are many."""
    many = sum(array.nbytes for array in pin.arrays.values()) > limits.SESSION_PIN

    def place(array: Array) -> Tree:
        parts.arrays.append(array)
        return {"#": len(parts.arrays) - 1}

    return {
        "caption": pin.caption, "shown": place(pin.shown),
        "arrays": {name: place(array) for name, array in pin.arrays.items() if not many},
    }  # fmt: skip


def pin_in(tree: Tree, parts: Parts, where: str) -> Pin:
    """The pin of a tree.

    Raises
    ------
    MisfitError
        If it is none.
    """

    def array(one: Tree) -> Array:
        match one:
            case {"#": int(number)} if 0 <= number < len(parts.arrays):
                return parts.arrays[number]
        raise MisfitError("{where}: no pin", where=where)

    match tree:
        case {"caption": str(caption), "shown": shown, "arrays": dict(arrays)}:
            picture = array(shown)
            if picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3 and picture.size:
                return Pin(caption, picture, {name: array(one) for name, one in arrays.items()})
    raise MisfitError("{where}: no pin", where=where)


def differences(before: Mapping[str, Array], now: Mapping[str, Array]) -> dict[str, Array]:
    """Now minus before, of all numbers that have one shape in both; float64."""
    return {
        name: np.asarray(now[name], float) - np.asarray(array, float)
        for name, array in before.items()
        if name in now and np.shape(now[name]) == np.shape(array) and np.size(array)
        and np.asarray(array).dtype.kind in NUMBERS and np.asarray(now[name]).dtype.kind in NUMBERS
    }  # fmt: skip


def as_maps(values: Array) -> Array:
    """Numbers of any shape as maps (n, height, width): colors are averaged, all axes but the last two run through n."""
    if values.ndim == 3 and values.shape[2] in (3, 4) and min(values.shape[:2]) > 4:
        values = values[:, :, :3].mean(2)
    flat = np.atleast_2d(values)
    return flat.reshape(-1, *flat.shape[-2:])


def curves_in(arrays: Mapping[str, Array]) -> dict[str, tuple[Array, Array]]:
    """The curves among the numbers of a plot, x and y by name: apart, or as columns, of which some may be gaps."""
    ends = "_x", "_y"
    names = [name.removesuffix(ends[0]) for name in arrays if name.endswith(ends[0])]
    found = {name: (arrays[name + ends[0]], arrays[name + ends[1]]) for name in names if name + ends[1] in arrays}
    for name, both in arrays.items():
        if name != "points" and np.ndim(both) == 2 and np.shape(both)[1] == 2:
            there = arrays.get(f"{name}_filled", np.ones(len(both), bool))
            kept = both[there.astype(bool)] if np.shape(there) == (len(both),) else both
            found[name] = kept[:, 0], kept[:, 1]
    return {name: (x, y) for name, (x, y) in found.items() if np.ndim(x) == np.ndim(y) == 1 and len(x) == len(y)}
