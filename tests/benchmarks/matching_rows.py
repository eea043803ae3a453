"""Matching: ours against transformers' matcher, and what one move of a dragged box costs in the matching lab."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

from tests.benchmarks.table import Measured, Row, interleaved, quantile, versus

BATCH, QUERIES, CLASSES, OBJECTS = 8, 100, 91, 20
PATIENCE = 10.0  #: s that an answer to one move may take


def rows() -> list[Row]:
    """The matcher alone, the page's engine, and the page itself."""
    return [
        Row("matcher", "matching a batch of 8, 100 queries × 20 objects each", matcher, most_ratio=0.2),
        Row(
            "assignment",
            "matching lab, one move of a box: costs of 100 × 20 and both assignments, p95",
            one_move,
            most=4,
        ),
        Row("box", "matching lab, 100 × 20 at 1440 × 900: moves of a dragged box, answered and painted", moved_box,
            least=60),
    ]  # fmt: skip


def matcher(repeats: int = 60) -> Measured:
    """`HungarianMatcher` and transformers', one thread, in turn."""
    import torch
    from transformers.loss.loss_for_object_detection import HungarianMatcher as Reference

    from engines.detr import HungarianMatcher

    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(BATCH, QUERIES, CLASSES + 1, generator=generator)
    boxes = torch.rand(BATCH, QUERIES, 4, generator=generator) * 0.5 + 0.2
    targets = [
        {
            "labels": torch.randint(0, CLASSES, (OBJECTS,), generator=generator),
            "boxes": torch.rand(OBJECTS, 4, generator=generator) * 0.5 + 0.2,
        }
        for _ in range(BATCH)
    ]
    theirs = [{"class_labels": one["labels"], "boxes": one["boxes"]} for one in targets]
    ours, reference = HungarianMatcher(1, 5, 2), Reference(1, 5, 2)

    def match() -> Any:
        return ours(logits, boxes, targets)

    def refer() -> Any:
        return reference({"logits": logits, "pred_boxes": boxes}, theirs)

    same = all(
        dict(zip(rows.tolist(), cols.tolist(), strict=True)) == dict(zip(r.tolist(), c.tolist(), strict=True))
        for (rows, cols), (r, c) in zip(match(), refer(), strict=True)
    )
    return versus(*interleaved(match, refer, repeats=repeats), sound=same)


def one_move(moves: int = 300, warm_up: int = 20) -> Measured:
    """The page's engine alone while an object is dragged, ``cores - 1`` threads."""
    from engines.core.device import leave_a_core
    from engines.core.protocol import Job
    from engines.detr.matching.engine import Engine
    from engines.detr.matching.scenes import CROWD, scene_of
    from engines.detr.matching.spec import MatchingParams

    leave_a_core()
    engine, scene = Engine(), scene_of(CROWD)
    whole, core = [], []
    for step in range(moves + warm_up):
        thing = replace(scene.things[0], box=(0.2 + 0.6 * step / moves, 0.5, 0.2, 0.2))
        params = MatchingParams(replace(scene, things=(thing, *scene.things[1:])))
        job = Job(params, lambda: engine, lambda event: None)
        began = time.perf_counter()
        frame = next(iter(engine.run(job)))
        whole.append(1e3 * (time.perf_counter() - began))
        core.append(1e3 * getattr(frame, "seconds", 0.0))
    whole, core = whole[warm_up:], core[warm_up:]
    details = {
        "p50_ms": quantile(core, 0.5),
        "p99_ms": quantile(core, 0.99),
        "with_losses_p50_ms": quantile(whole, 0.5),
    }
    return Measured(quantile(core, 0.95), "ms", details=details)


def moved_box(moves: int = 200, warm_up: int = 30) -> Measured:
    """The page in the window while the hand drags an object: each move waits for its answer and for both paintings.

    The way is a ring in the middle of the scene: at an edge an object may stay where it is, and no answer would come.
    """
    import pyqtgraph as pg
    from PySide6.QtCore import QEvent, QEventLoop, QPointF, Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from engines.detr.matching.scenes import CROWD, SCENES
    from tests.app import tabs
    from tests.app.views_help import send
    from tests.benchmarks.window_rows import _spin, _window

    pg.setConfigOptions(mouseRateLimit=-1)  # this hand is quicker than pyqtgraph believes
    left, none, plain = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    with _window("detr") as (_, tab):
        index = next(i for i, kind in enumerate(tab.topic.pages) if kind.endswith(":MatchingPage"))
        tab.show_page(index)
        page = tab.pages[index]
        _spin(lambda: page.isVisible() and tabs.rests(tab))
        page.choose_scene(SCENES.index(CROWD))
        _spin(lambda: tabs.rests(tab) and page.found is not None and len(page.found.pairs) == OBJECTS)
        view, place, (cx, cy, *_) = page.canvas.viewport(), page.canvas.photo_rect(), page.scene.things[8].box

        def at(x: float, y: float) -> QPointF:
            return QPointF(place.x() + x * place.width(), place.y() + y * place.height())

        loop = QEventLoop()

        def wait(before: object) -> None:
            until = time.perf_counter() + PATIENCE
            while page.found is before:  # asleep meanwhile, as a window is: lane and screen need their turns
                loop.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
                if time.perf_counter() > until:
                    raise TimeoutError(f"no answer to a move within {PATIENCE} s")

        watch = QTimer(interval=1000)  # wakes `wait` where nothing else does
        watch.start()
        send(view, QEvent.Type.MouseButtonPress, at(cx, cy), left, left, plain)
        whole, own = [], []
        for step in range(moves + warm_up):
            before, began, spent = page.found, time.perf_counter(), time.process_time()
            way = at(0.5 + 0.3 * math.sin(step / 4), 0.5 + 0.3 * math.cos(step / 4))
            send(view, QEvent.Type.MouseMove, way, none, left, plain)
            wait(before)
            for _ in range(2):  # what an answer changes asks for its paint in the first
                QApplication.processEvents()
            whole.append(time.perf_counter() - began)
            own.append(1e3 * (time.process_time() - spent))
        send(view, QEvent.Type.MouseButtonRelease, at(cx, cy), left, none, plain)
    details = {"cpu_p50_ms": quantile(own[warm_up:], 0.5), "p95_ms": quantile([1e3 * s for s in whole[warm_up:]], 0.95)}
    return Measured(moves / sum(whole[warm_up:]), "per second", details=details)
