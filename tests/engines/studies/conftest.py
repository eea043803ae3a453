"""A cluster of Ray for the tests of this folder, where the extra is."""

from __future__ import annotations

import importlib
import os
import socket
from contextlib import contextmanager, suppress

import psutil
import pytest

from engines.studies.local import ROOT

PATIENCE = 100.0  # seconds, for a machine under load
STORE = 80 * 2**20  # bytes, about the least that Ray takes


@pytest.fixture
def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]  # bound, and nobody listens


@contextmanager
def made():
    """A cluster of two nodes on this machine, with its address; ended with the block."""
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))  # the nodes import what the rows are functions of
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # else a machine under load gives them next to nothing
        kind = importlib.import_module("ray.cluster_utils").Cluster
        wait = kind._wait_for_node  # for 30 s, of which a machine under load needs 15
        patch.setattr(kind, "_wait_for_node", lambda nodes, node: wait(nodes, node, PATIENCE))
        nodes = kind(
            initialize_head=True,
            head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": STORE},
        )
        try:
            nodes.add_node(num_cpus=1)
            yield nodes
        finally:
            nodes.shutdown()


@pytest.fixture(scope="package")
def two_nodes():
    """For all tests that leave every node alive: Ray hears of a death when it does, which may be in a later test."""
    with made() as nodes:
        yield nodes


@pytest.fixture
def mortal_nodes():
    """For a test that kills one of them."""
    with made() as nodes:
        yield nodes


def lose(nodes):
    """Kill the node that the driver is not on, and all that runs there; another one takes its place."""
    lost = next(iter(nodes.worker_nodes))
    (raylet,) = lost.all_processes["raylet"]
    dying = psutil.Process(raylet.process.pid).children(recursive=True)
    nodes.add_node(num_cpus=1)
    nodes.remove_node(lost, allow_graceful=False)
    for one in dying:
        with suppress(psutil.NoSuchProcess):
            one.kill()
