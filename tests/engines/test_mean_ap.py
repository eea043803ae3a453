"""Average precision against pycocotools, and Pascal VOC's two against small references of their own."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.mean_ap import evaluate
from tests.closeness import FEW, about, close

NUMBERS = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
NUMBERS += ("ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large")


def by_pycocotools(truths, found, classes):
    """The scorer that has run on the same boxes, and its twelve numbers."""
    coco_module = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    annotations, results = [], []
    for image, (truth, said) in enumerate(zip(truths, found, strict=True)):
        for i, box in enumerate(np.asarray(truth["boxes"], float).reshape(-1, 4)):
            wide, high = box[2:] - box[:2]
            area = truth["area"][i] if "area" in truth else wide * high
            crowd = int(truth["iscrowd"][i]) if "iscrowd" in truth else 0
            annotations.append({"id": len(annotations) + 1, "image_id": image, "category_id": int(truth["labels"][i]),
                                "bbox": [*box[:2], wide, high], "area": area, "iscrowd": crowd})  # fmt: skip
        for i, box in enumerate(np.asarray(said["boxes"], float).reshape(-1, 4)):
            results.append({"image_id": image, "category_id": int(said["labels"][i]),
                            "bbox": [*box[:2], *(box[2:] - box[:2])], "score": float(said["scores"][i])})  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        coco = coco_module.COCO()
        coco.dataset = {"images": [{"id": image} for image in range(len(truths))], "annotations": annotations,
                        "categories": [{"id": int(k)} for k in classes]}  # fmt: skip
        coco.createIndex()
        scorer = COCOeval(coco, coco.loadRes(results) if results else coco_module.COCO(), "bbox")
        scorer.evaluate()
        scorer.accumulate()
        scorer.summarize()
    return scorer


def agree(truths, found):
    ours = evaluate(truths, found)
    theirs = by_pycocotools(truths, found, ours.labels)
    close([getattr(ours, name) for name in NUMBERS], theirs.stats, FEW)
    close(ours.precision, theirs.eval["precision"], FEW)
    close(ours.recall, theirs.eval["recall"], FEW)


def picture(rng, objects, detections, classes=3, side=200.0, grid=None, levels=None, crowds=0.0):
    """One picture with objects, and detections that lie near some of them.

    ``grid`` puts all on whole steps of so many pixels, which makes IoUs meet their thresholds exactly; ``levels`` lets
    scores tie.
    """
    low = rng.uniform(0, side, (objects, 2))
    boxes = np.concatenate([low, low + rng.uniform(2, side / 1.5, (objects, 2))], axis=1)
    labels = rng.integers(0, classes, objects)
    near = rng.integers(0, objects, detections) if objects else np.zeros(detections, int)
    base = boxes[near] if objects else np.tile([10.0, 10, 60, 60], (detections, 1))
    said = base + rng.normal(0, rng.choice([0.0, 3, 15]), (detections, 4))
    said_labels = np.where(
        rng.random(detections) < 0.8, labels[near] if objects else 0, rng.integers(0, classes, detections)
    )
    scores = rng.random(detections) if levels is None else rng.integers(0, levels, detections) / levels
    if grid:
        boxes, said = np.round(boxes / grid) * grid, np.round(said / grid) * grid
    said[:, 2:] = np.maximum(said[:, 2:], said[:, :2])
    truth = {"boxes": boxes, "labels": labels}
    if crowds:
        truth["iscrowd"] = rng.random(objects) < crowds
    return truth, {"boxes": said, "labels": said_labels, "scores": scores}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    images=st.integers(1, 6),
    objects=st.integers(0, 12),
    detections=st.integers(0, 25),
    classes=st.integers(1, 4),
    grid=st.sampled_from([None, 1, 5, 20]),
    levels=st.sampled_from([None, 1, 4]),
    crowds=st.sampled_from([0.0, 0.3]),
    own_areas=st.booleans(),
)
def test_equals_pycocotools(seed, images, objects, detections, classes, grid, levels, crowds, own_areas):
    rng = np.random.default_rng(seed)
    pairs = [
        picture(rng, int(rng.integers(0, objects + 1)), int(rng.integers(0, detections + 1)), classes,
                grid=grid, levels=levels, crowds=crowds)
        for _ in range(images)
    ]  # fmt: skip
    truths, found = [truth for truth, _ in pairs], [said for _, said in pairs]
    if own_areas:
        for truth in truths:
            truth["area"] = rng.choice([100.0, 32.0**2, 2000.0, 96.0**2, 20000.0], len(truth["labels"]))
    if not any(len(part["labels"]) for part in (*truths, *found)):
        return
    agree(truths, found)


def test_more_than_a_hundred_detections_of_one_class():
    rng = np.random.default_rng(0)
    truth, said = picture(rng, 15, 260, classes=1, levels=7)
    agree([truth], [said])
    agree([truth, truth], [said, {key: value[:0] for key, value in said.items()}])


def test_one_detection_takes_the_later_of_two_equal_objects_and_a_crowd_takes_many():
    box = [[10, 10, 50, 50]]
    twice = {"boxes": box * 2, "labels": [1, 1], "area": [100.0, 1600.0]}
    agree([twice], [{"boxes": box, "labels": [1], "scores": [0.5]}])
    crowd = {"boxes": [[0, 0, 100, 100]], "labels": [1], "iscrowd": [1]}
    single = {"boxes": box, "labels": [1]}
    agree([crowd, single], [{"boxes": box * 5, "labels": [1] * 5, "scores": np.arange(5) / 5}] * 2)
    both = {"boxes": [[0, 0, 100, 100], *box], "labels": [1, 1], "iscrowd": [1, 0]}
    agree([both], [{"boxes": box * 3, "labels": [1] * 3, "scores": [0.9, 0.9, 0.1]}])


def test_tensors_and_arrays_give_the_same():
    torch = pytest.importorskip("torch")
    pairs = [picture(np.random.default_rng(n), 5, 9) for n in range(3)]
    plain = evaluate([truth for truth, _ in pairs], [said for _, said in pairs])
    as_tensors = [[{key: torch.as_tensor(value) for key, value in part.items()} for part in pair] for pair in pairs]
    other = evaluate([truth for truth, _ in as_tensors], [said for _, said in as_tensors])
    assert plain.ap == other.ap
    assert plain.per_class == other.per_class


NOTHING = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, int), "scores": np.zeros(0)}


@pytest.mark.parametrize("style", ["coco", "voc07", "voc10"])
def test_nothing_to_find_is_minus_one_and_nothing_found_is_zero(style):
    some = {"boxes": [[0, 0, 50, 50]], "labels": [3], "scores": [0.5]}
    for truths, found in (([], []), ([NOTHING], [NOTHING]), ([{"boxes": [], "labels": []}], [some])):
        nothing = evaluate(truths, found, style)
        assert [getattr(nothing, name) for name in NUMBERS] == [-1] * 12
        assert set(nothing.per_class.values()) <= {-1}
    missed = evaluate([some], [NOTHING], style)
    assert (missed.ap, missed.ap50, missed.ar100, missed.ap_medium, missed.ap_large) == (0, 0, 0, 0, -1)
    assert missed.per_class == {3: 0.0}
    assert evaluate([some], [some], style).ap == pytest.approx(1)
    mixed = evaluate([some], [{"boxes": [[0, 0, 9, 9]], "labels": [4], "scores": [0.9]}], style)
    assert mixed.per_class == {3: 0.0, 4: -1.0}


@pytest.mark.parametrize(
    ("truth", "said", "words"),
    [
        (NOTHING, {**NOTHING, "scores": [0.5]}, "scores"),
        ({**NOTHING, "boxes": np.zeros((2, 3))}, NOTHING, "boxes"),
        (NOTHING, {"boxes": [[0, 0, np.nan, 1]], "labels": [1], "scores": [1.0]}, "finite"),
        (NOTHING, {"boxes": [[0, 0, 1, 1]], "labels": [1], "scores": [np.nan]}, "score"),
    ],
)
def test_what_does_not_belong_together_is_refused(truth, said, words):
    with pytest.raises(ValueError, match=words):
        evaluate([truth], [said])
    with pytest.raises(ValueError, match="images"):
        evaluate([truth], [said, said])


# -- Pascal VOC, one detection at a time
def voc_points(truths, found, label, plus=0):
    """Recall and precision after each detection of a class, at IoU 0.5, by the plain loop of VOCevaldet."""
    waiting = []
    for image, said in enumerate(found):
        waiting += [
            (-s, image, i) for i, (s, k) in enumerate(zip(said["scores"], said["labels"], strict=True)) if k == label
        ]
    hard = [np.asarray(truth.get("difficult", np.zeros(len(truth["labels"]))), bool) for truth in truths]
    objects = sum(int((truth["labels"][~skip] == label).sum()) for truth, skip in zip(truths, hard, strict=True))
    taken, hits, turn, points = set(), 0, 0, []
    for _, image, i in sorted(waiting):
        best, choice = 0.0, None
        for g in np.flatnonzero(truths[image]["labels"] == label):
            a, b = found[image]["boxes"][i], truths[image]["boxes"][g]
            wide, high = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]) + plus
            inner = max(wide, 0) * max(high, 0)
            iou = inner / max(np.prod(a[2:] - a[:2] + plus) + np.prod(b[2:] - b[:2] + plus) - inner, 1e-12)
            if iou > best:  # of all objects, also of those that are taken
                best, choice = iou, (image, g)
        if best >= 0.5 and hard[image][choice[1]]:
            continue
        turn += 1
        if best >= 0.5 and choice not in taken:
            taken.add(choice)
            hits += 1
        points.append((hits / max(1, objects), hits / turn))
    return np.array(points).reshape(-1, 2)


def eleven_points(points):
    return sum(max((p for r, p in points if r >= step), default=0.0) for step in np.arange(0.0, 1.1, 0.1)) / 11


def all_points(points):
    area, before = 0.0, 0.0
    for recall in sorted({r for r, _ in points}):
        area += (recall - before) * max(p for r, p in points if r >= recall)
        before = recall
    return area


@pytest.mark.parametrize(("style", "reference"), [("voc07", eleven_points), ("voc10", all_points)])
@pytest.mark.parametrize("plus", [0, 1])
@pytest.mark.parametrize("seed", range(8))
def test_voc_equals_the_plain_loop(style, reference, seed, plus):
    rng = np.random.default_rng(seed)
    pairs = [picture(rng, int(rng.integers(1, 11)), 20) for _ in range(4)]
    truths, found = [truth for truth, _ in pairs], [said for _, said in pairs]
    for truth in truths:
        truth["difficult"] = rng.random(len(truth["labels"])) < 0.2
    ours = evaluate(truths, found, style, plus_one=bool(plus))
    there = sorted({int(k) for truth in truths for k in truth["labels"][~truth["difficult"]]})
    wanted = {label: reference(voc_points(truths, found, label, plus)) for label in there}
    assert {k: v for k, v in ours.per_class.items() if v >= 0} == about(wanted, FEW)
    assert ours.ap == about(np.mean(list(wanted.values())), FEW)
    assert ours.ap == ours.ap50


# -- taken apart
def flat(truths, found):
    from engines.blocks.detections import flatten

    return flatten(truths, found)


def test_every_verdict_has_its_reason():
    from engines.mean_ap.model import match_detections, steps
    from engines.mean_ap.spec import ASIDE, BACKGROUND, DUPLICATE, LOW_IOU, RIGHT, WRONG_CLASS

    truth = {"boxes": [[0, 0, 100, 100], [200, 0, 300, 100], [400, 0, 500, 100]], "labels": [0, 1, 0],
             "iscrowd": [0, 0, 1]}  # fmt: skip
    said = {
        "boxes": [[0, 0, 100, 90], [0, 0, 100, 95], [200, 0, 300, 98], [0, 70, 100, 170], [600, 600, 650, 650],
                  [410, 10, 450, 50]],
        "labels": [0, 0, 0, 0, 0, 0],
        "scores": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4],
    }  # fmt: skip
    boxes = flat([truth], [said])
    matching = match_detections(boxes, 0.5)
    assert matching.verdicts.tolist() == [RIGHT, DUPLICATE, WRONG_CLASS, LOW_IOU, BACKGROUND, ASIDE]
    assert matching.partner.tolist()[:4] == [0, 0, 1, 0]
    np.testing.assert_allclose(matching.overlap[:4], [0.9, 0.95, 0.98, 30 / 170])
    assert matching.taken_by.tolist() == [0, -1, 5]
    line = steps(boxes, matching, 0, "coco")
    np.testing.assert_allclose(line.precision, [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 5])
    np.testing.assert_allclose(line.recall, 1)
    higher = match_detections(boxes, 0.92)
    assert higher.verdicts.tolist()[:2] == [LOW_IOU, RIGHT]  # the better score overlaps too little now


def test_what_tide_calls_both_is_not_the_background():
    """TIDE 1.0: another class's object at an IoU of 0.1 or more, below the threshold."""
    from engines.mean_ap.model import match_detections
    from engines.mean_ap.spec import BACKGROUND, BOTH, LOW_IOU, WRONG_CLASS

    truth = {"boxes": [[0, 0, 100, 100], [0, 150, 100, 250]], "labels": [1, 0]}
    said = {
        "boxes": [[0, 0, 100, 30], [0, 0, 100, 9], [0, 0, 100, 100], [0, 50, 100, 160]],
        "labels": [0, 0, 0, 0],
        "scores": [0.9, 0.8, 0.7, 0.6],
    }
    matching = match_detections(flat([truth], [said]), 0.5)
    assert matching.verdicts.tolist() == [BOTH, BACKGROUND, WRONG_CLASS, BOTH]
    assert matching.partner.tolist()[0] == 0
    assert matching.overlap[0] == pytest.approx(0.3)
    near = {key: value if key != "boxes" else [*value[:3], [0, 80, 100, 190]] for key, value in said.items()}
    assert match_detections(flat([truth], [near]), 0.5).verdicts[3] == LOW_IOU  # one of its own class comes first


