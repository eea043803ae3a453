"""The downloaded models in the cache that all programs of the hub share: how large each is, and taking one away."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from engines.checkpoints import hub
from engines.core import files
from engines.core.errors import LabError

_PREFIX = "models--"


@dataclass(frozen=True)
class Kept:
    """A model in the cache.

    Attributes
    ----------
    name : str
        ``owner/name``
    size : int
        Bytes on the disk, of all its versions and of what was not fetched to its end.
    """

    name: str
    size: int


def kept() -> list[Kept]:
    """All models in the cache, the largest first; raises LabError if the folder can't be read."""
    folder = hub.cache_folder()
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(_PREFIX) and entry.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        reason = error.strerror or str(error)
        raise LabError("{name}: can't be read ({reason}).", name=str(folder), reason=reason) from error
    found = [Kept(_name(name), sum(_sizes(str(folder / name)))) for name in names]
    return sorted(found, key=lambda one: (-one.size, one.name))


def remove(name: str) -> None:
    """Take a model away, all its versions.

    Raises
    ------
    LabError
        If it could not be done, or not to its end.
    """
    repository, _ = hub.split(name)
    storage = hub.storage(repository)
    for place in (storage, hub.cache_folder() / ".locks" / storage.name):
        try:
            shutil.rmtree(place)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise LabError("{name}: can't be removed ({reason}).", name=name, reason=files.reason(error)) from error


def _name(folder: str) -> str:
    """``models--owner--name`` as ``owner/name``."""
    return folder.removeprefix(_PREFIX).replace("--", "/", 1)


def _sizes(folder: str) -> Iterator[int]:
    """Sizes of the files below a folder; a link is none."""
    for above, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.lstat(os.path.join(above, name))
            except OSError:
                continue  # another program has just taken it away
            if not os.path.islink(os.path.join(above, name)):
                yield status.st_size
