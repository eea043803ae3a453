"""Files are written whole or not at all, a full disk is told in words, and neighbors are never touched."""

from __future__ import annotations

import errno
import os
import pickle
import stat

import numpy as np
import pytest

from app import words
from engines.core import files
from engines.core.errors import LabError
from engines.core.files import WriteError, put_aside, write


def full_after(monkeypatch, room: int) -> None:
    """A disk on which ``room`` bytes are left."""
    real, left = os.write, [room]

    def limited(handle, data):
        some = memoryview(data)[: left[0]]
        if not some:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= len(some)
        return real(handle, some)

    monkeypatch.setattr(files.os, "write", limited)


def by_torch(sink):
    import torch

    torch.save({"a": torch.zeros(40_000)}, sink)


CONTENTS = {
    "text": "x" * 200_000,
    "bytes": b"x" * 200_000,
    "numpy": lambda sink: np.savez(sink, a=np.zeros(40_000), b=np.zeros(9)),
    "torch": by_torch,
}


@pytest.mark.parametrize("room", [0, 100, 70_000])
@pytest.mark.parametrize("kind", CONTENTS)
def test_a_full_disk_is_told_and_the_old_file_stays(monkeypatch, tmp_path, kind, room):
    place = tmp_path / "run.bin"
    place.write_bytes(b"old")
    full_after(monkeypatch, room)
    with pytest.raises(WriteError) as caught:
        write(place, CONTENTS[kind])
    assert str(caught.value) == "run.bin can't be saved: the disk is full."
    assert place.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["run.bin"]


@pytest.mark.parametrize("name", ["fsync", "replace", "open"])
def test_a_failure_at_any_other_place(monkeypatch, tmp_path, name):
    def fails(*_args, **_more):
        raise OSError(errno.ENOSPC, "full")

    place = tmp_path / "run.bin"
    place.write_bytes(b"old")
    monkeypatch.setattr(files.os, name, fails)
    with pytest.raises(WriteError, match="the disk is full"):
        write(place, b"new")
    assert place.read_bytes() == b"old"
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["run.bin"]


def test_an_error_of_the_content_leaves_nothing(tmp_path):
    def fails(sink):
        sink.write(b"half")
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        write(tmp_path / "x", fails)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_what_is_written_can_be_read(tmp_path, kind):
    import torch

    write(tmp_path / "new" / "x", CONTENTS[kind])
    if kind == "numpy":
        with np.load(tmp_path / "new" / "x") as found:
            assert found["a"].shape == (40_000,)
    else:
        assert torch.load(tmp_path / "new" / "x", weights_only=True)["a"].shape == (40_000,)


def test_neighbors_with_the_names_of_drafts_are_left_alone(tmp_path):
    for name in ("thesis.draft", "x.part", "thesis.part", ".thesis.safetensors.part"):
        (tmp_path / name).write_text("mine")
    write(tmp_path / "thesis.safetensors", b"new")
    for name in ("thesis.draft", "x.part", "thesis.part", ".thesis.safetensors.part"):
        assert (tmp_path / name).read_text() == "mine"
    assert len(os.listdir(tmp_path)) == 5


def test_a_draft_of_a_killed_program_is_removed_later(tmp_path):
    me = os.getpid()
    old, young = tmp_path / f".x.json.{me}-0123abcd.part", tmp_path / f".x.json.{me}-0123abce.part"
    for draft in (old, young, tmp_path / ".x.json.999999999-0123abcd.part"):
        draft.write_text("half")
    os.utime(old, (0, 0))
    write(tmp_path / "x.json", "{}")
    assert {entry.name for entry in tmp_path.iterdir()} == {"x.json", young.name}  # it may be another window's


@pytest.mark.skipif(os.name != "posix", reason="modes and links")
def test_mode_and_link_stay(tmp_path):
    place, link = tmp_path / "real.json", tmp_path / "link.json"
    place.write_text("old")
    place.chmod(0o640)
    link.symlink_to(place)
    write(link, "new")
    assert link.is_symlink()
    assert place.read_text() == "new"
    assert stat.S_IMODE(place.stat().st_mode) == 0o640
    before = os.umask(0o027)
    try:
        write(tmp_path / "fresh", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o640


def test_a_name_as_long_as_names_may_be(tmp_path):
    write(tmp_path / ("猫" * 83 + ".json"), "{}")  # 254 bytes
    assert len(os.listdir(tmp_path)) == 1
    with pytest.raises(WriteError, match="the name is too long"):
        write(tmp_path / ("x" * 256), "{}")


def test_a_folder_of_that_name_and_a_file_for_a_folder(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(WriteError, match="a folder of that name exists"):
        write(tmp_path / "x", b"")
    (tmp_path / "y").write_text("")
    with pytest.raises(WriteError, match="part of the path is not a folder"):
        write(tmp_path / "y" / "z", b"")


def test_each_reason_has_its_chinese_and_an_unknown_one_its_own_words():
    known = words.translations()
    assert not [text for text in (*files._REASONS.values(), "{name} can't be saved: {reason}.") if text not in known]
    assert str(files.reason(OSError(errno.EXDEV, "Invalid link"))) == "Invalid link"
    assert str(files.reason(OSError("odd"))) == "odd"


def test_the_error_crosses_processes(tmp_path):
    error = WriteError(tmp_path / "x", files.reason(OSError(errno.ENOSPC, "full")))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.path, again.reason) == (str(error), error.path, error.reason)
    assert isinstance(again, LabError)


# ------------------------------------------------------------------ put aside
@pytest.mark.parametrize("links", [True, False])
def test_what_is_put_aside_is_never_overwritten(monkeypatch, tmp_path, links):
    if not links:

        def none(*_args):
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(files.os, "link", none)
    names = []
    for content in ("one", "two", "three"):
        (tmp_path / "run.pt").write_text(content)
        names.append(put_aside(tmp_path / "run.pt", "before").name)
    assert names == ["run-before.pt", "run-before-2.pt", "run-before-3.pt"]
    assert [(tmp_path / name).read_text() for name in names] == ["one", "two", "three"]
    assert not (tmp_path / "run.pt").exists()


def test_nothing_can_be_put_aside_that_is_not_there(tmp_path):
    with pytest.raises(WriteError, match="can't be saved"):
        put_aside(tmp_path / "run.pt", "before")
