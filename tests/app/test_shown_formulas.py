"""Every formula that is printed with numbers holds, whatever the settings."""

from __future__ import annotations

import numpy as np
import pytest

from app import words
from app.tabs.attention_pooling.kernel_regression.cues import Formula
from app.tabs.scoring.step_through.stages import STEPS, formula
from app.tabs.vit.step_through import arithmetic
from engines.attention_pooling.kernel_regression.engine import Engine as Pooling
from engines.attention_pooling.kernel_regression.spec import PooledFrame
from engines.attention_pooling.spec import KERNELS, PoolingParams
from engines.core.protocol import Job
from engines.scoring.compare.engine import Engine as Scoring
from engines.scoring.compare.spec import Compared
from engines.scoring.spec import FUNCTIONS, ScoringParams
from engines.vit.step_through.spec import HeadSteps
from tests.app.intervals import holds, value


def test_intervals_tell_what_can_be_true():
    assert holds("q · k = 0.33 × 3.00 = 0.99") == 1
    with pytest.raises(AssertionError, match="is not"):
        holds("q·k / √d = 9.31 / 1.00 = 6.52")
    assert holds("= 2.00 / (√16 × 0.70) = 2.00 / 2.80 = 0.71") == 2
    assert value("exp(x) / Σ") is None
    assert value("0.10×0.20 + ...") is None


def answer(engine, params, kind):
    return next(event for event in engine.run(Job(params, lambda: engine, lambda _e: None)) if isinstance(event, kind))


@pytest.mark.parametrize("seed", range(12))
def test_scoring_step_through(seed):
    rng = np.random.default_rng(seed)
    queries, keys = int(rng.integers(1, 9)), int(rng.integers(1, 12))
    params = ScoringParams(
        dim=int(rng.integers(1, 200)), num_queries=queries, num_keys=keys, hidden=int(rng.integers(1, 40)),
        temperature=float(np.round(10 ** rng.uniform(-0.7, 1), 2)), seed=int(rng.integers(0, 99)), masked=(),
    )  # fmt: skip
    seen = answer(Scoring(), params, Compared)
    compared = 0
    for f in range(len(FUNCTIONS)):
        for step in range(len(STEPS)):
            cell = int(rng.integers(queries)), int(rng.integers(seen.values.shape[1] if step == 4 else keys))
            said = [words.drawn(line) for line in formula(seen, f, step, cell)]
            compared += holds(" ".join(line if line.startswith("=") else f"; = {line}" for line in said))
    assert compared >= 5


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_vit_step_through(temperature):
    rng = np.random.default_rng(3)
    n, d = 30, 16
    query, keys, values = rng.normal(size=d), rng.normal(size=(n, d)), rng.normal(size=(n, d))
    raw = keys @ query
    divisor = d**0.5 * temperature
    weights = np.exp(raw / divisor) / np.exp(raw / divisor).sum()
    fields = dict.fromkeys(HeadSteps.__dataclass_fields__) | {
        "query": query, "keys": keys, "values": values, "raw": raw, "divisor": divisor, "scaled": raw / divisor,
        "weights": weights, "output": weights @ values, "masked": np.zeros(n, bool),
    }  # fmt: skip
    event = HeadSteps(**fields)
    compared = 0
    for stage in range(len(arithmetic.STAGES)):
        for key in (0, 7, 29):
            said = [words.drawn(line) for line in arithmetic.formula(event, stage, key, 3)]
            compared += holds(" ".join(said))
            if stage == arithmetic.SCALE:
                assert ("× T" in said[0]) == (temperature != 1)  # what is divided by is named
    assert compared >= 6


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("seed", range(3))
def test_kernel_regression(kernel, seed, qtbot):
    rng = np.random.default_rng(seed)
    points = tuple((float(x), float(y)) for x, y in rng.uniform(-3, 3, (int(rng.integers(1, 6)), 2)).round(2))
    params = PoolingParams(kernel=kernel, points=points, known=False, bandwidth=round(float(rng.uniform(0.3, 3)), 2),
                           query=round(float(rng.uniform(-3, 3)), 2))  # fmt: skip
    shown = answer(Pooling(), params, PooledFrame)
    view = Formula()
    qtbot.addWidget(view)
    view.resize(2000, 48)
    view.set_shown(shown)
    first, _ = view.lines()
    if not shown.empty:
        assert holds(first) == 1  # all terms have room
