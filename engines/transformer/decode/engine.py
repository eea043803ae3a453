"""What a state makes of an input, token by token."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import torch
from torch import Tensor

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.core.training import Weights
from engines.data.sequences import task
from engines.data.vocabulary import BOS
from engines.transformer.checkpoint import bundled, load, switches
from engines.transformer.decode.spec import CANDIDATES, GREEDY, Answer, Candidate, DecodingParams, Hypothesis
from engines.transformer.decoding import Path, beam_steps, may_be_said, ranked
from engines.transformer.model import Trace, Transformer
from engines.transformer.recipe import Shape
from engines.transformer.showing import arrays
from engines.transformer.spec import PAUSE
from engines.transformer.subject import learned
from engines.transformer.switches import Switches

MODELS = 4  # models kept: those in use, and those that a scrubber may come back to


class Engine:
    """See `engines.transformer.decode.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._models: Memo[Transformer] = Memo(MODELS)

    def run(self, job: Job[DecodingParams]) -> Iterator[Event]:
        """The answer of the state asked for if it learned the task, else of the bundled one."""
        params = job.params
        asked = params.weights
        weights = asked if asked is not None and learned(asked, params.task) else bundled(params.task)[0]
        yield from answer(params, weights, self._models.get(weights, lambda: load(weights)))


@torch.no_grad()
def traced_once(model: Transformer, source: Tensor, target: Tensor, off: Switches) -> Trace:
    """All attention weights, in one pass over source (B, S) and the whole answer (B, T)."""
    return model.trace(source, target, switches=off)


def answer(params: DecodingParams, weights: Weights, model: Transformer) -> Generator[Event, None, None]:
    """What a state makes of the typed input: an `Answer`, with a place to stop after each token."""
    one = task(params.task)
    text = params.read or one.sample
    ids, note = one.read(text)
    assert isinstance(weights.made_of, Shape)
    source, off = torch.tensor([ids]), switches(weights.made_of)
    beams, penalty = (1, 0.0) if params.method == GREEDY else (params.beams, params.penalty)
    steps: list[list[Path]] = []
    for kept in beam_steps(model, source, beams, one.max_target_len - 1, penalty, off):
        steps.append(kept)
        yield PAUSE
    best = ranked(steps, beams, penalty)
    said = best[0].tokens
    read = [BOS, *said[:-1]]
    traced = traced_once(model, source, torch.tensor([read]), off)
    chances, places = may_be_said(traced.logits[0]).softmax(-1).topk(CANDIDATES)  # (T, C)
    names = one.target.tokens

    def told(path: Path) -> Hypothesis:
        score = path.score(penalty)
        return Hypothesis(tuple(names[i] for i in path.tokens), path.log_probability, score, path.parent, path.ended)

    right = one.right_answer(text)
    yield Answer(
        task=params.task,
        step=weights.step,
        source=tuple(one.source.tokens[i] for i in ids),
        note=note,
        target=tuple(names[i] for i in read),
        said=tuple(names[i] for i in said),
        text=one.target.text(list(said)),
        right=None if right is None else one.target.text(one.target.ids(one.target.pieces(right))),
        candidates=tuple(
            tuple(Candidate(names[i], p) for i, p in zip(at, chance, strict=True))
            for at, chance in zip(places.tolist(), chances.tolist(), strict=True)
        ),
        steps=tuple(tuple(told(path) for path in kept) for kept in steps),
        best=tuple(told(path) for path in best),
        weights=arrays(traced),
    )
