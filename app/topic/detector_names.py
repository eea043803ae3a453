"""How pages about detectors name classes and objects."""

from __future__ import annotations

from app import words
from engines.core.errors import Message


def class_name(label: str) -> Message:
    """A class in the chosen language, or as the model calls it where there is no translation."""
    return Message(label) if label in words.translations() else words.plain(label)


def scored(name: Message, score: float) -> Message:
    """Words of a tag: class and score."""
    return Message("{name} {score}", {"name": name, "score": words.number(score, 2)})
