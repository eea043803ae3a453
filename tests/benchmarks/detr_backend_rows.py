"""A real DETR in the way that is quickest on this machine and gives the same answer, beside transformers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.table import Measured, Row, interleaved, versus

THREADS = 2
ISSUE_1 = 0.477  # what folded, fused float32 had reached


def detr_fastest(reference: Any = None, height: int = 800, width: int = 1066, repeats: int = 5) -> Measured:
    """A whole detection from pixels to logits and boxes, encoder inputs kept so that attention can be read."""
    import torch

    from engines.blocks.backends import FASTEST, FLOAT32, SAME_BOX, SAME_PROBABILITY
    from engines.detr import load_checkpoint
    from engines.detr.backends.steps import Backends, difference
    from engines.detr.preprocess import normalize
    from engines.detr.stages import Encoding
    from tests.benchmarks.models import detr_r50

    torch.set_num_threads(THREADS)
    reference = reference or detr_r50()
    model = load_checkpoint(str(reference.folder))
    rgb = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    pixels = normalize(rgb[None])
    plain = pixels.contiguous()  # as transformers' own image processor gives it
    ways = Backends(model, torch.device("cpu"))
    for way in ways.to_try():
        ways.attempt(way)
    way, _ = ways.choose(FASTEST)
    steps = ways.way(way)

    def encoded(parts: Any) -> Encoding:
        encoding = Encoding(model, pixels, parts)
        while encoding.done < encoding.total:
            encoding.advance()
        return encoding

    @torch.inference_mode()
    def ours() -> Any:
        state = model.decode(encoded(steps).memory).states[-1]
        return model.class_head(state), model.box_head(state)

    @torch.inference_mode()
    def theirs() -> Any:
        return reference.net(pixel_values=plain)

    mine, yours = ours(), theirs()
    logits, boxes = float((mine[0] - yours.logits).abs().max()), float((mine[1] - yours.pred_boxes).abs().max())
    with torch.inference_mode():
        probabilities = float((mine[0].softmax(-1) - yours.logits.softmax(-1)).abs().max())
    itself = difference(model, encoded(steps).memory, encoded(ways.way(FLOAT32)).memory)
    return versus(
        *interleaved(ours, theirs, repeats=repeats, warm_up=1),
        sound=probabilities <= SAME_PROBABILITY and boxes <= SAME_BOX,
        note=f"{way}; logits apart by at most {logits:.1e}, probabilities {probabilities:.1e}, boxes {boxes:.1e}",
        details={"way": way, "small_picture_ms": ways.tried, "logits_from_our_float32": itself[0]},
    )


def rows() -> list[Row]:
    """One row."""
    return [Row("detr_fastest", "DETR-R50 in the quickest faithful way, 800×1066", detr_fastest, most_ratio=ISSUE_1)]
