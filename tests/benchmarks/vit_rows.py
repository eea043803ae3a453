"""Rows of the ViT pages Relevance and Intervene: relevance and the ablation scan beside transformers doing the same."""

from __future__ import annotations

import statistics
import time
from typing import Any

from tests.benchmarks.table import Measured, Row, interleaved, versus

THREADS = 2
WITHIN = 1e-4  # of the reference's numbers
SAMPLED = ((0, 0), (5, 7), (11, 11))  # heads whose forward is timed for the reference; each costs it the same


def rows() -> list[Row]:
    """What this topic adds to the table."""
    return [
        Row("relevance", "ViT-B: Chefer's relevance of another class for the photo on screen", relevance,
            most_ratio=1.1),
        Row("vit-fastest", "ViT-B: the same as row vit in the quickest faithful way", fastest, most_ratio=0.6),
        Row("ablation", "ViT-B: all 144 heads switched off, one after the other", ablation, most_ratio=0.75),
    ]  # fmt: skip


def relevance(reference: Any = None, repeats: int = 5) -> Measured:
    """From the stream that is there, a layer's graph at a time, beside one graph through transformers' whole model."""
    import torch

    from engines.core.reading import finish
    from engines.vit import load_checkpoint
    from engines.vit.relevance.methods import class_specific
    from engines.vit.stream import Stream
    from tests.benchmarks.models import vit_b

    torch.set_num_threads(THREADS)
    reference = reference or vit_b()
    net = load_checkpoint(str(reference.folder))
    size = net.config.image_size
    pixels = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    reference.net.set_attn_implementation("eager")  # the others keep no maps

    stream = Stream.of(net, pixels)
    while not stream.complete:
        stream.advance()

    def ours() -> Any:
        return finish(class_specific(stream, 3))[1]

    def theirs() -> Any:
        out = reference.net(pixel_values=pixels.clone().requires_grad_(), output_attentions=True)
        gradients = torch.autograd.grad(out.logits[0, 3], out.attentions)
        found = torch.eye(out.attentions[0].shape[-1])
        for weights, gradient in zip(out.attentions, gradients, strict=True):
            with torch.no_grad():
                found = found + (weights * gradient).clamp_min(0).mean(1)[0] @ found
        return found[0]

    mine, yours = ours(), theirs()
    apart = float((mine - yours).abs().max() / yours[1:].abs().max())
    measured = versus(
        *interleaved(ours, theirs, repeats=repeats, warm_up=1),
        sound=apart <= WITHIN,
        note=f"relevance apart by at most {apart:.1e} of the largest patch's",
    )
    reference.net.set_attn_implementation("sdpa")
    return measured


def ablation(reference: Any = None) -> Measured:
    """The scan, which shares what comes before a head, beside one whole forward of transformers for each head."""
    import torch

    from engines.vit import load_checkpoint
    from engines.vit.intervene.ablation import Scan
    from engines.vit.stream import Stream
    from tests.benchmarks.models import vit_b

    torch.set_num_threads(THREADS)
    reference = reference or vit_b()
    net = load_checkpoint(str(reference.folder))
    size = net.config.image_size
    pixels = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    plain = Stream.of(net, pixels)
    while not plain.complete:
        plain.advance()
    scan, began = Scan(plain), time.perf_counter()
    longest, before = 0.0, began
    for _ in scan.run():
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    spent = time.perf_counter() - began
    _, changes = scan.effects(3)
    with torch.inference_mode():
        untouched = reference.net(pixel_values=pixels).logits[0, 3]
    seconds, apart = [], 0.0
    layers, heads = scan.done.shape
    for layer, head in ((min(a, layers - 1), min(b, heads - 1)) for a, b in SAMPLED):
        began = time.perf_counter()
        logits = _without(reference.net, pixels, layer, head)
        seconds.append(time.perf_counter() - began)
        apart = max(apart, abs(float(logits[3] - untouched) - float(changes[layer, head])))
    return Measured(
        spent,
        "s",
        statistics.median(seconds) * scan.done.size,
        sound=apart <= WITHIN,
        note=f"reference: {scan.done.size} times the median of {len(seconds)} forwards; logits apart by at most "
        f"{apart:.1e}; longest pause between two places to stop {1000 * longest:.0f} ms",
    )


def _without(net: Any, pixels: Any, layer: int, head: int) -> Any:
    """transformers' logits with one head's slice zeroed before the output projection."""
    import torch

    ends = "attention.output.dense", "attention.o_proj"  # as older and newer versions name it
    found = [one for name, one in net.named_modules() if name.endswith(ends)][layer]
    size = net.config.hidden_size // net.config.num_attention_heads

    def zero(_module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        changed = inputs[0].clone()
        changed[..., head * size : (head + 1) * size] = 0
        return (changed,)

    hook = found.register_forward_pre_hook(zero)
    try:
        with torch.inference_mode():
            return net(pixel_values=pixels).logits[0]
    finally:
        hook.remove()


def fastest(reference: Any = None, repeats: int = 15) -> Measured:
    """Class token's rows and one layer's weights kept, in the way that the choice of backends comes to."""
    import torch

    from engines.blocks.backends import BFLOAT16, FASTEST, FLOAT32
    from engines.blocks.choosing import missing
    from engines.vit import load_checkpoint
    from engines.vit.backends import Backends
    from engines.vit.stream import Stream
    from tests.benchmarks.models import vit_b

    torch.set_num_threads(THREADS)
    reference = reference or vit_b()
    net = load_checkpoint(str(reference.folder))
    size = net.config.image_size
    pixels = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    ways = Backends(net)
    for each in ways.to_try():
        ways.attempt(each)
    backend = ways.choose(FASTEST)[0]

    def stream(way: Any) -> Any:
        made = Stream.of(way, pixels)
        while not made.complete:
            made.advance()
        return made

    def ours() -> Any:
        made = stream(ways.way(backend))
        return made.conclusion(), made.weights(net.config.layers - 1), torch.stack(made.rows)

    @torch.inference_mode()
    def theirs() -> Any:
        return reference.net(pixel_values=pixels)

    ways.compare(backend, stream(ways.way(backend)), stream(ways.way(FLOAT32)), "noise")
    told, why = ways.compared[backend], missing(BFLOAT16, net.device)
    return versus(
        *interleaved(ours, theirs, repeats=repeats),
        sound=told.faithful,
        note=f"{backend}; from our float32 logits {told.logits:.1e} apart, probabilities {told.probabilities:.1e}"
        if why is None
        else f"not here: {why}",
        here=why is None,
    )
