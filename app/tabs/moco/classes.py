"""Names of classes: those of the bundled sets are keys of the words, a folder's or a digit's is as it is."""

from __future__ import annotations

from app import words
from app.words import Text
from engines.core.errors import Message

SHAPES = "square", "circle", "triangle", "star", "ring", "cross"
PHOTOS = "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"
OURS = frozenset((*SHAPES, *PHOTOS))


def named(name: str) -> Text:
    """What to write for a class."""
    return Message(name) if name in OURS else words.plain(name)
