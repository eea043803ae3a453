"""Engines that compute on a cluster of Ray: a real one of two nodes on this machine, where the extra is."""

from __future__ import annotations

import os
import signal
import threading
from itertools import pairwise

import numpy as np
import psutil
import pytest

from engines.core.lane import GPU_FULL, Lane
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Job, Started
from engines.studies import remote
from engines.studies.album import Album
from engines.studies.remote import Away, Remote
from tests.engines.studies.conftest import lose
from tests.engines.studies.far import EVENTS, About, Engine, FarParams, Noted, Sum
from tests.engines.studies.kinds import says_little, says_nothing, says_something
from tests.engines.studies.test_cluster import wait_for

PATIENCE = 120  # seconds, for a machine under load: an actor imports torch first
PLACE, OTHER = "tests.engines.studies.far:Engine", "tests.engines.studies.far:Other"


@pytest.fixture
def lane():
    made = Lane()
    made.at_close(remote.leave)
    yield made
    assert made.close(10)


@pytest.fixture(scope="module")
def shared(two_nodes):
    """A lane and an engine on the cluster, for all that leave both alive."""
    made = Lane()
    made.at_close(remote.leave)
    yield made, Remote(PLACE, two_nodes.address)
    assert made.close(10)


def asked(lane, engine, **settings):
    """What a job tells, but that nothing has come; it is told as long as it goes on."""
    told, done = [], threading.Event()

    def deliver(event):
        if not isinstance(event, Away):
            told.append(event)
        if isinstance(event, Ended):
            done.set()

    job = Job(FarParams(**settings), lambda: engine, deliver)
    lane.submit(job)
    return job, told, done


def answer(lane, engine, **settings):
    _, told, done = asked(lane, engine, **settings)
    assert done.wait(PATIENCE)
    return told


def frames(told):
    return [event for event in told if isinstance(event, Sum)]


# ------------------------------------------------------------------ what travels
def test_a_picture_goes_once_and_comes_back_as_itself():
    here, there = Album(), Album()
    first, second = (Picture(name, np.zeros((900, 900, 3), np.uint8)) for name in "ab")
    packed, new, used = here.numbered(FarParams(picture=first))
    there.add(new)
    got = there.unpack(packed).picture
    assert len(packed) < 1000
    assert (got is first, list(new.values())) == (True, [first])
    assert here.unpack(there.pack(Sum(1, np.zeros(1), picture=got))).picture is first
    assert here.numbered(FarParams(picture=first))[1] == {}
    _, new, used = here.numbered(FarParams(picture=second))
    here.keep(used)
    there.add(new)
    there.keep(used)
    assert len(here) == len(there) == 1
    assert there.unpack(there.pack(first)) is not first  # it goes whole, and is another


# ------------------------------------------------------------------ silence
def test_a_cable_that_is_cut_ends_the_run_in_words(lane, monkeypatch):
    """It says nothing, and nobody says that it is gone."""
    monkeypatch.setattr(remote, "serve", says_something)
    monkeypatch.setattr(remote, "SILENCE", 0.3)
    monkeypatch.setattr(remote, "QUIET", 0.1)
    every = []
    job = Job(FarParams(), lambda: Remote(PLACE, "a:1"), every.append)
    lane.submit(job)
    wait_for(lambda: isinstance(every[-1], Ended) if every else False)
    assert every[-1].away
    assert str(every[-1].error).startswith("a:1 has said nothing for")
    waited = [str(event.text) for event in every if isinstance(event, Away)]
    assert waited[-1].startswith("a:1 has said nothing for")  # told before it ended
    assert "Computing at a:1" in waited
    assert not remote._links


def test_what_has_told_nothing_yet_may_import_torch(lane, monkeypatch):
    """Nothing answers while a library is loaded, also where the question itself was answered before."""
    monkeypatch.setattr(remote, "serve", says_little)
    monkeypatch.setattr(remote, "SILENCE", 0.0)
    monkeypatch.setattr(remote, "FIRST", 0.4)
    told = answer(lane, Remote(PLACE, "a:1"))
    assert told[-1].away
    assert not [event for event in told if isinstance(event, Away) and "said nothing" in str(event.text)]
    monkeypatch.setattr(remote, "SILENCE", 60.0)
    assert answer(lane, Remote(PLACE, "a:1"))[-1].away  # it is not waited for longer than that


def test_so_does_a_cluster_that_lets_nobody_in(lane, monkeypatch):
    monkeypatch.setattr(remote, "serve", says_nothing)
    monkeypatch.setattr(remote, "CONNECT", 0.1)
    told = answer(lane, Remote(PLACE, "a:1"))
    assert told[-1].away
    assert str(told[-1].error).startswith("a:1 has said nothing for")


