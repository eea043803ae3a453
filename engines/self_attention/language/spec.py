"""Settings that the pages on a language model share. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from engines.core.params import Choice, drawn, looked
from engines.self_attention.ablation.spec import AblationParams
from engines.self_attention.heads.spec import HeadsParams
from engines.self_attention.in_numbers.spec import NumbersParams
from engines.self_attention.language.asking import DRAW
from engines.self_attention.language.events import LanguageInfo
from engines.self_attention.similarity.spec import SimilarityParams
from engines.self_attention.words.spec import WordsParams

MAPS, ENTROPY, DISTANCE, PARKED = "Maps", "Entropy", "Distance", "On special tokens"
OVERVIEWS = (MAPS, ENTROPY, DISTANCE, PARKED)
SHARED, PER_HEAD, ABSOLUTE = "Shared", "Per head", "Absolute (0–1)"


@dataclass(frozen=True)
class LanguageParams(HeadsParams, NumbersParams, SimilarityParams, WordsParams, AblationParams):
    """Settings of all pages on a language model.

    Attributes
    ----------
    answered_by : LanguageInfo, optional
        The model on screen: numbers stay within what it has, once it is the one that is asked for.
    """

    scale: str = drawn(
        SHARED,
        Choice(
            (SHARED, PER_HEAD, ABSOLUTE),
            "Color scale",
            group=DRAW,
            tip="One upper limit of the scale for all maps, one per map, or 0 to 1.",
        ),
    )
    overview: str = drawn(
        MAPS,
        Choice(OVERVIEWS, "All heads", group=DRAW, tip="What is shown of all heads: their maps, or a number of each."),
    )
    answered_by: LanguageInfo | None = looked(None, asked=False, passing=True)

    def following(self, before: Self) -> Self:
        """Numbers within what the model has; what was hidden in another text is so no more."""
        new, info = self, self.answered_by
        if info is not None and self.model in ("", info.source):
            new = replace(new, layer=min(new.layer, info.layers), head=min(new.head, info.heads))
        other = self.model != before.model
        if new.hidden == before.hidden:
            # a not is a word more: all behind it have other numbers
            changed = new.first != before.first, (new.second, new.negated) != (before.second, before.negated)
            new = replace(new, hidden=tuple(pair for pair in new.hidden if not (other or changed[pair[0]])))
        if other and new.gap == before.gap:
            new = replace(new, gap=-1)
        if (new.first, new.second) != (before.first, before.second) and new.key == before.key:
            new = replace(new, key=-1)
        return new

    def changes(self) -> int:
        """Everything that is not as the model and the sentences were read; the scope alone is none."""
        single = (self.temperature != 1, self.shuffled, self.negated)
        return sum(single) + len(self.heads_off) + len(self.hidden)
