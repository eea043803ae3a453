"""The task whose accuracy is known before it is trained: what is predicted, by hand, and what comes out."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from engines.core.protocol import Job
from engines.core.training import Finished
from engines.data import fields
from engines.swin.proofs.spec import FULL, NO_BIAS, NO_MASK, NO_SHIFT, STEPS, SWITCHES, FieldAccuracy, ProofParams
from engines.swin.proofs.training import CopyRun, Trainer, predicted, visible
from engines.swin.windows.engine import Engine
from engines.swin.windows.spec import WindowsParams

MOST = 25  #: seconds of the processor that a run may take
WAIT = 3600  #: seconds by the clock until it is given up: a machine under load is slow, and that proves nothing


def test_what_is_predicted_by_hand():
    assert [predicted(switch) for switch in SWITCHES] == [14 / 16 + 2 / 16 / 4, 8 / 16 + 8 / 16 / 4, 1.0, -1.0]
    assert (~visible(FULL)).nonzero()[1].tolist() == [14, 15] * 16
    assert visible(NO_SHIFT)[0].tolist() == [True, True, False, False] * 4
    drawn = fields.draw(2, 4, torch.Generator().manual_seed(0))
    assert torch.equal(fields.answers(drawn, (1, 2))[:, 0, 1], drawn[:, 1, 3])
    assert torch.equal(fields.answers(drawn, (0, 2))[:, 0, 3], drawn[:, 0, 1])  # over the edge


def test_reach_of_two_blocks_by_hand():
    *_, frame = Engine().run(Job(WindowsParams(side=16, query=(5, 5), blocks=3), Engine, lambda event: None))
    one, two, three = frame.reached.reshape(3, 16, 16)
    rows, cols = np.nonzero(one >= 0)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (4, 7, 4, 7)  # its window
    rows, cols = np.nonzero(two >= 0)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (0, 7, 0, 7)  # the shifted one reaches 2 to 5
    rows, cols = np.nonzero(three >= 0)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (0, 11, 0, 11)  # 4 to 7, 2 to 9, and their windows
    assert frame.reached[1, frame.query] == 0


def test_a_run_tells_its_steps_and_ends(monkeypatch):
    for name, small in (("STEPS", 2), ("HELD_OUT", 2), ("BATCH", 2)):
        monkeypatch.setattr(f"engines.swin.proofs.training.{name}", small)
    trainer = Trainer()
    first = list(trainer.run(Job(ProofParams(run=1, until=1), Trainer, lambda event: None)))
    rest = list(trainer.run(Job(ProofParams(run=1, until=9), Trainer, lambda event: None)))
    assert [event.step for event in first if hasattr(event, "losses")] == [1]
    assert isinstance(rest[-1], Finished)
    again = list(Trainer().run(Job(ProofParams(run=5, until=1), Trainer, lambda event: None)))
    assert [e.losses for e in again if hasattr(e, "losses")] == [e.losses for e in first if hasattr(e, "losses")]
    assert next(e for e in first if isinstance(e, FieldAccuracy)).accuracy.shape == (4, 16, 16)


def trained(switch, seed, steps=STEPS):
    torch.set_num_threads(1)
    run = CopyRun(switch, seed)
    for step in range(steps):
        run.step(step, steps)
    return run.accuracy(fresh=256)


def test_a_short_run_without_shift_draws_the_borders_of_its_windows(one_thread):
    seen = trained(NO_SHIFT, 0, 120).mean(0).reshape(4, 4).mean(0)
    assert seen[:2].min() > seen[2:].max() + 0.2


def proven(switch, seed):
    """Mean accuracy of a whole run, which has taken no more than `MOST` seconds of the processor."""
    start = time.process_time()
    found = float(trained(switch, seed).mean())
    spent = time.process_time() - start
    print(f"{switch}, seed {seed}: {found:.4f}, {spent:.1f} s of the processor")
    assert spent <= MOST
    return found


@pytest.mark.proof
@pytest.mark.timeout(WAIT)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("switch", [FULL, NO_SHIFT, NO_MASK])
def test_what_comes_out_is_what_was_predicted(switch, seed, one_thread):
    assert abs(proven(switch, seed) - predicted(switch)) <= 0.02


@pytest.mark.proof
@pytest.mark.timeout(WAIT)
@pytest.mark.parametrize("seed", range(5))
def test_without_position_bias_a_window_is_a_set(seed, one_thread):
    assert proven(NO_BIAS, seed) < 0.45
