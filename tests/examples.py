"""What contracts are tried on, where the settings of the first start would take them too long."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engines.core.params import Params


def of_topic(name: str) -> dict[type[Params], dict[str, Any]]:
    """What ``tests/engines/<topic>/examples.py`` sets in kinds of Params; nothing where there is no such file."""
    try:
        found: dict[type[Params], dict[str, Any]] = importlib.import_module(f"tests.engines.{name}.examples").EXAMPLES
    except ModuleNotFoundError:
        return {}
    return found


def fields(params: type[Params]) -> dict[str, Any]:
    """What is set in a kind of Params."""
    return of_topic(params.__module__.split(".")[1]).get(params, {})


def shorten(patch: pytest.MonkeyPatch) -> None:
    """Have topics measure on few pictures what they measure on many; a test that asks for fewer yet gets them."""
    for place, most in fewer().items():
        module, name = place.rsplit(".", 1)
        if getattr(importlib.import_module(module), name) > most:
            patch.setattr(place, most)


@cache
def fewer() -> dict[str, int]:
    """What ``FEW`` in the examples of topics says: at most so many, by the place of the number."""
    names = sorted(path.parent.name for path in Path(__file__).parent.glob("engines/*/examples.py"))
    modules = [importlib.import_module(f"tests.engines.{name}.examples") for name in names]
    return {place: most for module in modules for place, most in getattr(module, "FEW", {}).items()}