def test_voc_counts_a_detection_wrong_whose_nearest_object_is_taken():
    from engines.mean_ap.model import match_detections
    from engines.mean_ap.spec import DUPLICATE, RIGHT

    truth = {"boxes": [[0, 0, 100, 100], [0, 20, 100, 120]], "labels": [0, 0]}
    said = {"boxes": [[0, 0, 100, 100], [0, 5, 100, 105]], "labels": [0, 0], "scores": [0.9, 0.8]}
    boxes = flat([truth], [said])
    assert match_detections(boxes, 0.5, style="coco").verdicts.tolist() == [RIGHT, RIGHT]
    assert match_detections(boxes, 0.5, style="voc10").verdicts.tolist() == [RIGHT, DUPLICATE]
    assert evaluate([truth], [said]).ap50 == pytest.approx(1)
    assert evaluate([truth], [said], "voc10").ap50 == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(4))
def test_other_thresholds_and_limits_equal_pycocotools(seed):
    rng = np.random.default_rng(seed)
    pairs = [picture(rng, 8, 25, classes=2, levels=6, crowds=0.1) for _ in range(3)]
    truths, found = [truth for truth, _ in pairs], [said for _, said in pairs]
    thresholds, limits = [0.3, 0.5, 0.8], (2, 5, 20)
    table = {
        "images": [{"id": n} for n in range(3)],
        "categories": [{"id": k} for k in range(2)],
        "annotations": [],
    }
    results = []
    for n, (truth, said) in enumerate(pairs):
        for i, (x0, y0, x1, y1) in enumerate(np.asarray(truth["boxes"], float).reshape(-1, 4).tolist()):
            entry = {"image_id": n, "category_id": int(truth["labels"][i]), "bbox": [x0, y0, x1 - x0, y1 - y0]}
            crowd = int(np.asarray(truth.get("iscrowd", np.zeros(99)))[i])
            area = (x1 - x0) * (y1 - y0)
            table["annotations"].append(entry | {"id": len(table["annotations"]) + 1, "area": area, "iscrowd": crowd})
        for i, (x0, y0, x1, y1) in enumerate(np.asarray(said["boxes"], float).tolist()):
            entry = {"image_id": n, "category_id": int(said["labels"][i]), "bbox": [x0, y0, x1 - x0, y1 - y0]}
            results.append(entry | {"score": float(said["scores"][i])})
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        peer = COCO()
        peer.dataset = table
        peer.createIndex()
        run = COCOeval(peer, peer.loadRes(results), "bbox")
        run.params.iouThrs, run.params.maxDets = np.array(thresholds), list(limits)
        run.evaluate()
        run.accumulate()
    ours = evaluate(truths, found, iou_thresholds=thresholds, max_detections=limits)
    np.testing.assert_allclose(ours.precision, run.eval["precision"], atol=1e-12)
    np.testing.assert_allclose(ours.recall, run.eval["recall"], atol=1e-12)
    assert set(ours.ar) == set(limits)
    assert ours.ar100 == ours.ap75 == -1
    assert ours.ap50 == pytest.approx(run.eval["precision"][1, :, :, 0, -1].mean())
    assert ours.ar_per_class[0] == pytest.approx(run.eval["recall"][:, 0, 0, -1].mean())


