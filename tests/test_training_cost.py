"""The machinery that measures what streaming costs, on a tiny run. What it measures is not judged here."""

from __future__ import annotations

import pytest
import torch

from engines.transformer.training.spec import TrainingSettings
from tests.benchmarks import training_cost, transformer_rows
from tests.benchmarks.training_cost import Cost, Watched, bare_rate, lane_rate

TINY = TrainingSettings(width="32", heads="2", layers=1, batch=4)


@pytest.fixture(autouse=True)
def same_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def tiny():
    from engines.transformer.training.trainer import Run

    return Watched("transformer", lambda: Run(TINY).advance, "engines.transformer.training.trainer:Trainer", TINY)


def test_steps_are_counted_bare_and_through_the_lane(no_thread_left):
    assert bare_rate(tiny(), 0.2) > 0
    assert lane_rate(tiny(), 0.2) > 0


def test_shares_are_taken_round_by_round():
    cost = Cost(
        bare=(10.0, 20.0, 40.0),
        lane=(9.0, 19.0, 38.0),
        window=(5.0, 18.0, 30.0),
        looks=(9.0, 12.0, 11.0),
        own=(0.2, 0.1, 0.3),
    )
    assert cost.through_lane().ours == 0.95
    assert cost.with_window().ours == 0.75
    assert "20% of the time" in cost.with_window().note
    assert cost.painted().ours == 11.0
    assert cost.through_lane().details["bare_steps_per_s"] == [10.0, 20.0, 40.0]


def test_the_three_take_turns(monkeypatch):
    order = []
    for name, found in (("bare_rate", 1.0), ("lane_rate", 1.0), ("window_rate", (1.0, 10.0, 0.2))):
        monkeypatch.setattr(training_cost, name, lambda *_, name=name, found=found: order.append(name[0]) or found)
    cost = training_cost.streaming_cost.__wrapped__(tiny(), rounds=2)
    assert "".join(order) == "blw" + "wlb"
    assert cost.lane == (1.0, 1.0)
    assert (cost.looks, cost.own) == ((10.0, 10.0), (0.2, 0.2))


def test_the_rows_of_the_transformer_have_names_of_their_own():
    names = [row.name for row in transformer_rows.rows()]
    assert len(set(names)) == len(names) == 5
