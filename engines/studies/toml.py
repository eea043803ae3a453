"""Writes a study's file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any


def normal(said: Mapping[str, Any]) -> dict[str, Any]:
    """A study as a file would say it, to be compared with one."""
    return tomllib.loads(written(said))


def written(said: Mapping[str, Any]) -> str:
    """A study as a file says it, in TOML; `engines.studies.reading.study_of` reads the same of both."""
    tables = [name for name, value in said.items() if isinstance(value, Mapping)]
    lines = [f"{name} = {_toml(value)}" for name, value in said.items() if name not in tables]
    for table in tables:
        lines += ["", f"[{table}]", *(f"{name} = {_toml(value)}" for name, value in said[table].items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"[{', '.join(map(_toml, value))}]"
