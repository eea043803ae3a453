"""Public names of a package that are loaded when first asked for, so that whoever wants its specs imports no torch.

The package's ``__init__`` imports them for type checkers only, and hands out what is written there::

    if TYPE_CHECKING:
        from engines.vit.model import ViT as ViT

    __getattr__, __dir__ = public(__name__)
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def public(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The functions ``__getattr__`` and ``__dir__`` of a package; its ``__all__`` is what it imports for type checkers.

    Parameters
    ----------
    package : str
        Its ``__name__``.

    Returns
    -------
    (callable, callable)
    """

    def load(name: str) -> Any:
        homes = _homes(package)
        if name == "__all__":
            return sorted(homes)
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home, inside = homes[name]
        return getattr(import_module(home), inside)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *_homes(package)})

    return load, names


@cache
def _homes(package: str) -> dict[str, tuple[str, str]]:
    """Of each public name the module that it is in, and its name there."""
    spec = find_spec(package)
    source = getattr(spec.loader, "get_source", None) if spec is not None else None
    if source is None:
        raise ImportError(f"the source of {package} is not there to read")
    return {
        alias.asname or alias.name: (str(line.module), alias.name)
        for block in ast.parse(source(package)).body
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for line in block.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
