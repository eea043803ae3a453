"""The row of studies: two processes beside one."""

from __future__ import annotations

import time

from tests.benchmarks.table import Measured, Row

SAID = {"study": "scale", "seeds": 3, "over": {"network": ["vit", "cnn"], "count": [50, 75, 100, 150]}}


def rows() -> list[Row]:
    """What the room of studies adds to the table."""
    return [
        Row("studies-ray", "Ray: what a run costs beside its own time, two nodes on this machine", on_ray, most=50),
        Row("studies", "24 runs of the digits study: two processes, times as fast as one", two, least=1.6),
    ]


def two() -> Measured:
    """The same numbers from both, or it is not sound."""
    from engines.studies.local import Local
    from engines.studies.reading import kinds, study_of

    study = study_of(SAID, kinds(), "the benchmark")
    seconds, found = [], []
    for workers in (1, 2):
        began = time.perf_counter()
        found.append({one.row.key: dict(one.found) for one in Local(study.kind, workers).run(study.rows)})
        seconds.append(time.perf_counter() - began)
    same = found[0] == found[1] and len(found[0]) == len(study.rows) == 24 and all(found[0].values())
    note = f"{seconds[0]:.0f} s and {seconds[1]:.0f} s, processes started anew"
    return Measured(seconds[0] / seconds[1], "×", sound=same, note=note)


def on_ray() -> Measured:
    """Many runs that take no time, on a cluster that is started and ended here; the first ones are left out."""
    import importlib
    import importlib.util
    import os
    from unittest.mock import patch

    from engines.studies.cluster import Cluster
    from engines.studies.local import ROOT
    from engines.studies.reading import study_of
    from tests.engines.studies.kinds import KIND

    if importlib.util.find_spec("ray") is None:
        return Measured(0.0, "ms", here=False, note="Ray is not installed")
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    around = {"PYTHONPATH": paths, "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    rows = study_of({"study": "drawn", "seeds": 300}, {"drawn": KIND}, "the benchmark").rows
    with patch.dict(os.environ, around):
        nodes = importlib.import_module("ray.cluster_utils").Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
        )
        try:
            nodes.add_node(num_cpus=1)
            times = [time.perf_counter() for _ in Cluster(KIND, nodes.address).run(rows)]
        finally:
            nodes.shutdown()
    first = 20
    each = 1000 * (times[-1] - times[first]) / (len(times) - 1 - first)
    return Measured(each, "ms", sound=len(times) == len(rows), note=f"{len(rows)} runs")