def test_what_is_missing_or_in_another_form_is_named():
    box = {"boxes": [[10, 10, 50, 60]], "labels": [1]}
    scored = box | {"scores": [0.5]}
    for truths, found, words in (
        ([box, box], [scored, box], "detections of image 1: scores are missing"),
        ([box, {"labels": [1]}], [scored, scored], "ground truth of image 1: boxes are missing"),
        ([box, {"boxes": box["boxes"]}], [scored, scored], "ground truth of image 1: labels are missing"),
        ([scored], [box], "the ground truth comes first"),
    ):
        with pytest.raises(ValueError, match=words):
            evaluate(truths, found)
    with pytest.raises(ValueError, match="box_format"):
        evaluate([box], [scored], box_format="cxcywh")
    for bad in ({"iou_thresholds": [2.0]}, {"iou_thresholds": []}, {"max_detections": [0]}, {"max_detections": []}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            evaluate([box], [scored], **bad)
    small = {"boxes": [[30, 40, 10, 12]]}
    with pytest.warns(UserWarning, match="xywh"):
        evaluate([box | small], [scored | small])
    assert evaluate([box | small], [scored | small], box_format="xywh").ap == pytest.approx(1)


def test_boxes_in_the_other_form_are_told_by_what_they_would_meet(recwarn):
    """Widths for corners and the reverse, none of them reversed: the AP is 0, and nothing else tells it."""
    corners, sizes = [[20, 30, 80, 70], [60, 50, 90, 100]], [[20, 30, 60, 40], [60, 50, 30, 50]]
    labels = {"labels": [1, 1]}
    found = labels | {"scores": [0.9, 0.8]}
    assert evaluate([labels | {"boxes": corners}], [found | {"boxes": corners}]).ap == pytest.approx(1)
    assert evaluate([labels | {"boxes": corners}], [found | {"boxes": [[1, 1, 9, 9], [100, 5, 150, 9]]}]).ap == 0
    assert not recwarn.list
    for truths, said, form, words in (
        (corners, sizes, "xyxy", "detections: the boxes look like xywh, and were read as xyxy"),
        (sizes, corners, "xywh", "detections: the boxes look like xyxy, and were read as xywh"),
    ):
        with pytest.warns(UserWarning, match=words):
            assert evaluate([labels | {"boxes": truths}], [found | {"boxes": said}], box_format=form).ap < 0.1


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), iou=st.integers(0, 9), size=st.sampled_from(["all", "small", "medium", "large"]))
def test_the_curve_of_a_class_ends_in_the_number_of_the_evaluation(seed, iou, size):
    from engines.blocks.average_precision import AREAS, IOU_THRESHOLDS
    from engines.mean_ap.model import confusion, match_detections, steps
    from engines.mean_ap.spec import RIGHT

    rng = np.random.default_rng(seed)
    pairs = [picture(rng, 6, 15, levels=6, grid=4, crowds=0.2) for _ in range(3)]
    truths, found = [truth for truth, _ in pairs], [said for _, said in pairs]
    boxes = flat(truths, found)
    for style in ("voc07", "voc10", "coco"):
        matching = match_detections(boxes, float(IOU_THRESHOLDS[iou]), size, style)
        whole = evaluate(truths, found, style)
        for k, label in enumerate(whole.labels):
            line = steps(boxes, matching, label, style)
            assert line.value == about(whole.average[iou, k, list(AREAS).index(size), -1], dtype=np.float64)
    cells = confusion(boxes, matching, 0.3, float(IOU_THRESHOLDS[iou]), 3)
    right = (matching.verdicts == RIGHT) & (boxes.score >= 0.3)
    assert ((cells[:, 1] == cells[:, 2]) & (cells[:, 1] < 3)).sum() >= right.sum()
    assert (cells[:, 1] < 3).sum() == (~matching.aside).sum()  # every object that counts is in one cell


