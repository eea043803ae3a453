"""The settings that all pages of the tab "Transformer" share; what each page is told stands in its own spec. No torch.

A page's engine is asked with a part of them: `LookParams`, `DecodingParams`, `LabParams`, `WalkParams`, `WhyParams`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from engines.core.errors import LabError, Message
from engines.core.params import Choice, Range, drawn, looked, setting
from engines.core.protocol import Progress
from engines.core.training import Weights
from engines.data.sequences import task
from engines.transformer.decode.spec import DECODING, DecodingParams
from engines.transformer.experiments.spec import AblationParams, LabParams
from engines.transformer.maths.spec import WalkParams
from engines.transformer.one_step.spec import RaceParams, StepParams
from engines.transformer.recipe import Recipe, Shape
from engines.transformer.training.spec import LookParams
from engines.transformer.why.spec import WhyParams

BUNDLED, RUN = "Bundled", "This run"
LOOK = "Look at"
PAUSE = Progress(0, 0, Message("Computing"))  #: nothing new, but a place to stop


@dataclass(frozen=True)
class TransformerParams(
    Recipe, LookParams, DecodingParams, LabParams, AblationParams, WalkParams, WhyParams, StepParams, RaceParams
):
    """Settings of the tab.

    Attributes without a control
    ----------------------------
    text : str
        The typed input; empty for the task's sample.
    read : str
        The input that is read: the typed one, or the one before it where that can't be read.
    token : int
        The place of the target that is looked at, from 0 (what is said first).
    run : int
        The number of the run.
    newest : Weights, optional
        Its newest state.
    look : Weights, optional
        The state that is looked back at.
    weights : Weights, optional
        The one of the two that the pages take, if they are to take the run's, and it has learned the task.
    walk_at, walk_head : (kind, layer), int
        The attention and head of the pages Maths and Why, counted from 0; ``layer`` and ``head``, from 1, go along.
    walk_back : bool
        Whether the page Maths walks back, and shows gradients.
    why_answer : int
        The answer whose logit the page Why takes apart; −1 for the model's own.
    """

    text: str = setting("", asked=False)
    run: int = looked(0, asked=False, passing=True)
    newest: Weights | None = looked(None, asked=False, passing=True)
    walk_back: bool = looked(False, asked=False)
    why_answer: int = looked(-1, asked=False)
    layer: int = drawn(2, Range(1, 4, 1, "Layer", group=LOOK, tip="In the encoder and in the decoder."))
    head: int = drawn(1, Range(1, 8, 1, "Head", group=LOOK, tip="The same head index in all three attentions."))
    source: str = looked(
        BUNDLED,
        Choice(
            (BUNDLED, RUN), "Weights", group=DECODING, tip="The bundled weights, or those of the run on the first page."
        ),
    )

    def following(self, before: Self) -> Self:
        """What is read, which weights are taken, and layer and head of all pages."""
        new = self
        if problem_of(new.task, new.text) is None:
            new = replace(new, read=new.text)
        elif problem_of(new.task, new.read) is not None:
            new = replace(new, read="")
        if self is before and new.newest is None:  # restored: a run does not outlive its window
            new = replace(new, source=BUNDLED)
        state = (new.look or new.newest) if new.source == RUN else None  # the one looked at never thins out
        fits = state is not None and isinstance(state.made_of, Shape) and state.made_of.task == new.task
        new = replace(new, weights=state if fits else None)
        if answering(new) != answering(before) and new.why_answer == before.why_answer:
            new = replace(new, why_answer=-1)  # it was one of other answers
        if new.walk_at != before.walk_at:
            new = replace(new, layer=new.walk_at[1] + 1)
        elif new.layer != before.layer:
            new = replace(new, walk_at=(new.walk_at[0], new.layer - 1))
        if new.walk_head != before.walk_head:
            new = replace(new, head=new.walk_head + 1)
        elif new.head != before.head:
            new = replace(new, walk_head=new.head - 1)
        return new


def answering(params: WhyParams) -> tuple[str, ...]:
    """What the answers of the page Why depend on: others have other ones."""
    return params.subject, params.task, params.why_model, params.why_language


def problem_of(name: str, text: str) -> Message | None:
    """What keeps a task from reading an input; an empty one stands for its sample."""
    if not text:
        return None
    try:
        task(name).read(text)
    except LabError as problem:
        return problem.message
    return None
