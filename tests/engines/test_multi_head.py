"""Multi-head attention against torch's own, its measures against their definitions, and the task against its claim."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from engines.core.errors import LabError
from engines.core.params import for_engine
from engines.core.protocol import Job
from engines.core.training import Kept, Stopped
from engines.multi_head.heads.spec import INPUTS, HeadsFrame, HeadsParams, causal
from engines.multi_head.training.spec import (
    BOTH,
    LEFT,
    LENGTH,
    LETTERS,
    MultiHeadTraining,
    Now,
    RunBegan,
    TrainStep,
    snapshot,
)

torch = pytest.importorskip("torch")

from engines.multi_head import Engine, Trainer, map_agreement, output_agreement  # noqa: E402 - needs torch
from engines.multi_head.training.train import Run, draw  # noqa: E402
from tests.closeness import FEW, about, close  # noqa: E402


def frame(engine=None, **fields) -> HeadsFrame:
    job = Job(HeadsParams(**fields), Engine, lambda event: None)
    (found,) = (engine or Engine()).run(job)
    return found


def reference(engine, params, x, mask=None):
    """torch.nn.MultiheadAttention with the engine's weights: output (N, E) and weights per head (H, N, N)."""
    ours = engine.layer(params)
    theirs = torch.nn.MultiheadAttention(params.width, params.heads, batch_first=True).eval()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.q_proj.weight, ours.k_proj.weight, ours.v_proj.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.q_proj.bias, ours.k_proj.bias, ours.v_proj.bias]))
        theirs.out_proj.weight.copy_(ours.out_proj.weight)
        theirs.out_proj.bias.copy_(ours.out_proj.bias)
        output, weights = theirs(x, x, x, attn_mask=mask, average_attn_weights=False)
    return output[0].numpy(), weights[0].numpy()


