"""The ViT engine: true to its model, quick where nothing changed, on any photo."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from engines.core.errors import LabError
from engines.core.pictures import Picture
from engines.core.protocol import Job, Progress
from engines.vit.asking import WHOLE_LAYER
from engines.vit.events import PhotoGrid
from engines.vit.interventions import HeadsOff, Temperature
from engines.vit.load import load_folder
from engines.vit.measures import rollout
from engines.vit.model import Block, ViTConfig
from engines.vit.preprocess import choose_grid, prepare
from engines.vit.watch.spec import PCA, ROLLOUT, SIMILARITY, Answer, WatchParams
from tests.app.models import tiny_vit
from tests.closeness import FEW, about, close
from tests.engines.vit import reference
from tests.engines.vit.pages import Engines


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("vit")
    reference.make("ViTForImageClassification", path)
    return path


@pytest.fixture
def picture():
    rng = np.random.default_rng(0)
    return Picture("noise", rng.integers(0, 256, (60, 90, 3), dtype=np.uint8))


@pytest.fixture
def base(folder, picture):
    return WatchParams(picture=picture, model=str(folder), layer=2, head=3)


@pytest.fixture
def blocks_run(monkeypatch):
    """Counts how many layers are computed."""
    count = []
    forward = Block.forward

    def counted(self, *args):
        count.append(self)
        return forward(self, *args)

    monkeypatch.setattr(Block, "forward", counted)
    return count


def ask(engine, params):
    events = list(engine.run(Job(params, lambda: engine, lambda event: None, device="cpu")))
    assert isinstance(events[-1], Answer)
    return [event for event in events if not isinstance(event, Progress)]


def test_the_answer_is_what_the_model_computes(base, folder, picture):
    info, grid, answer = ask(
        Engines(), dataclasses.replace(base, pinned=4, temperature=0.5, heads_off=((1, 2), (3, 1)))
    )
    net = load_folder(folder)
    changes = [Temperature(1, 0.5, (2,)), HeadsOff(0, (1,)), HeadsOff(2, (0,))]
    with torch.inference_mode():
        plain = net.trace(net.preprocess(picture.rgb))
        trace = net.trace(net.preprocess(picture.rgb), interventions=changes)
    assert (info.layers, info.heads, info.labels) == (3, 3, tuple(net.labels.values()))
    assert grid.tokens == trace.attention[0].shape[-1] == answer.weights.weights.shape[-1]
    close(answer.weights.weights, trace.attention[1][0], FEW)
    close(answer.heads.attends_to, trace.attention[1][0, :, 4], FEW)
    close(answer.heads.attended_by, trace.attention[1][0, :, :, 4], FEW)
    close(answer.classes.weights, trace.cls_attention[0], FEW)
    shown = [info.labels.index(label) for label in answer.prediction.labels]
    close(answer.prediction.probabilities, trace.logits[0].softmax(-1)[shown], FEW)
    close(answer.prediction.untouched, plain.logits[0].softmax(-1)[shown], FEW)
    assert answer.prediction.changed
    assert (np.diff(answer.prediction.probabilities) <= 0).all()
    assert answer.heads.off.tolist() == [False, False, False]
    assert answer.classes.off.tolist() == [[False, True, False], [False, False, False], [True, False, False]]


def test_untouched_settings_give_the_untouched_model_bit_for_bit(base, folder, picture):
    engine = Engines()
    ask(engine, dataclasses.replace(base, temperature=3.0, scope=WHOLE_LAYER, heads_off=((1, 1),)))
    answer = ask(engine, dataclasses.replace(base, temperature=3.0, heads_off=((9, 1), (1, 99))).untouched())[-1]
    net = load_folder(folder)
    with torch.inference_mode():
        trace = net.trace(net.preprocess(picture.rgb))
    assert answer.classes.weights.tobytes() == trace.cls_attention[0].numpy().tobytes()
    assert answer.prediction.probabilities.tobytes() == answer.prediction.untouched.tobytes()
    assert answer.prediction.similarity.tolist() == [1.0, 1.0, 1.0]
    assert not answer.prediction.changed


def test_a_change_in_layer_n_runs_the_layers_from_n_on(base, blocks_run):
    engine = Engines()
    ask(engine, base)
    assert len(blocks_run) == 3
    for layer, expected in ((3, 1), (2, 2), (1, 3)):
        blocks_run.clear()
        ask(engine, dataclasses.replace(base, layer=layer, temperature=2.0))
        assert len(blocks_run) == expected
    blocks_run.clear()
    ask(engine, dataclasses.replace(base, layer=1))
    assert blocks_run == []


def test_what_did_not_change_is_the_same_object(base, blocks_run):
    engine = Engines()
    info, grid, first = ask(engine, base)
    blocks_run.clear()
    other_info, other_grid, pinned = ask(engine, dataclasses.replace(base, pinned=7))
    assert blocks_run == []
    assert other_info is info
    assert other_grid is grid
    assert pinned.weights is first.weights
    assert pinned.classes is first.classes
    assert pinned.heads is not first.heads


def test_leaving_in_mid_run_keeps_what_was_computed(base, blocks_run):
    engine = Engines()
    steps = engine.run(Job(base, lambda: engine, lambda event: None, device="cpu"))
    for event in steps:
        if isinstance(event, Progress) and event.done == 2:
            break
    steps.close()
    assert len(blocks_run) == 2
    ask(engine, base)
    assert len(blocks_run) == 3


def test_overlays(base, folder, picture):
    engine = Engines()
    net = load_folder(folder)
    with torch.inference_mode():
        trace = net.trace(net.preprocess(picture.rgb))
        last = net.conclude(trace.hidden[-1])[0][0]
    maps = [trace.attention[layer][0] for layer in range(3)]
    got = ask(engine, dataclasses.replace(base, overlay=ROLLOUT, fusion="Max", discard=0.5, start_layer=2))[-1].overlay
    close(got.matrix, rollout(maps[1:], "max", 0.5))
    got = ask(engine, dataclasses.replace(base, overlay=SIMILARITY, layer=3))[-1].overlay
    unit = torch.nn.functional.normalize(last, dim=-1)
    close(got.matrix, unit @ unit.T)
    grid, answer = ask(engine, dataclasses.replace(base, overlay=PCA))[1:]
    assert answer.overlay.rgb.shape == (grid.rows, grid.cols, 3)
    assert answer.overlay.rgb.min() >= 0
    assert answer.overlay.rgb.max() <= 1
    assert ask(engine, base)[-1].overlay is None


def test_a_rollout_leaves_switched_off_heads_out(base, folder, picture):
    off = tuple((1, head) for head in (1, 2, 3)) + ((2, 1),)
    answer = ask(Engines(), dataclasses.replace(base, overlay=ROLLOUT, heads_off=off))[-1]
    net = load_folder(folder)
    with torch.inference_mode():
        trace = net.trace(net.preprocess(picture.rgb), interventions=[HeadsOff(0, (0, 1, 2)), HeadsOff(1, (0,))])
    expected = rollout([trace.attention[1][0, 1:], trace.attention[2][0]])  # layer 1 has no say at all
    close(answer.overlay.matrix, expected)


def test_numbers_past_the_models_last_are_its_last(base):
    answer = ask(
        Engines(), dataclasses.replace(base, layer=24, head=16, pinned=100_000, start_layer=24, overlay=ROLLOUT)
    )[-1]
    assert (answer.heads.layer, answer.head, answer.weights.layer) == (3, 3, 3)
    assert answer.heads.token == answer.weights.weights.shape[-1] - 1


def test_a_model_without_a_head_shows_similarity(tmp_path, picture):
    reference.make("Dinov2Model", tmp_path)
    base = WatchParams(picture=picture, model=str(tmp_path), layer=2)
    engine = Engines()
    info, _, answer = ask(engine, base)
    assert not info.has_head
    assert answer.prediction.labels == ()
    answer = ask(engine, dataclasses.replace(base, temperature=0.2, scope=WHOLE_LAYER))[-1]
    assert answer.prediction.similarity[0] == about(1, FEW)  # before the change
    assert answer.prediction.similarity[-1] < 0.9999


def test_a_distilled_model_has_two_tokens_before_its_patches(tmp_path, picture):
    reference.make("DeiTForImageClassification", tmp_path)
    _, grid, answer = ask(Engines(), WatchParams(picture=picture, model=str(tmp_path)))
    assert grid.prefix == 2
    assert answer.classes.weights.shape[-1] == 2 + grid.rows * grid.cols == grid.tokens


@pytest.mark.parametrize(
    ("size", "expected"),
    [((100, 100), (16, 16)), ((100, 400), (8, 32)), ((1, 3000), (6, 45)), ((3000, 1), (45, 6)), ((300, 451), (13, 20))],
)
def test_the_grid_follows_the_photos_aspect_at_equal_area(size, expected):
    assert choose_grid(*size, ViTConfig(image_size=518, patch_size=14), 224) == expected


def test_a_model_of_fixed_size_gets_the_photo_squeezed_and_says_what_its_grid_covers():
    config = ViTConfig(image_size=32, patch_size=4, resizable=False)
    photo = np.zeros((50, 200, 3), np.uint8)
    photo[:, 150:] = 255
    got = prepare(photo, config, 224)
    assert (got.rows, got.cols, got.pixels.shape) == (8, 8, (1, 3, 32, 32))
    assert got.rectangle == (0, 0, 200, 50)
    assert got.seen[:, :23].max() < 20  # the last quarter of the photo is the last quarter of the grid
    assert got.seen[:, 25:].min() > 235


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 3)])
def test_odd_photos(base, shape):
    photo = Picture("odd", np.full((*shape, 3), 200, np.uint8))
    _, grid, answer = ask(Engines(), dataclasses.replace(base, picture=photo, overlay=PCA))
    assert isinstance(grid, PhotoGrid)
    assert grid.tokens == answer.heads.attends_to.shape[1]
    assert np.isfinite(answer.overlay.rgb).all()
    close(answer.heads.attends_to.sum(-1), 1)


def test_a_large_layer_is_sent_one_head_at_a_time(base, monkeypatch):
    for module in ("answers", "engine"):
        monkeypatch.setattr(f"engines.vit.watch.{module}.WEIGHTS_BUDGET", 100)
    engine = Engines()
    one = ask(engine, base)[-1]
    assert one.weights.heads == (3,)
    assert one.weights.weights.shape[0] == 1
    two = ask(engine, dataclasses.replace(base, head=1))[-1]
    assert two.weights.heads == (1,)
    np.testing.assert_array_equal(two.weights.weights[0, 0], two.heads.attends_to[0])


def test_weights_that_make_no_numbers_are_refused_in_words(base, tmp_path):
    weights = tiny_vit(tmp_path / "huge") / "model.safetensors"
    tensors = load_file(weights)
    tensors["vit.encoder.layer.1.output.dense.weight"] *= 3e38  # finite itself, and what it makes of a picture is not
    save_file({name: tensor.clamp(-3e38, 3e38) for name, tensor in tensors.items()}, weights)
    with pytest.raises(LabError, match="Layer 2 outputs values that are not finite"):
        ask(Engines(), dataclasses.replace(base, model=str(tmp_path / "huge")))
