"""The live trainer: same seed, same run; what it tells is what the model says; its states are the model."""

from __future__ import annotations

import itertools
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.optimize import linear_sum_assignment

from engines.blocks.boxes import xyxy_to_cxcywh
from engines.core.errors import LabError
from engines.core.protocol import Job, Progress
from engines.core.reading import finish
from engines.core.training import Kept, Stopped
from engines.data import detector_pictures as training_data
from engines.data.scenes import KINDS
from engines.detr.checkpoint import from_weights, load_checkpoint
from engines.detr.engine import Engine
from engines.detr.preprocess import normalize
from engines.detr.spec import TRAINED_HERE, Detections, DetrParams, ModelInfo
from engines.detr.training.run import PIECE
from engines.detr.training.spec import (
    BACKBONE,
    BUNDLED,
    RANDOM,
    SMALL,
    TOY,
    UP_TO_8,
    DetrTraining,
    Measured,
    Now,
    RunBegan,
    TrainStep,
    measured_after,
)
from engines.detr.training.trainer import Run, Trainer
from tests import closeness
from tests.closeness import FEW, close

TINY = DetrTraining(queries=5, batch=4)


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch):
    monkeypatch.setattr(training_data, "VALIDATION", 10)
    monkeypatch.setattr(training_data, "WATCHED", 3)


def steps(run: Run, count: int) -> list[TrainStep]:
    told = [run.advance() for _ in range(count)]
    assert None not in told
    return [one for one in told if one is not None]


def events(trainer: Trainer, params: DetrTraining, most: int = 10_000) -> list:
    job = Job(params, lambda: trainer, lambda event: None)
    return [e for e in itertools.islice(trainer.run(job), most) if not isinstance(e, Progress)]


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    "changes",
    [{}, {"auxiliary_queries": True, "auxiliary_losses": False}, {"begin": RANDOM}, {"begin": BUNDLED, "model": TOY}],
)
def test_the_same_seed_gives_the_same_run(changes):
    params = replace(TINY, **changes)
    first, second = Run(params), Run(params)
    told = steps(first, 4)
    again = []
    for _ in range(4):
        torch.rand(7)  # others draw from the common generator
        np.random.default_rng().random(3)
        second.now(1)  # looking changes nothing
        again += steps(second, 1)
    assert told == again
    assert same(first.kept().arrays, second.kept().arrays)
    assert steps(Run(replace(params, seed=1)), 4) != told


def test_the_common_generator_is_left_as_it_was():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    Run(TINY).advance()
    assert torch.equal(torch.get_rng_state(), before)


def test_pausing_and_going_on_is_the_run_that_never_paused():
    whole = [e for e in events(Trainer(), replace(TINY, run=1, until=6)) if isinstance(e, TrainStep)]
    trainer, parts = Trainer(), []
    for until in (2, 0, 3, 6):
        parts += [e for e in events(trainer, replace(TINY, run=1, until=until)) if isinstance(e, TrainStep)]
    assert [e.step for e in whole] == [1, 2, 3, 4, 5, 6]
    assert parts == whole


def test_a_step_that_is_given_up_half_way_is_made_anew():
    run, plain = Run(TINY), Run(TINY)
    half = run.parts(TINY)
    next(half)
    half.close()
    assert run.step == 0
    assert steps(run, 3) == steps(plain, 3)


def test_a_run_tells_in_order_and_each_event_can_be_sent():
    trainer = Trainer()
    got = events(trainer, replace(TINY, run=1, until=5))
    kinds = [type(e) for e in got]
    assert kinds[:4] == [RunBegan, Measured, Kept, Now]
    assert [e.step for e in got if isinstance(e, TrainStep)] == [1, 2, 3, 4, 5]
    assert [e.step for e in got if isinstance(e, Measured)] == [0, 5]
    assert [e.weights.step for e in got if isinstance(e, Kept)] == [0, 5]
    assert isinstance(got[-1], Now)
    assert got[-1].step == 5
    for event in got:
        pickle.loads(pickle.dumps(event))
    began = got[0]
    assert began.classes == KINDS
    assert began.grid == (8, 8)
    assert began.learned < began.parameters
    # another run begins anew
    assert isinstance(events(trainer, replace(TINY, run=2, until=0))[0], RunBegan)


