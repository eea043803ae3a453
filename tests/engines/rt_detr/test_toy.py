"""The bundled toy RT-DETR, and what trains it."""

from __future__ import annotations

import numpy as np
import torch

from engines.checkpoints import catalog
from engines.data.scene_pool import ScenePool
from engines.data.scene_sets import HELD_OUT, scenes
from engines.rt_detr import load_checkpoint
from engines.rt_detr.evaluate import detections, layer_precisions, scene_pixels
from engines.rt_detr.loss import Criterion, weighted
from engines.rt_detr.matcher import HungarianMatcher
from engines.rt_detr.model import RtDetr
from engines.rt_detr.train import CONFIG, NAME, begin_from, parse, targets_of
from engines.rt_detr.training_pass import Denoising, advance


def test_it_detects_as_its_card_says():
    card, model = catalog.card_of(NAME), load_checkpoint(NAME)
    found = layer_precisions(model, scenes(HELD_OUT, 60))
    told = card["metrics"]["AP50_by_layer"]
    assert len(found) == len(told) == 1 + model.config.decoder_layers
    for one, value in zip(found, told, strict=True):
        assert abs(one.ap50 - value) < 0.12  # 60 scenes of 1,000
    assert card["parameters"] == sum(p.numel() for p in RtDetr(model.config).parameters())


def test_the_decoded_pairs_are_the_best_of_all_queries_and_classes():
    logits = torch.tensor([[[0.0, 3.0, 2.0], [1.0, -1.0, -2.0]]])
    boxes = torch.tensor([[[0.5, 0.5, 0.2, 0.4], [0.2, 0.2, 0.1, 0.1]]])
    (found,) = detections(logits, boxes, 100)
    assert found["queries"].tolist() == [0, 0]  # one query may say two classes
    assert found["labels"].tolist() == [1, 2]
    torch.testing.assert_close(torch.from_numpy(found["boxes"][1]), torch.tensor([40.0, 30.0, 60.0, 70.0]))


def test_a_pass_asks_layers_encoder_and_denoising_queries():
    torch.manual_seed(0)
    net = RtDetr(CONFIG)
    net.initialize()
    fixed = begin_from(net, "toy-detr")
    assert len(fixed) == 3
    batch = ScenePool(np.random.default_rng(0), capacity=8).batch(4)
    denoising = Denoising(CONFIG.num_classes, CONFIG.dim, 16)
    targets = targets_of(batch)
    passed = advance(net, denoising, Criterion(HungarianMatcher(), False), scene_pixels(batch.rgb), targets)
    assert (passed.losses > 0).all()
    assert passed.decoded.boxes.shape == (3, 4, CONFIG.num_queries, 4)
    assert [len(rows) for rows, _ in passed.matches] == [len(one["labels"]) for one in targets]
    weighted(passed.losses).backward()
    assert all(p.grad is None for stage in fixed for p in stage.parameters())
    learned = {key for key, p in net.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    for part in (
        "encoder.aifi.0.fc1",
        "encoder.bottom_up.1.blocks.0.conv1",
        "score_head",
        "decoder.box_heads.2.layers.2",
    ):
        assert f"{part}.weight" in learned
    assert parse([]).target == "both"