def test_the_sample_is_what_the_toy_detr_says_of_its_pictures():
    from engines.data.evaluation_pictures import evaluation_pictures
    from engines.detr import load_checkpoint
    from engines.detr.predict_sample import results_of
    from engines.mean_ap.cases import sample

    cases, pictures, model = sample(), evaluation_pictures(), load_checkpoint("toy-detr")
    assert len(cases.images) == len(pictures)
    for index in (2, 13):
        again = results_of(model, pictures[index : index + 1])
        mine = slice(cases.start[index], cases.start[index + 1])
        assert [entry["category_id"] for entry in again] == cases.boxes.label[mine].tolist()
        np.testing.assert_allclose([entry["score"] for entry in again], cases.boxes.score[mine], atol=2e-3)
        np.testing.assert_allclose([entry["bbox"] for entry in again], cases.boxes.boxes[mine], atol=0.5)
    assert cases.boxes.crowd.sum() == 2


@pytest.mark.parametrize("size", ["all", "small", "medium", "large"])
def test_the_missed_of_all_pictures_are_the_missed_of_all_classes(size):
    from engines.mean_ap.cases import Shown, sample
    from engines.mean_ap.engine import missed, picture
    from engines.mean_ap.model import match_detections

    cases = sample()
    matching, paper = match_detections(cases.boxes, 0.5, size), Shown(np.zeros((1, 1, 3), np.uint8), True, (1, 1))
    pages = [picture(cases, cases.boxes, matching, i, 0.5, paper) for i in range(len(cases.images))]
    by_class = sum(len(missed(cases.boxes, matching, label, 0.5)) for label in range(len(cases.classes)))
    assert sum(int((~page.found & ~page.aside).sum()) for page in pages) == by_class > 0
    assert all(page.aside[page.crowd].all() for page in pages)