def test_live_settings_reach_the_run():
    slow, quick = Run(TINY), Run(TINY)
    slow.advance(replace(TINY, learning_rate=1e-5))
    quick.advance(replace(TINY, learning_rate=1e-2))
    start = Run(TINY).kept().arrays
    moved = [np.abs(run.kept().arrays["class_head.weight"] - start["class_head.weight"]).max() for run in (slow, quick)]
    assert moved[1] > 100 * moved[0] > 0
    heavy = Run(TINY)
    assert heavy.advance(replace(TINY, no_object=1.0)) != Run(TINY).advance()


def test_the_terms_are_those_of_the_set_loss():
    run = Run(TINY)
    batch = run.data.batch(4)
    run.pieces._batch = list(batch)
    with torch.no_grad():
        run.model.eval()  # nothing in the model depends on the mode but the backbone, which is frozen
        found = run.model(normalize(np.stack([sample.rgb for sample in batch])))
    targets = [{"labels": torch.tensor(s.labels), "boxes": xyxy_to_cxcywh(torch.tensor(s.boxes))} for s in batch]
    wanted = run.criterion(found, targets)
    told = run.advance()
    assert told.ce == pytest.approx(float(wanted["loss_ce"]), rel=1e-5)
    assert told.l1 == pytest.approx(5 * float(wanted["loss_bbox"]), rel=1e-5)
    assert told.giou == pytest.approx(2 * float(wanted["loss_giou"]), rel=1e-5)
    assert told.cardinality == pytest.approx(float(wanted["cardinality_error"]))


def test_auxiliary_losses_count_every_layer():
    batch = Run(TINY).data.batch(3)
    losses = {}
    for auxiliary in (True, False):
        run = Run(replace(TINY, auxiliary_losses=auxiliary))
        loss, said = run._loss(batch)
        losses[auxiliary] = float(loss.detach())
        assert losses[auxiliary] >= sum(said[:3]) * (1 - 1e-6)
        if not auxiliary:
            assert losses[auxiliary] == pytest.approx(sum(said[:3]), rel=1e-5)
        gradient = torch.autograd.grad(loss, run.model.decoder_norm.weight)[0]
        assert torch.isfinite(gradient).all()
    assert losses[True] > 1.5 * losses[False]


def test_training_aids_see_only_their_own_group():
    run = Run(replace(TINY, auxiliary_queries=True))
    assert run._apart.shape == (20, 20)
    memory = run._remember(run._features(run.data.batch(2)))
    queries = torch.cat([run.model.query_positions.weight, run.further])
    together = run.model.decode(memory, query_position=queries, self_mask=run._apart).states[-1]
    alone = run.model.decode(memory).states[-1]
    close(together[:, :5], alone)


@pytest.mark.parametrize(("changes", "moves"), [({}, False), ({"backbone": True}, True), ({"begin": RANDOM}, True)])
def test_the_backbone_learns_where_it_should(changes, moves):
    run = Run(replace(TINY, **changes))
    name = "backbone.stages.0.0.0.weight"
    before = run.model.state_dict()[name].clone()
    run.advance()
    assert (not torch.equal(before, run.model.state_dict()[name])) == moves
    assert (name in run.kept().arrays) == moves
    assert (name in run.made.frozen) == (not moves)


def test_the_loss_falls():
    told = steps(Run(replace(TINY, batch=8, learning_rate=2e-3)), 30)
    first, last = (np.mean([one.l1 for one in part]) for part in (told[:5], told[-5:]))
    assert last < 0.7 * first


def test_bundled_weights_begin_as_the_bundled_model():
    params = replace(TINY, begin=BUNDLED).following(TINY)
    assert (params.model, params.queries) == (TOY, 16)
    run = Run(params)
    run.model.eval()
    pixels = normalize(np.stack([sample.rgb for sample in run.data.batch(2)]))
    with torch.no_grad():
        mine, bundled = run.model(pixels), load_checkpoint("toy-detr")(pixels)
    close(mine.boxes, bundled.boxes, closeness.MANY)
    torch.testing.assert_close(mine.logits.softmax(-1), bundled.logits.softmax(-1), atol=1e-3, rtol=1e-3)
    list(run.measuring())
    assert run.measured.ap50 > 0.8


