"""Weights go out with a card that tells their hash; a state is there whole or not at all."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from engines.checkpoints.bundling import save_state, write_bundled
from engines.checkpoints.catalog import sha256


def test_weights_and_card_belong_together(tmp_path):
    across = torch.arange(6.0).reshape(2, 3).t()  # not contiguous, as a transposed weight may be
    path = write_bundled("tiny", {"w": across}, {"topic": "moco", "note": "图"}, tmp_path)
    assert path == tmp_path / "tiny.safetensors"
    assert torch.equal(load_file(path)["w"], across)
    text = path.with_suffix(".json").read_text(encoding="utf-8")
    assert json.loads(text) == {"topic": "moco", "note": "图", "sha256": sha256(path)}
    assert "图" in text
    assert path.stat().st_mode & 0o044


def test_a_state_that_fails_to_be_written_leaves_the_one_before(tmp_path):
    file = tmp_path / "new" / "checkpoint.pt"
    save_state({"step": 1}, file)
    with pytest.raises((AttributeError, TypeError)):
        save_state({"step": lambda: None}, file)
    assert torch.load(file, weights_only=True) == {"step": 1}
    save_state({"step": 2}, file)
    assert torch.load(file, weights_only=True) == {"step": 2}
