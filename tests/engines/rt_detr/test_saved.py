"""An RT-DETR trained here: saved as a folder and opened again, and refused where its card says something else."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engines.checkpoints import catalog, layout
from engines.core.errors import LabError
from engines.core.files import WriteError
from engines.core.protocol import Ended, Job
from engines.data import detector_pictures
from engines.data.detector_training import TRAINED_HERE
from engines.rt_detr.checkpoint import from_weights, load_checkpoint
from engines.rt_detr.detect.engine import Engine
from engines.rt_detr.detect.spec import DetectParams, Found
from engines.rt_detr.events import ModelInfo
from engines.rt_detr.saved import save_model
from engines.rt_detr.training.run import Run
from engines.rt_detr.training.spec import RtDetrTraining


@pytest.fixture(scope="module")
def run():
    """One step on drawn scenes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(detector_pictures, "VALIDATION", 4)
        patched.setattr(detector_pictures, "WATCHED", 2)
        made = Run(RtDetrTraining(batch=2, queries=5))
    list(made.parts(made.params))
    return made


@pytest.fixture(scope="module")
def weights(run):
    return run.kept()


@pytest.fixture(scope="module")
def saved(weights, tmp_path_factory):
    about = {"measured": {"ap": 0.5}, "settings": {"folder": "/far/away/mine", "batch": 2}}
    return save_model(weights, tmp_path_factory.mktemp("models") / "my shapes", about)


@torch.inference_mode()
def said(model, rgb):
    out = model(model.preprocess(rgb))
    return out.logits, out.boxes


def test_what_is_opened_again_says_the_same_as_the_run(run, saved, weights):
    rgb = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    before, after = said(from_weights(weights), rgb), said(load_checkpoint(str(saved)), rgb)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    with torch.inference_mode():
        live = run.average(load_checkpoint(str(saved)).preprocess(rgb))  # as it was validated: norms not folded
    torch.testing.assert_close(before[0], live.logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(before[1], live.boxes, atol=1e-4, rtol=1e-4)
    assert catalog.topic_of(str(saved)) == "rt_detr"
    card = json.loads((saved / layout.CONFIG).read_text())
    assert card["settings"] == {"folder": "mine", "batch": 2}  # not where on this machine it lies
    assert card["step"] == 1


def test_the_state_of_a_run_is_the_model_of_the_page(weights):
    engine = Engine()
    told = list(engine.run(Job(DetectParams(source=TRAINED_HERE, weights=weights), lambda: engine, print)))
    (info,) = (each for each in told if isinstance(each, ModelInfo))
    (found,) = (each for each in told if isinstance(each, Found))
    assert (info.title, info.toy, info.queries) == (TRAINED_HERE, True, 5)
    later = replace(weights, step=2, arrays={name: value * 1.01 for name, value in weights.arrays.items()})
    again = list(engine.run(Job(DetectParams(source=TRAINED_HERE, weights=later), lambda: engine, print)))
    (other,) = (each for each in again if isinstance(each, Found))
    assert not np.array_equal(other.boxes, found.boxes)  # another state is another model
    assert not any(isinstance(each, Ended) for each in told)


def test_nothing_is_written_over(saved, weights):
    with pytest.raises(WriteError):
        save_model(weights, saved, {})
    assert [each.name for each in saved.parent.iterdir()] == [saved.name]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("version",), 2, "another version"),
        (("labels",), ["a"], "labels"),
        (("rt_detr", "dim"), 10**9, "dim"),
        (("rt_detr", "dim"), 32, "dim"),
        (("rt_detr", "decoder_layers"), 5, "decoder_layers"),
        (("rt_detr", "encoder_heads"), 3, "encoder_heads"),
        (("rt_detr", "points"), 0, "points"),
        (("rt_detr", "backbone", "kind"), "magic", "magic"),
        (("rt_detr", "backbone", "widths"), [32, 64], "blocks"),
        (("rt_detr",), None, "sizes"),
        (("size",), "large", "size"),
        (("surprise",), 1, "surprise"),
    ],
)
def test_a_card_that_says_something_else_is_refused_by_name(saved, tmp_path, path, value, words):
    card = json.loads((saved / layout.CONFIG).read_text())
    inner = card
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    (tmp_path / layout.CONFIG).write_text(json.dumps(card))
    (tmp_path / layout.WEIGHTS).write_bytes((saved / layout.WEIGHTS).read_bytes())
    with pytest.raises(LabError, match=words):
        load_checkpoint(str(tmp_path))
