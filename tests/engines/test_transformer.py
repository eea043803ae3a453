"""The Transformer's engine: training that repeats itself, stops and stands up again; decoding; bundled weights."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from engines.core.protocol import Job
from engines.core.training import Kept, Stopped
from engines.data.sequences import SORT
from engines.data.vocabulary import BOS, EOS, PAD
from engines.transformer.checkpoint import load, taken
from engines.transformer.decoding import beam_search, greedy, length_penalty
from engines.transformer.model import Transformer
from engines.transformer.recipe import BATCH_NORM, PRE, Recipe, Shape, lr_at, shape_of
from engines.transformer.spec import TransformerParams
from engines.transformer.training.spec import (
    HeldOut,
    Now,
    RunBegan,
    StepDone,
    TrainingSettings,
    same_run,
    settings_of,
)
from engines.transformer.training.trainer import Run, Trainer, Turn, accuracy, tensors
from tests.closeness import MANY, about, close

TINY = TrainingSettings(width="32", heads="2", layers=1, batch=8)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def events(trainer, settings):
    return list(trainer.run(Job(settings, lambda: trainer, lambda event: None)))


def losses(found):
    return [event.loss for event in found if isinstance(event, StepDone)]


# ------------------------------------------------------------------ the schedule and the settings
def test_the_rate_is_the_papers_at_its_peak():
    width, warmup = 512, 4000
    for step in (1, 100, 4000, 4001, 100_000):
        paper = width**-0.5 * min(step**-0.5, step * warmup**-1.5)
        assert lr_at(step, (width * warmup) ** -0.5, warmup) == pytest.approx(paper, rel=1e-12)


def test_live_settings_do_not_make_another_run():
    assert same_run(TINY, replace(TINY, learning_rate=0.1, dropout=0.2, until=9, batch=3))
    for other in ({"seed": 1}, {"heads": "4"}, {"task": SORT}, {"norm": BATCH_NORM}, {"run": 1}):
        assert not same_run(TINY, replace(TINY, **other))


def test_a_run_takes_the_tabs_recipe():
    settings = settings_of(TransformerParams(task=SORT, width="128", order=PRE, norm=BATCH_NORM, positions=False))
    shape = shape_of(settings)
    assert shape == Shape(SORT, 128, 4, 2, 512, "batch", norm_first=True, final_norm=True, positions=False)


# ------------------------------------------------------------------ training
def test_the_same_seed_gives_the_same_curve_whatever_else_runs():
    one = losses(events(Trainer(), replace(TINY, until=12, dropout=0.1)))
    run = Run(replace(TINY, dropout=0.1))
    other = Run(replace(TINY, seed=5))
    two = []
    for _ in range(12):
        torch.manual_seed(7)
        other.advance()
        run.measured()
        run.shown()
        two.append(run.advance().loss)
    assert one == two
    assert one != losses(events(Trainer(), replace(TINY, until=12, dropout=0.1, seed=1)))


def test_pausing_does_not_change_a_run():
    whole = losses(events(Trainer(), replace(TINY, until=10)))
    trainer = Trainer()
    first = events(trainer, replace(TINY, until=4))
    rest = events(trainer, replace(TINY, until=10))
    assert losses(first) + losses(rest) == whole
    assert isinstance(first[0], RunBegan)
    assert not any(isinstance(event, RunBegan) for event in rest)
    assert [type(e) for e in first[1:4]] == [Kept, HeldOut, Now]
    shown = [event.step for event in first if isinstance(event, Now)]
    assert shown[-1] == 4  # what is on screen while it rests is its last state


def test_a_step_is_cross_entropy_adam_and_the_schedule():
    settings = replace(TINY, smoothing=0.1, learning_rate=1e-2, warmup=2)
    run, twin = Run(settings), Run(settings)
    mean = [torch.zeros_like(v) for v in twin.values]
    square = [torch.zeros_like(v) for v in twin.values]
    for step in range(1, 4):
        source, lens, target = tensors(twin.task.batch(8, twin.random))
        labels = target[:, 1:]
        logits = twin.model(source, target[:, :-1], lens)
        logs = logits.log_softmax(-1)
        hit = logs.gather(-1, labels[..., None])[..., 0]
        each = -(0.9 * hit + 0.1 * logs.mean(-1))
        loss = each[labels != PAD].mean()
        gradients = torch.autograd.grad(loss, twin.values)
        done = run.advance()
        assert done.loss == pytest.approx(float(loss.detach()), rel=1e-5)
        whole = math.sqrt(sum(float(g.square().sum()) for g in gradients))
        assert math.hypot(*done.gradients) == pytest.approx(whole, rel=1e-4)
        assert done.learning_rate == pytest.approx(1e-2 * min(step / 2, math.sqrt(2 / step)))
        with torch.no_grad():
            for value, gradient, m, s in zip(twin.values, gradients, mean, square, strict=True):
                m.mul_(0.9).add_(0.1 * gradient)
                s.mul_(0.98).add_(0.02 * gradient**2)
                value -= done.learning_rate * (m / (1 - 0.9**step)) / ((s / (1 - 0.98**step)).sqrt() + 1e-9)
    for (name, a), b in zip(run.model.named_parameters(), twin.values, strict=True):
        if not name.endswith("k_proj.bias"):  # it moves no softmax: its gradient is rounding, and Adam makes much of it
            close(a, b, MANY, name=name)


def test_accuracy_leaves_padding_out():
    labels = torch.tensor([[4, 5, EOS], [6, EOS, PAD]])
    logits = F.one_hot(torch.tensor([[4, 5, EOS], [6, 3, 7]]), 8).float()
    assert accuracy(logits, labels) == pytest.approx((4 / 5, 1 / 2))


def test_a_run_learns():
    run = Run(replace(TINY, batch=32, learning_rate=5e-3, warmup=20, task=SORT))
    before = run.measured().loss
    for _ in range(60):
        assert run.advance() is not None
    after = run.measured()
    assert after.loss < 0.75 * before
    assert after.step == 60


def test_live_settings_reach_a_running_run():
    trainer, rates = Trainer(), []
    job = Job(replace(TINY, until=6), lambda: trainer, lambda event: None)
    for event in trainer.run(job):
        if isinstance(event, StepDone):
            rates.append(event.learning_rate)
            job.update(replace(job.newest, learning_rate=0.01, warmup=1))
    assert rates[0] == pytest.approx(lr_at(1, TINY.learning_rate, TINY.warmup))
    assert rates[1:] == pytest.approx([lr_at(step, 0.01, 1) for step in range(2, 7)])


def test_kept_states_are_the_run_at_their_step():
    trainer = Trainer()
    kept = [event.weights for event in events(trainer, replace(TINY, until=30)) if isinstance(event, Kept)]
    assert [w.step for w in kept][:11] == list(range(11))
    assert kept[-1].step == 30
    run = Run(TINY)
    for _ in range(5):
        run.advance()
    source, lens, target = tensors(run.held_out)
    expected = run.model.eval()(source, target[:, :-1], lens)
    torch.testing.assert_close(load(kept[5])(source, target[:, :-1], lens), expected)
    assert not any(
        np.shares_memory(a, b) for a, b in zip(kept[4].arrays.values(), kept[5].arrays.values(), strict=True)
    )


def test_a_run_starts_from_kept_weights():
    start = Run(replace(TINY, seed=9)).kept()
    found = events(Trainer(), replace(TINY, start=start))
    first = next(event.weights for event in found if isinstance(event, Kept))
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, start.arrays[name])


def test_a_large_batch_is_learned_in_parts_as_if_it_were_one(monkeypatch):
    whole = Run(TINY).advance()
    monkeypatch.setattr("engines.transformer.training.trainer.AT_ONCE", 10_000_000)
    run, twin = Run(TINY), Run(TINY)
    pauses = sum(1 for _ in run.work())
    assert pauses > 1
    parts = twin.advance()
    assert parts.loss == pytest.approx(whole.loss, rel=1e-5)
    assert parts.gradients == pytest.approx(whole.gradients, rel=1e-3)
    assert (parts.token_accuracy, parts.sequence_accuracy) == pytest.approx(
        (whole.token_accuracy, whole.sequence_accuracy)
    )
    left = Run(TINY)
    work = left.work()
    next(work)
    work.close()  # cancelled in the middle of a step: it has done nothing
    assert left.step == 0
    assert left.advance().loss == parts.loss


@pytest.mark.parametrize("change", [{"norm": BATCH_NORM}, {"order": PRE}, {"positions": False}, {"batch": 1}])
def test_every_kind_of_model_trains(change):
    found = events(Trainer(), replace(TINY, until=3, **change))
    assert len(losses(found)) == 3
    assert np.isfinite(losses(found)).all()


def test_a_rate_that_is_too_high_stops_the_run_and_keeps_good_weights():
    found = events(Trainer(), replace(TINY, learning_rate=1.0, warmup=1, until=400))
    assert isinstance(found[-1], Stopped)
    assert found[-1].reason.text.startswith("The loss diverged at step {n}")
    kept, shown = found[-2].weights, found[-3]
    assert kept.step == shown.step == found[-1].step
    assert all(np.isfinite(weights).all() for weights in shown.weights.values())
    assert found[-1].reason.values["k"] == str(kept.step)
    assert all(np.isfinite(array).all() for array in kept.arrays.values())


def test_nan_stops_the_run_and_keeps_good_weights():
    trainer = Trainer()
    events(trainer, replace(TINY, until=30))
    with torch.no_grad():
        trainer.current.values[0].fill_(math.nan)
    found = events(trainer, replace(TINY, until=60))
    assert str(found[-1].reason) == "Loss became NaN at step 31. Stopped; weights of step 25 are kept."
    assert all(np.isfinite(array).all() for array in found[-2].weights.arrays.values())
    assert all(bool(v.isfinite().all()) for v in trainer.current.values)
    again = events(trainer, replace(TINY, until=90))  # it stays stopped, and says so
    assert [type(event) for event in again] == [Stopped]


def test_looks_take_only_their_share_of_the_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("engines.transformer.training.trainer.time.monotonic", lambda: now[0])
    turn = Turn(0.1, 0.02)
    now[0] = 0.09
    assert not turn.due()
    now[0] = 0.1
    assert turn.due()
    with turn:
        now[0] += 0.05
    now[0] += 2.44
    assert not turn.due()  # 0.05 s are 2 % of 2.5 s
    now[0] += 0.02
    assert turn.due()


def test_a_late_look_does_not_delay_the_others(monkeypatch):
    """Steps of 38 ms: looks come after two or three of them, ten in a second."""
    now, looks = [0.0], 0
    monkeypatch.setattr("engines.transformer.training.trainer.time.monotonic", lambda: now[0])
    turn = Turn(0.096, 0.04)
    while now[0] < 10:
        now[0] += 0.038
        if turn.due():
            looks += 1
            with turn:
                now[0] += 0.002
    assert 100 <= looks <= 105
    now[0] += 5  # a rest is not made up for
    with turn:
        now[0] += 0.002
    assert not turn.due()


# ------------------------------------------------------------------ decoding
@pytest.fixture(scope="module")
def small():
    """A random model with five target tokens, so that all answers can be tried."""
    model = Transformer(6, 5, 16, 2, 1, 1, 32, max_len=8, generator=torch.Generator().manual_seed(3)).eval()
    with torch.no_grad():
        model.unembed.weight.mul_(4)  # not all tokens alike
        model.unembed.bias[EOS] -= 4  # answers don't end at once
    return model.requires_grad_(False)


def log_probability(model, source, tokens):
    """Of a whole answer, without padding and start among the choices, in one pass."""
    logits = model(source, torch.tensor([[BOS, *tokens[:-1]]]))[0]
    logits[:, [PAD, BOS]] = -math.inf
    return float(logits.log_softmax(-1)[range(len(tokens)), list(tokens)].sum())


@pytest.mark.parametrize("penalty", [0.0, 0.8])
def test_a_wide_beam_finds_the_best_of_all_answers(small, penalty):
    source, most = torch.tensor([[3, 5, 4, EOS]]), 3
    every = [
        (*middle, EOS) for length in range(most) for middle in itertools.product((3, 4), repeat=length)
    ]  # what ends within three tokens
    ranked = sorted(every, key=lambda t: -log_probability(small, source, t) / length_penalty(len(t), penalty))
    best, steps = beam_search(small, source, 64, most, penalty)
    ended = [path for path in best if path.ended]
    assert ended[0].tokens == ranked[0]
    assert ended[0].log_probability == about(log_probability(small, source, ranked[0]), MANY)
    assert [len(path.tokens) for path in steps[1]] == [2] * len(steps[1])


def test_one_beam_is_greedy(small):
    for seed in range(6):
        source = torch.randint(3, 6, (1, 5), generator=torch.Generator().manual_seed(seed))
        said = []
        while len(said) < 6 and EOS not in said:
            logits = small(source, torch.tensor([[BOS, *said]]))[0, -1]
            logits[[PAD, BOS]] = -math.inf
            said.append(int(logits.argmax()))
        assert greedy(small, source, 6) == said


def test_beams_are_ranked_and_follow_their_parents(small):
    best, steps = beam_search(small, torch.tensor([[4, 3, EOS]]), 3, 5, 0.6)
    scores = [path.score(0.6) for path in best]
    assert scores == sorted(scores, reverse=True)
    assert len(best) <= 3
    live = [()]
    for kept in steps:
        assert len(kept) <= 3
        for path in kept:
            assert path.tokens[:-1] == live[path.parent]
        live = [path.tokens for path in kept if not path.ended]


def test_the_length_penalty_is_that_of_the_paper():
    assert length_penalty(1, 0.6) == 1
    assert length_penalty(7, 0.6) == pytest.approx(2**0.6)


# ------------------------------------------------------------------ states
def test_kept_numbers_are_copies():
    run = Run(TINY)
    state = taken(run.model, 0, run.shape)
    before = {k: v.copy() for k, v in state.arrays.items()}
    run.advance()
    model = load(state)
    with torch.no_grad():
        for value in model.parameters():
            value.zero_()
    for name, array in state.arrays.items():
        np.testing.assert_array_equal(array, before[name])


def test_a_recipe_is_valid_as_it_stands():
    assert Run(Recipe(width="32", layers=1)).advance() is not None
