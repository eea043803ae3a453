"""Folders with boxes: both formats as people have them, and every way in which an annotation can be bad."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from PIL import Image

from engines.core.errors import LabError
from engines.data.boxes_folder import is_boxes_folder, read_boxes_folder
from engines.data.json_entries import Entries
from tests.closeness import FEW, close


def picture(path, size=(40, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((size[1], size[0], 3), np.uint8)).save(path)


def coco(images, annotations, categories=({"id": 1, "name": "cat"}, {"id": 7, "name": "dog"})):
    return {
        "info": {"year": 2026},
        "images": list(images),
        "annotations": list(annotations),
        "categories": list(categories),
    }


def entry(index, image, box=(4, 3, 20, 15), label=1, **more):
    return {"id": index, "image_id": image, "category_id": label, "bbox": list(box), "iscrowd": 0, **more}


def image(index, name=None, width=40, height=30):
    return {"id": index, "file_name": name or f"{index}.png", "width": width, "height": height}


def voc(name, *objects, size=(40, 30), picture_name=None):
    boxes = "\n".join(
        f"<object>\n<name>{label}</name>\n<difficult>{hard}</difficult>\n<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin>"
        f"<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox>\n</object>"
        for label, box, hard in objects
    )
    return (
        f"<annotation>\n<filename>{picture_name or name + '.jpg'}</filename>\n"
        f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>\n{boxes}\n</annotation>"
    )


@pytest.fixture
def coco_folder(tmp_path):
    for index in range(1, 11):
        picture(tmp_path / "images" / f"{index}.png")
    table = coco([image(i) for i in range(1, 11)], [entry(i, i, label=1 if i % 2 else 7) for i in range(1, 11)])
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances.json").write_text(json.dumps(table))
    return tmp_path


def test_coco_boxes_become_shares_of_their_picture(coco_folder):
    assert is_boxes_folder(coco_folder)
    found = read_boxes_folder(coco_folder)
    assert found.classes == ("cat", "dog")
    assert (len(found.training), len(found.validation)) == (8, 2)  # every fifth is held back
    assert found.skipped == found.crowds == 0
    first = found.training[0]
    close(first.boxes, [[0.1, 0.1, 0.6, 0.6]], FEW)
    assert first.labels.tolist() == [0]
    assert first.path.name == "1.png"


def test_pictures_with_boxes_and_without_are_held_back_alike(tmp_path):
    empty = {5, 10, 15, 20, 21}  # every fifth of all would validate on nothing but these
    for i in range(1, 26):
        picture(tmp_path / f"{i}.png")
    table = coco([image(i) for i in range(1, 26)], [entry(i, i) for i in range(1, 26) if i not in empty])
    (tmp_path / "boxes.json").write_text(json.dumps(table))
    found = read_boxes_folder(tmp_path)
    assert len(found.training) == 20
    assert sorted(len(one.labels) for one in found.validation) == [0, 1, 1, 1, 1]


@pytest.mark.parametrize(("count", "told"), [(1, "1 picture is"), (4, "4 pictures are"), (5, None)])
def test_it_is_said_where_training_pictures_are_validated_on(tmp_path, count, told):
    for i in range(1, count + 1):
        picture(tmp_path / f"{i}.png")
    table = coco([image(i) for i in range(1, count + 1)], [entry(i, i) for i in range(1, count + 1)])
    (tmp_path / "boxes.json").write_text(json.dumps(table))
    found = read_boxes_folder(tmp_path)
    assert (found.validation == found.training) == (told is not None)
    said = [str(note) for note in found.notes if "AP is measured on the training pictures" in str(note)]
    assert [f"{told} too few" in one for one in said] == [True] * (told is not None)


@pytest.mark.parametrize(
    ("boxed", "said", "pictures"),
    [
        ({"train": [1]}, "of the 3 pictures for validation none has a box", 4),
        ({"valid": [1, 2]}, "of the 4 pictures for training none has a box", 3),
        ({"": [1]}, "1 of 7 has boxes, too few to keep any for validation", 6),
    ],
)
def test_it_is_said_which_pictures_have_no_boxes(tmp_path, boxed, said, pictures):
    for part in ("train", "valid") if "" not in boxed else ("",):
        (tmp_path / part).mkdir(exist_ok=True)
        ids = range(1, {"train": 5, "valid": 4, "": 8}[part])
        for i in ids:
            picture(tmp_path / part / f"{part}{i}.png")
        table = coco([image(i, f"{part}{i}.png") for i in ids], [entry(i, i) for i in boxed.get(part, ())])
        (tmp_path / part / "boxes.json").write_text(json.dumps(table))
    found = read_boxes_folder(tmp_path)
    assert found.training == found.validation
    assert len(found.training) == pictures
    (note,) = [str(one) for one in found.notes if "easured" in str(one)]
    assert said in note


def test_coco_files_named_for_validation_are_held_back(tmp_path):
    for split, ids in (("train2017", (1, 2, 3)), ("val2017", (4,))):
        for i in ids:
            picture(tmp_path / split / f"{i}.png")
        table = coco([image(i) for i in ids], [entry(i, i) for i in ids])
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / "annotations" / f"instances_{split}.json").write_text(json.dumps(table))
    (tmp_path / "annotations" / "captions_val2017.json").write_text(
        json.dumps({"images": [], "annotations": [{"caption": "a cat"}], "categories": []})
    )
    found = read_boxes_folder(tmp_path)
    assert [p.path.name for p in found.training] == ["1.png", "2.png", "3.png"]
    assert [p.path.name for p in found.validation] == ["4.png"]
    assert found.skipped == 0  # captions are another kind of annotation


def test_the_same_file_name_in_two_folders_is_told_apart(tmp_path):
    for split in ("train", "valid"):
        picture(tmp_path / split / "a.png")
        (tmp_path / split / "_annotations.coco.json").write_text(json.dumps(coco([image(0, "a.png")], [entry(0, 0)])))
    found = read_boxes_folder(tmp_path)
    assert [p.path.parent.name for p in found.training] == ["train"]
    assert [p.path.parent.name for p in found.validation] == ["valid"]


BAD = [
    (entry(90, 1, box=(0, 0, 0, 5)), "the box has no area"),
    (entry(91, 1, box=(0, 0, -3, 5)), "the box has no area"),
    (entry(92, 1, box=(50, 0, 9, 5)), "the box lies outside its picture"),
    (entry(93, 1, box=(1, 2, 3)), "the box is not four numbers"),
    (entry(94, 1) | {"bbox": "all"}, "the box is not four numbers"),
    (entry(95, 1) | {"bbox": [0, 0, float("nan"), 4]}, "the box is not four numbers"),
    (entry(96, 1) | {"bbox": [0, 0, True, 4]}, "the box is not four numbers"),
    (entry(89, 1) | {"bbox": [0, 0, 10**400, 4]}, "the box is not four numbers"),
    (entry(97, 99), "there is no picture with the id {id}"),
    (entry(98, [1]), "there is no picture with the id {id}"),
    (entry(99, 1, label=5), "there is no class with the id {id}"),
    (17, "this is not an annotation"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_bad_coco_annotation_is_named_by_file_and_line_and_left_out(tmp_path, bad, reason):
    picture(tmp_path / "1.png")
    table = coco([image(1)], [entry(1, 1), bad, entry(2, 1, label=7)])
    lines = json.dumps(table, indent=0)
    (tmp_path / "boxes.json").write_text(lines)
    found = read_boxes_folder(tmp_path)
    assert [len(p.labels) for p in found.training] == [2]
    assert found.skipped == len(found.faults) == 1
    fault = found.faults[0]
    assert fault.values["name"] == "boxes.json"
    assert fault.values["reason"].text == reason
    start = json.dumps(bad, indent=0).splitlines()[0]
    rows = lines.splitlines()
    mine = [at for at, row in enumerate(rows, 1) if row.startswith(start)]
    assert fault.values["line"] in mine
    if isinstance(bad, dict):
        assert f'"id": {bad["id"]},' in rows[fault.values["line"]]


def test_crowds_are_left_out_and_no_fault(tmp_path):
    picture(tmp_path / "1.png")
    table = coco([image(1)], [entry(1, 1), entry(2, 1, iscrowd=1)])
    (tmp_path / "boxes.json").write_text(json.dumps(table))
    found = read_boxes_folder(tmp_path)
    assert (found.crowds, found.skipped) == (1, 0)


def test_a_missing_picture_counts_all_its_boxes(coco_folder):
    (coco_folder / "images" / "3.png").unlink()
    table = json.loads((coco_folder / "annotations" / "instances.json").read_text())
    table["annotations"] += [entry(50, 3), entry(51, 3)]
    table["images"].append(image(1))  # an id that is taken
    table["images"].append({"id": 60})
    table["categories"].append({"name": "no id"})
    (coco_folder / "annotations" / "instances.json").write_text(json.dumps(table))
    found = read_boxes_folder(coco_folder)
    reasons = [fault.values["reason"].text for fault in found.faults]
    assert sorted(reasons) == sorted(
        [
            "two pictures have the id {id}",
            "a picture without id or file_name",
            "a class without id or name",
            "the picture {picture} is missing",
        ]
    )
    assert found.skipped == 3 + 3


def test_an_annotation_never_leaves_the_folder(tmp_path):
    picture(tmp_path / "secret.png")
    picture(tmp_path / "data" / "1.png")
    table = coco([image(1, "../secret.png"), image(2, "1.png")], [entry(1, 1), entry(2, 2)])
    (tmp_path / "data" / "boxes.json").write_text(json.dumps(table))
    found = read_boxes_folder(tmp_path / "data")
    assert [p.path.name for p in found.training] == ["1.png"]
    assert found.skipped == 1


def test_json_that_breaks_off_is_used_up_to_there(coco_folder):
    file = coco_folder / "annotations" / "instances.json"
    text = json.dumps(coco([image(i) for i in range(1, 11)], [entry(i, i) for i in range(1, 11)]), indent=1)
    text = text.replace('"categories"', '"later"')
    head = '{"categories": [{"id": 1, "name": "cat"}],\n' + text[1:]
    cut = head.index('"image_id": 8')
    file.write_text(head[:cut])
    found = read_boxes_folder(coco_folder)
    assert sum(len(p.labels) for p in (*found.training, *found.validation)) == 7
    assert found.skipped == 1
    assert found.faults[0].values["line"] in (head[:cut].count("\n") + 1, head[:cut].count("\n"))


def test_voc_boxes_count_pixels_from_one(tmp_path):
    for name in ("a", "b", "c"):
        picture(tmp_path / "JPEGImages" / f"{name}.jpg")
        (tmp_path / "Annotations").mkdir(exist_ok=True)
        sheet = voc(name, ("dog", (1, 1, 40, 30), 0), ("cat", (5, 4, 24, 18), 0), ("cat", (5, 4, 24, 18), 1))
        (tmp_path / "Annotations" / f"{name}.xml").write_text(sheet)
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Main" / "train.txt").write_text("a\nc\n")
    (tmp_path / "ImageSets" / "Main" / "val.txt").write_text("b\n")
    assert is_boxes_folder(tmp_path)
    found = read_boxes_folder(tmp_path)
    assert found.classes == ("cat", "dog")
    assert [p.path.stem for p in found.training] == ["a", "c"]
    assert [p.path.stem for p in found.validation] == ["b"]
    close(found.training[0].boxes[0], [0, 0, 1, 1], FEW)
    close(found.training[0].boxes[1], [0.1, 0.1, 0.6, 0.6], FEW)
    assert found.crowds == 3  # hard to tell


def test_bad_voc_sheets_are_named_by_file_and_line(tmp_path):
    for name in "abcdef":
        picture(tmp_path / f"{name}.jpg")
    good = ("cat", (5, 4, 24, 18), 0)
    (tmp_path / "a.xml").write_text(voc("a", good))
    (tmp_path / "b.xml").write_text(voc("b", good, ("cat", (9, 9, 3, 12), 0)))
    (tmp_path / "c.xml").write_text(voc("c", good)[:-30])
    (tmp_path / "d.xml").write_text(voc("d", good, ("", (5, 4, 24, 18), 0)))
    (tmp_path / "e.xml").write_text(voc("e", ("cat", ("five", 4, 24, 18), 0)))
    (tmp_path / "f.xml").write_text(voc("f", good, ("cat", (90, 4, 95, 18), 0)))
    found = read_boxes_folder(tmp_path)
    told = {fault.values["name"]: fault.values for fault in found.faults}
    assert {name: values["reason"].text for name, values in told.items()} == {
        "b.xml": "the box has no area",
        "c.xml": "not valid XML",
        "d.xml": "an object without a name",
        "e.xml": "the box is not four numbers",
        "f.xml": "the box lies outside its picture",
    }
    lines = (tmp_path / "b.xml").read_text().splitlines()
    assert "<xmin>9</xmin>" in lines[told["b.xml"]["line"] - 1]
    assert found.skipped == 5
    assert sum(len(p.labels) for p in (*found.training, *found.validation)) == 4


def test_an_xml_bomb_does_no_harm(tmp_path):
    picture(tmp_path / "a.jpg")
    picture(tmp_path / "b.jpg")
    (tmp_path / "a.xml").write_text(voc("a", ("cat", (5, 4, 24, 18), 0)))
    bomb = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + voc("b", ("&a;", (5, 4, 24, 18), 0))
    (tmp_path / "b.xml").write_text(bomb)
    assert read_boxes_folder(tmp_path).classes == ("cat",)


def test_folders_without_boxes_are_refused_in_words(tmp_path):
    assert not is_boxes_folder(tmp_path)
    with pytest.raises(LabError, match="no annotations"):
        read_boxes_folder(tmp_path)
    with pytest.raises(LabError, match="missing"):
        read_boxes_folder(tmp_path / "nowhere")
    (tmp_path / "config.json").write_text('{"model_type": "detr"}')
    assert not is_boxes_folder(tmp_path)  # a model's folder
    picture(tmp_path / "1.png")
    (tmp_path / "boxes.json").write_text(json.dumps(coco([image(1)], [entry(1, 1, box=(0, 0, 0, 0))])))
    assert is_boxes_folder(tmp_path)
    with pytest.raises(LabError, match="no usable box"):
        read_boxes_folder(tmp_path)


def test_entries_are_those_of_the_json_library(tmp_path):
    rng = random.Random(3)
    made = {
        "a": [rng.choice([1, 2.5, None, "x]}", {"k": [1, {"z": []}]}, [[]]]) for _ in range(60)],
        "b": {"nested": {"list": [1, 2]}},
        "c": [],
        "d": "text",
    }
    for indent in (None, 2):
        file = tmp_path / f"{indent}.json"
        file.write_text(json.dumps(made, indent=indent))
        back: dict = {}
        for found in filter(None, Entries(file)):
            if found.place < 0:
                back[found.key] = found.value
            else:
                back.setdefault(found.key, []).append(found.value)
        assert back == made


BROKEN = ["", "[1]", "{", '{"a" 1}', '{"a": [1 2]}', '{"a": [1,]}', '{"a": 1,}', "{1: 2}", f'{{"a": {"9" * 5000}}}']


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_json_object_is_refused_with_its_line(tmp_path, text):
    file = tmp_path / "x.json"
    file.write_text("\n\n" + text)
    with pytest.raises(LabError, match="line 3"):
        list(Entries(file, only_object=True))
