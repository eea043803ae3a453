"""What topics bring along for the table: modules ``<topic>_rows`` or ``<topic>_<part>_rows``, found and not listed."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from tests import benchmarks


def modules(name: str) -> list[ModuleType]:
    """The modules ``*_rows`` that have this name: ``rows`` or ``DRAGGED``."""
    names = [m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name.endswith("_rows")]
    found = [importlib.import_module(f"{benchmarks.__name__}.{each}") for each in names]
    return [module for module in found if hasattr(module, name)]
