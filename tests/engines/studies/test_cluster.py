"""Studies on a cluster of Ray: addresses at any time; a real one of two nodes on this machine, where the extra is."""

from __future__ import annotations

import importlib
import os
import random
import socket
import subprocess
import sys
import time

import pytest

from engines.core.errors import LabError
from engines.studies import cluster
from engines.studies.cluster import Cluster, check_address
from engines.studies.local import ROOT, Local
from engines.studies.reading import study_of
from tests.engines.studies.kinds import DIES, DIES_ONCE, KIND, ORPHANED, RAISES, REFUSES, WAITS, WELL

KINDS = {"drawn": KIND}


@pytest.fixture
def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]  # bound, and nobody listens


def test_addresses_are_looked_at_before_ray_waits_for_them(closed_port):
    for address in ("", "here", "http://127.0.0.1:80", "ray://127.0.0.1:80", "127.0.0.1:high", "127.0.0.1", ":10001"):
        with pytest.raises(LabError, match=r"an address is host:port"):
            check_address(address)
    with pytest.raises(LabError, match="Nothing listens at"):
        check_address(f"127.0.0.1:{closed_port}")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        check_address(f"127.0.0.1:{listening.getsockname()[1]}")


def test_without_the_extra_it_says_which(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(cluster.importlib, "import_module", missing)
    with pytest.raises(LabError, match=r"Ray is not installed: pip install .*cluster"):
        Cluster(KIND, "127.0.0.1:1")


# ------------------------------------------------------------------ a real one
@pytest.fixture(scope="module")
def two_nodes():
    """The address of a cluster of two nodes on this machine."""
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))  # the nodes import what the rows are functions of
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # else a machine under load gives them next to nothing
        made = importlib.import_module("ray.cluster_utils").Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
        )
        made.add_node(num_cpus=1)
        yield made.address
        made.shutdown()


def rows_of(**more):
    return study_of({"study": "drawn", "seeds": 2, **more}, KINDS, "s.toml").rows


@pytest.mark.proof
def test_a_cluster_finds_the_same_bits_and_gets_over_what_dies(two_nodes, tmp_path):
    rows = rows_of(settings={"folder": str(tmp_path)}, over={"way": [DIES_ONCE, ORPHANED, DIES, REFUSES, RAISES, WELL]})
    found = {(o.row.params.way, o.row.seed): o for o in Cluster(KIND, two_nodes).run(rows)}
    assert len(found) == len(rows)
    for seed in (0, 1):
        for way in (WELL, DIES_ONCE, ORPHANED):
            assert found[way, seed].found["drawn"] == random.Random(seed).random()
            assert found[way, seed].tries == (1 if way == WELL else 2)
        assert "away twice" in str(found[DIES, seed].error)
        assert str(found[REFUSES, seed].error) == "Nobody is not here."
        assert str(found[RAISES, seed].error) == "ZeroDivisionError: by nothing"
    here = {o.row.key: o.found["drawn"] for o in Local(KIND, 1).run(rows_of(over={"way": [WELL]}))}
    there = {o.row.key: o.found["drawn"] for o in Cluster(KIND, two_nodes).run(rows_of(over={"way": [WELL]}))}
    assert here == there


@pytest.mark.proof
def test_stopping_leaves_nothing_running_on_the_cluster(two_nodes, tmp_path):
    running = Cluster(KIND, two_nodes).run(rows_of(settings={"folder": str(tmp_path)}, over={"way": [WELL, WAITS]}))
    assert next(running).row.params.way == WELL
    while len(list(tmp_path.glob("seen-*"))) < 1:
        time.sleep(0.05)
    running.close()
    again = Cluster(KIND, two_nodes).run(rows_of(seeds=4, over={"way": [WELL]}))
    assert len(list(again)) == 4  # its cores are free


@pytest.mark.proof
def test_from_a_shell(two_nodes, tmp_path):
    (tmp_path / "s.toml").write_text('study = "scale"\nseeds = 2\n[settings]\ncount = 2\n', encoding="utf-8")
    command = [sys.executable, "-m", "engines.studies", "run", "s.toml", "--out"]
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    for out, more in (("here", ["--workers", "1"]), ("there", ["--ray", two_nodes])):
        subprocess.run([*command, out, *more], cwd=tmp_path, check=True, env=os.environ | {"PYTHONPATH": paths})
    tables = [(tmp_path / out / "table.csv").read_text(encoding="utf-8").splitlines() for out in ("here", "there")]
    plain = [[",".join(line.split(",")[:-2]) for line in table] for table in tables]  # but for the seconds
    assert plain[0] == plain[1]
    assert len(plain[0]) == 3
