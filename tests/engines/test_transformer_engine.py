"""The Transformer's engine: bundled weights that know their tasks, answers, looking back, what comes first."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from engines.core.errors import LabError
from engines.core.protocol import Job, Progress
from engines.data.sequences import DATES, REVERSE, SORT, TASKS, task
from engines.data.vocabulary import BOS, PAD
from engines.transformer.checkpoint import bundled, load_bundled
from engines.transformer.decode.engine import Engine
from engines.transformer.decode.spec import BEAM, Answer, DecodingParams
from engines.transformer.training.engine import Engine as Looking
from engines.transformer.training.spec import Bundled, Fixed, LookParams, TrainingSettings
from engines.transformer.training.trainer import Run, accuracy, tensors
from tests.closeness import FEW, about, close

TINY = TrainingSettings(width="32", heads="2", layers=1, batch=8)
ENGINE, LOOKING = Engine(), Looking()


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def told(params, engine=ENGINE):
    """All that the engine tells, without the mere places to stop."""
    every = engine.run(Job(params, lambda: engine, lambda event: None))
    return [event for event in every if not isinstance(event, Progress)]


def found(params, kind, engine=ENGINE):
    return next(event for event in told(params, engine) if isinstance(event, kind))


# ------------------------------------------------------------------ bundled weights
@pytest.mark.parametrize("name", TASKS)
def test_bundled_weights_know_their_task(name):
    weights, card = bundled(name)
    assert weights.made_of.task == name
    assert card["metric"]["value"] >= 0.98
    model, one = load_bundled(name), task(name)
    batch = one.batch(150, np.random.default_rng(99), held_out=True)
    source, lens, target = tensors(batch)
    with torch.no_grad():
        _, whole = accuracy(model(source, target[:, :-1], lens), target[:, 1:])
    assert whole >= 0.96  # of 150 drawn ones; the card's figure is over 2,000
    answer = found(DecodingParams(task=name), Answer)
    assert answer.text == answer.right
    assert answer.source[-1] == "</s>"


def test_dates_are_known_as_well_as_their_card_says():
    model = load_bundled(DATES)
    random = np.random.default_rng(7)
    shares = []
    for _ in range(5):
        source, lens, target = tensors(task(DATES).batch(200, random, held_out=True))
        with torch.no_grad():
            shares.append(accuracy(model(source, target[:, :-1], lens), target[:, 1:])[1])
    assert np.mean(shares) >= 0.98


# ------------------------------------------------------------------ answers
def test_an_answer_tells_what_was_weighed():
    answer = found(DecodingParams(read="hello"), Answer)
    assert answer.said == (*"olleh", "</s>")
    assert answer.target == ("<s>", *"olleh")
    model = load_bundled(REVERSE)
    ids = torch.tensor([task(REVERSE).read("hello")[0]])
    for place in range(6):
        read = [BOS, *task(REVERSE).target.ids(list(answer.target[1 : place + 1]))]
        logits = model(ids, torch.tensor([read]))[0, -1]
        logits[[PAD, BOS]] = -math.inf
        chances, tokens = logits.softmax(-1).topk(5)
        told = answer.candidates[place]
        assert [c.token for c in told] == [task(REVERSE).target.tokens[i] for i in tokens.tolist()]
        assert [c.probability for c in told] == about(chances.tolist())
        assert told[0].token == answer.said[place]
    traced = model.trace(ids, torch.tensor([[BOS, *task(REVERSE).target.ids(list("olleh"))]]))
    for kind in ("encoder", "decoder", "cross"):
        layers = torch.cat(getattr(traced, kind))
        close(answer.weights[kind], layers.numpy(), FEW)
        close(answer.weights[kind].sum(-1), 1)
    assert (np.triu(answer.weights["decoder"], 1) == 0).all()


def test_beam_search_answers_with_its_hypotheses():
    answer = found(DecodingParams(read="abc", method=BEAM, beams=3), Answer)
    assert answer.text == "cba"
    assert answer.best[0].tokens == (*"cba", "</s>")
    assert 1 <= len(answer.best) <= 3
    assert len(answer.steps[0]) == 3


def test_the_engine_looks_back_with_the_weights_it_is_handed():
    run = Run(TINY)
    for _ in range(3):
        run.advance()
    state = run.kept()
    early = found(DecodingParams(weights=state), Answer)
    assert early.step == 3
    assert early.text != early.right
    shown = found(LookParams(look=state), Fixed, LOOKING)
    now = run.shown()
    assert shown.step == 3
    for kind in now.weights:
        close(shown.weights[kind], now.weights[kind], FEW)
    other = found(DecodingParams(task=SORT, weights=state), Answer)
    assert other.step == -1  # weights that learned another task are not asked


def test_bundled_curves_and_figures_are_told():
    told = found(LookParams(), Bundled, LOOKING)
    assert told.curves.shape[1] == 7
    assert told.curves[-1, 0] == told.steps
    assert told.accuracy >= 0.98
    assert told.parameters == sum(v.numel() for v in load_bundled(REVERSE).parameters())


def test_notes_and_refusals_of_the_input():
    answer = found(DecodingParams(read="abcdefghijklmnop"), Answer)
    assert len(answer.source) == 13
    assert str(answer.note) == "Truncated to the first 12 of 16 tokens."
    with pytest.raises(LabError):
        found(DecodingParams(read="a+b"), Answer)


def test_a_longest_input_is_answered_to_its_end():
    for method in ("Greedy", BEAM):
        answer = found(DecodingParams(read="abcdefghijkl", method=method), Answer)
        assert answer.said == (*"lkjihgfedcba", "</s>")


# ------------------------------------------------------------------ what comes first
def test_what_the_scrubber_moves_comes_first():
    """A request that is displaced shows one frame."""
    engine, states = Looking(), [Run(replace(TINY, seed=seed)).kept() for seed in (1, 2)]
    for state in (None, *states):
        events = told(LookParams(look=state), engine)
        assert [type(e) for e in events] == [Fixed, Bundled]
        assert events[0].step == (-1 if state is None else state.step)
    assert told(LookParams(look=state), engine)[0] is events[0]  # and is not computed again
    assert told(LookParams(task=SORT), engine)[0].task == SORT


def test_an_answer_can_be_left_after_each_token():
    engine = Engine()
    job = Job(DecodingParams(read="abcdefgh", method=BEAM), lambda: engine, lambda event: None)
    kinds = [type(event) for event in engine.run(job)]
    assert kinds.count(Progress) >= 9  # eight letters and the end


def test_looking_back_shows_the_run_whatever_task_is_chosen_meanwhile():
    state = Run(TINY).kept()
    shown = found(LookParams(task=SORT, look=state), Fixed, LOOKING)
    assert (shown.task, shown.step) == (REVERSE, 0)
    assert found(DecodingParams(task=SORT, weights=state), Answer).step == -1  # it never learned to sort
