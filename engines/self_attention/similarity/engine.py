"""Answers the page "Similarity": the number first, then the matrix, then the reasons."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator

import numpy as np
import torch
from torch import Tensor

from engines.core.errors import LabError, Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Job, Progress
from engines.self_attention.language.changes import Plan, plan_of
from engines.self_attention.language.events import Floats
from engines.self_attention.language.subject import Collection, Loaded, Specimen, array, shared, written
from engines.self_attention.language.text import Tokens
from engines.self_attention.similarity.altering import negated, shuffled
from engines.self_attention.similarity.explaining import relevance, while_deleted, words_by_relevance
from engines.self_attention.similarity.spec import (
    MOST,
    ORDERS,
    AllPairs,
    Compared,
    Reasons,
    SimilarityParams,
    problem_of,
)


class Engine:
    """Yields `Compared`, `AllPairs` where there are sentences, and `Reasons` where they are asked for.

    Parameters
    ----------
    collection : Collection, optional
        What it shares with the other pages' engines; that of this thread if not given.
    """

    def __init__(self, collection: Collection | None = None) -> None:
        self._collection = collection or shared()
        self._pairs: Memo[AllPairs] = self._collection.memo()
        self._reasons: Memo[Reasons] = self._collection.memo()

    def run(self, job: Job[SimilarityParams]) -> Iterator[Event]:
        """Compare as ``job.params`` ask for.

        Raises
        ------
        LabError
            There are not two sentences, or no model is here.
        """
        params, here = job.params, self._collection
        problem = problem_of(params)
        if problem is not None:
            raise LabError(problem.text, **problem.values)
        loaded = yield from here.load(params.model, job.device)
        first = loaded.trained.first_token
        plan = plan_of(params, loaded.trained.net.config)
        typed = params.first, negated(params.second) if params.negated else params.second
        tokens = here.tokens(loaded, typed[0]), here.tokens(loaded, typed[1])
        if params.shuffled:
            tokens = tokens[0], shuffled(tokens[1], params.order)
        hidden = hidden_in(tokens[0], params, 0), hidden_in(tokens[1], params, 1)
        plain = [here.sentence(loaded, here.tokens(loaded, text), Plan()) for text in (params.first, params.second)]
        one = yield from here.specimen(loaded, tokens[0], plan, hidden[0])
        other = yield from here.specimen(loaded, tokens[1], plan, hidden[1])
        now, before = cosine(one.stream.sentence(first), other.stream.sentence(first)), cosine(*plain)
        changed = plan != Plan() or any(hidden) or params.shuffled or params.negated
        if not changed:
            before = now
        yield Compared((written(tokens[0]), written(tokens[1])), typed, hidden, now, before, changed)
        pairs = yield from self._pairs.get_in_steps(
            (loaded.place, params.sentences, plan), lambda: self._all_pairs(loaded, params.sentences, plan)
        )
        if pairs.sentences:
            yield pairs
        if params.explained:
            asked = one.changed, other.changed
            yield (yield from self._reasons.get_in_steps(asked, lambda: reasons(one, other, first)))

    def _all_pairs(self, loaded: Loaded, listed: str, plan: Plan) -> Generator[Event, None, AllPairs]:
        lines = [line.strip() for line in listed.splitlines() if line.strip()]
        shown, vectors = lines[:MOST], ([], [])  # type: tuple[list[str], tuple[list[Tensor], list[Tensor]]]
        for at, line in enumerate(shown):
            tokens = self._collection.tokens(loaded, line)
            for made, under in zip(vectors, (plan, Plan()), strict=True):
                made.append(self._collection.sentence(loaded, tokens, under))
            yield Progress(at + 1, len(shown), Message("Sentence by sentence"))
        now, before = (products(each) for each in vectors)
        return AllPairs(tuple(shown), now, before, len(lines) - len(shown))


def hidden_in(tokens: Tokens, params: SimilarityParams, sentence: int) -> tuple[int, ...]:
    """Places of the tokens of hidden words."""
    words = {word for at, word in params.hidden if at == sentence}
    return tuple(at for at, word in enumerate(tokens.words) if word in words)


def cosine(one: Tensor, other: Tensor) -> float:
    """Of two vectors (d,) of length 1."""
    return float((one @ other).clamp(-1, 1))


@torch.inference_mode()
def products(vectors: list[Tensor]) -> Floats:
    """Cosines (M, M) of vectors of length 1."""
    if not vectors:
        return np.zeros((0, 0), np.float32)
    stacked = torch.stack(vectors)
    return array((stacked @ stacked.T).clamp(-1, 1))


def reasons(one: Specimen, other: Specimen, first_token: bool) -> Generator[Event, None, Reasons]:
    """Relevance of both sentences' tokens, and the deletion of the first one's words."""
    ends = one.stream.sentence(first_token), other.stream.sentence(first_token)
    yield Progress(0, ORDERS + 1, Message("Explaining"))
    found = [relevance(each.stream, end, first_token).cpu() for each, end in ((one, ends[1]), (other, ends[0]))]
    words, net = one.tokens.words, one.stream.net
    hidden = set() if one.stream.hidden is None else set(one.stream.hidden[0].nonzero()[:, 0].tolist())
    left = [-1 if at in hidden else word for at, word in enumerate(words)]
    order = words_by_relevance(found[0].tolist(), left)
    orders = [order]
    for seed in range(ORDERS):
        drawn = sorted(order)
        random.Random(seed).shuffle(drawn)
        orders.append(drawn)
    curves = []
    for curve in while_deleted(net, one.plain, one.stream, words, orders, ends[1], first_token):
        curves.append(array(curve).astype(np.float64))
        yield Progress(len(curves), ORDERS + 1, Message("Explaining"))
    kept, others = curves[0], np.stack(curves[1:])
    means = others.mean(1)
    return Reasons(
        relevance=(array(found[0]), array(found[1])),
        kept=kept.astype(np.float32),
        random_mean=others.mean(0).astype(np.float32),
        random_low=others.min(0).astype(np.float32),
        random_high=others.max(0).astype(np.float32),
        score=float(kept.mean()),
        random_score=float(means.mean()),
        random_spread=float(means.std(ddof=1)),
    )
