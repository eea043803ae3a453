"""What the pages' engines are asked about: a photo in a model, as it is changed. Imports no torch.

Counting: *blocks (over all stages) and heads are counted from 1*, in settings and in events, because that is what a
person reads; array axes start at 0 as ever. Places on the photo are (row, column) of the patches that enter the first
block, counted from 0: of a later stage each token stands for 2 × 2, 4 × 4 … of them.

A run of any of the engines yields, in this order: `Progress` while something takes long, `ModelInfo`, `PhotoGrid`, and
at its end one frame that holds all that is to be drawn. Objects that did not change are the very same ones as in the
run before.
"""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.params import PHOTO, PIN, Choice, Params, Range, Switch, setting
from engines.core.pictures import Picture

THIS_HEAD, WHOLE_BLOCK = "This head", "Whole block"
LOOK, CHANGE, DRAW = "Selection", "Interventions", "Display"  # sections of the docks

Cell = tuple[int, int, int, float]  # block, head, row of the table, amount


@dataclass(frozen=True)
class OfPhoto(Params):
    """A photo in a model, and what is changed in the model.

    Attributes
    ----------
    picture : Picture, optional
        None shows a sample photo.
    model : str
        Source as `engines.checkpoints.catalog.locate` takes it; empty for the best one that is here at once.
    heads_off : tuple of (block, head)
        Heads that contribute nothing, counted from 1.
    removed : tuple of (row, col)
        Patches that are no keys any more: a token of a later stage is none when all of its patches are removed.
    cells : tuple of (block, head, row of the table, amount)
        What is added to cells of the tables of the position bias.
    block, head : int
        The chosen ones; numbers past the model's last are taken as its last.
    """

    picture: Picture | None = setting(None, remembered=PHOTO)
    model: str = setting("", kept=True)
    heads_off: tuple[tuple[int, int], ...] = setting((), changes_model=True)
    removed: tuple[tuple[int, int], ...] = setting((), changes_model=True)
    cells: tuple[Cell, ...] = setting((), changes_model=True)
    block: int = setting(
        2,
        Range(1, 24, 1, "Block", group=LOOK, tip="Block whose attention is shown; every second one has its windows "
              "shifted. (Liu 2021)"),
    )  # fmt: skip
    head: int = setting(
        1, Range(1, 48, 1, "Head", group=LOOK, tip="One of the attentions side by side in a block. (Vaswani 2017)")
    )
    resolution: float = setting(
        1.0,
        Range(
            0.1,
            2.0,
            0.01,
            "Resolution",
            group=LOOK,
            percent=True,
            tip="Side of the square that the photo is squeezed into, of the side that the model was made for. Sides "
            "that windows don't divide are padded.",
        ),
    )  # fmt: skip
    temperature: float = setting(
        1.0,
        Range(
            0.1, 10.0, 0.05, "Temperature", log=True, group=CHANGE, decimals=2,
            tip="Divides the scores, position bias included, before the softmax. 1 = untouched. (Hinton 2015)",
        ),
        changes_model=True,
    )  # fmt: skip
    bias: float = setting(
        1.0,
        Range(
            0.0, 3.0, 0.05, "Position bias", group=CHANGE, decimals=2,
            tip="Multiplies the relative position bias. 1 = untouched, 0 = off: a window is then a set. (Liu 2021)",
        ),
        changes_model=True,
    )  # fmt: skip
    scope: str = setting(
        THIS_HEAD,
        Choice((THIS_HEAD, WHOLE_BLOCK), "Applies to", group=CHANGE, tip="What temperature and bias change."),
        changes_model=True,
    )
    masked: bool = setting(
        True,
        Switch("Mask in shifted windows", group=CHANGE, tip="Off: what the cyclic shift puts side by side sees each "
               "other, in all shifted blocks, as on a torus."),
        changes_model=True,
    )  # fmt: skip
    mask_padding: bool = setting(
        True,
        Switch(
            "Mask padding",
            group=CHANGE,
            tip="Nobody attends to padding. Off: as in transformers, where up to 95 % of a token's attention falls on "
            "it.",
        ),
        changes_model=True,
    )


@dataclass(frozen=True)
class OfToken(OfPhoto):
    """The attention of the token at a place of the photo.

    Attributes
    ----------
    pinned : (row, col), optional
        None stands for the middle.
    """

    pinned: tuple[int, int] | None = setting(None, remembered=PIN)
