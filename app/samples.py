"""The Samples menu: photos that are on this machine, named in the user's language."""

from __future__ import annotations

from engines.core.errors import Message
from engines.data.samples import samples


def sample_names() -> list[tuple[str, Message]]:
    """Name for `PictureReader.open_sample` and title of each sample photo, the best to start with first."""
    return [(entry.name, Message(entry.title)) for entry in samples()]
