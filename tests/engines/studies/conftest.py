"""A cluster of Ray for the tests of this folder, where the extra is."""

from __future__ import annotations

import importlib
import os
import socket

import pytest

from engines.studies.local import ROOT

STORE = 80 * 2**20  # bytes, about the least that Ray takes


@pytest.fixture
def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]  # bound, and nobody listens


@pytest.fixture(scope="package")
def two_nodes():
    """A cluster of two nodes on this machine."""
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))  # the nodes import what the rows are functions of
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # else a machine under load gives them next to nothing
        made = importlib.import_module("ray.cluster_utils").Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": STORE},
        )
        made.add_node(num_cpus=1)
        yield made
        made.shutdown()
