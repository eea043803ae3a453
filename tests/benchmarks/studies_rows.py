"""The rows of studies, and of pages that are computed on a cluster."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from PySide6.QtCore import QCoreApplication, QEventLoop

from app.stream import Stream
from engines.core.device import has_ray
from engines.core.lane import Lane
from engines.core.protocol import Event
from engines.studies.local import ROOT
from engines.studies.remote import Remote
from tests.benchmarks.table import Measured, Row, quantile
from tests.engines.studies.far import FarParams, Sum

PLACE = "tests.engines.studies.far:Engine"
MISSING = Measured(0.0, "ms", here=False, note="Ray is not installed")
SAID = {"study": "scale", "seeds": 3, "over": {"network": ["vit", "cnn"], "count": [50, 75, 100, 150]}}


def rows() -> list[Row]:
    """What the room of studies adds to the table."""
    return [
        Row("studies-ray", "Ray: what a run costs beside its own time, two nodes on this machine", on_ray, most=50),
        Row("ray-slider", "Ray: what a slider change costs there beside its time here, p99", slider_on_ray, most=15),
        Row("ray-ticks", "Ray: tick gap p99 of the window while 60 frames a second come", ticks_on_ray, most=20),
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


@contextmanager
def two_nodes() -> Iterator[str]:
    """The address of a cluster on this machine, which is ended with the block."""
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    around = {"PYTHONPATH": paths, "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    with patch.dict(os.environ, around):
        nodes = importlib.import_module("ray.cluster_utils").Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
        )
        try:
            nodes.add_node(num_cpus=1)
            yield nodes.address
        finally:
            nodes.shutdown()


def on_ray() -> Measured:
    """Many runs that take no time, on a cluster that is started and ended here; the first ones are left out."""
    from engines.studies.cluster import Cluster
    from engines.studies.reading import study_of
    from tests.engines.studies.kinds import KIND

    if not has_ray():
        return MISSING
    rows = study_of({"study": "drawn", "seeds": 300}, {"drawn": KIND}, "the benchmark").rows
    with two_nodes() as address:
        times = [time.perf_counter() for _ in Cluster(KIND, address).run(rows)]
    first = 20
    each = 1000 * (times[-1] - times[first]) / (len(times) - 1 - first)
    return Measured(each, "ms", sound=len(times) == len(rows), note=f"{len(rows)} runs")


@contextmanager
def far_stream(address: str) -> Iterator[tuple[Stream, list[Event]]]:
    """A stream of the window, and what it has told; on the cluster at an address, or here without one."""
    from engines.studies import remote
    from tests.engines.studies.far import Engine

    QCoreApplication.instance() or QCoreApplication([])
    lane, told = Lane(), list[Event]()
    lane.at_close(remote.leave)
    stream = Stream(lane, (lambda: Remote(PLACE, address)) if address else Engine)
    stream.arrived.connect(told.append)
    try:
        yield stream, told
    finally:
        stream.stop()
        lane.close(10)


def changes(address: str, count: int = 200, warm_up: int = 10) -> tuple[list[float], bytes]:
    """Milliseconds from a new value to its frame in the window's thread, and all that the frames show."""
    spent, shown = [], b""
    with far_stream(address) as (stream, told):
        for n in range(count + warm_up):
            told.clear()
            began = time.perf_counter()
            stream.request(FarParams(n=n))
            turn(lambda: any(isinstance(event, Sum) for event in told))
            spent.append(1000 * (time.perf_counter() - began))
            turn(lambda: not stream.is_busy)
            shown += next(event.values[0, :2].tobytes() for event in told if isinstance(event, Sum))
    return spent[warm_up:], shown


def turn(until: Callable[[], bool], seconds: float = 120) -> None:
    """Let the window's thread go on until something is so."""
    end = time.perf_counter() + seconds
    while not until():
        if time.perf_counter() > end:
            raise TimeoutError("nothing came")
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


def slider_on_ray() -> Measured:
    """One value after the other, each answered with 200 × 200 numbers."""
    if not has_ray():
        return MISSING
    here, same = changes("")
    with two_nodes() as address:
        there, shown = changes(address)
    low, high = (quantile(one, 0.99) for one in (here, there))
    note = (
        f"p99 {high:.1f} ms there and {low:.1f} ms here, p50 {quantile(there, 0.5):.1f} and {quantile(here, 0.5):.1f}"
    )
    return Measured(high - low, "ms", sound=same == shown, note=note)


def ticks_on_ray(seconds: float = 5.0) -> Measured:
    """Intervals of a 16 ms timer of the window's thread, while each frame is 300 × 300 numbers."""
    from tests.benchmarks.window_rows import Ticks

    if not has_ray():
        return MISSING
    with two_nodes() as address, far_stream(address) as (stream, told):
        stream.request(FarParams(way="sixty"))
        turn(lambda: any(isinstance(event, Sum) for event in told))
        told.clear()
        ticks, until = Ticks(), time.perf_counter() + seconds
        turn(lambda: time.perf_counter() > until)
        intervals = ticks.intervals()
    frames = sum(isinstance(event, Sum) for event in told)
    note = f"{frames / seconds:.0f} frames a second, longest {max(intervals):.0f} ms"
    return Measured(quantile(intervals, 0.99), "ms", sound=frames > 30 * seconds, note=note)
