"""The row of studies: two processes beside one."""

from __future__ import annotations

import time

from tests.benchmarks.table import Measured, Row

SAID = {"study": "scale", "seeds": 3, "over": {"network": ["vit", "cnn"], "count": [50, 75, 100, 150]}}


def rows() -> list[Row]:
    """What the room of studies adds to the table."""
    return [Row("studies", "24 runs of the digits study: two processes, times as fast as one", two, least=1.6)]


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
