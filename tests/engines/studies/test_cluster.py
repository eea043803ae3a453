"""Studies on a cluster of Ray: addresses at any time; a real one of two nodes on this machine, where the extra is."""

from __future__ import annotations

import csv
import importlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from engines.core.errors import LabError
from engines.studies import cluster
from engines.studies.cluster import Cluster, check_address, refusal
from engines.studies.local import ROOT
from engines.studies.reading import study_of
from tests.engines.studies.conftest import STORE, lose
from tests.engines.studies.kinds import DIES, DIES_ONCE, KIND, ORPHANED, RAISES, REFUSES, TOLD, WAITS, WELL

KINDS = {"drawn": KIND}
PATIENCE = 100.0  # seconds, for a machine under load
PROGRAM = (
    "import sys; from engines.studies import reading, __main__ as m; from tests.engines.studies.kinds import KIND; "
    "reading.kinds = lambda: {'drawn': KIND}; sys.exit(m.main(sys.argv[1:]))"
)


def wait_for(what):
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.02)


def test_addresses_are_looked_at_before_ray_waits_for_them(closed_port):
    for address in ("", "here", "http://127.0.0.1:80", "127.0.0.1:high", "127.0.0.1", ":10001"):
        with pytest.raises(LabError, match=r"an address is host:port"):
            check_address(address)
    with pytest.raises(LabError, match="ray:// is not used here"):
        check_address("ray://127.0.0.1:80")
    with pytest.raises(LabError, match="Nothing listens at"):
        check_address(f"127.0.0.1:{closed_port}")


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-Nobody\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_what_listens_and_is_no_cluster_is_told_at_once(answer):
    """Ray would try for minutes."""

    def serve():
        reached, _ = listening.accept()
        with reached:
            reached.recv(64)
            reached.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=serve)
        server.start()
        with pytest.raises(LabError, match="is no cluster of Ray"):
            check_address(f"127.0.0.1:{listening.getsockname()[1]}")
        server.join()


