"""Answers the page "Words": what stands in a gap, or what comes next, drawn word by word."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
import torch

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.self_attention.language.changes import Plan, chosen, plan_of
from engines.self_attention.language.predicting import Question, drawn_from, logits_at, question
from engines.self_attention.language.subject import Collection, Loaded, Specimen, array, shared, written
from engines.self_attention.language.text import Tokens
from engines.self_attention.words.spec import SHOWN, WordsAnswer, WordsParams

ENDS = "<|endoftext|>"


class Engine:
    """Yields a `WordsAnswer`, and one more after each word that is drawn.

    Parameters
    ----------
    collection : Collection, optional
        What it shares with the other pages' engines; that of this thread if not given.
    """

    def __init__(self, collection: Collection | None = None) -> None:
        self._collection = collection or shared()
        self._drawn: Memo[dict[int, tuple[int, float]]] = self._collection.memo(4)

    def run(self, job: Job[WordsParams]) -> Iterator[Event]:
        """Name words as ``job.params`` ask for."""
        params = job.params
        loaded = yield from self._collection.load(params.model, job.device)
        config = loaded.trained.net.config
        plan = plan_of(params, config)
        tokens = self._collection.tokens(loaded, params.first)
        asked = question(loaded, tokens, params.gap)
        if asked is None or not loaded.info.causal:
            one = yield from self._collection.specimen(loaded, tokens if asked is None else asked.tokens, plan)
            yield answer(params, one, asked, ())
        else:
            yield from self._continued(params, loaded, tokens, plan)

    def _continued(
        self, params: WordsParams, loaded: Loaded, tokens: Tokens, plan: Plan
    ) -> Generator[Event, None, None]:
        """A text that grows: after each word all that is known of it is shown."""
        how = tokens, plan, params.sampling, params.top_k, params.top_p, params.draw
        drawn = self._drawn.get((loaded.place, how), dict)  # those that were drawn before are not drawn again
        chances = list[float]()
        one: Specimen | None = None
        while True:
            asked = Question(tokens, len(tokens) - 1)
            over = len(tokens) >= loaded.trained.net.config.positions or tokens.names[-1] == ENDS
            done = over or len(chances) >= params.added
            if not done and len(chances) in drawn:
                piece, chance = drawn[len(chances)]
            else:
                one = yield from self._collection.specimen(loaded, tokens, plan)
                yield answer(params, one, asked, tuple(chances), over)
                if done:
                    return
                piece, chance = drawn[len(chances)] = draw(params, one, len(chances))
            tokens = tokens.grown(piece, loaded.trained.speller.name_of(piece))
            if one is not None:  # it has been read up to here: what is behind it changes nothing of that
                self._collection.grown(one, tokens)
            chances.append(chance)


@torch.inference_mode()
def draw(params: WordsParams, one: Specimen, step: int) -> tuple[int, float]:
    """The next piece, and with what probability it was drawn."""
    chances = drawn_from(logits_at(one.stream, -1), params.sampling, params.top_k, params.top_p).cpu()
    random = torch.Generator().manual_seed(1_000 * params.draw + step)
    piece = int(torch.multinomial(chances, 1, generator=random))
    return piece, float(chances[piece])


@torch.inference_mode()
def answer(
    params: WordsParams, one: Specimen, asked: Question | None, drawn: tuple[float, ...], over: bool = False
) -> WordsAnswer:
    """What there is to say about a text with a gap, and the words that were drawn."""
    layer, head = chosen(params, one.stream.net.config)
    weights = array(one.stream.weights(layer)[head])
    none = np.zeros(0, np.float32)
    names, now, before, kept, was = tuple[str, ...](), none, none, 0, ("", 0.0, 0.0)
    if asked is not None:
        speller = one.loaded.trained.speller
        logits = logits_at(one.stream, asked.place)
        plain = logits_at(one.plain, asked.place).float().softmax(-1)
        chances = drawn_from(logits, params.sampling, params.top_k, params.top_p)
        order = chances.topk(min(SHOWN, len(chances))).indices
        names = tuple(speller.name_of(piece) for piece in order.tolist())
        now, before, kept = array(chances[order]), array(plain[order]), int((chances > 0).sum())
        if asked.piece >= 0:
            was = speller.name_of(asked.piece), float(chances[asked.piece]), float(plain[asked.piece])
    return WordsAnswer(
        kind=one.loaded.info.words if asked is not None else "",
        text=written(one.tokens),
        place=asked.place if asked is not None else len(one.tokens) - 1,
        added=len(drawn),
        drawn=np.array(drawn, np.float32),
        candidates=names,
        now=now,
        untouched=before,
        kept=kept,
        was=was[0],
        was_now=was[1],
        was_untouched=was[2],
        layer=layer + 1,
        head=head + 1,
        weights=weights,
        full=over,
    )
