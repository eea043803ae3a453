"""Rows of the RT-DETR tab: the reference box under the hand, and a real one's size beside transformers."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tests.benchmarks.table import Measured, Row, interleaved, quantile, versus

CHANGES, WARM_UP = 120, 5
THREADS, SIDE = 2, 640
WITHIN = 1e-4  # of the reference's logits and boxes


def rows() -> list[Row]:
    """What this topic adds to the table."""
    return [
        Row("rt-detr-box", "toy RT-DETR: reference box dragged, p99", dragged, most=16),
        Row("rt-detr", "RT-DETR-R18 at 640: all points and weights kept, float32", plain, most_ratio=0.8),
        Row("rt-detr-fastest", "the same in the quickest faithful way", fastest, most_ratio=0.5),
    ]


def dragged() -> Measured:
    """p99 of one move of a query's reference box, after which all decoder layers are computed; engine alone."""
    from engines.core.device import leave_a_core
    from engines.core.protocol import Job
    from engines.rt_detr.detect.engine import Engine
    from engines.rt_detr.detect.spec import DetectParams

    leave_a_core()
    engine, spent = Engine(), []
    for x in np.linspace(0.2, 0.8, CHANGES + WARM_UP):
        params = DetectParams(query=2, moved=(0, 2, (float(x), 0.5, 0.3, 0.3)))
        began = time.perf_counter()
        for _ in engine.run(Job(params, lambda: engine, lambda event: None)):
            pass
        spent.append(1e3 * (time.perf_counter() - began))
    return Measured(quantile(spent[WARM_UP:], 0.99), "ms")


def plain(reference: Any = None, side: int = SIDE, repeats: int = 9) -> Measured:
    """In float32."""
    from engines.blocks.backends import FLOAT32

    return _beside(reference, side, repeats, FLOAT32)


def fastest(reference: Any = None, side: int = SIDE, repeats: int = 9) -> Measured:
    """In the way that the choice of backends comes to on this machine."""
    from engines.blocks.backends import FASTEST

    return _beside(reference, side, repeats, FASTEST)


def _beside(reference: Any, side: int, repeats: int, asked: str) -> Measured:
    """From pixels to logits and boxes, with the points and weights of all layers, in turn with transformers."""
    import torch

    from engines.blocks.backends import FASTEST, FLOAT32
    from engines.blocks.choosing import missing
    from engines.rt_detr import load_checkpoint
    from engines.rt_detr.backends import BACKENDS, Backends, Encoding
    from tests.benchmarks.models import rt_detr_r18

    torch.set_num_threads(THREADS)
    reference = reference or rt_detr_r18()
    model = load_checkpoint(str(reference.folder))
    pixels = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1))
    fitted = pixels.to(memory_format=torch.channels_last)
    ways, backend = Backends(model), FLOAT32
    if asked == FASTEST:
        for each in ways.to_try():
            ways.attempt(each)
        backend = ways.choose(FASTEST)[0]
    way = ways.way(backend)

    @torch.inference_mode()
    def ours() -> Any:
        memory, proposals = Encoding(model, fitted, way).finish()
        return model.decode(memory, proposals.taken(model.select(proposals)))

    @torch.inference_mode()
    def theirs() -> Any:
        return reference.net(pixel_values=pixels)

    mine, yours = ours(), theirs()
    logits, boxes = (
        float((mine.logits[-1] - yours.logits).abs().max()),
        float((mine.boxes[-1] - yours.pred_boxes).abs().max()),
    )
    apart, sound = f"logits apart by at most {logits:.1e}, boxes {boxes:.1e}", max(logits, boxes) <= WITHIN
    if backend != FLOAT32:
        ways.compare(backend, _encoded(Encoding(model, fitted, way)), _encoded(Encoding(model, fitted)), "noise")
        told = ways.compared[backend]
        apart = f"{backend}; from our float32 scores {told.probabilities:.4f}, boxes {SIDE * told.boxes:.3f} px apart"
        sound = told.faithful
    kept = mine.points.shape[-1] == 2 and mine.weights.shape[0] == len(model.decoder.layers)
    lacks = [missing(each, model.device) for each in BACKENDS if each != FLOAT32]
    here = asked == FLOAT32 or not all(lacks)
    return versus(
        *interleaved(ours, theirs, repeats=repeats),
        sound=sound and kept,
        note=apart if here else f"not here: {next(str(why) for why in lacks if why)}",
        here=here,
    )


def _encoded(encoding: Any) -> Any:
    """The same encoding with all its steps done."""
    encoding.finish()
    return encoding
