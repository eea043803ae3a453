"""Windows on a grid of tokens: how they are cut, how the cyclic shift moves them, which token may attend to which.

Source: Liu et al. 2021, section 3.2 ("Shifted window based self-attention") and figure 4. A grid that windows do not
divide is padded at the bottom and at the right first and rolled then, as in Hugging Face's transformers.

Shapes: N = height · width tokens row by row, w side of a window, n = w² tokens of it, W windows (row by row).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import torch
from torch import Tensor

MASKED, AS_TRANSFORMERS = "masked", "transformers"  #: what becomes of the padding
PADDINGS = (MASKED, AS_TRANSFORMERS)


@dataclass(frozen=True, eq=False)
class Layout:
    """One way to cut a grid into windows.

    Attributes
    ----------
    height, width, window, shift : int
        Of the grid in tokens; the shift is 0 where one window holds all of an axis.
    place : Tensor of int64 (W, n)
        The token that lies in each place of each window, after the shift; N for padding.
    region : Tensor of int64 (W, n)
        Number 0 to 8 of the region that it comes from: regions of one window do not lie side by side on the grid.
    back : Tensor of int64 (N,)
        Where each token lies in the windows one after another.
    may_attend : Tensor of bool (W, n, n) or None
        None where everybody in a window may attend to everybody.
    """

    height: int
    width: int
    window: int
    shift: int
    place: Tensor = field(repr=False)
    region: Tensor = field(repr=False)
    back: Tensor = field(repr=False)
    may_attend: Tensor | None = field(repr=False)

    @property
    def tokens(self) -> int:
        """N."""
        return self.height * self.width

    @property
    def windows(self) -> int:
        """W."""
        return len(self.place)

    @cached_property
    def lonely(self) -> bool:
        """Whether somebody may attend to nobody: padding in a region of its own."""
        return self.may_attend is not None and not bool(self.may_attend.any(-1).all())

    @property
    def padded(self) -> bool:
        """Whether some places of the windows hold no token."""
        return self.place.numel() > self.tokens


def shift_of(height: int, width: int, window: int, shift: int) -> int:
    """The shift that is made: none where one window holds an axis, on both axes (as Microsoft and transformers do)."""
    return 0 if min(height, width) <= window else shift


@lru_cache(maxsize=256)
@torch.inference_mode(False)  # it is kept: a tensor of inference could take part in no gradient later
def layout(height: int, width: int, window: int, shift: int = 0, padding: str = MASKED, masked: bool = True) -> Layout:
    """Cut a grid into windows.

    Parameters
    ----------
    height, width, window, shift : int
        In tokens.
    padding : str
        ``masked``: nobody attends to padding. ``transformers``: it takes part as a token of zeros, as it does there.
    masked : bool
        Off leaves out the mask between regions, so that what the shift wraps around sees each other.

    Raises
    ------
    ValueError
        For sizes that make no sense.
    """
    if min(height, width, window) < 1 or not 0 <= shift < window or padding not in PADDINGS:
        raise ValueError(
            f"no windows of {window}, shifted by {shift}, on {height} × {width} tokens, padding {padding!r}"
        )
    shift = shift_of(height, width, window, shift)
    rows, cols = -(-height // window) * window, -(-width // window) * window
    numbers = torch.full((rows, cols), height * width)
    numbers[:height, :width] = torch.arange(height * width).view(height, width)
    regions = 3 * _bands(rows, window, shift)[:, None] + _bands(cols, window, shift)
    place = partition(numbers.roll((-shift, -shift), (0, 1)), window)
    region = partition(regions, window)
    slots = torch.arange(place.numel())
    back = torch.empty(height * width + 1, dtype=torch.int64)
    back[place.flatten()] = slots
    hides = padding == MASKED and place.numel() > height * width
    may = torch.ones(len(place), window**2, window**2, dtype=torch.bool)
    if shift and masked:
        may &= region[:, :, None] == region[:, None, :]
    if hides:
        may &= (place < height * width)[:, None, :]
    return Layout(height, width, window, shift, place, region, back[:-1], None if bool(may.all()) else may)


def _bands(length: int, window: int, shift: int) -> Tensor:
    """(length,): 0 up to the last window, 1 in it, 2 in the part of it that the shift brought from the other end."""
    at = torch.arange(length)
    return (at >= length - window).long() + (at >= length - shift).long() if shift else torch.zeros_like(at)


def partition(grid: Tensor, window: int) -> Tensor:
    """A grid (rows, cols) -> its windows (W, window²)."""
    rows, cols = grid.shape
    cut = grid.view(rows // window, window, cols // window, window)
    return cut.transpose(1, 2).reshape(-1, window * window)


def attention_mask(height: int, width: int, window: int, shift: int) -> Tensor:
    """Which token may attend to which, bool (W, n, n), True = may; sizes in tokens.

    Off are keys in another region of a shifted window, and padding.
    """
    found = layout(height, width, window, shift)
    if found.may_attend is None:
        return torch.ones(found.windows, window**2, window**2, dtype=torch.bool)
    return found.may_attend.clone()


@lru_cache(maxsize=32)
@torch.inference_mode(False)
def table_rows(window: int) -> Tensor:
    """As `relative_position_index`, (w², w²), the same object each time: nobody writes into it."""
    axis = torch.arange(window, device="cpu")  # a module may be built on the meta device
    step = axis[:, None] - axis[None, :] + window - 1  # (w, w), query minus key
    rows, cols = step[:, None, :, None], step[None, :, None, :]
    return (rows * (2 * window - 1) + cols).reshape(window**2, window**2)


def relative_position_index(window: int) -> Tensor:
    """Row of the bias table for each query and key of a window, int64 (n, n).

    (dy + w − 1)(2w − 1) + dx + w − 1, where dy and dx are the query's place minus the key's. (Liu et al. 2021, eq. 4)
    """
    return table_rows(window).clone()


def unrolled(weights: Tensor, cut: Layout) -> Tensor:
    """Weights in window order (B, W, H, n, n) -> on the grid (B, H, N, N), 0 between tokens of different windows.

    Rows of a grid without padding sum to 1; attention to padding, where it takes part, is left out.
    """
    batch, _, heads = weights.shape[:3]
    total = cut.tokens + 1  # padding has a row and a column of its own, which are cut off
    out = weights.new_zeros(batch, heads, total, total)
    place = cut.place.to(weights.device)
    out[:, :, place[:, :, None], place[:, None, :]] = weights.transpose(1, 2)
    return out[:, :, :-1, :-1]
