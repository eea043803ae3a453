"""What pages that show query–key pairs share: names, the chosen pair, the mask under the hand."""

from __future__ import annotations

from app.topic.page import Page
from app.views.scoregrid import MaskGrid
from engines.scoring.spec import MOST_KEYS, ScoringParams, valid_length

Cell = tuple[int, int]
SHARED = ("num_queries", "num_keys", "temperature", "hidden", "data", "seed")  #: settings of all pairs


def names(letter: str, count: int) -> list[str]:
    """q1, q2, q3."""
    return [f"{letter}{n + 1}" for n in range(count)]


def chosen_cell(params: ScoringParams) -> Cell:
    """The pair whose formula is shown, within what there is."""
    return within(params.cell, params.num_queries, params.num_keys)


def within(cell: Cell, queries: int, keys: int) -> Cell:
    """A pair that exists among so many queries and keys; an answer may be older than the settings."""
    return min(cell[0], queries - 1), min(cell[1], keys - 1)


def connect(page: Page, mask: MaskGrid) -> None:
    """A mask that is painted and measured by hand changes the settings of its page."""
    mask.clicked.connect(lambda cell: page.change(cell=cell))
    mask.painted.connect(lambda cells: page.change(masked=cells))
    mask.measured.connect(lambda lens: page.change(valid_lens=measured(page.params, lens)))
    mask.settled.connect(page.settle)


def measured(params: ScoringParams, lens: tuple[int, ...]) -> tuple[int, ...]:
    """The valid lengths after those on screen were set; the full length stays full when keys are added."""
    full = tuple(MOST_KEYS if n == params.num_keys else n for n in lens)
    return (*full, *params.valid_lens[len(full) :])


def show_mask(mask: MaskGrid, params: ScoringParams) -> None:
    """Draw the mask that the settings stand for."""
    mask.set_mask([valid_length(params, i) for i in range(params.num_queries)], params.masked, params.num_keys)
    mask.set_names(names("q", params.num_queries), names("k", params.num_keys))
    mask.set_at(chosen_cell(params))
