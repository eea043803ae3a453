"""Rows without a window: the engines on two threads beside transformers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engines.core.pictures import Picture
from engines.core.protocol import Job
from engines.detr import load_checkpoint as load_detr
from engines.detr.preprocess import normalize
from engines.vit.asking import WHOLE_LAYER
from engines.vit.load import load_checkpoint as load_vit
from engines.vit.subject import Collection
from engines.vit.watch.engine import Engine
from engines.vit.watch.spec import ROLLOUT, Answer, WatchParams
from tests.benchmarks.models import Reference, detr_r50, vit_b
from tests.benchmarks.table import Measured, interleaved, versus

THREADS = 2
WITHIN = 1e-4  # of the reference's logits


def vit_forward(reference: Reference | None = None, repeats: int = 25) -> Measured:
    """A plain forward of transformers beside ours that keeps the class token's rows and one layer's weights."""
    torch.set_num_threads(THREADS)
    reference = reference or vit_b()
    net = load_vit(str(reference.folder))
    size, last = net.config.image_size, net.config.layers - 1
    pixels = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))

    @torch.inference_mode()
    def ours() -> Any:
        return net.trace(pixels, layers=[last])

    @torch.inference_mode()
    def theirs() -> Any:
        return reference.net(pixel_values=pixels)

    traced = ours()
    apart = float((traced.logits - theirs().logits).abs().max())
    kept = len(traced.attention) == 1 and traced.cls_attention.shape[1] == net.config.layers
    return versus(
        *interleaved(ours, theirs, repeats=repeats),
        sound=apart <= WITHIN and kept,
        note=f"logits apart by at most {apart:.1e}",
    )


def detr_forward(
    reference: Reference | None = None, height: int = 800, width: int = 1066, repeats: int = 5
) -> Measured:
    """A whole detection, from pixels to logits and boxes."""
    torch.set_num_threads(THREADS)
    reference = reference or detr_r50()
    model = load_detr(str(reference.folder))
    rgb = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    pixels = normalize(rgb[None])
    plain = pixels.contiguous()  # as transformers' own image processor gives it

    @torch.inference_mode()
    def ours() -> Any:
        return model(pixels)

    @torch.inference_mode()
    def theirs() -> Any:
        return reference.net(pixel_values=plain)

    mine, yours = ours(), theirs()
    apart = float((mine.logits - yours.logits).abs().max())
    boxes = float((mine.boxes - yours.pred_boxes).abs().max())
    spread = float(yours.logits.std())
    return versus(
        *interleaved(ours, theirs, repeats=repeats, warm_up=1),
        sound=max(apart, boxes) <= WITHIN,
        note=f"logits apart by at most {apart:.1e} (standard deviation {spread:.1f}), boxes by {boxes:.1e}",
    )


def attention_memory(reference: Reference | None = None, resolution: int = 384) -> Measured:
    """Everything the engine and its last answer keep after a look, less model, residual streams and picture."""
    torch.set_num_threads(THREADS)
    reference = reference or vit_b()
    rgb = np.random.default_rng(1).integers(0, 256, (resolution, resolution, 3), np.uint8)
    picture = Picture("noise", rgb)
    engine = Engine(Collection())
    params = WatchParams(picture=picture, model=str(reference.folder), resolution=resolution, layer=6, pinned=7)
    most, answer = 0, None
    for changed in (
        params,
        WatchParams(**{**vars(params), "temperature": 2.0, "scope": WHOLE_LAYER}),
        WatchParams(**{**vars(params), "layer": 9, "heads_off": ((2, 1),), "overlay": ROLLOUT}),
    ):
        answer = list(engine.run(Job(changed, lambda: engine, lambda event: None, device="cpu")))[-1]
        assert isinstance(answer, Answer)
        most = max(most, _kept(engine, answer, rgb))
    assert answer is not None
    layers, heads, tokens = answer.classes.weights.shape
    every = 4 * layers * heads * tokens**2
    return Measured(
        most / 1e6,
        "MB",
        every / 1e6,
        note=f"the most of three settings; reference: all maps of {layers} layers × {heads} heads, {tokens} tokens",
    )


def _kept(engine: Engine, answer: Answer, rgb: np.ndarray) -> int:
    """Bytes of all tensors and arrays that can be reached, each memory block counted once."""
    blocks: dict[int, int] = {}
    spared: set[int] = {rgb.__array_interface__["data"][0]}
    for name, value in _reachable(engine, answer):
        start, size = _block(value)
        blocks[start] = max(size, blocks.get(start, 0))
        if name in ("hidden", "pixels", "seen", "photo"):
            spared.add(start)
    return sum(size for start, size in blocks.items() if start not in spared)


def _block(value: Tensor | np.ndarray) -> tuple[int, int]:
    """Address and size of the memory behind a tensor or array."""
    if isinstance(value, Tensor):
        return value.untyped_storage().data_ptr(), value.untyped_storage().nbytes()
    base = value
    while isinstance(base.base, np.ndarray):
        base = base.base
    if isinstance(base.base, Tensor):
        return _block(base.base)
    return base.__array_interface__["data"][0], base.nbytes


def _reachable(*roots: object) -> Iterator[tuple[str, Tensor | np.ndarray]]:
    """Tensors and arrays held by some objects, with the name of the attribute; modules are left out."""
    waiting: list[tuple[str, object]] = [("", root) for root in roots]
    seen: set[int] = set()
    while waiting:
        name, value = waiting.pop()
        if id(value) in seen or isinstance(value, nn.Module | type):
            continue
        seen.add(id(value))
        if isinstance(value, Tensor | np.ndarray):
            yield name, value
        elif isinstance(value, dict):
            waiting += [(name, part) for part in value.values()]
        elif isinstance(value, list | tuple):
            waiting += [(name, part) for part in value]
        elif hasattr(value, "__dict__"):
            waiting += list(vars(value).items())