def test_settings_that_do_not_fit_are_mended():
    bundled = replace(TINY, begin=BUNDLED).following(TINY)
    assert replace(bundled, model=SMALL).following(bundled).begin == BACKBONE
    assert replace(TINY, seed=3).following(TINY) == replace(TINY, seed=3)


def test_other_numbers_of_queries_go_with_bundled_weights():
    for count in (4, 20):
        run = Run(replace(TINY, begin=BUNDLED, model=TOY, queries=count))
        bundled = load_checkpoint("toy-detr").query_positions.weight
        both = min(count, 16)
        assert torch.equal(run.model.query_positions.weight[:both].detach(), bundled[:both])


def test_a_kept_state_is_the_model():
    run = Run(TINY)
    steps(run, 2)
    weights = run.kept()
    model = from_weights(weights)
    steps(run, 1)  # the run goes on, the state stays
    again = from_weights(weights)
    pixels = normalize(run.data.validation[0].rgb[None])
    with torch.no_grad():
        first, second = model(pixels), again(pixels)
        run.model.eval()
        moved = run.model(pixels)
    assert torch.equal(first.logits, second.logits)
    assert not torch.equal(first.logits, moved.logits)
    then = from_weights(run.kept())(pixels)
    close(then.logits, moved.logits, closeness.MANY)
    assert model.labels[0] == "square"


def test_a_measurement_is_what_the_model_says():
    run = Run(TINY)
    list(run.measuring())
    steps(run, 5)
    told = run.measured
    assert told.step == 5
    assert told.attention.shape == told.centers.shape == (5, 8, 8)
    close(told.attention.sum((1, 2)), 1, closeness.MANY)
    close(told.centers.sum((1, 2)), 1)
    assert 0 <= told.switched <= 1
    at = run.watched[1]
    found, sample = told.found[1], run.data.validation[at]
    assert np.array_equal(run.data.examples[1].labels, sample.labels)
    with torch.no_grad():
        run.model.eval()
        output = run.model(normalize(sample.rgb[None]))
    target = {"labels": torch.tensor(sample.labels), "boxes": xyxy_to_cxcywh(torch.tensor(sample.boxes))}
    cost = run.criterion.matcher.cost_matrix(output.logits, output.boxes, *(v[None] for v in target.values())).total[0]
    rows, cols = linear_sum_assignment(cost)
    assert found.owners[cols].tolist() == rows.tolist()
    close(found.boxes, run.now(1).found.boxes, FEW)


def test_more_objects_than_queries_leave_some_without_an_owner():
    run = Run(replace(TINY, queries=2, scenes=UP_TO_8))
    list(run.measuring())
    for example, found in zip(run.data.examples, run.measured.found, strict=True):
        assert (found.owners >= 0).sum() == min(2, len(example.labels))
    steps(run, 1)


def test_numbers_that_left_the_finite_stop_the_run():
    trainer = Trainer()
    events(trainer, replace(TINY, run=1, until=2))
    with torch.no_grad():
        trainer.current.model.box_head.layers[0].weight.fill_(float("nan"))
    got = events(trainer, replace(TINY, run=1, until=9))
    assert [type(e) for e in got] == [Stopped]
    assert got[0].step == 2
    assert got[0].reason.values == {"n": "3", "k": "0"}
    assert [type(e) for e in events(trainer, replace(TINY, run=1, until=12))] == [Stopped]


def test_measurements_are_dense_where_most_happens():
    at, gaps = 0, []
    while at < 6000:
        gaps.append(measured_after(at) - at)
        at = measured_after(at)
    assert gaps == sorted(gaps)
    assert (gaps[0], gaps[-1]) == (5, 100)


@pytest.fixture
def own_folder(tmp_path):
    """Scenes with two classes of their own, in COCO format; one picture is broken, one box is bad."""
    source = training_data.Drawn(DetrTraining().scenes, 64, np.random.default_rng(9))
    images, annotations = [], []
    for index, sample in enumerate(source.batch(12)):
        Image.fromarray(np.repeat(sample.rgb, 2, axis=1)).save(tmp_path / f"{index}.png")  # twice as wide
        images.append({"id": index, "file_name": f"{index}.png", "width": 128, "height": 64})
        for box, label in zip(sample.boxes * (128, 64, 128, 64), sample.labels, strict=True):
            x0, y0, x1, y1 = map(float, box)
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": index,
                    "category_id": int(label) % 2,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                }
            )
    lost = sum(one["image_id"] == 3 for one in annotations)
    annotations.append({"id": 900, "image_id": 0, "category_id": 1, "bbox": [1, 1, 0, 0]})
    (tmp_path / "3.png").write_bytes(b"no picture")
    names = [{"id": 0, "name": "pointed"}, {"id": 1, "name": "round"}]
    table = {"images": images, "annotations": annotations, "categories": names}
    (tmp_path / "boxes.json").write_text(json.dumps(table))
    return tmp_path, lost


