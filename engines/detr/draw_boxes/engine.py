"""Reads a folder of photos, and one photo at a time, for the page "Draw boxes"."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

from engines.core.aside import aside
from engines.core.errors import Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Job, Progress
from engines.data.drawn_boxes import Album, open_album
from engines.data.pictures import read_picture
from engines.detr.draw_boxes.spec import AlbumOpened, DrawBoxesParams, PhotoShown

PIXELS = 2_000_000  # of a photo as it is shown: more than a window has


class Engine:
    """See `engines.detr.draw_boxes.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._opened = AlbumOpened(None)
        self._of = "", 0  # the folder that it is of, and which opening of it
        self._photos: Memo[PhotoShown] = Memo(3)

    def run(self, job: Job[DrawBoxesParams]) -> Iterator[Event]:
        """The folder, read once, then the photo that is looked at."""
        params = job.params
        if (params.folder, params.opening) != self._of and params.folder:
            begun = Progress(0, 0, Message("Reading pictures in {name}", {"name": Path(params.folder).name}))
            album: Album = yield from aside(_opening(Path(params.folder), begun), begun)
            self._opened, self._of = AlbumOpened(album), (params.folder, params.opening)
        yield self._opened
        if self._opened.album is None or not params.folder:
            return
        names = list(self._opened.album.sizes)
        path = Path(params.folder) / names[min(params.at, len(names) - 1)]
        yield self._photos.get(path, lambda: PhotoShown(path.name, read_picture(path, keep=PIXELS).rgb))


def _opening(folder: Path, begun: Progress) -> Generator[Progress, None, Album]:
    yield begun
    return open_album(folder)
