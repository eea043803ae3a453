"""What the tab "Transformer" can ask for and what it is told. Imports no torch.

The tab's own engine (`engines.transformer.engine.Engine`) answers `TransformerParams` with `Bundled`, `Fixed` and
`Answer`; the pages Experiments and Maths ask engines of their own (`engines.transformer.lab_spec`). What a training
run takes and tells stands in `engines.transformer.recipe`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engines.core.errors import Message
from engines.core.params import Choice, Range, setting
from engines.core.protocol import Frame, Progress
from engines.core.training import Weights
from engines.transformer.lab_spec import LabSettings
from engines.transformer.recipe import Example, Floats, Recipe

GREEDY, BEAM = "Greedy", "Beam search"
BUNDLED, RUN = "Bundled", "This run"
LOOK, DECODING = "Look at", "Decoding"
CANDIDATES = 5  #: likeliest tokens told at each place
PAUSE = Progress(0, 0, Message("Computing"))  #: nothing new, but a place to stop


@dataclass(frozen=True)
class TransformerParams(LabSettings, Recipe):
    """Settings of the tab.

    Attributes without a slider
    ---------------------------
    text : str
        The typed input; empty for the task's sample.
    token : int
        The place of the target that is looked at, from 0 (what is said first).
    weights : Weights, optional
        The state that decodes; the bundled one of the task if not given, or if it learned another task.
    look : Weights, optional
        The state whose maps of the fixed example are asked for; likewise.
    """

    text: str = ""
    token: int = 0
    weights: Weights | None = None
    look: Weights | None = None
    layer: int = setting(2, Range(1, 4, 1, "Layer", group=LOOK, tip="Of the encoder and of the decoder."))
    head: int = setting(1, Range(1, 8, 1, "Head", group=LOOK, tip="The same number in all three attentions."))
    source: str = setting(
        BUNDLED,
        Choice((BUNDLED, RUN), "Weights", group=DECODING, tip="Trained long before, or by the run on the first page."),
    )
    method: str = setting(
        GREEDY,
        Choice(
            (GREEDY, BEAM),
            "Method",
            group=DECODING,
            tip="The likeliest token at each place, or the likeliest of several sequences.",
        ),
    )
    beams: int = setting(
        4, Range(2, 8, 1, "Beams", group=DECODING, tip="Sequences that are followed side by side; 1 is greedy.")
    )
    penalty: float = setting(
        0.6,
        Range(
            0.0,
            1.5,
            0.05,
            "Length penalty",
            group=DECODING,
            tip="Score = log p ÷ ((5 + length) ÷ 6)^α: more is kinder to long answers. (Wu 2016, equation 14)",
        ),
    )


@dataclass(frozen=True)
class Candidate:
    """A token that might be said next, and its probability."""

    token: str
    probability: float


@dataclass(frozen=True)
class Hypothesis:
    """A sequence that was followed.

    Attributes
    ----------
    tokens : tuple of str
        What was said so far, with the end token where it ended.
    log_probability : float
        Sum over its tokens, nat.
    score : float
        By which it is ranked: the log probability over the length penalty.
    parent : int
        Which hypothesis of the step before it goes on with.
    ended : bool
        Whether the end token was said.
    """

    tokens: tuple[str, ...]
    log_probability: float
    score: float
    parent: int
    ended: bool


@dataclass(frozen=True, eq=False)
class Bundled(Frame):
    """The bundled model of the task and how it was trained.

    Attributes
    ----------
    task : str
    parameters, steps, minutes, accuracy : number
        Size, steps, training time and sequence accuracy on held-out examples, 0..1.
    curves : ndarray float32 (n, 7)
        Step; loss, token and sequence accuracy of the batches; the same of held-out examples.
    """

    task: str
    parameters: int
    steps: int
    minutes: float
    accuracy: float
    curves: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class Fixed(Frame):
    """The fixed example, each place given the right tokens before it.

    Attributes
    ----------
    task : str
    step : int
        Of the state; −1 for the bundled one.
    example : Example
    weights : dict of str to ndarray float32
        ``encoder`` (L, H, S, S), ``decoder`` (L, H, T, T), ``cross`` (L, H, T, S); rows sum to 1.
    probabilities : ndarray float32 (T, V)
    said : tuple of str
        The likeliest token at each place.
    """

    task: str
    step: int
    example: Example
    weights: dict[str, Floats] = field(repr=False)
    probabilities: Floats = field(repr=False)
    said: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Answer(Frame):
    """What the model makes of the typed input.

    Attributes
    ----------
    task : str
    step : int
        Of the state that decoded; −1 for the bundled one.
    source : tuple of str
        S tokens, with the end token.
    note : Message, optional
        What had to be done to the input.
    target : tuple of str
        T tokens that the decoder read: the start token, then what it had said.
    said : tuple of str
        T tokens that it said, with the end token if it came.
    text, right : str, str or None
        The answer, and the right one where there is one.
    candidates : tuple of tuple of Candidate
        The likeliest tokens at each of the T places, likeliest first.
    steps : tuple of tuple of Hypothesis
        The hypotheses kept after each step, best first.
    best : tuple of Hypothesis
        Those that ended, best first; the first one is the answer.
    weights : dict of str to ndarray float32
        As in `Fixed`, along the answer.
    """

    task: str
    step: int
    source: tuple[str, ...]
    note: Message | None
    target: tuple[str, ...]
    said: tuple[str, ...]
    text: str
    right: str | None
    candidates: tuple[tuple[Candidate, ...], ...]
    steps: tuple[tuple[Hypothesis, ...], ...] = field(repr=False)
    best: tuple[Hypothesis, ...]
    weights: dict[str, Floats] = field(repr=False)
