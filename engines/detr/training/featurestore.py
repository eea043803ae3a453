"""Features of a frozen ViT on disk, so that another run, or another start, does not compute them again.

One file a photo in the user's cache, named by the hash of what the model saw, in a folder named by the hash of the
model's weights. A photo or a model that is changed has other names. A cache that can't be read or written is done
without.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from engines.core.assets import cached

MOST_BYTES = 2_000_000_000  #: of all files; those that were not used for longest go first
DIGITS = 32  #: of a hash


def folder() -> Path:
    """Where they are kept, outside the project."""
    return cached("detr-features")


class FeatureStore:
    """The features of one model.

    Parameters
    ----------
    model : str
        Hash of its weights; empty keeps nothing.
    """

    def __init__(self, model: str) -> None:
        self._folder = folder() / model[:DIGITS] if model else None

    def _place(self, rgb: np.ndarray) -> Path | None:
        if self._folder is None:
            return None
        name = hashlib.sha256(f"{rgb.shape}".encode() + np.ascontiguousarray(rgb).tobytes()).hexdigest()
        return self._folder / f"{name[:DIGITS]}.npy"

    def get(self, rgb: np.ndarray) -> tuple[np.ndarray, ...]:
        """Features float16 (F, h, w) of a photo uint8 (S, S, 3) and of its mirror image; empty where none are kept."""
        place = self._place(rgb)
        if place is None:
            return ()
        try:
            found = np.load(place, allow_pickle=False)
            os.utime(place)  # it is of use
        except (OSError, ValueError, EOFError):
            return ()
        return tuple(found) if found.dtype == np.float16 and found.ndim == 4 and len(found) == 2 else ()

    def put(self, rgb: np.ndarray, features: tuple[np.ndarray, ...]) -> None:
        """Keep the features (F, h, w) of a photo (S, S, 3) and of its mirror image."""
        place = self._place(rgb)
        if place is None:
            return
        draft = place.with_name(f".{place.name}.{os.getpid()}.part")
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                np.save(file, np.stack(features), allow_pickle=False)
            os.replace(draft, place)

    @staticmethod
    def trim() -> None:
        """Remove the files that were not used for longest, until all of them are small enough."""
        found: list[tuple[float, int, Path]] = []
        for place in folder().glob("*/*"):
            with suppress(OSError):
                told = place.stat()
                found.append((told.st_mtime, told.st_size, place))
        total = sum(size for _, size, _ in found)
        for _, size, place in sorted(found):
            if total <= MOST_BYTES:
                return
            total -= size
            with suppress(OSError):
                place.unlink()
