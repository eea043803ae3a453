"""A training step taken apart: gradients against autograd, Adam against its own algorithm by hand, two schedules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engines.core.protocol import Job
from engines.data.sequences import task
from engines.transformer.checkpoint import build
from engines.transformer.one_step.engine import Engine
from engines.transformer.one_step.race import Race
from engines.transformer.one_step.spec import DECAY, TRAINED, Apart, Raced, RaceParams, StepParams
from engines.transformer.one_step.stepping import Stepper, rate_at
from engines.transformer.recipe import Shape, lr_at
from engines.transformer.switches import UNTOUCHED

PLAIN = StepParams(task="Copy", step_batch=4)


@pytest.fixture(scope="module")
def engine():
    return Engine()


def apart(engine, params):
    return [e for e in engine.run(Job(params, lambda: None, lambda event: None)) if isinstance(e, Apart)][-1]


def test_a_weight_moves_as_adam_says(engine):
    for number, cell in ((1, (0, 0)), (3, (2, 5))):
        seen = apart(engine, replace(PLAIN, step_number=number, step_cell=cell))
        of = seen.numbers
        first, second = seen.betas
        m = first * of["m_before"] + (1 - first) * of["g"]
        v = second * of["v_before"] + (1 - second) * of["g"] ** 2
        assert of["m"] == pytest.approx(m, rel=1e-5, abs=1e-12)
        assert of["v"] == pytest.approx(v, rel=1e-5, abs=1e-15)
        m_hat, v_hat = m / (1 - first**number), v / (1 - second**number)
        assert (of["m_hat"], of["v_hat"]) == pytest.approx((m_hat, v_hat), rel=1e-4)
        assert of["w_after"] == pytest.approx(of["w"] - seen.rate * m_hat / (v_hat**0.5 + seen.eps), abs=1e-6)
        assert of["delta"] == pytest.approx(of["w_after"] - of["w"], abs=1e-7)
        assert seen.gradient[cell] == pytest.approx(of["g"])
        if number == 1:
            assert of["m_before"] == of["v_before"] == 0
            assert abs(of["delta"]) == pytest.approx(seen.rate, rel=1e-2)  # the first step is of one size everywhere
    assert seen.after < seen.loss


def test_gradients_are_those_of_the_same_batch(engine):
    seen = apart(engine, replace(PLAIN, step_number=1, step_matrix=3))
    stepper = Stepper(task("Copy"), build(Shape("Copy"), torch.Generator().manual_seed(0)), UNTOUCHED, 4)
    loss = stepper.loss(stepper.draw())
    assert seen.loss == pytest.approx(float(loss.detach()), rel=1e-6)
    value = dict(stepper.model.named_parameters())[seen.names[3]]
    (g,) = torch.autograd.grad(loss, [value])
    assert np.allclose(seen.gradient, g.numpy(), atol=1e-7)
    assert seen.gradients[3] == pytest.approx(float(g.norm()), rel=1e-5)
    assert seen.shapes[3] == tuple(value.shape)


def test_nothing_is_stepped_again_for_another_cell(engine, monkeypatch):
    first = apart(engine, replace(PLAIN, step_number=2))
    monkeypatch.setattr(Stepper, "advance", None)
    other = apart(engine, replace(PLAIN, step_number=2, step_matrix=1, step_cell=(1, 1)))
    assert other.at == 1
    assert other.loss == first.loss


def test_a_later_step_goes_on_where_an_earlier_one_was(engine, monkeypatch):
    made, advance = [], Stepper.advance
    monkeypatch.setattr(Stepper, "advance", lambda self, rate: made.append(self.step) or advance(self, rate))
    params = replace(PLAIN, step_batch=3, step_number=2)
    apart(engine, params)
    later = apart(engine, replace(params, step_number=4))
    assert made == [0, 2]  # the steps looked at are no mere advances
    alone = apart(Engine(), replace(params, step_number=4))
    assert (later.loss, later.after, later.numbers) == (alone.loss, alone.after, alone.numbers)
    assert np.array_equal(later.update, alone.update)
    earlier = apart(engine, params)
    assert earlier.numbers == apart(Engine(), params).numbers
    other = replace(params, step_number=3, step_rate=0.01)
    assert apart(engine, other).numbers == apart(Engine(), other).numbers  # of another run: from its start


def test_another_rate_computes_the_first_gradients_no_more(engine, monkeypatch):
    params = replace(PLAIN, step_batch=5, step_number=2)
    apart(engine, params)
    lost, loss = [], Stepper.loss
    monkeypatch.setattr(Stepper, "loss", lambda self, batch: lost.append(self.step) or loss(self, batch))
    for other in (replace(params, step_rate=0.02), replace(params, step_rate=0.02, step_warmup=False)):
        lost.clear()
        seen = apart(engine, other)
        assert lost == [1, 2]  # the second step's batch, and again afterwards
        alone = apart(Engine(), other)
        assert (seen.loss, seen.after, seen.numbers) == (alone.loss, alone.after, alone.numbers)
        assert np.array_equal(seen.gradient, alone.gradient)
    lost.clear()
    told = [e for e in engine.run(Job(replace(params, step_rate=0.03), lambda: None, lambda e: None)) if e is not None]
    first, last = [e for e in told if isinstance(e, Apart)]
    assert (first.after, last.loss, last.numbers) == (None, first.loss, first.numbers)
    assert last.after is not None


def test_an_answer_that_was_cut_short_is_completed(engine):
    params = replace(PLAIN, step_batch=6, step_number=2)
    cut = engine.run(Job(params, lambda: None, lambda event: None))
    while not isinstance(next(cut), Apart):
        pass
    cut.close()
    assert apart(engine, params).after == apart(Engine(), params).after


def test_trained_weights_have_small_gradients_and_stay_as_they_are(engine):
    specimen = engine._collection.specimen("Copy", "", None)
    before = specimen.model.unembed.weight.clone()
    seen = apart(engine, replace(PLAIN, step_from=TRAINED))
    assert seen.loss < 0.1
    assert torch.equal(specimen.model.unembed.weight, before)


def test_the_two_schedules():
    for step in (1, 30, DECAY, 200):
        assert rate_at(step, 0.01, True) == lr_at(step, 0.01, DECAY)
    assert rate_at(1, 0.01, False) == 0.01 == rate_at(DECAY, 0.01, False)
    assert rate_at(200, 0.01, False) == rate_at(200, 0.01, True)


def test_two_runs_differ_in_the_warm_up_alone(monkeypatch):
    monkeypatch.setattr("engines.transformer.one_step.race.RACE", 3)
    monkeypatch.setattr("engines.transformer.one_step.race.BATCH", 2)
    job = Job(RaceParams(task="Copy", race_layers=1), lambda: None, lambda event: None)
    told = [e for e in Race().run(job) if isinstance(e, Raced)]
    last = told[-1]
    assert (last.done, len(last.warm), len(last.cold)) == (3, 3, 3)
    assert last.warm[0] == last.cold[0]  # the same weights, the same batch
    assert last.warm[1] != last.cold[1]


def test_a_run_that_leaves_the_finite_ends_there(monkeypatch):
    monkeypatch.setattr("engines.transformer.one_step.race.RACE", 3)
    losses = iter([1.0, 1.0, 1.0, float("nan"), 1.0])
    monkeypatch.setattr(Stepper, "advance", lambda self, rate: next(losses))
    job = Job(RaceParams(task="Copy", race_layers=1), lambda: None, lambda event: None)
    last = list(Race().run(job))[-1]
    assert (len(last.warm), len(last.cold)) == (3, 1)


@pytest.mark.proof
def test_what_warm_up_does_is_measured():
    """Post-norm, four layers: without warm-up the same runs are worse; pre-norm learns either way."""
    for pre in (False, True):
        job = Job(RaceParams(task="Reverse", race_pre=pre), lambda: None, lambda event: None)
        last = list(Race().run(job))[-1]
        ends = [float(y[-20:].mean()) if len(y) == 150 else float("inf") for y in (last.warm, last.cold)]
        print(f"pre-norm {pre}: with warm-up {ends[0]:.2f}, without {ends[1]:.2f}, guessing {last.guessing:.2f}")
        assert np.isfinite(ends[0])
