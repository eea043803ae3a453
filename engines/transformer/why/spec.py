"""What the page "Why" asks and is told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from engines.core.params import PHOTO, Choice, Range, Switch, looked, setting
from engines.core.pictures import Picture
from engines.core.protocol import Frame
from engines.transformer.asking import OfInput
from engines.transformer.recipe import Floats
from engines.transformer.switches import ENCODER, Place

KEYS, MATRICES, STREAM, COLLAPSE = "Keys need no bias", "A head is two matrices", "The stream is a sum", "Rank collapse"
SPHERE, KERNEL, ROTATION, SOFTMAX = (
    "LayerNorm: onto a sphere", "Attention is a kernel", "A shift is a rotation", "A sharp softmax is dead"
)  # fmt: skip
VARIANCE = "Variance through depth"
CLAIMS: Final = (KEYS, MATRICES, STREAM, COLLAPSE, SPHERE, KERNEL, ROTATION, SOFTMAX, VARIANCE)
TEXT, SENTENCE, VISION = "My text", "A sentence", "A photo"
FIRST = "The cat sat because it was tired."
SECOND = "A sleepy kitten was lying on the rug."
QK, OV = "QK", "OV"
TO_KEYS, TO_QUERIES = "Keys", "Queries"
#: What a layer may be without: attention alone, attention and FFN, attention and skips, all there is.
ONLY, WITH_FFN, WITH_SKIPS, WHOLE = "attention", "attention_ffn", "attention_skips", "whole"
SETTINGS = "This claim"


@dataclass(frozen=True)
class WhyParams(OfInput):
    """What the page asks of its engine.

    Attributes without a control
    ----------------------------
    claim : str
        One of `CLAIMS`; it is answered first.
    walk_at, walk_head, why_row : (kind, layer), int, int
        The attention, its head and the token whose row is taken, all counted from 0.
    why_model, why_language : str
        The model of a photo and that of a sentence, as `engines.checkpoints.catalog.locate` takes it; empty for the
        first one there is.
    why_picture : Picture, optional
    why_first, why_second : str
        The sentence, and the one that it is compared with by models that don't continue it; the second may be empty.
    """

    claim: str = looked(KEYS)
    walk_at: Place = looked((ENCODER, 0))
    walk_head: int = looked(0)
    why_row: int = looked(0)
    subject: str = setting(
        TEXT, Choice((TEXT, SENTENCE, VISION), "Seen by", group="Look at",
                     tip="The model of this tab, a language model on a sentence, or a ViT on a photo."),
    )  # fmt: skip
    why_model: str = setting("", kept=True)
    why_language: str = setting("", kept=True)
    why_first: str = setting(FIRST)
    why_second: str = setting(SECOND)
    why_picture: Picture | None = setting(None, remembered=PHOTO)
    added_to: str = setting(
        TO_KEYS, Choice((TO_KEYS, TO_QUERIES), "Noise on the bias of", group=SETTINGS,
                        tip="Each of its numbers gets one drawn from N(0, σ²), at the attention looked at."),
    )  # fmt: skip
    noise: float = setting(
        10.0,
        Range(
            0.01, 100.0, 0.01, "σ of the noise", log=True, group=SETTINGS, tip="Standard deviation of what is added."
        ),
    )
    matrix: str = setting(
        QK, Choice((QK, OV), "Matrix", group=SETTINGS,
                   tip="QK says who attends to whom, OV what is handed over. (Elhage 2021)"),
    )  # fmt: skip
    layers_deep: int = setting(
        6, Range(2, 64, 1, "Layers", log=True, group=SETTINGS,
                 tip="The trained layers, over and over. (Dong 2021)"),
    )  # fmt: skip
    times: float = setting(
        1.0, Range(0.01, 100.0, 0.01, "Input times", log=True, group=SETTINGS,
                   tip="Multiplies what LayerNorm is given."),
    )  # fmt: skip
    equal: bool = setting(
        True, Switch("Keys of equal length", group=SETTINGS, tip="Each key is brought to their mean length.")
    )
    shift: int = setting(7, Range(0, 32, 1, "Shift", group=SETTINGS, tip="Positions to go on. (Vaswani 2017, 3.5)"))
    sine: bool = setting(
        True, Switch("Sine positions", group=SETTINGS, tip="Off: random or learned ones, which no rotation shifts.")
    )
    sharpness: float = setting(
        1.0, Range(0.02, 50.0, 0.01, "Temperature", log=True, group=SETTINGS,
                   tip="Divides the scores before the softmax. Towards 0 one weight takes all."),
    )  # fmt: skip
    net_depth: int = setting(
        12, Range(2, 64, 1, "Depth", log=True, group=SETTINGS, tip="Layers of a net with random weights.")
    )
    net_pre: bool = setting(
        False, Switch("Pre-norm", group=SETTINGS, tip="Normalize before each sublayer, not after its sum. (Xiong 2020)")
    )
    net_scaled: bool = setting(
        True, Switch("Scores over √d", group=SETTINGS, tip="Off: scores as large as √d times, so softmax is sharp.")
    )


@dataclass(frozen=True, eq=False)
class Claim:
    """What was measured for one claim.

    Attributes
    ----------
    values : dict of str to float
        Numbers by name; see `engines.transformer.why.claims`.
    arrays : dict of str to ndarray
        Tables (rows, columns) and curves (n,) by name, see there. ``weights`` (rows, columns) sum to 1 by row.
    rows, cols : tuple of str
        Names of rows and columns of the tables.
    parts : tuple of (kind, layer, head)
        Names of the parts of the stream.
    """

    values: dict[str, float]
    arrays: dict[str, Floats] = field(default_factory=dict, repr=False)
    rows: tuple[str, ...] = ()
    cols: tuple[str, ...] = ()
    parts: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class Reasons(Frame):
    """All that is known so far.

    Attributes
    ----------
    subject, title : str
        `TEXT` with the task, `SENTENCE` or `VISION` with the model's name.
    model, fingerprint : str
        Source and hash of the model of a sentence or a photo; empty for a text.
    photo : str
        The photo's name.
    places : tuple of (kind, layer)
        The attentions.
    at, head, row : (kind, layer), int, int
        What was looked at, within what there is.
    heads, width, size : int
        H, E and d.
    queries : tuple of str
        Tokens that look.
    answers, said : tuple of str
        What logits stand for, and the places that have some.
    answered : str
        Which kind of answer the logits are, see `engines.blocks.naming`.
    trained : bool
    step : int
        Of the run's state; −1 for weights from a file.
    exact : bool
        All in double precision.
    weights : ndarray (N, K)
        Of the head that is looked at.
    claims : dict of str to Claim
    """

    subject: str
    title: str
    model: str
    fingerprint: str
    photo: str
    places: tuple[Place, ...]
    at: Place
    head: int
    row: int
    heads: int
    width: int
    size: int
    queries: tuple[str, ...]
    answers: tuple[str, ...]
    said: tuple[str, ...]
    answered: str
    trained: bool
    step: int
    exact: bool
    weights: Floats = field(repr=False)
    claims: dict[str, Claim]
