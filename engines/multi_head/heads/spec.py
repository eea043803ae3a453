"""What the page "Heads" can ask for and what it is told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Params, Range, drawn, setting
from engines.core.protocol import Frame
from engines.multi_head.sizes import nearest_power

Floats: TypeAlias = npt.NDArray[np.float32]
Cells: TypeAlias = tuple[tuple[int, int], ...]

GROUPS, POSITIONS, NOISE = "Groups", "Positions", "Noise"
INPUTS = (GROUPS, POSITIONS, NOISE)
LOOK, MODEL, INPUT = "Heads", "Layer", "Input"


@dataclass(frozen=True)
class HeadsParams(Params):
    """Settings of the page.

    Attributes without a slider
    ---------------------------
    heads_off : tuple of int
        Heads whose output is set to 0, counted from 0.
    blocked : tuple of (query, key)
        Pairs that must not attend, counted from 0, sorted; those beyond the sequence do not count.
    head : int
        The head that is marked, from 0; all of them are computed.
    """

    heads_off: tuple[int, ...] = setting((), changes_model=True)
    blocked: Cells = setting((), changes_model=True)
    head: int = drawn(0)

    heads: int = setting(
        4,
        Range(
            1,
            16,
            1,
            "Heads h",
            log=True,
            group=LOOK,
            tip="Splits the width into h slices of d = width / h that attend independently. It adds no parameters. "
            "(Vaswani 2017, 3.2.2)",
        ),
    )
    temperature: float = setting(
        0.5,
        Range(
            0.1,
            10,
            0.01,
            "Temperature",
            log=True,
            group=LOOK,
            tip="Divides the scaled scores before the softmax. Small: each query picks one key; large: all keys alike.",
        ),
        changes_model=True,
    )
    width: int = setting(
        64,
        Range(
            16,
            128,
            1,
            "Width d_model",
            log=True,
            group=MODEL,
            tip="Size of each token's vector. The four projections have 4 d² + 4 d parameters for any h.",
        ),
    )
    weight_seed: int = setting(
        0,
        Range(0, 999, 1, "Seed of the weights", group=MODEL, tip="The layer is not trained: its weights are random."),
    )
    kind: str = setting(
        GROUPS,
        Choice(
            INPUTS,
            "Tokens",
            group=INPUT,
            tip="Three groups of tokens that resemble each other, sine and cosine codes of positions, or noise.",
        ),
    )
    batch: int = setting(
        1, Range(1, 8, 1, "Batch B", group=INPUT, tip="Sequences computed at once; the first one is shown.")
    )
    tokens: int = setting(12, Range(1, 48, 1, "Tokens N", log=True, group=INPUT, tip="Length of the sequence."))
    seed: int = setting(0, Range(0, 999, 1, "Seed of the input", group=INPUT, tip="Another seed samples other tokens."))

    def following(self, before: Self) -> Self:
        """Sizes that divide each other (powers of two), and only heads that exist."""
        heads = nearest_power(self.heads)
        return replace(
            self,
            heads=heads,
            width=nearest_power(self.width),
            heads_off=tuple(i for i in self.heads_off if i < heads),
            head=min(self.head, heads - 1),
        )

    def changes(self) -> int:
        """Each head that is off, the temperature, and the mask as one."""
        return super().changes() - len(self.blocked) + bool(self.blocked)


def causal(tokens: int) -> Cells:
    """Pairs to block so that no query sees a later key."""
    return tuple((q, k) for q in range(tokens) for k in range(q + 1, tokens))


@dataclass(frozen=True, eq=False)
class HeadsFrame(Frame):
    """One input through all heads. Sizes: B batch, H heads, N tokens, E width, d = E / H.

    Arrays are of the first sequence of the batch.

    Attributes
    ----------
    batch, heads, tokens, width : int
        The sizes; ``parameters`` counts weights and biases of all four linear maps.
    names : tuple of str
        Of the tokens.
    x : ndarray float32 (N, E)
    queries, keys, values : ndarray float32 (H, N, d)
    may_attend : ndarray bool (N, N)
        Queries × keys.
    empty : tuple of int
        Queries that have nothing to attend to; their weights and head outputs are 0.
    weights : ndarray float32 (H, N, N)
        Rows sum to 1, empty ones to 0.
    entropy : ndarray float32 (H,)
        Of the weights, in bit, mean over queries that are not empty.
    head_outputs : ndarray float32 (H, N, d)
        Before heads are switched off.
    joined : ndarray float32 (N, E)
        The heads side by side, 0 where one is off.
    out_weight : ndarray float32 (E, E)
        W_o, rows = inputs: row block i belongs to head i.
    output, untouched : ndarray float32 (N, E)
        With the heads that are on, and with all.
    contribution : ndarray float32 (H,)
        Share of each head in the output: norm of its part over the sum of the norms of all parts.
    change : float
        ‖output − untouched‖ / ‖untouched‖.
    off : tuple of int
    map_agreement, output_agreement : ndarray float32 (H, H)
        See `engines.multi_head.measures`.
    """

    batch: int
    heads: int
    tokens: int
    width: int
    parameters: int
    names: tuple[str, ...]
    x: Floats = field(repr=False)
    queries: Floats = field(repr=False)
    keys: Floats = field(repr=False)
    values: Floats = field(repr=False)
    may_attend: npt.NDArray[np.bool_] = field(repr=False)
    empty: tuple[int, ...]
    weights: Floats = field(repr=False)
    entropy: Floats = field(repr=False)
    head_outputs: Floats = field(repr=False)
    joined: Floats = field(repr=False)
    out_weight: Floats = field(repr=False)
    output: Floats = field(repr=False)
    untouched: Floats = field(repr=False)
    contribution: Floats = field(repr=False)
    change: float
    off: tuple[int, ...]
    map_agreement: Floats = field(repr=False)
    output_agreement: Floats = field(repr=False)
