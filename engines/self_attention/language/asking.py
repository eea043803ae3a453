"""What the engines of the pages on a language model are asked about: one text or two in a model. Imports no torch.

Counting: *layers and heads are counted from 1*, in settings and in events, because that is what a person reads; array
axes start at 0 as ever, and so do sentences, tokens and words.
"""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.params import Choice, Params, Range, setting

THIS_HEAD, WHOLE_LAYER, ALL_LAYERS = "This head", "Whole layer", "All layers"
LOOK, CHANGE, TEXTS, DRAW = "Selection", "Interventions", "Texts", "Display"  # sections of the docks

FIRST = "The cat sat on the mat because it was tired."
SECOND = "A sleepy kitten was lying on the rug."


@dataclass(frozen=True)
class OfText(Params):
    """One text or two in a model, and what is changed in the model.

    Attributes
    ----------
    model : str
        Source as `engines.checkpoints.catalog.locate` takes it; empty for one that is here at once.
    first, second : str
        What was typed; either may be empty, not both.
    heads_off : tuple of (layer, head)
        Heads that contribute nothing.
    layer, head : int
        The chosen ones; numbers past the model's last are taken as its last.
    """

    model: str = setting("", kept=True)
    first: str = setting(FIRST)
    second: str = setting(SECOND)
    heads_off: tuple[tuple[int, int], ...] = setting((), changes_model=True)
    layer: int = setting(6, Range(1, 48, 1, "Layer", group=LOOK, tip="Layer whose attention is shown. (Vaswani 2017)"))
    head: int = setting(
        12, Range(1, 64, 1, "Head", group=LOOK, tip="One of the attentions side by side in a layer. (Vaswani 2017)")
    )
    temperature: float = setting(
        1.0,
        Range(
            0.1, 10.0, 0.05, "Temperature", log=True, group=CHANGE, decimals=2,
            tip="Divides the scores before the softmax. 1 = untouched. (Hinton 2015)",
        ),
        changes_model=True,
    )  # fmt: skip
    scope: str = setting(
        THIS_HEAD,
        Choice((THIS_HEAD, WHOLE_LAYER, ALL_LAYERS), "Applies to", group=CHANGE, tip="What the temperature changes."),
        changes_model=True,
    )