@pytest.mark.parametrize("heads", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("kind", INPUTS)
def test_equals_torch_for_any_number_of_heads(heads, kind):
    engine = Engine()
    params = HeadsParams(heads=heads, kind=kind, temperature=1.0, batch=3)
    got = frame(engine, heads=heads, kind=kind, temperature=1.0, batch=3)
    output, weights = reference(engine, params, engine.input(params))
    close(got.output, output)
    close(got.weights, weights)


def test_equals_torch_with_a_painted_mask():
    engine = Engine()
    params = HeadsParams(temperature=1.0, blocked=causal(12))
    got = frame(engine, temperature=1.0, blocked=causal(12))
    mask = torch.triu(torch.ones(12, 12, dtype=torch.bool), 1)  # torch: True = must not
    output, weights = reference(engine, params, engine.input(params), mask)
    close(got.output, output)
    close(got.weights, weights)
    assert (got.weights[:, mask.numpy()] == 0).all()


def test_the_number_of_parameters_does_not_depend_on_the_heads():
    engine = Engine()
    counts = {frame(engine, heads=h).parameters for h in (1, 2, 4, 8, 16)}
    assert counts == {4 * 64**2 + 4 * 64}


def test_a_row_with_nothing_to_attend_to_is_zero_and_named():
    got = frame(blocked=tuple((3, k) for k in range(12)))
    assert got.empty == (3,)
    assert (got.weights[:, 3] == 0).all()
    assert (got.head_outputs[:, 3] == 0).all()
    every = frame(blocked=tuple((q, k) for q in range(12) for k in range(12)))
    assert every.empty == tuple(range(12))
    assert np.isfinite(every.map_agreement).all()
    assert np.isfinite(every.entropy).all()


def test_one_token_looks_at_itself_and_pairs_beyond_the_sequence_do_not_count():
    got = frame(tokens=1, blocked=((0, 5), (7, 0)))
    assert (got.weights == 1).all()
    assert np.isfinite(got.output_agreement).all()


def test_a_switched_off_head_takes_its_own_part_from_the_output():
    engine = Engine()
    plain, without = frame(engine), frame(engine, heads_off=(1,))
    block = plain.out_weight.reshape(4, 16, 64)[1]
    close(plain.output - without.output, plain.head_outputs[1] @ block)
    np.testing.assert_array_equal(without.untouched, plain.output)
    assert plain.change == 0
    expected = np.linalg.norm(without.output - plain.output) / np.linalg.norm(plain.output)
    assert without.change == pytest.approx(expected, rel=1e-5)
    assert (without.joined[:, 16:32] == 0).all()
    assert frame(engine, heads_off=(0, 1, 2, 3)).change == pytest.approx(1)


def test_contributions_are_shares():
    assert frame().contribution.sum() == about(1, FEW)


def test_temperature_ends():
    hot, cold = frame(temperature=10.0, kind="Noise"), frame(temperature=0.1, kind="Noise")
    assert hot.entropy.min() > 0.98 * math.log2(12)
    assert cold.entropy.max() < 0.2 * math.log2(12)
    assert (cold.weights.argmax(-1) == hot.weights.argmax(-1)).all()


def test_heads_that_do_not_divide_the_width_are_refused_in_words():
    with pytest.raises(LabError, match="5 heads do not divide a width of 64"):
        frame(heads=5)
    odd = HeadsParams(heads=5, width=100, heads_off=(1, 7), head=9)
    fit = odd.following(odd)
    assert (fit.heads, fit.width, fit.heads_off, fit.head) == (4, 128, (1,), 3)


def test_map_agreement_is_the_divergence_of_jensen_and_shannon():
    weights = frame().weights
    got = map_agreement(torch.from_numpy(weights)).numpy()
    for i, j in itertools.product(range(4), repeat=2):
        expected = 1 - np.mean([jensenshannon(a, b, base=2) ** 2 for a, b in zip(weights[i], weights[j], strict=True)])
        assert got[i, j] == about(expected)
    apart = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    close(map_agreement(apart), [[1, 0], [0, 1]], FEW)


def test_output_agreement_ignores_rotation_and_scale():
    random = torch.Generator().manual_seed(0)
    one = torch.randn(9, 5, generator=random)
    turn, _ = torch.linalg.qr(torch.randn(5, 5, generator=random))
    got = output_agreement(torch.stack([one, 3 * one @ turn, torch.ones(9, 5)]))
    assert got[0, 1] == about(1)
    assert got[0, 2] == 0
    assert (got.diagonal() == 1).all()


# ------------------------------------------------------------------ training
def trained(until, trainer=None, **fields):
    job = Job(MultiHeadTraining(until=until, **fields), Trainer, lambda event: None)
    return list((trainer or Trainer()).run(job))


def test_targets_are_the_neighbors_in_a_ring():
    letters, targets = draw(BOTH, 5, torch.Generator().manual_seed(0))
    assert letters.shape == (5, LENGTH)
    assert all(len(set(row.tolist())) == LENGTH for row in letters)
    assert int(letters.max()) < len(LETTERS)
    for n in range(LENGTH):
        assert (targets[:, n, 0] == letters[:, n - 1]).all()
        assert (targets[:, n, 1] == letters[:, (n + 1) % LENGTH]).all()
    letters, targets = draw(LEFT, 5, torch.Generator().manual_seed(0))
    assert (targets[..., 0] == targets[..., 1]).all()


def test_two_heads_do_what_one_cannot():
    steps = [e for e in trained(150, train_seed=1, train_width=16, learning_rate=0.02) if isinstance(e, TrainStep)]
    last = steps[-20:]
    one, two = np.mean([s.accuracy for s in last], axis=0)
    assert two > 0.99
    assert 0.4 < one < 0.65
    assert np.mean([s.loss[0] for s in last]) > 0.5
    assert steps[0].step == 0
    assert [s.step for s in steps] == list(range(151))


def test_two_heads_share_the_work_and_the_control_needs_only_one():
    run = Run(MultiHeadTraining(train_seed=1, train_width=16))
    for _ in range(120):
        run.advance(0.02)
    shown = run.shown
    close(shown.weights.sum(-1), 1)
    both = shown.weights[1] + shown.weights[2]
    places = np.arange(LENGTH)
    assert (both[places, places - 1] > 0.8).all()
    assert (both[places, (places + 1) % LENGTH] > 0.8).all()
    assert run.told().agreement < 0.2
    control = Run(MultiHeadTraining(train_seed=1, train_width=16, task=LEFT))
    for _ in range(80):
        control.advance(0.02)
    assert min(control.told().accuracy) > 0.95


def test_both_models_have_the_same_size_and_begin_alike():
    first = trained(0)
    began = next(e for e in first if isinstance(e, RunBegan))
    assert began.parameters[0] == began.parameters[1]
    assert began.average == pytest.approx(math.log(2))
    one, two = Run(MultiHeadTraining()).models
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_run_goes_on_where_it_was_paused_and_repeats_itself():
    trainer = Trainer()
    parts = trained(3, trainer) + trained(6, trainer)
    whole = trained(6)
    told = [[e for e in events if isinstance(e, TrainStep)] for events in (parts, whole)]
    assert told[0] == told[1]
    torch.manual_seed(5)  # the run has its own generators
    assert [e for e in trained(6) if isinstance(e, TrainStep)] == told[1]


def test_the_learning_rate_is_read_at_each_step():
    job = Job(MultiHeadTraining(until=3), Trainer, lambda event: None)
    steps = Trainer().run(job)
    losses = []
    for event in steps:
        if isinstance(event, TrainStep):
            losses.append(event.loss)
            job.update(MultiHeadTraining(until=3, learning_rate=0.1))
    assert losses[1:] != [e.loss for e in trained(3) if isinstance(e, TrainStep)][1:]


def test_a_run_that_leaves_the_numbers_stops_in_words():
    trainer = Trainer()
    trained(2, trainer)
    with torch.no_grad():
        trainer.current.models[0].letters.fill_(math.inf)
    events = trained(9, trainer)
    assert isinstance(events[-1], Stopped)
    assert events[-1].reason.values == {"n": 3}
    assert not any(isinstance(e, TrainStep) for e in events)


def test_snapshots_are_kept_for_looking_back_and_rows_sum_to_one():
    events = trained(40)
    kept = [snapshot(e.weights) for e in events if isinstance(e, Kept)]
    assert [shown.step for shown in kept] == [*range(21), 30, 40]
    assert isinstance(events[-1], Now)
    assert events[-1].shown.weights is kept[-1].weights
    for shown in kept:
        close(shown.weights.sum(-1), 1)
        close(shown.probabilities.sum(-1), 1)


def test_what_is_only_drawn_is_no_question():
    assert for_engine(HeadsParams(head=2)) == HeadsParams()
    assert for_engine(MultiHeadTraining(pace=9)) == MultiHeadTraining()
    assert HeadsParams(heads_off=(1, 2), blocked=causal(3), temperature=2.0).changes() == 4  # the mask is one
