"""Settings to JSON and arrays, and back by the types that their declarations name: nothing else can come out of a file.

A number is a number, a tuple a list, a dataclass an object of its fields, an array ``{"#": n}``, a picture
``{"picture": its SHA-256}``. What a field's type does not know is refused by its place.
"""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeAlias, Union

import numpy as np
import numpy.typing as npt

from engines.core.errors import LabError
from engines.core.params import Params, renamed, with_role
from engines.core.pictures import Picture

Array: TypeAlias = npt.NDArray[Any]
Tree: TypeAlias = Any  #: as JSON knows it

SHOWN = 40  #: characters of a refused value that are told
HASH = re.compile(r"[0-9a-f]{64}")  #: the name of a picture; it becomes that of a file
NUMBERS = "biuf"  #: kinds of arrays that are kept: no objects, no texts


class MisfitError(LabError):
    """A value is not what its place holds."""


@dataclass
class Parts:
    """What stands beside the JSON.

    Attributes
    ----------
    arrays : list of ndarray
    pictures : dict of str to Picture
        By the SHA-256 of size and pixels.
    """

    arrays: list[Array] = field(default_factory=list)
    pictures: dict[str, Picture] = field(default_factory=dict)


# ------------------------------------------------------------------ to JSON
def lasting(kind: type[Params]) -> tuple[str, ...]:
    """The fields that a session holds."""
    return tuple(f.name for f in fields(kind) if f.init and f.name in with_role(kind, "passing", False))


def packed(value: Any, parts: Parts, named: Mapping[Picture, str]) -> Tree:
    """A value as JSON knows it; its arrays go into ``parts``.

    Parameters
    ----------
    value
    parts : Parts
    named : mapping of Picture to str
        The hash of each picture in it.
    """
    match value:
        case float() if not math.isfinite(value):
            return {"number": str(value)}
        case np.generic():
            return value.item()
        case None | bool() | int() | float() | str():
            return value
        case tuple():
            return [packed(each, parts, named) for each in value]
        case np.ndarray():
            parts.arrays.append(value)
            return {"#": len(parts.arrays) - 1}
        case Picture():
            parts.pictures[named[value]] = value
            return {"picture": named[value]}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: packed(getattr(value, f.name), parts, named) for f in fields(value) if f.init}
    raise TypeError(f"a {type(value).__name__} can't be kept")


def packed_params(
    params: Params, parts: Parts, named: Mapping[Picture, str], other_than: Params | None = None
) -> dict[str, Tree]:
    """The lasting fields of settings, or those of them that are other than in ``other_than``."""
    names = [name for name in lasting(type(params)) if getattr(params, name) is not getattr(other_than, name, params)]
    if other_than is not None:
        names = [name for name in names if _differ(getattr(params, name), getattr(other_than, name))]
    return {name: packed(getattr(params, name), parts, named) for name in names}


def _differ(one: Any, other: Any) -> bool:
    return type(one) is not type(other) or bool(one != other)


def shifted(tree: Tree, by: int) -> Tree:
    """A tree whose arrays stand so much further back."""
    match tree:
        case {"#": int(number)}:
            return {"#": number + by}
        case dict():
            return {name: shifted(each, by) for name, each in tree.items()}
        case list():
            return [shifted(each, by) for each in tree]
    return tree


def pictures_in(params: Params) -> list[Picture]:
    """The pictures among the lasting fields."""
    found = (getattr(params, name) for name in lasting(type(params)))
    return [each for each in found if isinstance(each, Picture)]


# ------------------------------------------------------------------ back
_hints: dict[type, dict[str, Any]] = {}