@pytest.mark.parametrize("begin", [BACKBONE, BUNDLED])
def test_own_pictures_train_the_same_model_with_their_own_classes(own_folder, begin):
    folder, lost = own_folder
    params = replace(TINY, folder=str(folder), begin=begin, model=TOY if begin == BUNDLED else SMALL)
    got = events(Trainer(), replace(params, run=1, until=2))
    began = next(e for e in got if isinstance(e, RunBegan))
    assert began.classes == ("pointed", "round")
    assert not began.drawn
    assert began.pictures + began.validation == 11
    assert began.skipped == 1 + lost
    assert [fault.values["name"] for fault in began.faults] == ["boxes.json", "3.png"]
    assert began.examples[0].rgb.shape[1] == 2 * began.examples[0].rgb.shape[0]
    assert [e.step for e in got if isinstance(e, TrainStep)] == [1, 2]
    kept = [e for e in got if isinstance(e, Kept)][-1]
    assert from_weights(kept.weights).labels == {0: "pointed", 1: "round"}


def test_own_pictures_come_in_the_same_order_for_the_same_seed(own_folder):
    params = replace(TINY, folder=str(own_folder[0]), until=3)
    runs = [events(Trainer(), replace(params, run=1, seed=seed)) for seed in (0, 0, 1)]
    told = [[e for e in run if isinstance(e, TrainStep)] for run in runs]
    assert told[0] == told[1] != told[2]
    assert same(*([e for e in run if isinstance(e, Kept)][-1].weights.arrays for run in runs[:2]))


def test_a_broken_picture_of_few_is_counted_once(own_folder):
    folder, lost = own_folder
    table = json.loads((folder / "boxes.json").read_text())
    table["images"] = table["images"][:4]  # too few to hold any back: all are trained and validated on
    (folder / "boxes.json").write_text(json.dumps(table | {"annotations": table["annotations"][:-1]}))
    strangers = sum(one["image_id"] > 3 for one in table["annotations"][:-1])
    began = next(e for e in events(Trainer(), replace(TINY, folder=str(folder), run=1)) if isinstance(e, RunBegan))
    assert began.pictures == began.validation == 3
    assert began.skipped - strangers == lost
    assert [fault.values["name"] for fault in began.faults].count("3.png") == 1


def test_a_mirrored_picture_keeps_its_boxes_on_their_objects(own_folder):
    sample = training_data.Drawn(UP_TO_8, 64, np.random.default_rng(1)).batch(1)[0]
    turned = training_data.mirrored(sample)
    for index, (x0, y0, x1, y1) in enumerate(turned.boxes):
        rows, cols = np.nonzero(turned.owner == index)
        if len(rows):
            assert x0 - 0.02 <= cols.min() / 64 <= cols.max() / 64 <= x1 + 0.02
            assert y0 - 0.02 <= rows.min() / 64 <= rows.max() / 64 <= y1 + 0.02


def test_a_step_sees_parts_of_the_pictures_and_what_is_in_them(tmp_path):
    """One colored object each: where its pixels are, its box is, and a part without most of it has no box."""
    rng = np.random.default_rng(3)
    whole = np.full((107, 107, 3), 40, np.uint8)
    whole[20:60, 30:90] = (250, 10, 10)
    boxes = np.array([[30, 20, 90, 60]], np.float32) / 107
    small = np.asarray(Image.fromarray(whole).resize((64, 64)))
    sample = training_data.Sample(small, training_data.owners(boxes, 64), boxes, np.array([2]), (), whole)
    seen, shapes = 0, set()
    for turned in (sample, training_data.mirrored(sample)) * 60:
        part = training_data.part_of(turned, rng)
        assert part.rgb.shape == (64, 64, 3)
        red = part.rgb[..., 0] > 145
        rows, cols = np.nonzero(red)
        if len(part.boxes):
            found = np.array([cols.min(), rows.min(), cols.max() + 1, rows.max() + 1]) / 64
            np.testing.assert_allclose(part.boxes[0], found, atol=0.035)
            assert part.labels.tolist() == [2]
            assert (part.owner >= 0).mean() == pytest.approx(red.mean(), abs=0.06)
            shapes.add(tuple(found.round(1)))
        else:
            assert len(part.labels) == 0
            assert (part.owner == -1).all()
        seen += len(part.boxes)
    assert seen > 100
    assert len(shapes) > 30
    assert training_data.part_of(replace(sample, large=None), rng).rgb is small