def test_what_listens_and_is_silent_is_told(monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(LabError, match=f"{address} says nothing"):
            check_address(address)


def test_a_token_that_is_missing_is_told():
    """Ray tells it to its log alone."""
    hidden = ConnectionError("Failed to connect")
    hidden.__cause__ = RuntimeError("RPC error: InvalidAuthToken: Authentication token is missing or incorrect")
    for error in (hidden, RuntimeError("Token authentication is enabled but no authentication token was found.")):
        assert str(refusal("a:1", error)).startswith("a:1 asks for a token: put the cluster's into ~/.ray/auth_token")


def test_a_token_that_is_there_is_shown(monkeypatch, tmp_path):
    """`ray start --head` asks for one wherever it finds one, so a program beside it has to bring it along."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    def mode():
        monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
        with suppress(LabError):
            cluster.show_token("a:1")
        return os.environ.get("RAY_AUTH_MODE")

    assert mode() is None
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("secret", encoding="utf-8")
    assert mode() == "token"
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
    assert mode() is None
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    assert mode() == "token"
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(LabError, match="asks for a token"):
        cluster.show_token("a:1")


@pytest.mark.parametrize("asks", [True, False])
def test_a_head_is_asked_whether_it_wants_a_token(asks):
    """As heads of Ray 2.60 answer, byte for byte but for the number."""
    head, status = cluster._frame(1, 4, 1, b"\x88"), b"@\x0bgrpc-status\x010"
    if asks:
        head, status = b"", b"\x88\x00\x0bgrpc-status\x0216\x00\x0cgrpc-message\x10InvalidAuthToken"
    answer = cluster._frame(cluster.SETTINGS, 0, 0, b"") + head + cluster._frame(1, 5, 1, status)

    def speak(listening, heard):
        with listening.accept()[0] as reached:
            reached.sendall(answer)
            heard.append(reached.recv(4096))
            reached.recv(1)

    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=speak, args=(listening, heard))
        thread.start()
        assert cluster.asks_for_token(f"127.0.0.1:{listening.getsockname()[1]}") is asks
        thread.join()
    assert cluster.NUMBER in heard[0]
    assert not cluster.asks_for_token("nowhere")


def test_another_version_is_named():
    said = "Version mismatch: The cluster was started with:\n    Ray: 2.61.0\n    Python: 3.12.1\nThis process"
    said += " on Node 1.2.3.4 was started with:\n    Ray: 2.60.0\n    Python: 3.11.9\n"
    assert str(refusal("a:1", RuntimeError(said))) == (
        "a:1: there is Ray 2.61.0, Python 3.12.1, here is Ray 2.60.0, Python 3.11.9. Both have to be the same."
    )
    assert str(refusal("a:1", ConnectionError("gone\naway"))) == "a:1: gone"


def test_without_the_extra_it_says_which(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(cluster.importlib, "import_module", missing)
    with pytest.raises(LabError, match=r"Ray is not installed: pip install .*cluster"):
        Cluster(KIND, "127.0.0.1:1")


class Silent:
    """Ray as it is while a cable is cut: it waits, and so does its farewell."""

    exceptions = SimpleNamespace(RayError=ZeroDivisionError)

    def __init__(self):
        self.mended, self.asked = threading.Event(), 0

    def remote(self, **_options):
        return lambda function: SimpleNamespace(remote=lambda *_row: object())

    def cluster_resources(self):
        return {"CPU": 1}

    def wait(self, flying, timeout):
        time.sleep(0.005)
        return [], flying

    def nodes(self):
        self.asked += 1
        self.mended.wait()

    def cancel(self, _ref, force):
        self.mended.wait()

    def shutdown(self):
        self.mended.wait()


def test_a_cluster_that_says_nothing_ends_the_study_in_words(monkeypatch):
    ray = Silent()
    monkeypatch.setattr(cluster, "found_at", lambda _address: ray)
    monkeypatch.setattr(cluster, "join", lambda _ray, _address: None)
    for name, seconds in (("PULSE", 0.01), ("SILENCE", 0.1), ("LEAVE", 0.01)):
        monkeypatch.setattr(cluster, name, seconds)
    with pytest.raises(LabError, match="a:1 has said nothing for 0 s"):
        list(Cluster(KIND, "a:1").run(rows_of()))
    assert ray.asked == 1
    assert cluster.hangs()  # who ends this program now must not wait for it
    ray.mended.set()
    wait_for(lambda: not cluster.hangs())


def test_one_that_answers_is_not_given_up(monkeypatch):
    ray = Silent()
    ray.mended.set()
    monkeypatch.setattr(cluster, "PULSE", 0.001)
    pulse = cluster.Pulse(ray)
    wait_for(lambda: ray.asked > 5)
    before = pulse._answered
    wait_for(lambda: pulse._answered > before)
    pulse.stop()


# ------------------------------------------------------------------ a real one
def rows_of(**more):
    return study_of({"study": "drawn", "seeds": 2, **more}, KINDS, "s.toml").rows


def test_a_cluster_finds_the_same_bits_and_gets_over_what_dies(two_nodes, tmp_path):
    rows = rows_of(settings={"folder": str(tmp_path)}, over={"way": [DIES_ONCE, ORPHANED, DIES, REFUSES, RAISES, WELL]})
    found = {(o.row.params.way, o.row.seed): o for o in Cluster(KIND, two_nodes.address).run(rows)}
    assert len(found) == len(rows)
    for seed in (0, 1):
        for way in (WELL, DIES_ONCE, ORPHANED):
            assert found[way, seed].found["drawn"] == random.Random(seed).random()
            assert found[way, seed].tries == (1 if way == WELL else 2)
        assert "away twice" in str(found[DIES, seed].error)
        assert str(found[REFUSES, seed].error) == "Nobody is not here."
        assert str(found[RAISES, seed].error) == "ZeroDivisionError: by nothing"


def test_stopping_leaves_nothing_running_on_the_cluster(two_nodes, tmp_path):
    running = Cluster(KIND, two_nodes.address).run(
        rows_of(settings={"folder": str(tmp_path)}, over={"way": [WELL, WAITS]})
    )
    assert next(running).row.params.way == WELL

    def waiting():
        return [int(text) for text in (mark.read_text(encoding="utf-8") for mark in tmp_path.glob("seen-*")) if text]

    wait_for(waiting)
    running.close()
    wait_for(lambda: not any(map(psutil.pid_exists, waiting())))


@pytest.mark.proof  # when Ray hears of a death is its own affair
def test_a_node_that_goes_away_costs_its_rows_a_second_try(mortal_nodes, tmp_path):
    """One row waits on each node; one of these is killed, and all are told to go on when its row is tried again."""
    rows = rows_of(settings={"folder": str(tmp_path)}, over={"way": [TOLD]})
    found = []
    making = threading.Thread(target=lambda: found.extend(Cluster(KIND, mortal_nodes.address).run(rows)))

    def begun():
        return sum(len(mark.read_text(encoding="utf-8").splitlines()) for mark in tmp_path.glob("seen-*"))

    making.start()
    wait_for(lambda: begun() == 2)
    lose(mortal_nodes)
    wait_for(lambda: begun() == 3)
    (tmp_path / "go").touch()
    making.join(PATIENCE)
    assert [one.error for one in found] == [None, None]
    assert sorted(one.row.seed for one in found) == [0, 1]
    assert all(one.found["drawn"] == random.Random(one.row.seed).random() for one in found)
    assert sorted(one.tries for one in found) == [1, 2]


def test_a_cluster_of_another_version_is_refused_in_words(two_nodes, monkeypatch):
    ray = importlib.import_module("ray")
    ours = ray.__version__
    monkeypatch.setattr(ray, "__version__", "2.0.0")
    with pytest.raises(LabError, match=rf"there is Ray {ours}, .* here is Ray 2.0.0, .* the same"):
        list(Cluster(KIND, two_nodes.address).run(rows_of()))
    ray.shutdown()


def test_a_study_of_a_shell_is_the_same_there_with_a_full_store(two_nodes, tmp_path):
    """As the window asks for it, too. Rows and what they find are small: they go beside Ray's object store."""
    said = 'study = "drawn"\nseeds = 2\n[over]\ntimes = [1, 2.5]\n'
    (tmp_path / "s.toml").write_text(said, encoding="utf-8")
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    listens, held = os.pipe()  # whose end would stop it
    ray = importlib.import_module("ray")
    ray.init(address=two_nodes.address, log_to_driver=False, logging_level="ERROR", configure_logging=False)
    try:
        full = [ray.put(np.ones(STORE // 8 // 8)) for _ in range(8)]  # one eighth each; the last ones no longer fit
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "run", "s.toml", "--out", "out", "--ray", two_nodes.address, "--told"],
            cwd=tmp_path, check=True, env=os.environ | {"PYTHONPATH": paths}, stdin=listens, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert len(full) == 8
    finally:
        ray.shutdown()
        os.close(held)
        os.close(listens)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[0] == {"begun": 4}
    assert len(told) == 5
    with (tmp_path / "out" / "table.csv").open(encoding="utf-8") as file:
        table = [(float(row["times"]), int(row["seed"]), float(row["drawn"])) for row in csv.DictReader(file)]
    assert table == [(t, seed, t * random.Random(seed).random()) for t in (1, 2.5) for seed in (0, 1)]  # bit for bit
