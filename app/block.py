"""A block of an architecture, as a topic says it before anything of it is imported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """One part of a model.

    Attributes
    ----------
    name, about : str
        What it is called, and what it does in a sentence.
    page : str
        Name of the page that shows it at work, see `app.topic.page.Page.name`.
    column, row : int
        Where it stands.
    to : tuple of int
        The blocks that it hands something to, by their places in the list.
    """

    name: str
    about: str
    page: str
    column: int
    row: int = 0
    to: tuple[int, ...] = ()
