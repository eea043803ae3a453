"""The bundled toy DETR: does what its card says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engines.checkpoints.catalog import WEIGHTS, sha256
from engines.data.scene_pool import ScenePool
from engines.data.scene_sets import HELD_OUT, scenes
from engines.data.scenes import DEFAULT_SCENE, KINDS, draw_background, render
from engines.detr import load_checkpoint
from engines.detr.train import Trainer, channels_last_for_training
from engines.detr.training.evaluate import average_precision

FILE = WEIGHTS / "toy-detr.safetensors"
AP50, AP = 0.90, 0.60  # what a toy DETR must reach to be bundled


@pytest.fixture(scope="module")
def toy():
    return load_checkpoint("toy-detr")


def test_the_card_tells_the_truth(toy):
    card = json.loads(FILE.with_suffix(".json").read_text())
    assert card["sha256"] == sha256(FILE)
    assert FILE.stat().st_size < 12e6
    assert card["license"] == "MIT"
    assert list(toy.labels.values()) == card["labels"] == list(KINDS)


@pytest.mark.parametrize(("count", "near"), [(200, 0.01), pytest.param(1000, 0.005, marks=pytest.mark.proof)])
def test_it_finds_the_shapes_of_held_out_scenes(toy, count, near):
    precision = average_precision(toy, scenes(HELD_OUT, count))
    metrics = json.loads(FILE.with_suffix(".json").read_text())["metrics"]
    assert precision.ap50 == pytest.approx(metrics["AP50"], abs=near)
    assert precision.ap == pytest.approx(metrics["AP"], abs=near)
    assert precision.ap50 >= AP50
    assert precision.ap >= AP


def test_it_finds_every_shape_of_the_first_scene(toy):
    rgb, boxes = render(DEFAULT_SCENE.shapes, draw_background(DEFAULT_SCENE, 96), 96)
    with torch.no_grad():
        found = toy(toy.preprocess(rgb))
    labels = found.logits[0].argmax(-1)
    kept = labels < len(KINDS)
    assert set(labels[kept].tolist()) == set(range(6))
    for label, box in zip(labels[kept].tolist(), found.boxes[0][kept].numpy() * 96, strict=True):
        index = [shape.kind for shape in DEFAULT_SCENE.shapes].index(KINDS[label])
        center = (boxes[index, :2] + boxes[index, 2:]) / 2
        assert np.abs(box[:2] - center).max() < 8


def test_training_goes_on_where_it_was_and_learns(tmp_path):
    trainer = Trainer(tmp_path, minutes=10)
    channels_last_for_training(trainer.model)
    batch = ScenePool(np.random.default_rng(0), capacity=8).batch(8)
    trainer.model.train()
    losses = [trainer.advance(batch).tolist() for _ in range(12)]
    assert np.isfinite(losses).all()
    assert sum(losses[-1]) < sum(losses[0])
    trainer.used = 360.0
    assert trainer.lr < 7e-4 * 13 / 300 * 0.81
    trainer.save()
    again = Trainer(tmp_path, minutes=10)
    assert (again.step, again.seen, again.used) == (12, 96, 360.0)
    for a, b in zip(again.smooth.state_dict().values(), trainer.smooth.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b)
    assert again.seed == trainer.seed + 1  # other scenes than before
