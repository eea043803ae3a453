"""Studies of a folder of pictures: parts known by what they hold, here and on a cluster."""

from __future__ import annotations

import importlib
import shutil
import tempfile
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from engines.core.errors import LabError
from engines.studies import parts, reading
from engines.studies.__main__ import FAILED, GOOD, main
from engines.studies.book import FILE, FOUND, ROWS, Book, arrays_of
from engines.studies.cluster import Cluster
from engines.studies.local import Local
from engines.studies.parts import list_of, packed, parted, unpacked
from engines.studies.reading import read
from tests.engines.studies.kinds import KIND, PARTED, WHOLE

KINDS = {"looked": PARTED, "whole": WHOLE, "drawn": KIND}
HELD = {"a.png": b"\x01\x02", "b.jpg": b"\x04", "inner/c.PNG": b"\x08" * 300}
SUMS = [3, 4, 2400]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "kinds", lambda: KINDS)
    for name, held in {**HELD, "notes.txt": b"none", ".hidden/d.png": b"none"}.items():
        place = tmp_path / "photos" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(held)
    (tmp_path / "s.toml").write_text('study = "looked"\ndata = "photos"\nseeds = 2\n', encoding="utf-8")
    return tmp_path


def command(here, *more):
    return main(["run", str(here / "s.toml"), "--out", str(here / "out"), "--workers", "1", *more])


def test_a_part_is_known_by_what_it_holds(here):
    folder = here / "photos"
    first, second = parted(folder, list_of(folder, {}), 2)
    assert (first.names, second.names) == (("a.png", "b.jpg"), ("inner/c.PNG",))
    assert [first.content(0), first.content(1), second.content(0)] == list(HELD.values())
    assert (first.size, second.size) == (3, 300)
    (folder / "a.png").rename(folder / "0.png")
    moved = folder.rename(here / "elsewhere")
    assert [part.key for part in parted(moved, list_of(moved, {}), 2)] == [first.key, second.key]
    (moved / "b.jpg").write_bytes(b"\x05")
    changed, same = parted(moved, list_of(moved, {}), 2)
    assert changed.key != first.key
    assert same.key == second.key
    with pytest.raises(LabError, match=r"b.jpg has changed since the study was begun"):
        replace(first, root=str(moved), names=("0.png", "b.jpg")).content(1)


def test_what_is_sent_comes_back_without_names(here):
    (part,) = parted(here / "photos", list_of(here / "photos", {}), 9)
    sent = packed(part)
    assert "inner" not in str((sent.hashes, sent.endings))
    with tempfile.TemporaryFile() as file:
        file.write(b"of a part before" * 100)
        there = unpacked(sent, file)
        assert [there.content(index) for index in range(len(there))] == list(HELD.values())
        assert there.key == part.key
        again = parts.lent_part(there.lent())
        assert again.content(2) == HELD["inner/c.PNG"]
        with pytest.raises(LabError, match=r"0.png has changed"):
            replace(there, hashes=("0" * 64, *there.hashes[1:])).content(0)


def test_each_part_is_a_run_whose_arrays_are_kept(here, capsys):
    assert command(here) == GOOD
    said = capsys.readouterr().out
    assert "3 pictures, 0 MB." in said
    assert "4 runs, 0 of them made before" in said
    study = read(here / "out" / FILE, folder=here / "out")
    assert study.over == ()
    for row, sums, names in zip(study.rows, (SUMS[:2],) * 2 + (SUMS[2:],) * 2, (("a.png", "b.jpg"),) * 2
                                + (("inner/c.PNG",),) * 2, strict=True):  # fmt: skip
        with np.load(arrays_of(here / "out", row)) as found:
            assert found["sums"].tolist() == sums
            assert tuple(found["names"]) == names
            assert found["drawn"].tobytes() == np.float32(row.seed / 3).tobytes()
            assert tuple(found["sha256"]) == study.parts[row.params.pictures].hashes
    with closing(Book(study, here / "out")) as book:
        assert [outcome.found["sum"] for outcome in book.outcomes.values()] == [7, 8, 2400, 2401]
    # what is lost is made again, and nothing else
    arrays_of(here / "out", study.rows[2]).unlink()
    assert command(here) == GOOD
    assert "4 runs, 3 of them made before" in capsys.readouterr().out
    assert len(list((here / "out" / FOUND).iterdir())) == 4


