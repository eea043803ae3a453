"""COCO as tools write it, held to pycocotools: flags and numbers as text, boxes from outlines, results under other ids.

Kinds: coco-annotator 0.11 (bbox of zeros, areas null), labelme2coco (polygons alone), torchvision's references (masks
alone), ultralytics 8.3 (a file's stem as id, text or number), datumaro 1.13, globox 2.9 and FiftyOne 1.x (a whole
object with scores, which numbers images and classes anew), sahi 0.12 (null ids), supervision 0.31 (annotation id 0).
"""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from pycocotools import mask as masks

from engines.blocks.average_precision import measure
from engines.core.errors import LabError
from engines.data.boxes_folder import read_boxes_folder
from engines.data.coco_values import as_number, box_of, is_set, number_of, unpacked
from engines.mean_ap.files import read_cases
from tests.engines.test_finding import picture

BOX = [20, 30, 60, 40]
POLYGON = [[20, 30, 80, 30, 80, 70, 20, 70]]


def truth(first=101, count=4):
    return {
        "images": [{"id": first + n, "file_name": f"{n:012d}.jpg", "width": 160, "height": 120} for n in range(count)],
        "annotations": [
            {"id": n + 1, "image_id": first + n, "category_id": 1 + n % 2, "bbox": BOX, "area": 2400, "iscrowd": 0}
            for n in range(count)
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }


def results(table, **other):
    found = [{k: one[k] for k in ("image_id", "category_id", "bbox")} | {"score": 0.9} for one in table["annotations"]]
    return [entry | other for entry in found]


def read(folder, table, found, *, first="truth"):
    paths = {"truth": folder / "truth.json", "found": folder / "found.json"}
    paths["truth"].write_text(json.dumps(table))
    paths["found"].write_text(json.dumps(found))
    return read_cases(sorted(paths.values(), key=lambda path: path.stem != first))


def ap(cases):
    return measure(cases.boxes).ap


def told(cases):
    return " ".join(map(str, cases.notes))


# -- values
@pytest.mark.parametrize("value", [0, 0.0, False, None, "", "0", "0.0", "false", "False", "no"])
def test_flags_that_are_not_set(tmp_path, value):
    assert not is_set(value)
    table = truth()
    for one in table["annotations"]:
        one["iscrowd"] = value
    for entry in table["images"]:
        picture(tmp_path / entry["file_name"], (160, 120))
    (tmp_path / "boxes.json").write_text(json.dumps(table))
    found = read_boxes_folder(tmp_path)
    assert sum(len(one.labels) for one in found.training) == 4
    assert found.crowds == 0
    assert not read_cases([tmp_path / "boxes.json"]).boxes.crowd.any()


def test_flags_and_numbers_as_text():
    assert is_set(1)
    assert is_set("1")
    assert is_set("true")
    assert [number_of(value) for value in ("2.5", [0.9], 3, None, True, "x", [1, 2], float("nan"), 10**400)] == [
        2.5, 0.9, 3.0, *[None] * 6,
    ]  # fmt: skip
    assert [as_number(value) for value in ("7", 7.0, "007", "a7", 7.5, True, None)] == [7, 7, 7, "a7", None, None, None]


def test_boxes_of_masks_are_those_of_pycocotools():
    rng = np.random.default_rng(2)
    for _ in range(40):
        shape = rng.integers(1, 30, 2)
        drawn = np.zeros(shape, np.uint8)
        y, x = (np.sort(rng.integers(0, side + 1, 2)) for side in shape)
        drawn[y[0] : y[1], x[0] : x[1]] = rng.random((y[1] - y[0], x[1] - x[0])) < 0.7
        packed = masks.encode(np.asfortranarray(drawn))
        text = {"size": packed["size"], "counts": packed["counts"].decode()}
        box, made = box_of({"segmentation": text})
        if drawn.any():
            assert made
            assert list(box) == masks.toBbox(packed).tolist()
            whole = {"size": text["size"], "counts": unpacked(text["counts"])}
            assert box_of({"segmentation": whole}) == (box, True)
        else:
            assert box is None


@pytest.mark.parametrize(
    ("entry", "box"),
    [
        ({"segmentation": POLYGON}, (20, 30, 60, 40)),
        ({"segmentation": POLYGON[0], "bbox": []}, (20, 30, 60, 40)),
        ({"segmentation": [[1, 2, 5, 2, 5, 9], [0, 4, 1, 4, 1, 5]], "bbox": None}, (0, 2, 5, 7)),
        ({"keypoints": [20, 30, 2, 0, 0, 0, 80, 70, 1]}, (20, 30, 60, 40)),
        ({"bbox": [1, 2, 3, 4], "segmentation": POLYGON}, (1, 2, 3, 4)),
        ({"bbox": [1, 2, float("nan"), 4], "segmentation": POLYGON}, None),
        ({"segmentation": [[1, 2, 3]]}, None),
        ({"segmentation": {"size": [2, 2], "counts": "~~~"}}, None),
        ({"segmentation": {"size": [2, 2], "counts": [0, 99]}}, None),
        ({"segmentation": [], "keypoints": [1, 2]}, None),
        ({}, None),
    ],
)
def test_boxes_are_made_where_they_are_missing(entry, box):
    assert box_of(entry)[0] == box


def test_a_made_box_is_used_and_said(tmp_path):
    table = truth()
    for one in table["annotations"]:
        del one["bbox"]
        one["segmentation"] = POLYGON
    for entry in table["images"]:
        picture(tmp_path / entry["file_name"], (160, 120))
    found = read(tmp_path, table, results(truth()))
    assert ap(found) == 1
    assert "derived from masks, polygons or keypoints: 4" in told(found)
    (tmp_path / "found.json").unlink()
    folder = read_boxes_folder(tmp_path)
    assert (folder.training[0].boxes * (160, 120, 160, 120)).round(3).tolist() == [[20, 30, 80, 70]]
    assert "derived from" in str(folder.notes[0])


@pytest.mark.parametrize("area", [None, "x", -1, float("nan")])
def test_an_area_that_is_none_is_that_of_the_box(tmp_path, area):
    table = truth()
    table["annotations"][0]["area"] = area
    cases = read(tmp_path, table, results(table))
    assert cases.boxes.truth_area.tolist() == [2400] * 4
    assert "areas that are not numbers, replaced by width × height: 1" in told(cases)


# -- results under other ids
STEM, NUMBER = "found by their file names", "read as numbers"


@pytest.mark.parametrize(
    ("first", "change", "note"),
    [
        (101, lambda ident, at: ident, ""),
        (101, lambda ident, at: float(ident), ""),
        (101, lambda ident, at: str(ident), NUMBER),
        (101, lambda ident, at: f"{at:012d}", STEM),
        (101, lambda ident, at: f"images/{at:012d}.jpg", STEM),
        (101, lambda ident, at: at, STEM),
        (1, lambda ident, at: at, STEM),  # some of these are ids as well, those of other pictures
        (0, lambda ident, at: at, ""),
    ],
)
def test_images_are_found_under_the_ids_that_tools_write(tmp_path, first, change, note):
    table = truth(first)
    for at, one in enumerate(table["annotations"]):
        one["bbox"] = [20 + 30 * at, 30, 60, 40]  # so that another picture's would be wrong
    found = [one | {"image_id": change(one["image_id"], at)} for at, one in enumerate(results(table))]
    cases = read(tmp_path, table, found)
    assert ap(cases) == 1
    assert note in told(cases)
    assert bool(cases.notes) is bool(note)


@pytest.mark.parametrize("first", ["truth", "found"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_whole_object_with_scores_is_results_whatever_it_numbers(tmp_path, order, first):
    table = truth()
    again = copy.deepcopy(table)
    again["images"] = again["images"][::order]
    again["categories"] = again["categories"][::order]
    new = {entry["id"]: n + 1 for n, entry in enumerate(again["images"])}
    classes = {entry["id"]: n for n, entry in enumerate(again["categories"])}
    for part, numbers in (("images", new), ("categories", classes)):
        for entry in again[part]:
            entry["id"] = numbers[entry["id"]]
    for one in again["annotations"]:
        one |= {"image_id": new[one["image_id"]], "category_id": classes[one["category_id"]], "score": 0.9}
    cases = read(tmp_path, table, again, first=first)
    assert len(cases.boxes.score) == 4
    assert ap(cases) == 1
    assert "found by their names" in told(cases)


@pytest.mark.parametrize("around", ["annotations", "results", "predictions"])
def test_results_inside_an_object_alone(tmp_path, around):
    table = truth()
    assert ap(read(tmp_path, table, {around: results(table)})) == 1


def test_a_table_with_scores_is_never_trained_on(tmp_path):
    table = truth()
    for entry in table["images"]:
        picture(tmp_path / entry["file_name"], (160, 120))
    (tmp_path / "instances.json").write_text(json.dumps(table))
    scored = table | {"annotations": [one | {"score": 0.5, "bbox": [0, 0, 9, 9]} for one in table["annotations"]]}
    (tmp_path / "instances_found.json").write_text(json.dumps(scored))
    found = read_boxes_folder(tmp_path)
    assert all(len(one.labels) == 1 for one in (*found.training, *found.validation))
    assert "instances_found.json" in str(found.notes[0])
    (tmp_path / "instances.json").unlink()
    with pytest.raises(LabError, match="no usable box"):
        read_boxes_folder(tmp_path)


def test_what_is_set_aside_is_named_and_does_not_linger(tmp_path):
    table = truth()
    paths = [tmp_path / name for name in ("a.json", "a_found.json", "b.json", "b_found.json")]
    for path, content in zip(paths, (table, results(table), table, results(table)[:2]), strict=True):
        path.write_text(json.dumps(content))
    cases = read_cases(paths[:3])
    assert len(cases.boxes.score) == 0
    assert "a.json is no longer used: b.json was opened after it." in told(cases)
    assert "a_found.json is no longer used: b.json was opened after it." in told(cases)
    assert len(read_cases(paths).boxes.score) == 2
    assert "a_found.json is no longer used: b_found.json" in told(read_cases([paths[0], paths[1], paths[3]]))
    assert len(read_cases([paths[1], paths[0]]).boxes.score) == 4  # results may come first


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda one: {"category_id": one["category_id"] - 1},
            "numbered 0 … 1, those of the ground truth 1 … 2",
        ),
        (lambda one: {"bbox": [v / 160 for v in one["bbox"]]}, "look normalized"),
        (lambda one: {"bbox": [100, 80, 150, 110]}, "look like corners"),
    ],
)
def test_results_that_look_wrong_are_doubted_aloud(tmp_path, change, words):
    table = truth()
    cases = read(tmp_path, table, [one | change(one) for one in results(table)])
    assert words in told(cases)


def test_texts_for_ids_in_the_ground_truth(tmp_path):
    table = truth()
    for at, one in enumerate(table["annotations"]):
        one |= {"image_id": [str, float][at % 2](one["image_id"]), "category_id": str(one["category_id"])}
    cases = read(tmp_path, table, results(truth()))
    assert ap(cases) == 1
    for entry in table["images"]:
        picture(tmp_path / entry["file_name"], (160, 120))
    (tmp_path / "found.json").unlink()
    assert read_boxes_folder(tmp_path).skipped == 0
