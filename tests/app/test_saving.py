"""What leaves the window is written on a thread of its own: as it was when it was asked for, whole or not at all."""

from __future__ import annotations

import errno
import io
import threading

import numpy as np
import pytest

from app import export, words
from app.saving import GivenUpError, Tap
from app.views.mosaic import Mosaic
from engines.core import files


@pytest.fixture
def window(open_window, qtbot):
    made = open_window()
    made.show_topic("scoring")
    return made


@pytest.fixture
def view(window):
    """A view in the window, for which nothing has to be computed."""
    made = Mosaic()
    made.setParent(window)
    made.set_maps(np.zeros((3, 4, 5), np.float32))
    return made


def rest(qtbot, window):
    qtbot.waitUntil(lambda: not window.saving.busy)


@pytest.mark.parametrize("ending", export.TAKERS)
def test_the_window_goes_on_and_the_file_is_as_it_was_asked_for(window, view, qtbot, tmp_path, monkeypatch, ending):
    gate, threads, real = threading.Event(), [], files.write

    def slow(*args, **more):
        threads.append(threading.current_thread())
        gate.wait()
        real(*args, **more)

    monkeypatch.setattr(files, "write", slow)
    place = tmp_path / f"out{ending}"
    before = io.BytesIO()
    export.taken(view, place)(before)
    export.save_aside(view, place)
    assert words.drawn(window.tab.note) == f"Saving out{ending}"  # and here it goes on
    view.numbers()["maps"][:] = 7
    view.set_maps(np.ones((3, 4, 5), np.float32))
    assert not place.exists()
    gate.set()
    rest(qtbot, window)
    assert threads != [threading.main_thread()]
    assert words.drawn(window.tab.note) == f"Saved: out{ending}"
    if ending == ".npz":  # a zip file holds the time
        with np.load(place) as found:
            assert not found["maps"].any()
    else:
        assert place.read_bytes() == before.getvalue()


def test_what_the_disk_refuses_is_said(window, view, qtbot, tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(files.os, "write", full)
    export.save_aside(view, tmp_path / "out.png")
    rest(qtbot, window)
    assert window.tab.error.reason() == "out.png can't be saved: the disk is full."
    assert words.drawn(window.tab.note) == "out.png was not saved."
    export.save_aside(view, tmp_path)
    assert window.tab.error.reason().endswith("can't be saved: a folder of that name exists.")
    assert not list(tmp_path.iterdir())


def test_a_fault_of_ours_reaches_the_window(window, qtbot, tmp_path):
    def breaks():
        raise ZeroDivisionError

    with qtbot.capture_exceptions() as found:
        window.saving.act(tmp_path / "out.csv", breaks)
        rest(qtbot, window)
    assert [kind for kind, *_ in found] == [ZeroDivisionError]


def test_a_window_that_closes_leaves_no_half_file(window, qtbot, tmp_path, capsys):
    begun = threading.Event()
    (tmp_path / "one.csv").write_text("old")

    def fill(out):
        out.write(b"half")
        begun.set()
        window.saving._shut.wait()
        out.write(b"whole")

    window.saving.write(tmp_path / "one.csv", fill)
    window.saving.write(tmp_path / "two.csv", fill)
    begun.wait()
    window.close()
    assert [each.name for each in tmp_path.iterdir()] == ["one.csv"]
    assert (tmp_path / "one.csv").read_text() == "old"
    told = capsys.readouterr().err.splitlines()
    assert told == [f"{name} was not saved: the window was closed." for name in ("one.csv", "two.csv")]
    window.saving.write(tmp_path / "three.csv", fill)  # too late
    assert not window.saving.busy


@pytest.mark.parametrize("ending", export.TAKERS)
def test_every_kind_can_be_given_up_while_it_is_made(view, ending, tmp_path):
    """Libraries make another error of one that they meet while they write, or none."""
    shut, out = threading.Event(), io.BytesIO()

    class Shutting(io.BytesIO):
        def write(self, data):
            shut.set()
            return out.write(data)

    fill = export.taken(view, tmp_path / f"out{ending}")
    if ending in (".png", ".svg"):  # these come in one piece
        shut.set()
    with pytest.raises(GivenUpError):
        fill(Tap(Shutting(), shut))
    assert len(out.getvalue()) < 200
