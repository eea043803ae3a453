"""What contracts are tried on, where the settings of the first start would take them too long."""

from __future__ import annotations

import importlib
from typing import Any

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
