"""Runs that were killed go on bit for bit as if they had not been."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from engines.attention_pooling.learned_w.training import Trainer as Pooling  # noqa: E402
from engines.attention_pooling.spec import ADAM, MOMENTUM, PoolingParams  # noqa: E402 - needs torch
from engines.core.errors import LabError  # noqa: E402
from engines.detr.training.spec import RANDOM, DetrTraining  # noqa: E402
from engines.detr.training.trainer import Trainer as Detr  # noqa: E402
from engines.multi_head.training.spec import MultiHeadTraining  # noqa: E402
from engines.multi_head.training.train import Trainer as Heads  # noqa: E402
from engines.transformer.training.spec import TrainingSettings  # noqa: E402
from engines.transformer.training.trainer import Trainer as Transformer  # noqa: E402
from tests.engines.resuming import check, drive, through_a_file  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("optimizer", [ADAM, MOMENTUM])
def test_pooling(tmp_path, optimizer):
    plain = PoolingParams(optimizer=optimizer, learning_rate=0.3)
    check(Pooling, lambda until, run: replace(plain, until=until, run=run), 4, 9, tmp_path / "x")


def test_heads(tmp_path):
    check(Heads, lambda until, run: MultiHeadTraining(until=until, run=run), 3, 6, tmp_path / "x")


def test_transformer(tmp_path):
    plain = TrainingSettings(dropout=0.1, batch=8, width="32", heads="2", layers=1, smoothing=0.1, warmup=3)
    check(Transformer, lambda until, run: replace(plain, until=until, run=run), 26, 30, tmp_path / "x")


@pytest.mark.parametrize("fields", [{}, {"begin": RANDOM, "auxiliary_queries": True}])
def test_detr_also_in_the_middle_of_a_step(tmp_path, fields):
    plain = DetrTraining(batch=4, queries=4, **fields)
    check(Detr, lambda until, run: replace(plain, until=until, run=run), 2, 4, tmp_path / "x", more=(1,))


def test_detr_with_other_pictures_is_refused(tmp_path, monkeypatch):
    killed, again = Detr(), Detr()
    drive(killed, DetrTraining(batch=2, until=1))
    again.waiting = through_a_file(killed, tmp_path / "x")
    monkeypatch.setattr("engines.data.detector_pictures.Drawn.mark", 1)
    with pytest.raises(LabError, match="not the pictures"):
        drive(again, DetrTraining(batch=2, until=2))
