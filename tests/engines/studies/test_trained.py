"""Any training as a run of a study: what its events tell, and what a file can hold of its settings."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pytest

from engines.core.errors import LabError, Message
from engines.core.params import Range, setting
from engines.core.protocol import Frame, Record
from engines.core.training import OF_A_STUDY, Finished, Stepped, Stopped, TrainingParams
from engines.studies.book import ARRAYS, Book
from engines.studies.local import Local
from engines.studies.reading import study_of
from engines.studies.spec import Outcome, as_text, of_text
from engines.studies.toml import normal, written
from engines.studies.trained import carried, foretold, kind_at, kind_of, measured, seed_of, told

GRAPHS = "engines.gnn.train.training:Trainer", "engines.gnn.spec:GraphParams"


@dataclass(frozen=True)
class Toy(TrainingParams):
    rate: float = setting(0.5, Range(0, 1, 0.1, "Rate"))
    seed: int = setting(0)
    of: tuple[int, ...] = setting(())
    array: object = setting(None)


@dataclass(frozen=True)
class Step(Stepped):
    loss: float
    both: tuple[float, float]
    name: str
    count: int
    seconds: float


@dataclass(frozen=True)
class HeldOut(Record):
    step: int
    loss: float


@dataclass(frozen=True)
class Began(Record):
    parameters: float


@dataclass(frozen=True)
class Shown(Frame):
    step: int
    loss: float


@dataclass(frozen=True)
class Several(Record):
    step: int

    def measures(self):
        return {"accuracy of all": 0.5}


class Trainer:
    def run(self, job):
        params = job.params
        assert params.run == OF_A_STUDY
        assert job.device == "cpu"
        yield Began(3.0)
        for step in range(1, params.until + 1):
            if step == 9:
                yield Stopped(step, Message("Loss became NaN at step {n}.", {"n": step}))
                return
            yield Step(step, params.seed + 1 / step, (1.0, float(step)), "x", 7, 0.1)
            yield Shown(step, 9.0)
        yield HeldOut(params.until, params.rate)
        yield Several(params.until)
        yield Finished(params.until)


def test_the_last_of_each_number_is_what_a_run_finds():
    found = measured(Trainer, Toy(until=4), 2)
    assert found == {"loss": 2.25, "both_1": 1.0, "both_2": 4.0, "held_out_loss": 0.5, "accuracy of all": 0.5}
    with pytest.raises(LabError, match="NaN at step 9"):
        measured(Trainer, Toy(until=20), 0)
    assert told(HeldOut(1, float("nan"))) == {}
    assert told(HeldOut(1, -1.0)) == {}  # there is none


def test_the_seed_of_a_run_goes_to_its_field():
    assert seed_of(Toy) == "seed"
    assert seed_of(kind_at("engines.multi_head.training.train:Trainer",
                           "engines.multi_head.training.spec:MultiHeadTraining").params) == "train_seed"  # fmt: skip
    assert seed_of(kind_at("engines.transfer.learn.training:Trainer",
                           "engines.transfer.learn.spec:RunParams").params) == "sample"  # fmt: skip


def test_what_a_file_can_hold():
    kind = kind_of(GRAPHS[0], Toy)
    assert {"run", "start", "keep", "resume", "branches", "seed"} == set(kind.leaves)
    plain, refused = carried(Toy(of=(1, 2), until=3), kind)
    assert plain == {"until": 3, "rate": 0.5, "of": [1, 2]}
    assert not refused
    assert carried(Toy(array=np.zeros(2)), kind)[1] == ["array"]


@pytest.mark.parametrize(
    ("engine", "params"),
    [
        ("os:system", GRAPHS[1]),
        (GRAPHS[0], "os:PathLike"),
        (GRAPHS[0], "engines.gnn.spec:Nobody"),
        (GRAPHS[0], "engines.nobody.spec:Params"),
        (GRAPHS[0], "engines.gnn.spec:WatchParams"),
        ("engines/../x:Trainer", GRAPHS[1]),
    ],
)
def test_a_file_names_nothing_but_trainings_of_this_project(engine, params):
    with pytest.raises(LabError, match="no training"):
        study_of({"study": engine, "params": params}, {}, "s.toml")


def test_measures_are_known_before():
    assert foretold(kind_at(*GRAPHS)) == ("loss", "accuracy")
    assert "held_out_loss" in foretold(
        kind_at("engines.transformer.training.trainer:Trainer", "engines.transformer.training.spec:TrainingSettings")
    )
    assert "seconds" not in foretold(
        kind_at("engines.transfer.learn.training:Trainer", "engines.transfer.learn.spec:RunParams")
    )


def test_a_study_is_the_same_from_its_file():
    said = {
        "study": GRAPHS[0], "params": GRAPHS[1], "seeds": [0, 3],
        "settings": {"until": 3, "sample": "Two cliques \"x\" \\ é\t", "labeled": [[0, 1], [3, 0]], "nodes": 12},
        "over": {"rate": [0.01, 1e-05], "edges": [True, False]},
    }  # fmt: skip
    assert normal(said) == said
    assert "rate = [0.01, 1e-05]" in written(said)


def test_a_row_is_the_same_here_and_in_a_process(one_thread):
    from engines.gnn.train.training import Trainer as GraphTrainer

    said = {"study": GRAPHS[0], "params": GRAPHS[1], "seeds": [2], "settings": {"until": 3}, "over": {"hidden": [8]}}
    (row,) = study_of(said, {}, "s.toml").rows
    (outcome,) = Local(row.kind, 1, niceness=5).run([row])
    assert outcome.error is None
    assert dict(outcome.found) == measured(GraphTrainer, row.params, 2)  # bit for bit
    assert set(outcome.found) == {"loss", "accuracy"}


def test_a_setting_may_be_called_as_it_likes(tmp_path):
    """Graphs have a setting ``file``, which is the name of what `numpy.savez` writes to."""
    study = study_of({"study": GRAPHS[0], "params": GRAPHS[1], "settings": {"until": 1}}, {}, "s.toml")
    with closing(Book(study, tmp_path)) as book:
        book.add(Outcome(study.rows[0], {"allow_pickle": 0.5, "loss": 2.0}))
        book.export()
    with np.load(tmp_path / ARRAYS, allow_pickle=False) as arrays:
        assert arrays["file"].tolist() == [""]
        assert (arrays["allow_pickle"].tolist(), arrays["loss"].tolist()) == ([0.5], [2.0])
    both = {"file": np.arange(3), "out": np.array(["é"])}
    assert {name: found.tolist() for name, found in of_text(as_text(both)).items()} == {"file": [0, 1, 2], "out": ["é"]}