def test_another_iou_says_which_steps_it_changed():
    from engines.core.protocol import Job
    from engines.mean_ap.engine import Engine
    from engines.mean_ap.spec import USUAL_IOU, CurveSeen, MeanApParams, Moved

    engine = Engine()

    def curve(**fields):
        events = engine.run(Job(MeanApParams(**fields), lambda: engine, lambda event: None))
        return next(event for event in events if isinstance(event, CurveSeen))

    usual, strict = curve(), curve(iou=0.9)
    assert len(usual.before_recall) == 0
    assert not usual.changed.any()
    assert strict.before_iou == USUAL_IOU
    np.testing.assert_array_equal(strict.before_envelope, usual.envelope)
    np.testing.assert_array_equal(strict.changed, strict.verdicts != usual.verdicts)
    assert strict.changed.any()
    assert strict.before_value == usual.value > strict.value
    away = Moved(int(usual.image[0]), False, int(usual.index[0]), (0.0, 0.0, 5.0, 5.0))
    moved = curve(iou=0.9, moved=(away,))  # a moved box is compared with itself at home, at the same IoU
    assert moved.before_iou == -1
    np.testing.assert_array_equal(moved.before_envelope, strict.envelope)


def test_the_curve_and_the_evaluation_mean_the_same_iou():
    from engines.blocks.average_precision import IOU_THRESHOLDS
    from engines.core.protocol import Job
    from engines.mean_ap.engine import Engine
    from engines.mean_ap.spec import CurveSeen, MeanApParams

    engine = Engine()
    for percent, threshold in zip(range(50, 100, 5), IOU_THRESHOLDS.tolist(), strict=True):
        events = engine.run(Job(MeanApParams(iou=percent / 100), lambda: engine, lambda event: None))
        assert next(event for event in events if isinstance(event, CurveSeen)).iou == threshold


