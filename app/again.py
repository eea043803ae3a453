"""Brings back what the tabs showed the last time: their photos, and the pictures of their film strips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.images import PictureReader
from app.settings import Settings
from engines.core.pictures import Picture
from engines.data.samples import samples

if TYPE_CHECKING:
    from app.intake import Intake
    from app.topic.tab import Tab


class Again(QObject):
    """Reads each of them once, on a thread of its own: a photo that is opened meanwhile takes the place of none.

    Parameters
    ----------
    settings : Settings
    intake : Intake
        Has the strips.

    Attributes
    ----------
    found : dict of str to Picture
        By topic.
    """

    def __init__(self, settings: Settings, intake: Intake) -> None:
        super().__init__(intake)
        self._settings, self._intake = settings, intake
        self._readers: list[PictureReader] = []
        self.found: dict[str, Picture] = {}

    def read(self, topic: str, file: str, act: Callable[[Picture | None], None]) -> None:
        """Read the photo of a topic; ``act`` gets it, or None where it can't be read any more."""

        def over(picture: Picture | None) -> None:
            reader.close()
            if picture is not None:
                self.found[topic] = picture
            act(picture)

        reader = PictureReader(self)
        self._readers.append(reader)
        reader.opened.connect(over)
        reader.refused.connect(lambda _why: over(None))
        bundled = next((each.name for each in samples() if str(each.path) == file), None)
        if bundled is None:
            reader.open(file)
        else:
            reader.open_sample(bundled)  # it has a name of its own

    def fill_strip(self, tab: Tab) -> None:
        """Put the pictures of the last time into a tab's strip, as far as they are still there."""
        paths = [Path(path) for path in self._settings.strip(tab.topic.name)]
        if len(paths) > 1:
            self._intake.fill_strip(tab, paths)
            self._intake.mark(tab, next((path for path in paths if str(path) in tab.awaited()), None))

    def close(self) -> None:
        """End every thread."""
        for reader in self._readers:
            reader.close()
