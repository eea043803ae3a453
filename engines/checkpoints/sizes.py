"""Numbers out of a model's configuration, checked before anything is made of them.

Against the table of limits first, then against the tensors that the files really hold: a configuration of a thousand
million layers costs nothing but a sentence. Imports no torch.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from engines.checkpoints.layout import CONFIG
from engines.core.errors import LabError

_SHOWN = 40  # characters of a wrong value that are shown


def shown(value: object) -> str:
    """A value as it stands in the file, cut short."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):  # a number of thousands of digits
        text = type(value).__name__
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def whole(
    config: Mapping[str, Any], key: str, default: int, name: str, most: int, least: int = 1, file: str = CONFIG
) -> int:
    """A whole number; a list of one number again and again counts as that number.

    Raises
    ------
    LabError
        Naming model, key and value, if it is another thing or beyond ``least`` and ``most``.
    """
    value = config.get(key, default)
    if isinstance(value, list) and value and all(entry == value[0] for entry in value):
        value = value[0]
    if type(value) is not int:
        raise LabError(
            "{name}: {key} in {file} is {value}, not an integer.",
            name=name, key=key, file=file, value=shown(value),
        )  # fmt: skip
    if not least <= value <= most:
        raise beyond(name, key, value, least, most, file)
    return value


def wholes(
    config: Mapping[str, Any], key: str, default: tuple[int, ...], name: str, most: int, least: int = 1
) -> tuple[int, ...]:
    """A list of whole numbers."""
    value = config.get(key, default)
    if not isinstance(value, list | tuple) or not value:
        raise LabError(
            "{name}: {key} in {file} is {value}, not a list of numbers.",
            name=name, key=key, file=CONFIG, value=shown(value),
        )  # fmt: skip
    return tuple(whole({key: entry}, key, 0, name, most, least) for entry in value)


def real(
    config: Mapping[str, Any], key: str, default: float, name: str, least: float, most: float, file: str = CONFIG
) -> float:
    """A number; raises LabError as `whole` does."""
    value = config.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise LabError(
            "{name}: {key} in {file} is {value}, not a number.", name=name, key=key, file=file, value=shown(value)
        )
    if not least <= value <= most:
        raise beyond(name, key, value, least, most, file)
    return float(value)


def triple(
    config: Mapping[str, Any], key: str, default: tuple[float, ...], name: str, least: float, file: str
) -> tuple[float, ...]:
    """A number for each color; the default where there is none. Raises LabError as `whole` does."""
    value = config.get(key)
    if value is None:
        return default
    if not isinstance(value, list) or len(value) != 3:
        raise LabError(
            "{name}: {key} in {file} is {value}, not three numbers.",
            name=name, key=key, file=file, value=shown(value),
        )  # fmt: skip
    return tuple(real({key: entry}, key, 0, name, least, 1000, file) for entry in value)


def beyond(name: str, key: str, value: object, least: float, most: float, file: str = CONFIG) -> LabError:
    """What says that a value lies outside of what is read."""
    return LabError(
        "{name}: {key} in {file} is {value}; it must be between {least} and {most}.",
        name=name, key=key, file=file, value=shown(value), least=least, most=most,
    )  # fmt: skip


def counted(names: Iterable[str], before: str) -> int:
    """How many layers there are: one more than the highest number after ``before``."""
    pattern = re.compile(re.escape(before) + r"(\d{1,9})\.")
    return max((int(match[1]) + 1 for match in map(pattern.match, names) if match), default=0)


def agree(name: str, key: str, said: int, found: int | None) -> None:
    """Raise LabError if the configuration says another number than the tensors; ``found`` 0 or None: they say none."""
    if found and said != found:
        raise LabError(
            "{name}: {file} says {said} for {key}, the weights hold {found}.",
            name=name, file=CONFIG, said=said, key=key, found=found,
        )  # fmt: skip


def along(shapes: Mapping[str, tuple[int, ...]], key: str, axis: int) -> int | None:
    """A tensor's length along an axis; None if it is not there or has no such axis."""
    shape = shapes.get(key, ())
    return shape[axis] if -len(shape) <= axis < len(shape) else None


def side_of(count: int | None) -> int | None:
    """Side of a square of so many cells; None if there is none."""
    if count is None or count < 1:
        return None
    side = math.isqrt(count)
    return side if side * side == count else None
