"""The pictures of sessions, known by the hash of their pixels: in memory, in the file, bundled, or where they were."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from app.session.content import Photo, hash_of
from app.session.file import as_png, picture_of
from engines.core import files, limits
from engines.core.errors import LabError
from engines.core.pictures import Picture
from engines.core.reading import is_ordinary, read_bytes


class Photos:
    """Finds pictures and packs them; all but `seen` reads or computes, so not on the window's thread.

    Parameters
    ----------
    folder : Path or None
        Keeps those that have no file of their own; None where nothing is to be written.

    Attributes
    ----------
    pngs : dict of str to bytes
        Those of the session that was opened last.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.pngs: dict[str, bytes] = {}
        self._seen: weakref.WeakValueDictionary[str, Picture] = weakref.WeakValueDictionary()

    def seen(self, sha256: str) -> Picture | None:
        """A picture that is in memory."""
        return self._seen.get(sha256)

    def remember(self, pictures: Mapping[Picture, str]) -> None:
        """These are in memory."""
        for picture, sha256 in pictures.items():
            self._seen.setdefault(sha256, picture)

    def find(self, sha256: str, photo: Photo) -> Picture:
        """Read a picture.

        Raises
        ------
        LabError
            If it is nowhere any more, or has changed.
        """
        found = self._seen.get(sha256)
        if found is None:
            found = self._seen[sha256] = self._read(sha256, photo)
        return found

    def _read(self, sha256: str, photo: Photo) -> Picture:
        from engines.data.pictures import read_picture
        from engines.data.samples import sample

        if (png := self._png(sha256)) is not None:
            found = picture_of(png, sha256, photo.name)
            return replace(found, source=photo.file if is_ordinary(Path(photo.file)) else "")
        if photo.sample:
            found = sample(photo.sample)
        elif photo.file:
            found = read_picture(Path(photo.file))
        else:
            raise LabError("{name}: this picture is not in the session.", name=photo.name)
        if hash_of(found) != sha256:
            raise LabError("{name}: the picture is not the one that the session was saved with.", name=photo.name)
        return found

    def _png(self, sha256: str) -> bytes | None:
        if sha256 in self.pngs:
            return self.pngs[sha256]
        if self._folder is not None and is_ordinary(self._place(sha256)):
            return read_bytes(self._place(sha256), limits.SESSION_PICTURE)
        return None

    def _place(self, sha256: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{sha256}.png"

    def packed(self, photos: Mapping[str, Photo], pictures: Mapping[str, Picture]) -> dict[str, bytes]:
        """All that are not bundled, as PNG: what a session needs on another machine. What is too large is left out.

        Parameters
        ----------
        photos : mapping of str to Photo
        pictures : mapping of str to Picture
            Those of them that are in memory.
        """
        made: dict[str, bytes] = {}
        room = limits.SESSION_FILE // 2  # the rest is for what is not packed yet
        for sha256, photo in photos.items():
            if photo.sample:
                continue
            png = self._png(sha256)
            if png is None:
                png = as_png(pictures.get(sha256) or self.find(sha256, photo))
            room -= len(png)
            if len(png) <= limits.SESSION_PICTURE and room >= 0:
                made[sha256] = png
        return made

    def keep(self, photos: Mapping[str, Photo], pictures: Mapping[str, Picture]) -> None:
        """Bring those without a file to the folder, and remove from it what is of no session any more.

        Raises
        ------
        WriteError
            If the disk refuses.
        """
        assert self._folder is not None
        for sha256, photo in photos.items():
            homeless = not photo.sample and not is_ordinary(Path(photo.file))
            if homeless and not is_ordinary(self._place(sha256)):
                png = self.pngs.get(sha256)
                if png is None and sha256 in pictures:
                    png = as_png(pictures[sha256])
                if png is not None:
                    files.write(self._place(sha256), png, private=True)
        if self._folder.is_dir():
            for file in self._folder.glob("*.png"):
                if file.stem not in photos:
                    file.unlink(missing_ok=True)
