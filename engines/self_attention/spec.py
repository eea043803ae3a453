"""What the pages "Sentence" and "Positions" can ask for: they share kind, width and seed. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Params, Range, Switch, drawn, looked, setting

Floats = npt.NDArray[np.float64]

WORDS, CHARACTERS, NUMBERS = "Words", "Characters", "Rows of numbers"
SPLITS = (WORDS, CHARACTERS, NUMBERS)
RANDOM, IDENTITY = "Random weights", "Identity"
SINUSOIDAL, LEARNED, ROTARY = "Sine and cosine", "Learned", "Rotary"
KINDS = (SINUSOIDAL, LEARNED, ROTARY)
INPUT, PLACE, MODEL, CURVES = "Input", "Positions", "Model", "Position code"


@dataclass(frozen=True)
class SelfAttentionParams(Params):
    """Settings of both pages.

    Attributes without a slider
    ---------------------------
    text, numbers : str
        The sentence, and the tokens that are given as numbers.
    token : int
        The query that is looked at, by its place in the sentence as shown.
    """

    text: str = setting("the cat saw the dog that saw the mouse")
    numbers: str = setting("1 0; 0 1; 1 1; −1 0.5; 1 0")
    token: int = looked(1, asked=False)

    split: str = setting(
        WORDS,
        Choice(
            SPLITS,
            "Tokens",
            group=INPUT,
            tip="Words or characters of the sentence, each with a seeded random embedding; or the embeddings "
            "themselves as numbers.",
        ),
    )
    shuffle: bool = setting(
        False,
        Switch("Shuffle tokens", group=INPUT, tip="Shows the same tokens in a random order, from the seed below."),
        changes_model=True,
    )
    shuffle_seed: int = setting(0, Range(0, 999, 1, "Order", group=INPUT, tip="Another number gives another order."))
    positions: bool = setting(
        True,
        Switch(
            "Use positions",
            group=PLACE,
            tip="Off: self-attention sees a set. Shuffling its tokens only shuffles its output rows.",
        ),
        changes_model=True,
    )
    kind: str = setting(
        SINUSOIDAL,
        Choice(
            KINDS,
            "Kind",
            group=PLACE,
            tip="Sine and cosine (Vaswani 2017) or a learned vector (here: seeded random) added to X; rotary turns Q "
            "and K. (Su 2021)",
        ),
        changes_model=True,
    )
    weights: str = setting(
        RANDOM,
        Choice(
            (RANDOM, IDENTITY),
            "Q, K, V",
            group=MODEL,
            tip="Random: W_q, W_k, W_v are drawn from the seed with variance 1/d; nothing is trained. Identity: "
            "Q = K = V = X.",
        ),
        changes_model=True,
    )
    dim: int = setting(
        32, Range(2, 256, 2, "Width d", log=True, group=MODEL, tip="Numbers per token in X, Q, K, V and the output.")
    )
    temperature: float = setting(
        1.0,
        Range(
            0.05,
            20,
            0.05,
            "Temperature",
            log=True,
            group=MODEL,
            tip="Divides the scores q·k / √d before the softmax. 1 = untouched. (Hinton 2015)",
        ),
        changes_model=True,
    )
    seed: int = setting(
        0, Range(0, 999, 1, "Seed", group=MODEL, tip="Seeds the embeddings, W_q, W_k, W_v and the learned positions.")
    )

    length: int = setting(
        60, Range(2, 512, 1, "Length n", log=True, group=CURVES, tip="Rows of the code: positions 0 to n − 1.")
    )
    column: int = drawn(
        6,
        Range(
            0, 252, 1, "First column", group=CURVES, tip="Four columns are drawn: frequency falls from left to right."
        ),
    )
