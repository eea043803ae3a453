"""Weights go out with a card that tells their hash; a state is there whole or not at all."""

from __future__ import annotations

import itertools
import json

import pytest
import torch
from safetensors.torch import load_file

from engines.checkpoints.bundling import TimedTraining, save_state, write_bundled
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
