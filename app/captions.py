"""What a figure's caption says of a page beside the settings that have a control: what is pinned, switched off, masked.

Texts only; pages put them together in `app.topic.page.Page.caption`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app import words
from app.words import Text
from engines.core.errors import Message

FEW = 12  #: heads that are named one by one; of more it is said how many


def heads_off(names: Sequence[Text]) -> Iterator[Message]:
    """The heads that contribute nothing."""
    if len(names) > FEW:
        yield Message("{n} heads off", {"n": len(names)})
    elif names:
        yield Message("Heads off: {names}", {"names": words.listed(names)})


def masked(count: int) -> Iterator[Message]:
    """How many patches no token attends to."""
    if count:
        yield Message("{n} {n:patch|patches} masked", {"n": count})


def pinned(place: Text | None) -> Iterator[Message]:
    """The token whose attention is shown, where one was chosen."""
    if place is not None:
        yield Message("Pinned: {token}", {"token": place})


def asked_about(label: Text | None) -> Iterator[Message]:
    """The class that the page speaks of, where one was chosen."""
    if label is not None:
        yield Message("Class: {value}", {"value": label})
