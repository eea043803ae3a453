"""Rows of the self-attention tab: its smallest slider, and a trained language model beside transformers' own.

MiniLM's sizes with random weights, so that the rows need no package; 64 tokens.
"""

from __future__ import annotations

import gc
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks.foundation_rows import Drag
from tests.benchmarks.table import Measured, Row, interleaved, quantile, versus

DRAGGED = Drag("engines.self_attention.sentence.engine", "temperature", 0.5, 2.0)
THREADS = 2
TOKENS = 64
WITHIN = 1e-4
CHANGES, RATE = 180, 60  # of the slider; a second


def rows() -> list[Row]:
    """What this topic adds to the table."""
    return [
        Row("language", "MiniLM, 64 tokens: forward with all maps kept", forward, most_ratio=1.05),
        Row("language-512", "MiniLM, 512 tokens: forward with all maps kept", longer, most_ratio=1.05),
        Row("language-slider", "MiniLM, 64 tokens: temperature of the last layer, p99, 60 a second", slider,
            most_ratio=0.25),
    ]  # fmt: skip


def reference_of(layers: int = 6, **sizes: int) -> Any:
    """A random BERT of transformers, of MiniLM's sizes where none are given, with its folder and a tokenizer."""
    import tempfile
    import warnings

    import torch

    from tests.app.made_up_language import word_pieces
    from tests.benchmarks.models import Reference

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers
    torch.manual_seed(0)
    size = {"hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536} | sizes
    config = transformers.BertConfig(num_hidden_layers=layers, attn_implementation="sdpa", **size)
    net = transformers.BertModel(config, add_pooling_layer=False).eval().requires_grad_(False)
    folder = Path(tempfile.mkdtemp(prefix="attention-lab-bench-"))
    net.save_pretrained(folder)
    word_pieces().save(str(folder / "tokenizer.json"))
    return Reference(net, folder)


def longer() -> Measured:
    """The same as `forward` at the longest text."""
    return forward(tokens=512, repeats=9)


def forward(reference: Any = None, tokens: int = TOKENS, repeats: int = 31) -> Measured:
    """Ours keeps every map; transformers' sdpa forward keeps none."""
    import shutil

    import torch

    from engines.self_attention.language.load import load_folder

    torch.set_num_threads(THREADS)
    made = reference is None
    reference = reference or reference_of()
    net = load_folder(reference.folder).net
    if made:
        shutil.rmtree(reference.folder)
    ids = torch.randint(5, net.config.vocabulary, (1, tokens), generator=torch.Generator().manual_seed(1))
    types = torch.zeros_like(ids)
    gc.collect()
    with torch.inference_mode():
        last, _, weights = net.trace(ids, types)
        theirs = reference.net(ids, token_type_ids=types).last_hidden_state
        apart = float((last - theirs).abs().max())
        kept = len(weights) == net.config.layers
        spent = interleaved(
            lambda: net.trace(ids, types), lambda: reference.net(ids, token_type_ids=types), repeats=repeats
        )
    return versus(*spent, sound=apart <= WITHIN and kept, note=f"{tokens} tokens, apart by at most {apart:.1e}")


def slider(reference: Any = None, changes: int = CHANGES) -> Measured:
    """p99 of one change of the last layer's temperature, engine alone, beside the median of a full sdpa forward."""
    import shutil

    import torch

    from engines.core.protocol import Job
    from engines.self_attention.heads.engine import Engine
    from engines.self_attention.heads.spec import HeadsParams
    from engines.self_attention.language.subject import Collection

    torch.set_num_threads(THREADS)
    made = reference is None
    reference = reference or reference_of()
    folder = str(reference.folder)
    engine = Engine(Collection())
    layers = reference.net.config.num_hidden_layers
    text = " ".join((["the", "cat", "sat"] * TOKENS)[: TOKENS - 2])  # and two special tokens
    plain = HeadsParams(model=folder, first=text, second="", layer=layers)

    def change(value: float) -> Any:
        asked = replace(plain, temperature=value)
        *_, last = engine.run(Job(asked, lambda: engine, lambda event: None))
        return last

    count = len(change(1.0).text)
    if made:
        shutil.rmtree(reference.folder)
    ids = torch.randint(5, reference.net.config.vocab_size, (1, count))
    whole = []
    with torch.inference_mode():
        for _ in range(25):
            began = time.perf_counter()
            reference.net(ids)
            whole.append(time.perf_counter() - began)
    spent, due = [], time.perf_counter()
    for number in range(changes + 5):
        due += 1 / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()
        change(0.5 + number / changes)
        spent.append(1e3 * (time.perf_counter() - began))
    full = 1e3 * quantile(whole[5:], 0.5)
    note = f"{count} tokens, {changes} changes, p50 {quantile(spent[5:], 0.5):.1f} ms"
    return Measured(quantile(spent[5:], 0.99), "ms", full, sound=count == TOKENS, note=note)
