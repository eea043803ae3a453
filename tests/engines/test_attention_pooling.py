"""Attention pooling against numpy and scipy written independently, in its extreme cases, and as a training run."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax

from engines.attention_pooling import ParametricPooling, leave_one_out_error, nadaraya_watson
from engines.attention_pooling.kernel_regression.engine import Engine
from engines.attention_pooling.kernel_regression.spec import LeaveOneOut, PooledFrame
from engines.attention_pooling.learned_w.engine import Engine as LookingBack
from engines.attention_pooling.learned_w.spec import Landscape, LookBack, NowW, RunBegan, TrainStep
from engines.attention_pooling.learned_w.training import Optimizer, Run, Trainer
from engines.attention_pooling.model import KERNELS, leave_one_out
from engines.attention_pooling.points import LARGEST, MOST, generate, parse, truth
from engines.attention_pooling.spec import (
    ADAM,
    MOMENTUM,
    SGD,
    PoolingParams,
    points_of,
)
from engines.core.errors import LabError
from engines.core.protocol import Job
from engines.core.training import Stopped
from tests.closeness import FEW, about, close

PROFILES = {
    "gaussian": lambda u: math.exp(-u * u / 2),
    "boxcar": lambda u: 1.0 if abs(u) <= 1 else 0.0,
    "epanechnikov": lambda u: max(0.0, 1 - u * u),
    "triangular": lambda u: max(0.0, 1 - abs(u)),
    "constant": lambda u: 1.0,
}


def data(count=50, seed=0, dtype=torch.float32):
    return (torch.tensor(column, dtype=dtype) for column in zip(*generate(count, 0.5, seed), strict=True))


def by_hand(q, x, y, kernel, bandwidth):
    """One query, one point after the other, in Python floats."""
    k = [PROFILES[kernel]((q - xi) / bandwidth) for xi in x]
    total = sum(k)
    return sum(ki * yi for ki, yi in zip(k, y, strict=True)) / total if total else 0.0


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("bandwidth", [0.07, 0.5, 1.0, 3.0])
def test_pooling_is_a_weighted_mean(kernel, bandwidth):
    x, y = data()
    queries = torch.linspace(-1, 6, 41)
    y_hat, weights = nadaraya_watson(queries, x, y, kernel, bandwidth)
    assert y_hat.shape == (41,)
    assert weights.shape == (41, 50)
    reference = [by_hand(q, x.tolist(), y.tolist(), kernel, bandwidth) for q in queries.tolist()]
    if kernel != "gaussian" or bandwidth > 0.1:  # the sum of exponentials by hand underflows
        close(y_hat.numpy(), reference, FEW)
    sums = weights.double().sum(-1)
    assert ((sums == 0) | ((sums - 1).abs() < 1e-6)).all()
    close(y_hat.numpy(), (weights.double() @ y.double()).numpy(), FEW)


@pytest.mark.parametrize("bandwidth", [0.05, 0.3, 1.0, 100.0])
def test_gaussian_weights_are_a_softmax_of_distances(bandwidth):
    x, y = data()
    queries = torch.linspace(-2, 8, 33)
    _, weights = nadaraya_watson(queries, x, y, "gaussian", bandwidth)
    distance = queries.double().numpy()[:, None] - x.double().numpy()[None]
    close(weights.numpy(), softmax(-(distance**2) / (2 * bandwidth**2), axis=1), FEW)


def test_a_very_wide_window_is_average_pooling():
    x, y = data()
    y_hat, weights = nadaraya_watson(torch.linspace(0, 5, 9), x, y, "gaussian", 100.0)
    np.testing.assert_allclose(y_hat.numpy(), y.mean().expand(9).numpy(), atol=1e-2)
    entropy = torch.special.entr(weights.double()).sum(-1)
    np.testing.assert_allclose(entropy.numpy(), math.log(50), atol=1e-3)
    constant, same = nadaraya_watson(torch.linspace(0, 5, 9), x, y, "constant", 0.1)
    close(constant.numpy(), y.mean().expand(9).numpy(), FEW)
    close(same.numpy(), 1 / 50, 1)


@pytest.mark.parametrize("kernel", ["boxcar", "epanechnikov", "triangular"])
def test_an_empty_window_gives_zeros(kernel):
    x, y = data()
    y_hat, weights = nadaraya_watson(torch.tensor([-10.0, 2.0, 20.0]), x, y, kernel, 0.5)
    assert y_hat[0] == y_hat[2] == 0
    assert (weights.sum(-1) == 0).tolist() == [True, False, True]


@pytest.mark.parametrize("kernel", KERNELS)
def test_one_point_equal_points_and_none(kernel):
    one = torch.tensor([1.0])
    y_hat, weights = nadaraya_watson(one, one, torch.tensor([7.0]), kernel, 0.3)
    assert y_hat.item() == 7
    assert weights.item() == 1
    twins, values = torch.tensor([1.0, 1.0]), torch.tensor([2.0, 4.0])
    y_hat, weights = nadaraya_watson(one, twins, values, kernel, 0.05)
    assert y_hat.item() == 3
    assert weights.tolist() == [[0.5, 0.5]]
    nothing = torch.zeros(0)
    y_hat, weights = nadaraya_watson(one, nothing, nothing, kernel, 0.3)
    assert y_hat.item() == 0
    assert weights.shape == (1, 0)
    assert leave_one_out_error(nothing, nothing, kernel, 0.3) == 0


def test_far_queries_keep_the_digits_of_near_ties():
    x, y = torch.tensor([0.0, 1.001]), torch.tensor([0.0, 1.0])
    _, weights = nadaraya_watson(torch.tensor([0.5]), x, y, "gaussian", 0.02)
    gap = (x.double()[1] - 0.5) ** 2 - 0.25
    expected = 1 / (1 + math.exp(float(gap) / (2 * 0.02**2)))
    assert weights[0, 1].item() == about(expected, FEW)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("bandwidth", [0.05, 0.4, 5.0])
def test_leave_one_out_really_leaves_one_out(kernel, bandwidth):
    x, y = data(20, seed=3)
    errors, alone = [], 0
    for i in range(20):
        rest = torch.arange(20) != i
        y_hat, weights = nadaraya_watson(x[i : i + 1], x[rest], y[rest], kernel, bandwidth)
        errors.append((float(y_hat[0]) - float(y[i])) ** 2)
        alone += bool(weights.sum() == 0)
    assert leave_one_out(x, y, kernel, bandwidth)[1] == alone
    assert leave_one_out_error(x, y, kernel, bandwidth) == about(np.mean(errors), FEW)


def test_what_makes_no_sense_is_refused():
    x, y = data()
    with pytest.raises(ValueError, match="kernel"):
        nadaraya_watson(x, x, y, "square")
    for bad in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="bandwidth"):
            nadaraya_watson(x, x, y, "boxcar", bad)
    with pytest.raises(ValueError, match="axis"):
        nadaraya_watson(x[None], x, y)
    with pytest.raises(ValueError, match="50 keys and 3 values"):
        nadaraya_watson(x, x, y[:3])


# ------------------------------------------------------------------ learned w
@pytest.mark.parametrize("w", [0.3, 1.0, -4.0])
@pytest.mark.parametrize("itself", [True, False])
def test_parametric_pooling_and_its_gradient(w, itself):
    x, y = data(dtype=torch.float64)
    net = ParametricPooling(w).double()
    w = float(net.w.detach())  # as float32 holds it
    may = None if itself else ~torch.eye(50, dtype=torch.bool)
    y_hat, weights = net(x, x, y, may)
    scores = -(((x.numpy()[:, None] - x.numpy()) * w) ** 2) / 2
    if not itself:
        np.fill_diagonal(scores, -np.inf)
    close(weights.detach().numpy(), softmax(scores, axis=1), FEW)

    def loss(value):
        table = -(((x.numpy()[:, None] - x.numpy()) * value) ** 2) / 2
        if not itself:
            np.fill_diagonal(table, -np.inf)
        return ((y.numpy() - softmax(table, axis=1) @ y.numpy()) ** 2).sum()

    total = ((y - y_hat) ** 2).sum()
    assert float(total.detach()) == about(loss(w), dtype=np.float64)
    (gradient,) = torch.autograd.grad(total, net.w)
    assert float(gradient) == pytest.approx((loss(w + 1e-6) - loss(w - 1e-6)) / 2e-6, abs=1e-3)


def test_keys_of_each_query_as_in_the_book():
    """Every query may have keys of its own: all points but itself, as (Q, N − 1)."""
    x, y = data()
    rest = ~torch.eye(50, dtype=torch.bool)
    keys, values = (one.repeat(50, 1)[rest].reshape(50, 49) for one in (x, y))
    net = ParametricPooling(2.0)
    own, _ = net(x, keys, values)
    masked, _ = net(x, x, y, rest)
    close(own.detach().numpy(), masked.detach().numpy(), FEW)
    assert isinstance(net.w, torch.nn.Parameter)
    assert [name for name, _ in net.named_parameters()] == ["w"]


def run(trainer, params):
    return list(trainer.run(Job(params, lambda: trainer, lambda event: None)))


def steps(events):
    return [e for e in events if isinstance(e, TrainStep)]


def test_the_landscape_is_the_loss():
    params = PoolingParams(samples=30)
    work = Run(params)
    places = np.array([0.0, 0.5, 3.0, 20.0])
    held_out, seeing = work.losses(places)
    for i, w in enumerate(places.tolist()):
        with torch.no_grad():
            work.net.w.fill_(w)
        assert held_out[i] == about(float(work.loss(work._others).detach()), dtype=np.float64)
        assert seeing[i] == about(float(work.loss(None).detach()), dtype=np.float64)


def test_a_paused_run_goes_on_as_if_it_had_not_been_paused():
    params = PoolingParams(learning_rate=0.01, optimizer=MOMENTUM, until=12)
    whole = [s.w for s in steps(run(Trainer(), params))]
    trainer = Trainer()
    pieces = [s.w for end in (3, 4, 12) for s in steps(run(trainer, replace(params, until=end)))]
    assert pieces == whole
    assert len(whole) == 13
    again = run(trainer, replace(params, run=1))
    assert [s.w for s in steps(again)] == whole
    assert isinstance(again[0], RunBegan)


def test_sgd_is_what_it_says():
    params = PoolingParams(learning_rate=0.01, until=5)
    path = steps(run(Trainer(), params))
    assert path[0].w == float(torch.rand((), generator=torch.Generator().manual_seed(0)))
    for a, b in itertools.pairwise(path):
        assert b.w == about(a.w - 0.01 * a.gradient, dtype=np.float64)
        assert b.loss == b.held_out


@pytest.mark.parametrize("kind", [SGD, MOMENTUM, ADAM])
def test_optimizers_are_torchs(kind):
    w = torch.nn.Parameter(torch.tensor(3.0, dtype=torch.float64))
    reference = (
        torch.optim.Adam([w], 0.1)
        if kind == ADAM
        else torch.optim.SGD([w], 0.1, momentum=0.9 if kind == MOMENTUM else 0)
    )
    mine, own = Optimizer(kind), 3.0
    for _ in range(20):
        own += mine.move(2 * own + math.cos(own), 0.1)
        reference.zero_grad()
        (w**2 + w.sin()).backward()
        reference.step()
        assert own == about(float(w.detach()), dtype=np.float64)


def test_without_itself_there_is_an_inner_minimum_and_the_usual_recipe_overshoots():
    past = 0
    for seed in range(12):
        params = PoolingParams(seed=seed, start_seed=seed, until=5)
        events = run(Trainer(), params)
        began = next(e for e in events if isinstance(e, RunBegan))
        landscape = [e for e in events if isinstance(e, Landscape)][-1]
        assert 1 < began.best < 30
        inner = landscape.held_out.argmin()
        assert 0 < inner < len(landscape.w) - 1
        assert began.least <= landscape.held_out.min() + 0.1
        past += max(s.w for s in steps(events)) > 1.2 * began.best
    assert past > 6


def test_with_itself_w_runs_away_below_the_optimum():
    events = run(Trainer(), PoolingParams(sees_itself=True, until=200))
    began = next(e for e in events if isinstance(e, RunBegan))
    path = steps(events)
    assert path[-1].w > 3 * began.best
    assert path[-1].loss < began.least < path[-1].held_out
    assert all(b.loss <= a.loss + 1e-9 for a, b in itertools.pairwise(path[1:]))


def test_optimizer_and_rate_are_live():
    trainer = Trainer()
    job = Job(PoolingParams(learning_rate=0.001, until=9), lambda: trainer, lambda event: None)
    w = []
    for event in trainer.run(job):
        if isinstance(event, TrainStep):
            w.append(event.w)
            if event.step == 3:
                job.update(replace(job.newest, learning_rate=1.0, optimizer=ADAM))
            if event.step == 6:
                job.update(replace(job.newest, optimizer=SGD, learning_rate=0.001))
    assert max(abs(np.diff(w[:4]))) < 0.1
    assert abs(w[4] - w[3]) == pytest.approx(1.0, abs=1e-3)  # the first step of Adam is its rate


def test_a_run_that_leaves_the_numbers_keeps_its_w():
    points = ((0.0, 0.0), (1.0, 1e6), (3.0, -1e6))
    events = run(Trainer(), PoolingParams(points=points, learning_rate=10.0, until=50))
    stopped = next(e for e in events if isinstance(e, Stopped))
    assert math.isfinite(steps(events)[-1].w)
    assert stopped.step == steps(events)[-1].step
    assert not steps(run(Trainer(), PoolingParams(until=0)))[1:]


# ------------------------------------------------------------------ events
def ask(**fields):
    engine = Engine()
    return list(engine.run(Job(PoolingParams(**fields), lambda: engine, lambda event: None)))


def test_the_page_gets_what_it_draws():
    shown, error = ask(kernel="Boxcar", bandwidth=0.1, samples=20, all_kernels=True)
    assert isinstance(shown, PooledFrame)
    assert isinstance(error, LeaveOneOut)
    x = np.array(shown.points)[:, 0]
    near = np.abs(shown.grid[:, None] - x) <= 0.1
    np.testing.assert_array_equal(shown.filled, near.any(1))
    assert (~shown.filled).any()
    assert (shown.fit[~shown.filled] == 0).all()
    np.testing.assert_array_equal(shown.fits[1], shown.fit)
    assert shown.fits_filled[0].all()
    assert (np.diff(x[shown.order]) >= 0).all()
    assert error.alone > 0
    assert error.lonely[0] >= error.alone >= error.lonely[-1] == 0
    assert error.least == error.errors[error.lonely == 0].min()


def test_looking_back_shows_the_step_again():
    params = PoolingParams(learning_rate=0.02, until=3)
    now = [e for e in run(Trainer(), params) if isinstance(e, NowW)][2]
    asked = LookBack(points_of(params), now.step, now.w)
    (again,) = LookingBack().run(Job(asked, LookingBack, print))
    np.testing.assert_array_equal(again.weights, now.weights)
    np.testing.assert_array_equal(again.fit, now.fit)
    close(now.weights.sum(-1), 1)
    assert (np.diag(now.weights) == 0).all()


@pytest.mark.parametrize("points", [((1.0, 2.0),), ((1.0, 2.0), (1.0, 4.0)), ((0.0, -LARGEST), (LARGEST, LARGEST))])
@pytest.mark.parametrize("kernel", PoolingParams.__dataclass_fields__["kernel"].metadata["rule"].options)
def test_few_and_far_points_give_numbers(points, kernel):
    for event in ask(points=points, kernel=kernel, bandwidth=0.05, query=points[0][0]):
        for value in vars(event).values():
            if isinstance(value, np.ndarray | float):
                assert np.isfinite(value).all()
    for itself in (True, False):
        events = run(Trainer(), PoolingParams(points=points, sees_itself=itself, until=3, learning_rate=0.001))
        assert all(math.isfinite(v) for s in steps(events) for v in vars(s).values())


def test_no_point_and_no_number_are_messages():
    with pytest.raises(LabError, match="no point"):
        ask(points=())
    with pytest.raises(LabError, match="finite"):
        ask(points=((0.0, math.nan),))


# ------------------------------------------------------------------ points
def test_points_are_the_books():
    points = np.array(generate(20_000, 0.5, 1))
    x, y = points.T
    assert 0 <= x.min() < x.max() < 5
    assert (np.diff(x) >= 0).all()
    rest = y - (2 * np.sin(x) + x**0.8)
    assert abs(rest.mean()) < 0.02
    assert rest.std() == pytest.approx(0.5, rel=0.02)
    assert abs(np.corrcoef(x, rest)[0, 1]) < 0.02
    assert generate(50, 0.5, 1) == generate(50, 0.5, 1) != generate(50, 0.5, 2)
    clean = np.array(generate(50, 0.0, 1))
    np.testing.assert_allclose(clean[:, 1], truth(clean[:, 0]))


@pytest.mark.parametrize(
    "text",
    ["1,2\n3,4", "1;2\n3;4", "1\t2\r\n3\t4\r\n", "1 2\n 3   4", "\ufeffx,y\n1,2\n3,4", "# made up\n1,2 # a\n\n3,4"],
)
def test_two_columns_are_read(text):
    assert parse(text) == (((1.0, 2.0), (3.0, 4.0)), None)


def test_decimal_commas_and_signs():
    assert parse("0,5;−1,25\n1e-3;2") == (((0.5, -1.25), (0.001, 2.0)), None)


def test_bad_lines_are_named():
    points, note = parse("x,y\n1,2\nnan,1\n3,4\n5\n6,7,8\n9,inf\n1e9,1")
    assert points == ((1.0, 2.0), (3.0, 4.0))
    assert note.values == {"lines": "3, 5, 6", "n": 2}
    assert parse("1,2\noops,3")[1].values == {"lines": "2", "n": 1}
    assert parse("1x,2\n1,2\n2")[1].values == {"lines": "1, 3", "n": 2}
    for text in ("", "hello", "a,b\nc,d"):
        with pytest.raises(LabError):
            parse(text)
    points, note = parse("1,2\n" * (MOST + 5))
    assert len(points) == MOST
    assert note.values == {"n": MOST}