def test_of_a_folder_the_training_pictures_have_parts_and_the_validation_has_none(own_folder):
    data = finish(training_data.own_data(DetrTraining(folder=str(own_folder[0])), np.random.default_rng(0)))
    assert {one.large.shape for one in data.training} == {(107, 107, 3)}
    assert {one.large for one in data.validation} == {None}
    first = data.training[0]
    batch = data.batch(40)
    assert all(one.rgb.shape == first.rgb.shape for one in batch)
    assert len({one.rgb.tobytes() for one in batch}) > 30  # of a few pictures


@pytest.mark.parametrize(("chosen", "first", "edge"), [("As they look", 0, 10), ("From 0", 0, 10), ("From 1", 1, 9)])
def test_a_person_chooses_where_voc_boxes_begin_and_is_told(tmp_path, chosen, first, edge):
    for name in "ab":
        Image.new("RGB", (64, 80)).save(tmp_path / f"{name}.jpg")
        (tmp_path / f"{name}.xml").write_text(
            "<annotation><source><database>Unknown</database></source><object><name>cat</name><bndbox><xmin>10</xmin>"
            "<ymin>20</ymin><xmax>40</xmax><ymax>60</ymax></bndbox></object></annotation>"
        )
    data = finish(
        training_data.own_data(DetrTraining(folder=str(tmp_path), first_pixel=chosen), np.random.default_rng(0))
    )
    assert round(float(data.training[0].boxes[0, 0]) * 64, 3) == edge
    assert f"{first}-based" in str(data.notes[0])


def test_the_smallest_box_owns_a_pixel():
    boxes = np.array([[0.4, 0.4, 0.6, 0.6], [0, 0, 1, 1]], np.float32)
    owner = training_data.owners(boxes, 20)
    assert owner[10, 10] == 0
    assert owner[0, 0] == 1
    assert (training_data.owners(boxes[:1], 20) == -1).sum() == 400 - 16


def test_a_folder_without_anything_usable_is_refused_in_words(tmp_path):
    with pytest.raises(LabError, match="no annotations"):
        events(Trainer(), replace(TINY, folder=str(tmp_path), until=1))
    with pytest.raises(LabError, match="missing"):
        events(Trainer(), replace(TINY, folder=str(tmp_path / "gone"), until=1))


def test_long_steps_are_cut_into_pieces():
    run = Run(replace(TINY, batch=20))
    assert sum(1 for _ in run.parts(run.params)) == 2 * -(-20 // PIECE[SMALL])


def test_the_engine_of_the_tab_shows_a_state_of_the_run():
    run = Run(TINY)
    steps(run, 1)
    first = run.kept()
    steps(run, 3)
    second = run.kept()
    engine = Engine()

    def shown(weights, **changes):
        params = DetrParams(source=TRAINED_HERE, weights=weights, **changes)
        got = list(engine.run(Job(params, lambda: engine, lambda event: None)))
        info = next(e for e in got if isinstance(e, ModelInfo))
        return info, next(e for e in got if isinstance(e, Detections))

    info, early = shown(first)
    assert (info.step, info.title, info.toy, info.num_queries) == (1, TRAINED_HERE, True, 5)
    late = shown(second)[1]
    assert not np.array_equal(early.boxes, late.boxes)
    assert shown(second, threshold=0.2)[1].boxes is not None
    assert np.array_equal(shown(first)[1].boxes, early.boxes)
    assert early.cross.shape[-2:] == (8, 8)
    plain = list(engine.run(Job(DetrParams(weights=first), lambda: engine, lambda event: None)))
    assert next(e for e in plain if isinstance(e, ModelInfo)).step == -1  # another model is chosen
