"""The benchmark's rows compare the same computation. What they measure is not judged here: a test is never timed."""

from __future__ import annotations

import shutil

import torch

from tests.benchmarks import self_attention_rows

TINY = {"layers": 2, "hidden_size": 24, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 120}


def test_the_rows_compare_the_same_computation(one_thread, monkeypatch):
    monkeypatch.setattr(self_attention_rows, "THREADS", 1)
    monkeypatch.setattr(self_attention_rows, "RATE", 10_000)
    reference = self_attention_rows.reference_of(**TINY)
    try:
        found = self_attention_rows.forward(reference, repeats=1)
        assert found.sound, found.note
        dragged = self_attention_rows.slider(reference, changes=4)
        assert dragged.sound, dragged.note
        with torch.no_grad():
            reference.net.encoder.layer[1].output.LayerNorm.bias.add_(1)  # the saved model is another one now
        assert not self_attention_rows.forward(reference, repeats=1).sound
    finally:
        shutil.rmtree(reference.folder)