def test_a_missed_object_is_told_what_became_of_its_detection():
    from dataclasses import replace

    from engines.blocks.detections import Boxes
    from engines.mean_ap.cases import Cases, Image, with_moved
    from engines.mean_ap.engine import curve, missed
    from engines.mean_ap.model import match_detections, steps
    from engines.mean_ap.spec import MeanApParams, Moved

    objects = [[0, 0, 100, 100], [200, 0, 300, 100], [220, 0, 320, 100], [0, 200, 100, 300], [500, 500, 500, 500]]
    found = [[0, 0, 100, 90], [205, 0, 305, 100], [0, 200, 100, 230]]
    said = {"boxes": found, "labels": [0] * 3, "scores": [0.0, 0.9, 0.8]}
    boxes = flat([{"boxes": objects, "labels": [0] * 5}], [said])
    cases = Cases.of("", ["cat"], [Image("a", 600, 600)], boxes)

    def seen(these: Boxes):
        params, matching = MeanApParams(threshold=0.5), match_detections(these, 0.5)
        line, missing = steps(these, matching, 0, "coco"), missed(these, matching, 0, 0.5)
        return curve(cases, these, matching, line, 0, (0, -1), params, None, missing)

    lost = seen(boxes)
    assert lost.missed_index.tolist() == [0, 2, 3, 4]
    assert lost.missed_by.tolist() == [2, -1, -1, -1]  # the last of the list: a score of 0 is one, too
    np.testing.assert_allclose(lost.missed_overlap, [0.9, 85 / 115, 0.3, 0])
    crowded = replace(boxes, **{  # a hundred better ones elsewhere: the one on the object is not looked at at all
        name: np.concatenate([getattr(boxes, name), np.repeat(value, 100, axis=0)])
        for name, value in (("image", [0]), ("label", [0]), ("score", [0.95]), ("boxes", [[700.0, 700, 9, 9]]))
    })  # fmt: skip
    assert seen(crowded).missed_overlap.tolist() == [0] * 5
    grown = with_moved(boxes, cases, [Moved(0, True, 4, (500.0, 500.0, 540.0, 550.0))])
    assert grown.truth_area.tolist() == [1e4] * 4 + [2000]  # what had no area gets the one it is given