# ------------------------------------------------------------------ a cluster
def test_the_same_events_as_here_bit_for_bit(shared):
    lane, far = shared
    picture = Picture("a", np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    for n in (3, 4):
        here, there = (answer(lane, engine, n=n, picture=picture) for engine in (Engine(), far))
        assert [type(event) for event in there] == [type(event) for event in here]
        assert [type(event) for event in there] == [Started, About, Sum, Noted, Ended]
        assert there[2].values.tobytes() == here[2].values.tobytes()
        assert there[2].values.flags.writeable
        assert there[2].picture is picture
        assert there[2].pid != os.getpid()
        assert there[3:] == here[3:]


def test_engine_and_subject_stay_from_job_to_job(shared):
    lane, far = shared
    first, second = (answer(lane, far, n=n) for n in (1, 2))
    assert first[1] is second[1]
    assert first[2].pid == second[2].pid


def test_no_record_is_lost_and_frames_give_way(shared):
    told = answer(*shared, way="stream")
    assert [event.n for event in told if isinstance(event, Noted)] == list(range(EVENTS))
    shown = [event.n for event in frames(told)]
    assert len(shown) < EVENTS / 2
    assert all(a < b for a, b in pairwise(shown))
    assert shown[-1] == EVENTS - 1


def test_the_newest_settings_reach_the_run(shared):
    job, told, done = asked(*shared, way="live", n=5)
    wait_for(lambda: frames(told))
    for n in (6, 7, 8):
        job.update(FarParams(way="live", n=n))
    wait_for(lambda: frames(told)[-1].n == 8)
    assert job.seen.n == 8
    job.update(FarParams(way="live", n=0))
    assert done.wait(PATIENCE)
    assert told[-1] == Ended(FarParams(way="live", n=0))


def test_a_newer_question_takes_the_place_of_one_that_goes_on(shared):
    lane, far = shared
    _, old, ended = asked(lane, far, way="live", n=5)
    wait_for(lambda: frames(old))
    new = answer(lane, far, n=2)
    assert ended.is_set()
    assert old[-1].cancelled
    assert [event.n for event in frames(new)] == [2]


def test_a_run_is_cancelled_here_and_there(shared):
    lane, far = shared
    job, told, done = asked(lane, far, way="live", n=5)
    wait_for(lambda: frames(told))
    lane.withdraw(job)
    assert done.wait(PATIENCE)
    assert told[-1].cancelled
    assert [event.n for event in frames(answer(lane, far, n=2))] == [2]  # its lane is free


def test_errors_come_as_they_would_here(shared):
    for way in ("refuses", "raises", "full"):
        here, there = (answer(shared[0], engine, way=way)[-1] for engine in (Engine(), shared[1]))
        assert (there.error, there.memory, there.params, there.away) == (here.error, here.memory, here.params, False)
        assert bool(there.details) == bool(here.details)
    assert str(there.error) == GPU_FULL


def test_local_files_stay_here(shared, tmp_path):
    (ended,) = answer(*shared, way=str(tmp_path))[1:]
    assert ended.away
    assert str(ended.error).startswith(f"{tmp_path.name} is a file on this computer")


@pytest.mark.proof  # when Ray hears of a death is its own affair
def test_a_station_that_dies_ends_the_run_in_words_and_the_next_has_another(shared):
    lane, far = shared
    _, told, done = asked(lane, far, way="live", n=5)
    wait_for(lambda: frames(told))
    os.kill(frames(told)[0].pid, signal.SIGKILL)
    assert done.wait(PATIENCE)
    assert told[-1].away
    assert str(told[-1].error).startswith("What computed this at ")
    wait_for(lambda: answer(lane, far)[-1].error is None)  # for a moment Ray may not know that it is gone
    again = answer(lane, far, n=2)
    assert frames(again)[0].pid != frames(told)[0].pid


@pytest.mark.proof
def test_a_node_that_dies_ends_the_run_in_words(mortal_nodes, lane):
    """Stations are spread, so that one of two is on the node that can be done without."""
    (raylet,) = next(iter(mortal_nodes.worker_nodes)).all_processes["raylet"]
    there = psutil.Process(raylet.process.pid)
    both = [Remote(place, mortal_nodes.address) for place in (PLACE, OTHER)]
    pids = [frames(answer(lane, one))[0].pid for one in both]
    on_it = [one for one, pid in zip(both, pids, strict=True) if there in psutil.Process(pid).parents()]
    assert len(on_it) == 1
    _, told, done = asked(lane, on_it[0], way="live", n=5)
    wait_for(lambda: frames(told))
    lose(mortal_nodes)
    assert done.wait(PATIENCE)
    assert told[-1].away
    wait_for(lambda: answer(lane, on_it[0])[-1].error is None)  # for a moment Ray may not know that the node is gone


@pytest.mark.proof
def test_nodes_that_stand_still_end_the_run_in_words(mortal_nodes, lane, monkeypatch):
    """As if the cable to all of them were cut: what runs there goes on, and nothing comes."""
    monkeypatch.setattr(remote, "SILENCE", 4.0)
    far = Remote(PLACE, mortal_nodes.address)
    _, told, done = asked(lane, far, way="live", n=5)
    wait_for(lambda: frames(told))
    nodes = [psutil.Process(one.process.pid) for node in mortal_nodes.list_all_nodes()
             for kind in ("raylet", "gcs_server") for one in node.all_processes.get(kind, ())]  # fmt: skip
    still = [*nodes, psutil.Process(frames(told)[0].pid)]
    for one in still:
        one.suspend()
    try:
        assert done.wait(PATIENCE)
        assert told[-1].away
        assert "has said nothing for" in str(told[-1].error)
        again = answer(lane, far, n=2)  # and nothing can be asked anew
        assert again[-1].away
    finally:
        for one in still:
            one.resume()
    wait_for(lambda: answer(lane, far)[-1].error is None)


def test_a_process_between_that_dies_ends_the_run_in_words(shared):
    lane, far = shared
    _, told, done = asked(lane, far, way="live", n=5)
    wait_for(lambda: frames(told))
    (courier,) = [link._process.pid for link in remote._links]
    os.kill(courier, signal.SIGKILL)
    assert done.wait(PATIENCE)
    assert told[-1].away
    assert str(told[-1].error).endswith("is gone (the connection ended).")
    assert not psutil.pid_exists(courier)


def test_where_nothing_listens_it_says_so_and_leaves_nothing(lane, closed_port):
    threads = threading.active_count()
    told = answer(lane, Remote(PLACE, f"127.0.0.1:{closed_port}"))
    assert told[-1].away
    assert str(told[-1].error).startswith(f"Nothing listens at 127.0.0.1:{closed_port}") or "not installed" in str(
        told[-1].error
    )
    assert threading.active_count() == threads
    assert not remote._links
