"""The toy's engine: its weights by hand, and a palette of others by its key table."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engines.core.errors import LabError
from engines.core.protocol import Job
from engines.toy.engine import QUERY, Engine
from engines.toy.load import load_checkpoint
from engines.toy.spec import ToyParams


def test_weights_are_those_of_the_formula():
    colors = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1]])
    (event,) = Engine().run(Job(ToyParams(temperature=0.5), Engine, lambda event: None))
    scores = np.exp(-((np.array(QUERY) - colors) ** 2).sum(-1) / 0.5)
    np.testing.assert_allclose(event.weights[0], scores / scores.sum(), rtol=1e-5)
    assert event.names[event.weights.argmax()] == "R"


def test_a_folder_is_read_by_its_key_table(tmp_path):
    save_file({"palette.weight": torch.eye(3)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "toy-palette"}))
    assert load_checkpoint(str(tmp_path)).colors.tolist() == torch.eye(3).tolist()
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit"}))
    with pytest.raises(LabError, match="not a palette"):
        load_checkpoint(str(tmp_path))