def hints(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    if kind not in _hints:
        _hints[kind] = typing.get_type_hints(kind)
    return _hints[kind]


def known(kind: Any) -> bool:
    """Whether values of a type can be kept and read."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind in (bool, int, float, str, type(None), Picture):
        return True
    if origin in (Union, types.UnionType):
        return all(map(known, inner))
    if origin is tuple:
        return all(known(each) for each in inner if each is not Ellipsis)
    if origin is np.ndarray:
        return np.dtype(typing.get_args(inner[1])[0]).kind in NUMBERS
    return (
        isinstance(kind, type)
        and is_dataclass(kind)
        and all(known(hints(kind)[f.name]) for f in fields(kind) if f.init)
    )


def unpacked(kind: Any, tree: Tree, parts: Parts, where: str) -> Any:
    """The value of a tree, as a type asks for it.

    Parameters
    ----------
    kind
        One that is `known`.
    tree
        As `packed` made it.
    parts : Parts
        A picture that is not in it comes later: it is read as None.
    where : str
        The place, for what is said of a value that does not fit.

    Raises
    ------
    MisfitError
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return _one_of(inner, tree, parts, where)
    if origin is tuple:
        return _tuple(inner, tree, parts, where)
    if origin is np.ndarray:
        return _array(np.dtype(typing.get_args(inner[1])[0]), tree, parts, where)
    if kind is Picture:
        return _picture(tree, parts, where)
    if kind is float and type(tree) is int and abs(tree) < 2**53:
        return float(tree)
    if kind is float and isinstance(tree, dict) and tree.get("number") in ("inf", "-inf", "nan"):
        return float(tree["number"])
    if kind in (bool, int, float, str, type(None)):
        if type(tree) is not (kind) or (kind is float and not math.isfinite(tree)):
            raise _misfit(tree, kind.__name__, where)
        return tree
    if not isinstance(tree, dict):
        raise _misfit(tree, kind.__name__, where)
    return _made(kind, tree, parts, where)


def unpacked_params(plain: Params, tree: Tree, parts: Parts, where: str, strict: bool) -> Params:
    """Settings, over those of the first start.

    Parameters
    ----------
    plain : Params
        What is set where the tree says nothing.
    tree
        As `packed_params` made it.
    parts : Parts
    where : str
    strict : bool
        Refuse what does not fit; else it is passed over. What is not known any more is passed over in both.

    Raises
    ------
    MisfitError
    """
    if not isinstance(tree, dict):
        raise _misfit(tree, "settings", where)
    found: dict[str, Any] = {}
    for name, value in renamed(plain, tree).items():
        if name in lasting(type(plain)):
            try:
                found[name] = unpacked(hints(type(plain))[name], value, parts, f"{where}, {name}")
            except MisfitError:
                if strict:
                    raise
    try:
        return _with(plain, found, where)  # at once: some go only together
    except MisfitError:
        if strict:
            raise
    now = plain
    for name, value in found.items():
        with suppress(MisfitError):
            now = _with(now, {name: value}, where)
    return now


def _with(params: Params, values: dict[str, Any], where: str) -> Params:
    try:
        return replace(params, **values)
    except (ValueError, TypeError, LookupError) as error:
        raise MisfitError("{where}: {reason}", where=where, reason=str(error)) from error


def _made(kind: type, tree: dict[str, Tree], parts: Parts, where: str) -> Any:
    names = [f.name for f in fields(kind) if f.init]
    odd = [name for name in tree if name not in names]
    if odd:
        raise _misfit(odd[0], kind.__name__, where)
    values = {name: unpacked(hints(kind)[name], each, parts, f"{where}.{name}") for name, each in tree.items()}
    try:
        return kind(**values)
    except (ValueError, TypeError, LookupError) as error:
        raise MisfitError("{where}: {reason}", where=where, reason=str(error)) from error


def _one_of(kinds: tuple[Any, ...], tree: Tree, parts: Parts, where: str) -> Any:
    if tree is None and type(None) in kinds:
        return None
    refused: MisfitError | None = None
    for kind in kinds:
        if kind is not type(None):
            try:
                return unpacked(kind, tree, parts, where)
            except MisfitError as error:
                refused = refused or error
    raise refused or _misfit(tree, "nothing", where)


def _tuple(inner: tuple[Any, ...], tree: Tree, parts: Parts, where: str) -> tuple[Any, ...]:
    if not isinstance(tree, list):
        raise _misfit(tree, "list", where)
    if len(inner) == 2 and inner[1] is Ellipsis:
        kinds: tuple[Any, ...] = (inner[0],) * len(tree)
    elif len(inner) == len(tree):
        kinds = inner
    else:
        raise _misfit(tree, f"list of {len(inner)}", where)
    return tuple(unpacked(kind, each, parts, where) for kind, each in zip(kinds, tree, strict=True))


def _array(dtype: np.dtype[Any], tree: Tree, parts: Parts, where: str) -> Array:
    match tree:
        case {"#": int(number), **rest} if not rest and 0 <= number < len(parts.arrays):
            found = parts.arrays[number]
            if found.dtype == dtype:
                return found
    raise _misfit(tree, f"array of {dtype}", where)


def _picture(tree: Tree, parts: Parts, where: str) -> Picture | None:
    match tree:
        case {"picture": str(sha256), **rest} if not rest and HASH.fullmatch(sha256):
            return parts.pictures.get(sha256)
    raise _misfit(tree, "picture", where)


def _misfit(tree: Tree, wanted: str, where: str) -> MisfitError:
    shown = repr(tree) if not isinstance(tree, dict | list) else type(tree).__name__
    return MisfitError("{where}: {value} where {kind} belongs", where=where, value=shown[:SHOWN], kind=wanted)