def test_going_on_reads_only_what_is_new(here, capsys, monkeypatch):
    assert command(here) == GOOD
    read_ = []
    plain = parts.read_bytes
    monkeypatch.setattr(parts, "read_bytes", lambda path, *more: read_.append(path.name) or plain(path, *more))
    (here / "photos" / "inner" / "e.png").write_bytes(b"\x10")
    assert command(here) == GOOD
    assert read_ == ["e.png"]
    assert "4 runs, 2 of them made before" in capsys.readouterr().out  # the part that it is in
    shutil.rmtree(here / "photos")
    assert main(["run", str(here / "out" / FILE), "--out", str(here / "out")]) == GOOD  # from what was put down


def test_a_picture_that_has_changed_meanwhile_fails_its_run_in_words(here, capsys):
    assert command(here) == GOOD
    (here / "out" / ROWS).unlink()
    (here / "photos" / "b.jpg").write_bytes(b"\x05")
    assert main(["run", str(here / "out" / FILE), "--out", str(here / "out"), "--workers", "1"]) == FAILED
    said = capsys.readouterr().out
    assert said.count("b.jpg has changed since the study was begun.") == 2
    assert "2 of the runs failed" in said


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('study = "looked"', "data names no folder"),
        ('study = "looked"\ndata = "nowhere"', "nowhere: there is no such folder"),
        ('study = "looked"\ndata = "photos/.hidden/.."\n[over]\npictures = ["a"]', "pictures.json is missing"),
        ('study = "looked"\ndata = "out"', "no pictures in this folder"),
        ('study = "drawn"\ndata = "photos"', "data is unknown"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(here, said, told):
    (here / "out").mkdir()
    (here / "s.toml").write_text(said, encoding="utf-8")
    with pytest.raises(LabError, match=told):
        read(here / "s.toml", folder=here / "out")


def test_too_many_pictures_are_refused_before_they_are_read(here, monkeypatch):
    monkeypatch.setattr(parts.limits, "FOLDER_FILES", 2)
    monkeypatch.setattr(parts, "read_bytes", None)
    with pytest.raises(LabError, match="photos: more than 2 pictures"):
        read(here / "s.toml", folder=here / "out")


def test_a_study_of_all_pictures_at_once_has_a_limit(here):
    (here / "s.toml").write_text('study = "whole"\ndata = "photos"\n[over]\ntimes = [1, 2]\n', encoding="utf-8")
    study = read(here / "s.toml", folder=here / "out")
    assert study.over == ("times",)
    assert [o.found["sum"] for o in Local(WHOLE, 1, parts=study.parts).run(study.rows)] == [2407, 4814]
    for name in "xy":
        (here / "photos" / f"{name}.png").write_bytes(name.encode())
    with pytest.raises(LabError, match="photos: 5 pictures; 4 at most"):
        read(here / "s.toml", folder=here / "out")


def test_on_a_cluster_they_are_the_same_bits(here, two_nodes, monkeypatch):
    study, sent = read(here / "s.toml", folder=here / "out"), []
    ray = importlib.import_module("ray")
    put = ray.put
    monkeypatch.setattr(ray, "put", lambda what: sent.append(what.key) or put(what))
    there = {o.row.key: o for o in Cluster(PARTED, two_nodes.address, study.parts).run(study.rows)}
    here_ = {o.row.key: o for o in Local(PARTED, 1, parts=study.parts).run(study.rows)}
    assert len(here_) == 4
    assert sent == list(study.parts)  # each once, for two seeds
    for key, one in here_.items():
        assert there[key].error is None
        assert there[key].found == one.found
        assert {n: a.tobytes() for n, a in there[key].arrays.items()} == {n: a.tobytes() for n, a in one.arrays.items()}
