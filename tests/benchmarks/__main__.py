"""``python -m tests.benchmarks [--json FILE] [--list] [ROW...]``: prints the table, writes the figures as JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

# before Qt and the models' libraries are imported: no screen, no network, nothing of the person at this machine
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["HF_HUB_OFFLINE"] = "1"

from tests.benchmarks import models
from tests.benchmarks.brought import modules
from tests.benchmarks.table import Measured, Row, as_data, written

ROOT = Path(__file__).parents[2]


def rows() -> list[Row]:
    """All rows; those that start from nothing first. A topic's own are found: modules ``*_rows`` with ``rows()``."""
    os.environ["ATTENTION_LAB_HOME"] = str(models.scratch() / "home")
    from tests.benchmarks import engine_rows as engine
    from tests.benchmarks import foundation_rows as foundation
    from tests.benchmarks import window_rows as window

    return [
        Row("start", "spawn to first paint", window.first_paint, most=1.0),
        Row("first-map", "spawn to the first photo's attention painted", window.first_map, most=2.5),
        Row("mosaic", "144-head mosaic of 197×197 maps repainted", window.mosaic, least=166),
        Row("vit", "ViT-B: forward + class-token attention + one layer's weights", engine.vit_forward, most_ratio=1.0),
        Row("memory", "attention memory kept, ViT-B at 384 px", engine.attention_memory, most=25),
        Row("detr", "DETR-R50 forward, 800×1066", engine.detr_forward, most_ratio=0.65),
        Row("slider", "temperature of ViT-B's last layer, change to painted, p99", window.temperature_drag,
            most_ratio=0.25),
        Row("slider-first", "temperature of ViT-B's first layer, change to painted, p99", window.first_layer_drag,
            most_ratio=0.75),
        Row("drop", "photo dropped on DETR-R50 until its boxes are painted", window.photo_drop, most_ratio=0.5),
        Row("foundations", "one slider change, the slowest of the small topics, p99", foundation.slider_work, most=16),
        Row("ticks", "GUI tick gap p99 while ViT-B or DETR-R50 computes", window.tick_gap, most=20),
        *(row for module in modules("rows") for row in module.rows()),
    ]  # fmt: skip


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    import PySide6
    import torch

    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": models.version(),
        "PySide6": PySide6.__version__,
        "platform plugin": os.environ["QT_QPA_PLATFORM"],
    }


def main(argv: list[str] | None = None) -> int:
    """Run the rows chosen, or all of them; 0 whatever the figures are."""
    every = rows()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(row.name for row in every))
    parser.add_argument("--json", type=Path, default=ROOT / "bench.json", help="where the figures go")
    parser.add_argument("--list", action="store_true", help="name the rows and leave")
    options = parser.parse_args(argv)
    known = {row.name for row in every}
    if wrong := [name for name in options.rows if name not in known]:
        parser.error(f"no row {wrong[0]!r}; there are {', '.join(sorted(known))}")
    if options.list:
        print("\n".join(f"{row.name:11} {row.what}" for row in every))
        return 0
    results: list[tuple[Row, Measured]] = []
    for row in every:
        if options.rows and row.name not in options.rows:
            continue
        began = time.perf_counter()
        print(f"{row.what} ...", end=" ", flush=True, file=sys.stderr)
        results.append((row, row.measure()))
        print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    print(written(results))
    figures = {"machine": machine(), "rows": as_data(results)}
    options.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