def test_judging_the_moved_images_alone_is_judging_all():
    from dataclasses import replace

    from engines.mean_ap.model import match_again, match_detections

    rng = np.random.default_rng(5)
    pairs = [picture(rng, 6, 12, levels=5, crowds=0.2) for _ in range(5)]
    boxes = flat([truth for truth, _ in pairs], [said for _, said in pairs])
    before = match_detections(boxes, 0.5, "medium")
    moved = replace(boxes, boxes=boxes.boxes + 20 * np.isin(boxes.image, [1, 3])[:, None])
    again, whole = match_again(before, moved, {1, 3}, 0.5, "medium"), match_detections(moved, 0.5, "medium")
    assert not (before.verdicts == whole.verdicts).all()
    for name, values in vars(whole).items():
        np.testing.assert_array_equal(getattr(again, name), values, err_msg=name)


def test_the_benchmark_row_runs_on_a_few_pictures():
    from tests.benchmarks.mean_ap_rows import mean_ap

    assert mean_ap(images=4, boxes=5, repeats=1).sound


def test_very_many_classes_have_no_matrix_and_their_numbers_all_the_same(monkeypatch):
    from engines.core.protocol import Job
    from engines.mean_ap import engine
    from engines.mean_ap.spec import ConfusionSeen, MeanApParams, NumbersSeen

    monkeypatch.setattr(engine, "CROWDED", 2)
    made = engine.Engine()
    found = {type(event): event for event in made.run(Job(MeanApParams(), lambda: made, lambda event: None))}
    assert found[ConfusionSeen].counts.shape == (0, 0)
    assert len(found[ConfusionSeen].pictures)
    assert found[NumbersSeen].twelve[0] > 0
