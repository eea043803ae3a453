"""Rows of the Swin tab: a whole Swin-T with all its weights beside transformers' own, and one slider of mini-swin."""

from __future__ import annotations

import gc
from typing import Any

from tests.benchmarks.foundation_rows import Drag, drag
from tests.benchmarks.table import Measured, Row, interleaved, quantile, versus

THREADS = 2
WITHIN = 1e-4  # of the reference's logits


def rows() -> list[Row]:
    """What this topic adds to the table."""
    return [
        Row("swin", "Swin-T 224: forward with the weights of all blocks at hand", forward, most_ratio=1.0),
        Row("swin-slider", "mini-swin: temperature of a block, p99", slider, most=16),
    ]


def slider() -> Measured:
    """p99 of one slider change, engine alone."""
    return Measured(quantile(drag(Drag("engines.swin.watch.engine", "temperature", 0.2, 5.0), 120, 5), 0.99), "ms")


def reference_of(**size: Any) -> Any:
    """A random Swin of transformers with its folder; Swin-T where no size is given."""
    import tempfile
    import warnings
    from pathlib import Path

    import torch

    from tests.benchmarks.models import Reference

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers
    torch.manual_seed(0)
    config = transformers.SwinConfig(**(size or {"num_labels": 1000}), attn_implementation="sdpa")
    net = transformers.SwinForImageClassification(config).eval().requires_grad_(False)
    folder = Path(tempfile.mkdtemp(prefix="attention-lab-bench-"))
    net.save_pretrained(folder)
    return Reference(net, folder)


def forward(reference: Any = None, repeats: int = 9) -> Measured:
    """Ours keeps every block's weights; transformers' plain sdpa forward keeps none."""
    import shutil

    import torch

    from engines.swin import load_checkpoint

    torch.set_num_threads(THREADS)
    made = reference is None
    reference = reference or reference_of()
    net = load_checkpoint(str(reference.folder))
    if made:
        shutil.rmtree(reference.folder)
    side = net.config.image_size
    pixels = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(1))
    gc.collect()
    with torch.inference_mode():
        logits, trace = reference.net(pixels).logits, net.trace(pixels)
        apart = float((logits - trace.logits).abs().max() / logits.abs().max())
        spent = interleaved(lambda: net.trace(pixels), lambda: reference.net(pixels), repeats=repeats, warm_up=2)
    return versus(*spent, sound=apart <= WITHIN, note=f"logits apart by at most {apart:.1e} of the largest")
