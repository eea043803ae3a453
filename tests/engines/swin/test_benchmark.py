"""The benchmark's row compares the same computation. What it measures is not judged here: a test is never timed."""

from __future__ import annotations

import shutil

import torch

from tests.benchmarks import swin_rows

TINY = {"embed_dim": 12, "depths": [2, 2], "num_heads": [2, 3], "window_size": 4, "image_size": 32, "patch_size": 2,
        "num_labels": 5}  # fmt: skip


def test_the_row_compares_the_same_computation(one_thread, monkeypatch):
    monkeypatch.setattr(swin_rows, "THREADS", 1)
    reference = swin_rows.reference_of(**TINY)
    try:
        found = swin_rows.forward(reference, repeats=1)
        assert found.sound, found.note
        with torch.no_grad():
            reference.net.classifier.bias.add_(1)  # the saved model is another one now
        assert not swin_rows.forward(reference, repeats=1).sound
    finally:
        shutil.rmtree(reference.folder)
