"""Weights go out with a card that tells their hash; a state is there whole or not at all."""

from __future__ import annotations

import itertools
import json
from argparse import Namespace

import pytest
import torch
from safetensors.torch import load_file

from engines.checkpoints import bundling
from engines.checkpoints.bundling import KeptTraining, TimedTraining, save_state, write_bundled
from engines.checkpoints.catalog import sha256


def test_weights_and_card_belong_together(tmp_path):
    across = torch.arange(6.0).reshape(2, 3).t()  # not contiguous, as a transposed weight may be
    path = write_bundled("tiny", {"w": across}, {"topic": "moco", "note": "图"}, tmp_path)
    assert path == tmp_path / "tiny.safetensors"
    assert torch.equal(load_file(path)["w"], across)
    text = path.with_suffix(".json").read_text(encoding="utf-8")
    assert json.loads(text) == {"topic": "moco", "note": "图", "sha256": sha256(path)}
    assert "图" in text
    assert path.stat().st_mode & 0o044


def test_a_state_that_fails_to_be_written_leaves_the_one_before(tmp_path):
    file = tmp_path / "new" / "checkpoint.pt"
    save_state({"step": 1}, file)
    with pytest.raises((AttributeError, TypeError)):
        save_state({"step": lambda: None}, file)
    assert torch.load(file, weights_only=True) == {"step": 1}
    save_state({"step": 2}, file)
    assert torch.load(file, weights_only=True) == {"step": 2}


class Counting(TimedTraining):
    """Counts what is asked of it."""

    look_every = -1.0  # at each step
    say_every = 2

    def __init__(self):
        super().__init__()
        self.shares, self.saves = [], 0

    def step(self, share):
        self.shares.append(share)
        self.steps += 1
        self.seen += 4
        return 2.0, 0.5

    def save(self):
        self.saves += 1

    def look(self):
        return f"looked {self.steps}"

    def lr(self, share):
        return 1 - share


def test_a_training_ends_by_the_clock_and_is_saved_then(capsys):
    made = Counting()
    made.run(0.0005)
    assert made.used >= 0.03
    assert made.saves == 1
    assert made.shares[0] == 0
    assert all(a < b < 1 for a, b in itertools.pairwise(made.shares))
    said = capsys.readouterr().out.splitlines()
    assert said[0].strip() == "looked 1"
    assert "step 2 pictures 8 loss 2.0000 right 0.5000" in said[1]
    steps = made.steps
    made.run(0.0005)  # the time is used up
    assert (made.steps, made.saves) == (steps, 1)


def test_a_training_stops_in_between_by_a_clock_of_its_own():
    class Ticking(Counting):
        clock = staticmethod(itertools.count(0.0, 6.0).__next__)  # a tenth of a minute a look at it

    made = Ticking()
    made.run(1, most=0.3)
    assert (made.used, made.steps, made.saves) == (18.0, 3, 1)
    assert made.shares == [0, 0.1, 0.2]  # of the whole time, not of the piece
    made.run(1)
    assert (made.used, made.steps, made.saves) == (60.0, 10, 2)


class Shuffles:
    """Numbers of a shuffled epoch, without end."""

    def __init__(self):
        self.generator, self.order = torch.Generator().manual_seed(3), torch.empty(0, dtype=torch.int64)

    def draw(self):
        if not len(self.order):
            self.order = torch.randperm(5, generator=self.generator)
        first, self.order = self.order[0], self.order[1:]
        return first


class Kept(KeptTraining):
    """Learns a number from shuffled ones."""

    optimizers = ("adam",)

    def __init__(self, name):
        super().__init__()
        self.options = Namespace(run=name)
        self.net = torch.nn.Linear(1, 1)
        torch.nn.init.constant_(self.net.weight, 0.5)
        torch.nn.init.zeros_(self.net.bias)
        self.average = {key: value.clone() for key, value in self.net.state_dict().items()}
        self.batches, self.adam = Shuffles(), torch.optim.Adam(self.net.parameters(), 0.1)

    def step(self, share):
        loss = (self.net(torch.ones(1, 1)) - self.batches.draw()).square().sum()
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        for key, value in self.net.state_dict().items():
            self.average[key].lerp_(value, 0.1)
        self.steps, self.seen = self.steps + 1, self.seen + 1
        return loss.item(), 0.0

    def look(self):
        return ""

    def lr(self, share):
        return 0.1


def test_a_training_that_is_gone_on_with_makes_the_steps_it_would_have_made(tmp_path, monkeypatch):
    monkeypatch.setattr(bundling, "CACHE", tmp_path)
    whole = Kept("whole")
    losses = [whole.step(0)[0] for _ in range(12)]
    first = Kept("parts")
    first.resume()  # nothing is there
    assert [first.step(0)[0] for _ in range(7)] == losses[:7]  # in the middle of an epoch
    first.used = 9.5
    first.save()
    again = Kept("parts")
    again.resume()
    assert (again.steps, again.seen, again.used) == (7, 7, 9.5)
    assert [again.step(0)[0] for _ in range(5)] == losses[7:]
    assert all(torch.equal(again.average[key], whole.average[key]) for key in whole.average)
