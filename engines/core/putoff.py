"""Leaves out of torch's import, until somebody asks for it, what nothing here uses.

A third of the time of that import goes into `torch._meta_registrations`: shape functions in Python for tensors without
numbers, for the sake of compilers. Once they are there, a module that is built without numbers (``torch.device
("meta")``) and fills an embedding with random ones brings in the whole compiler with it, which takes a second more.

Such a module stands in `sys.modules` without content; the first attribute that is asked of it fills it. (PEP 562)
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

PARTS = ("torch._meta_registrations", "torch.export", "torch.distributions")


class _Later(Loader):
    """Makes an empty module that its own loader fills later."""

    def __init__(self, real: Loader) -> None:
        self._real = real
        self._lock = threading.RLock()

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        def ask(name: str) -> object:
            if name.startswith("__"):  # looked for by the import itself, and by whoever looks through all modules
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            with self._lock:
                if vars(module).pop("__getattr__", None) is not None:
                    self._real.exec_module(module)
            return getattr(module, name)

        vars(module)["__getattr__"] = ask


class Finder(MetaPathFinder):
    """Finds the modules that are put off.

    Parameters
    ----------
    names : sequence of str
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)

    def find_spec(self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        """The module as it would be found without this, but for its loader."""
        found = PathFinder.find_spec(name, path) if name in self._names else None
        if found is not None and found.loader is not None:
            found.loader = _Later(found.loader)
        return found


def put_off(names: Sequence[str] = PARTS) -> Finder:
    """From now on; what has been imported stays as it is."""
    made = Finder(names)
    sys.meta_path.insert(0, made)
    return made


def is_empty(name: str) -> bool:
    """Whether a module was imported and is still without content."""
    return "__getattr__" in vars(sys.modules[name]) if name in sys.modules else False
