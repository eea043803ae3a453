"""Studies on this computer: the file, the folder, and processes that die, refuse and are stopped."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing

import numpy as np
import psutil
import pytest

from engines.core.errors import LabError
from engines.studies import reading
from engines.studies.__main__ import FAILED, GOOD, INTERRUPTED, REFUSED, lasting, main
from engines.studies.book import ARRAYS, FILE, ROWS, TABLE, Book
from engines.studies.local import ROOT, Local
from engines.studies.reading import read, study_of
from tests.engines.studies.kinds import DIES, DIES_ONCE, KIND, LESS, RAISES, REFUSES, WAITS, WELL

KINDS = {"drawn": KIND}
PLAIN = {"study": "drawn", "seeds": [3, 1], "over": {"times": [1, 2.5]}}
PATIENCE = 60.0  # seconds, for a machine under load


def study(**more):
    return study_of({**PLAIN, **more}, KINDS, "s.toml")


def expected(row):
    return row.params.times * random.Random(row.seed).random()


# ------------------------------------------------------------------ the file
def test_rows_are_each_combination_with_each_seed():
    rows = study(over={"times": [1, 2], "warm": [False, True]}).rows
    assert [(r.params.times, r.params.warm, r.seed) for r in rows] == [
        (t, w, s) for t in (1.0, 2.0) for w in (False, True) for s in (3, 1)
    ]
    assert len({row.key for row in rows}) == len(rows) == 8
    assert study(seeds=3, over={}).rows[2].seed == 2
    assert len(study(over={"times": [1, 1.0]}).rows) == 2  # the same run is made once


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"study": "nothing"}, "study is nothing; known are drawn"),
        ({"sed": 1}, "sed is unknown"),
        ({"settings": {"time": 1}}, "time is unknown. Known are way, times, folder, warm"),
        ({"settings": {"times": 2}}, "stands in settings and in over"),
        ({"settings": 3}, "settings is no table"),
        ({"over": {"times": []}}, "needs a list"),
        ({"over": {"times": 2}}, "needs a list"),
        ({"over": {"times": [11]}}, "outside 0.0..10.0"),
        ({"over": {"warm": [1]}}, "warm can't be 1"),
        ({"over": {"way": ["badly"]}}, "none of"),
        ({"seeds": 0}, "seeds are"),
        ({"seeds": [1, -1]}, "seeds are"),
        ({"seeds": [True]}, "seeds are"),
        ({"seeds": 10**9}, "seeds are"),
        ({"seeds": 1000, "over": {"times": [i / 100 for i in range(200)]}}, "200000 runs; 100000 at most"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(more, said):
    with pytest.raises(LabError, match=said) as found:
        study(**more)
    assert str(found.value).startswith("s.toml: ")


def test_a_file_that_is_no_toml(tmp_path):
    for content in (b"study = ", b"\xff\xfe"):
        (tmp_path / "s.toml").write_bytes(content)
        with pytest.raises(LabError, match="can't be read"):
            read(tmp_path / "s.toml", KINDS)
    with pytest.raises(LabError):
        read(tmp_path / "none.toml", KINDS)


# ------------------------------------------------------------------ processes
def outcomes_of(rows, workers=2):
    return {(o.row.params.way, o.row.seed): o for o in Local(KIND, workers).run(rows)}


def test_a_process_that_dies_costs_a_second_try_and_nothing_else(tmp_path):
    rows = study(seeds=2, settings={"folder": str(tmp_path)},
                 over={"way": [DIES_ONCE, DIES, REFUSES, RAISES, LESS, WELL]}).rows  # fmt: skip
    found = outcomes_of(rows)
    assert len(found) == len(rows)
    for (way, seed), one in found.items():
        good = way in (DIES_ONCE, WELL)
        assert (one.error is None) == good
        if good:
            assert one.found["drawn"] == random.Random(seed).random()
            assert one.tries == (2 if way == DIES_ONCE else 1)
    assert "away twice: it was ended by SIGKILL" in str(found[DIES, 0].error)
    assert str(found[REFUSES, 1].error) == "Nobody is not here."
    assert str(found[RAISES, 1].error) == "ZeroDivisionError: by nothing"
    assert str(found[LESS, 0].error) == "It found drawn."


def test_stopping_ends_all_processes_at_once(tmp_path):
    rows = study(seeds=2, settings={"folder": str(tmp_path)}, over={"way": [WELL, WAITS]}).rows
    before = set(psutil.Process().children(recursive=True))
    running = Local(KIND, 2).run(rows)
    assert next(running).row.params.way == WELL
    assert next(running).row.params.way == WELL
    wait_for(lambda: len(list(tmp_path.glob("seen-*"))) == 2)
    running.close()  # cancelled, not waited for: that would take ten minutes
    assert not {p for p in psutil.Process().children(recursive=True) if p.is_running()} - before


def wait_for(what):
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.01)


def test_a_worker_ends_when_nobody_is_left_to_hear_it(tmp_path):
    row = study(seeds=1, settings={"folder": str(tmp_path)}, over={"way": [WAITS]}).rows[0]
    params = f"{KIND.params.__module__}:{KIND.params.__qualname__}"
    worker = subprocess.Popen(
        [sys.executable, "-m", "engines.studies.worker", KIND.place, params], stdin=subprocess.PIPE, cwd=ROOT, text=True
    )
    worker.stdin.write(json.dumps({"settings": row.settings, "seed": row.seed}) + "\n")
    worker.stdin.flush()
    wait_for(lambda: list(tmp_path.glob("seen-*")))
    worker.stdin.close()
    assert worker.wait(PATIENCE) == 0


# ------------------------------------------------------------------ the folder
@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "kinds", lambda: KINDS)
    (tmp_path / "s.toml").write_text('study = "drawn"\nseeds = 2\n[over]\ntimes = [1, 2.5]\n', encoding="utf-8")
    return tmp_path


def command(here, *more):
    return main(["run", str(here / "s.toml"), "--out", str(here / "out"), "--workers", "1", *more])


def test_a_study_goes_on_where_it_stopped(here, capsys):
    assert command(here) == GOOD
    said = capsys.readouterr().out
    assert "4 runs, 0 of them made before" in said
    assert "times 2.5, seed 1: drawn" in said
    out = here / "out"
    rows = (out / ROWS).read_bytes()
    assert (out / FILE).read_text(encoding="utf-8") == (here / "s.toml").read_text(encoding="utf-8")
    with (out / TABLE).open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [(float(r["times"]), int(r["seed"])) for r in table] == [(1, 0), (1, 1), (2.5, 0), (2.5, 1)]
    wanted = [t * random.Random(s).random() for t in (1, 2.5) for s in (0, 1)]
    assert [float(r["drawn"]) for r in table] == wanted  # bit for bit
    with np.load(out / ARRAYS) as arrays:
        assert arrays["drawn"].tolist() == wanted
        assert arrays["way"].tolist() == [WELL] * 4
    assert command(here) == GOOD
    assert "4 of them made before" in capsys.readouterr().out
    assert (out / ROWS).read_bytes() == rows  # nothing was made again
    # a machine went down in the middle of a line; and the study has grown meanwhile
    (out / ROWS).write_bytes(rows[:-20])
    (here / "s.toml").write_text('study = "drawn"\nseeds = 3\n[over]\ntimes = [1, 2.5]\n', encoding="utf-8")
    assert command(here) == GOOD
    assert "6 runs, 3 of them made before" in capsys.readouterr().out
    assert (out / ROWS).read_bytes().startswith(rows[: rows[:-20].rfind(b"\n") + 1])
    assert len((out / TABLE).read_text(encoding="utf-8").splitlines()) == 7


def test_failed_rows_are_told_and_tried_again(here, capsys):
    said = 'study = "drawn"\n[over]\nway = ["{way}", "well"]\n'
    (here / "s.toml").write_text(said.format(way=REFUSES), encoding="utf-8")
    assert command(here) == FAILED
    out = capsys.readouterr().out
    assert "Nobody is not here." in out
    assert "1 of the runs failed" in out
    assert "Nobody is not here." in (here / "out" / TABLE).read_text(encoding="utf-8")
    assert command(here) == FAILED
    assert "2 runs, 1 of them made before" in capsys.readouterr().out


def test_two_programs_do_not_write_into_one_folder(here, capsys):
    with closing(Book(read(here / "s.toml", KINDS), here / "out")):
        assert command(here) == REFUSED
    assert "another program is continuing this study" in capsys.readouterr().err


def test_a_folder_of_something_else(here, capsys):
    (here / "out").mkdir()
    (here / "out" / ROWS).write_text('{"key": "a", "found": {}}\n[1]\n', encoding="utf-8")
    assert command(here) == REFUSED
    assert "line 2 is none of a study" in capsys.readouterr().err
    (here / "file").touch()
    assert main(["run", str(here / "s.toml"), "--out", str(here / "file")]) == REFUSED
    assert "part of the path is not a folder" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C is another matter there")
def test_ctrl_c_keeps_what_is_done(tmp_path):
    """A shell of its own, since the signal is for the whole program."""
    (tmp_path / "s.toml").write_text(f'study = "drawn"\n[settings]\nfolder = "{tmp_path}"\n[over]\n'
                                     f'way = ["{WELL}", "{WAITS}"]\n', encoding="utf-8")  # fmt: skip
    code = (
        "import sys; from engines.studies import reading, __main__ as m; from tests.engines.studies.kinds import KIND; "
    )
    code += "reading.kinds = lambda: {'drawn': KIND}; sys.exit(m.main(sys.argv[1:]))"
    running = subprocess.Popen(
        [sys.executable, "-c", code, "run", str(tmp_path / "s.toml"), "--out", str(tmp_path / "out")],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    rows = tmp_path / "out" / ROWS
    wait_for(lambda: (tmp_path / f"seen-{WAITS}-0").exists() and rows.exists() and rows.read_bytes().endswith(b"\n"))
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=PATIENCE)
    assert running.returncode == INTERRUPTED
    assert "Stopped. The same command goes on." in said
    assert len((tmp_path / "out" / TABLE).read_text(encoding="utf-8").splitlines()) == 2


def test_what_can_be_studied_is_listed(capsys):
    assert main(["list"]) == GOOD
    out = capsys.readouterr().out
    assert "scale: finds accuracy, training, loss" in out
    assert "count = 500    # 2 to 50000" in out


def test_times_are_said_in_a_few_signs():
    assert [lasting(s) for s in (0.4, 89, 100, 9000)] == ["0 s", "89 s", "2 min", "2.5 h"]


# ------------------------------------------------------------------ a real one
def test_a_row_of_the_scale_study_is_the_same_here_and_in_a_process(one_thread):
    from engines.vit.scale_study.training import measured

    known = reading.kinds()
    said = {"study": "scale", "seeds": [4], "settings": {"count": 2}}
    (row,) = study_of(said, known, "s.toml").rows
    (outcome,) = Local(known["scale"], 1).run([row])
    assert outcome.error is None
    assert dict(outcome.found) == measured(row.params, 4)  # bit for bit
    assert 0 < outcome.found["accuracy"] < 1
    assert outcome.found["training"] == 1  # two pictures are soon known
