"""YOLO's texts, labelme's files and CSV tables: what is read, how splits are told, every fault by file and line.

Kinds: ultralytics 8.3 (data.yaml with path, train, val; images/ and labels/ side by side; outlines and oriented boxes),
darknet (obj.names, lists of paths), Roboflow (train/images, README.txt), labelme 5 and X-AnyLabeling 2 (shapes of all
kinds, difficult), TensorFlow's xml_to_csv, keras-retinanet (no head), Open Images, the wheat challenge's bbox column.
"""

from __future__ import annotations

import json

import pytest
from PIL import Image

from engines.core import limits
from engines.core.errors import LabError
from engines.data.boxes_folder import is_boxes_folder, read_boxes_folder
from engines.data.finder import Finder

SIZE = 100, 50


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A loaded machine tells the same as a quick one."""
    monkeypatch.setattr(limits, "LOOK", 60.0)


def save(root, files, size=SIZE, **how):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            Image.new("RGB", size).save(path, **how)
        else:
            path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return root


def boxes_of(found):
    """Boxes in pixels by picture, with their classes."""
    return {
        one.path.stem: [
            (found.classes[label], *(box * (*SIZE, *SIZE)).round(2).tolist())
            for label, box in zip(one.labels, one.boxes, strict=True)
        ]
        for one in (*found.training, *found.validation)
    }


def faults_of(found):
    return sorted(str(fault) for fault in found.faults)


BOX = ("cat", 10, 10, 30, 30)
LINE = "0 0.2 0.4 0.2 0.4\n"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
IS_POINTER = "a Git LFS pointer, not the file itself; git lfs pull fetches it."


def test_yolo_in_the_layout_of_ultralytics(tmp_path):
    names = "path: ../set\ntrain: images/train\nval: images/val\nnames:\n  0: cat\n  1: dog\n"
    outline = "1 0.1 0.2 0.3 0.2 0.3 0.6 0.1 0.6\n"
    save(tmp_path, {
        "data.yaml": names,
        "images/train/a.jpg": None, "labels/train/a.txt": LINE,
        "images/val/a.jpg": None, "labels/val/a.txt": outline,
        "README.dataset.txt": "0 of 5 stars",
    })  # fmt: skip
    assert is_boxes_folder(tmp_path)
    found = read_boxes_folder(tmp_path)
    assert boxes_of(found)["a"] == [("dog", *BOX[1:])]  # an outline's box, of the later one
    assert [one.path.parent.name for one in found.training] == ["train"]
    assert [one.path.parent.name for one in found.validation] == ["val"]
    assert found.skipped == 0


@pytest.mark.parametrize(
    "names",
    [
        {"data.yaml": "names: [cat, dog]\nnc: 2\n"},
        {"dataset.yml": "nc: 1\nnames:\n- cat\n"},
        {"labels/classes.txt": "cat\ndog\n"},
        {"obj.names": "cat\n", "obj.data": "classes = 1\nnames = obj.names\n"},
    ],
)
def test_names_of_yolo_classes(tmp_path, names):
    save(tmp_path, {"images/a.png": None, "labels/a.txt": LINE, **names})
    assert is_boxes_folder(tmp_path)
    assert boxes_of(read_boxes_folder(tmp_path)) == {"a": [BOX]}


def test_splits_of_yolo_by_folders_with_names_of_their_own_and_by_lists(tmp_path):
    folds = save(tmp_path / "folds", {
        "d.yaml": "train: [fold_1/images, fold_2/images]\nval: fold_3/images\nnames: [cat]\n",
        **{f"fold_{n}/images/{n}.jpg": None for n in (1, 2, 3)},
        **{f"fold_{n}/labels/{n}.txt": LINE for n in (1, 2, 3)},
    })  # fmt: skip
    found = read_boxes_folder(folds)
    assert [one.path.stem for one in found.training] == ["1", "2"]
    assert [one.path.stem for one in found.validation] == ["3"]
    lists = save(tmp_path / "lists", {
        "obj.names": "cat", "train.txt": "data/obj/1.jpg\n./data/obj/2.jpg\n", "val.txt": "data/obj/3.jpg\n",
        **{f"data/obj/{n}.jpg": None for n in (1, 2, 3)}, **{f"data/obj/{n}.txt": LINE for n in (1, 2, 3)},
    })  # fmt: skip
    found = read_boxes_folder(lists)
    assert [one.path.stem for one in found.training] == ["1", "2"]
    assert [one.path.stem for one in found.validation] == ["3"]


def test_yolo_pictures_without_a_label_file_are_background(tmp_path):
    """As ultralytics 8.3 trains on them; one whose label file can't be used is left out instead."""
    save(tmp_path, {
        "data.yaml": "train: images/train\nval: images/val\nnames: [cat]\n",
        "images/train/a.jpg": None, "labels/train/a.txt": LINE, "images/train/b.jpg": None,
        "images/val/c.jpg": None, "labels/val/c.txt": LINE, "images/val/d.jpg": None,
        "images/val/e.jpg": None, "labels/val/e.txt": POINTER,
        "runs/f.jpg": None,
    })  # fmt: skip
    found = read_boxes_folder(tmp_path)
    assert {one.path.stem: len(one.labels) for one in found.training} == {"a": 1, "b": 0}
    assert {one.path.stem: len(one.labels) for one in found.validation} == {"c": 1, "d": 0}
    assert [str(note) for note in found.notes] == [
        "Pictures without a label file, kept as background without objects: 2."
    ]
    assert faults_of(found) == [f"e.txt: {IS_POINTER}"]


@pytest.mark.parametrize(
    ("file", "beside"),
    [
        ("annotations/instances.json", {}),
        ("labels/a.xml", {}),
        ("labels/a.txt", {"classes.txt": "cat"}),
        ("boxes.csv", {}),
        ("data.yaml", {"labels/a.txt": LINE}),
    ],
)
def test_a_pointer_in_the_place_of_annotations_is_called_so(tmp_path, file, beside):
    """As a repository on the hub leaves them where git lfs is not installed."""
    save(tmp_path, {"images/a.jpg": None, file: POINTER, **beside})
    assert is_boxes_folder(tmp_path)
    if file == "data.yaml":
        assert faults_of(read_boxes_folder(tmp_path)) == [f"data.yaml: {IS_POINTER}"]
        return
    with pytest.raises(LabError) as refused:
        read_boxes_folder(tmp_path)
    assert f"{file.rsplit('/')[-1]}: {IS_POINTER}" in str(refused.value)


def test_yolo_shares_are_of_the_photo_as_it_is_shown(tmp_path):
    tags = Image.Exif()
    tags[0x0112] = 6
    save(tmp_path, {"a.txt": LINE, "classes.txt": "cat"})
    save(tmp_path, {"a.jpg": None}, exif=tags.tobytes())
    one = read_boxes_folder(tmp_path).training[0]
    assert one.size == SIZE[::-1]
    assert one.pixels(10**6).shape[:2] == SIZE  # turned: as high as it is wide in the file


def test_faults_of_yolo_are_named_by_file_and_line(tmp_path):
    lines = [LINE.strip(), "0 0.5 0.5", "x 0.5 0.5 0.1 0.1", "5 0.5 0.5 0.1 0.1", "0 40 20 10 10", "0 0.5 0.5 0 0.1",
             "", "0 1.9 0.5 0.1 0.1", "0 0.5 nan 0.1 0.1", "-1 0.5 0.5 0.1 0.1", "0 0.2 0.4 0.2 0.4 0.9"]  # fmt: skip
    save(tmp_path, {"a.jpg": None, "a.txt": "\n".join(lines), "data.yaml": "names: [cat]\n", "gone.txt": LINE})
    found = read_boxes_folder(tmp_path)
    assert boxes_of(found) == {"a": [BOX, BOX]}  # the last one has a score
    assert faults_of(found) == sorted([
        "a.txt, line 2: the line is not a class and four shares",
        "a.txt, line 3: the line is not a class and four shares",
        "a.txt, line 4: there is no class with the id 5",
        "a.txt, line 5: the numbers are no shares of the picture",
        "a.txt, line 6: the box has no area",
        "a.txt, line 8: the box lies outside its picture",
        "a.txt, line 9: the line is not a class and four shares",
        "a.txt, line 10: there is no class with the id -1",
        "gone.txt, line 1: the picture gone is missing",
    ])  # fmt: skip
    save(tmp_path, {"data.yaml": "names: [cat\n:\n"})
    assert any(
        "data.yaml, line" in fault and "not valid YAML" in fault for fault in faults_of(read_boxes_folder(tmp_path))
    )


def test_a_class_beyond_the_names_is_no_other_way_of_counting(tmp_path):
    save(tmp_path, {"a.jpg": None, "a.txt": LINE + LINE.replace("0 ", "1 ", 1), "data.yaml": "names: [cat]\n"})
    found = read_boxes_folder(tmp_path)
    assert boxes_of(found) == {"a": [BOX]}
    assert faults_of(found) == ["a.txt, line 2: there is no class with the id 1"]


def shape(points, label="cat", kind="rectangle", **more):
    return {"label": label, "points": points, "shape_type": kind, **more}


def labelme(*shapes, **more):
    size = {"imageWidth": SIZE[0], "imageHeight": SIZE[1]}
    return {
        "version": "5.0",
        "imagePath": "..\\images\\a.jpg",
        "imageData": None,
        "shapes": list(shapes),
        **size,
        **more,
    }


def test_shapes_of_labelme(tmp_path):
    good = [
        shape([[10, 10], [30, 30]]), shape([[30, 30], [10, 10]]), shape([[10, 10], [30, 10], [30, 30]], kind="polygon"),
        shape([[20, 20], [20, 30]], kind="circle"), shape([[10, 10], [30, 30]], "dog", difficult=True),
    ]  # fmt: skip
    save(tmp_path, {"labels/a.json": labelme(*good), "images/a.jpg": None})
    assert is_boxes_folder(tmp_path)
    found = read_boxes_folder(tmp_path)
    assert boxes_of(found) == {"a": [BOX] * 4}
    assert (found.crowds, found.skipped) == (1, 0)


def test_faults_of_labelme_are_named_by_entry(tmp_path):
    bad = [
        shape([[10, 10], [30, 30]]), 3, shape([[1, 1], [9, 9]], ""), shape([[5, 5]], kind="point"), shape([[5, 5]]),
        shape([[5, "x"], [6, 7]]), shape([[5, 5], [5, 9]]), shape([[90, 90], [99, 99]]), shape(None),
    ]  # fmt: skip
    save(
        tmp_path,
        {"a.json": labelme(*bad), "a.jpg": None, "b.json": '{"shapes": [], "imagePath": "b.jpg"', "b.jpg": None},
    )
    found = read_boxes_folder(tmp_path)
    assert boxes_of(found) == {"a": [BOX]}
    numbers, area = "the box is not four numbers", "the box has no area"
    reasons = ["this is not an annotation", "an object without a name", area, numbers, numbers, area,
               "the box lies outside its picture", numbers]  # fmt: skip
    wanted = [f"a.json, line 1, entry {n}: {reason}" for n, reason in enumerate(reasons, start=2)]
    assert [fault for fault in faults_of(found) if fault.startswith("a")] == sorted(wanted)
    assert any(fault.startswith("b.json, line 1: this is not valid JSON") for fault in faults_of(found))


HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "a.jpg,100,50,cat,10,10,30,30\n",
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\na,x,cat,1,0.1,0.3,0.2,0.6\n",
        "images/a.jpg,10,10,30,30,cat\n",
        "image;label;x1;y1;x2;y2\r\na.jpg;cat;10;10;30;30\r\n",
        'image_id,width,height,bbox,label\na,100,50,"[10, 10, 20, 20]",cat\n',
        "\ufefffile_name\tclass_name\tx\ty\tw\th\na.jpg\tcat\t10\t10\t20\t20\n",
    ],
)
def test_tables_of_boxes(tmp_path, text):
    save(tmp_path, {"boxes.csv": text, "images/a.jpg": None})
    assert is_boxes_folder(tmp_path)
    found = read_boxes_folder(tmp_path)
    assert boxes_of(found) == {"a": [BOX]}
    assert found.skipped == 0


def test_a_table_without_classes_and_pictures_without_boxes(tmp_path):
    text = 'image_id,width,height,bbox\na,100,50,"[10, 10, 20, 20]"\na,100,50,"[0, 0, 20, 20]"\nb,100,50,\n'
    save(tmp_path, {"train.csv": text, "train/a.jpg": None, "train/b.jpg": None})
    found = read_boxes_folder(tmp_path)
    assert boxes_of(found) == {"a": [("object", 10, 10, 30, 30), ("object", 0, 0, 20, 20)], "b": []}
    assert found.skipped == 0


def test_faults_of_a_table_are_named_by_line(tmp_path):
    rows = ["a.jpg,100,50,cat,10,10,30,30", "a.jpg,100,50,cat,10,x,30,30", "a.jpg,100,50,,10,10,30,30",
            "a.jpg,100,50,cat,30,10,10,30", "a.jpg,100,50,cat,200,10,230,30", ",1,1,cat,1,1,2,2",
            "gone.jpg,1,1,cat,1,1,2,2", "", "a.jpg,100"]  # fmt: skip
    save(tmp_path, {"boxes.csv": HEAD + "\n".join(rows), "a.jpg": None})
    found = read_boxes_folder(tmp_path)
    assert boxes_of(found) == {"a": [BOX]}
    assert faults_of(found) == sorted([
        "boxes.csv, line 3: the box is not four numbers",
        "boxes.csv, line 4: an object without a name",
        "boxes.csv, line 5: the box has no area",
        "boxes.csv, line 6: the box lies outside its picture",
        "boxes.csv, line 7: a picture without id or file_name",
        "boxes.csv, line 8: the picture gone.jpg is missing",
    ])  # fmt: skip


def test_other_tables_and_texts_are_no_boxes(tmp_path):
    save(tmp_path, {"a.jpg": None, "a.txt": "a caption", "prices.csv": "name,price\na,3\n", "conf.yaml": "lr: 3\n"})
    assert not is_boxes_folder(tmp_path)
    with pytest.raises(LabError, match="COCO, Pascal VOC, YOLO, labelme, CSV"):
        read_boxes_folder(tmp_path)


def test_of_several_formats_one_is_read_and_the_others_are_named(tmp_path):
    save(tmp_path, {"images/a.jpg": None, "labels/a.txt": LINE, "classes.txt": "cat", "json/a.json": labelme()})
    found = read_boxes_folder(tmp_path)
    assert boxes_of(found) == {"a": [BOX]}
    assert str(found.notes[0]) == "Read in YOLO format. Files with annotations in labelme format, not read: 1."


def test_a_finder_knows_stems(tmp_path):
    found = Finder(tmp_path)
    found.add(tmp_path / "A.b.JPG")
    assert found.has_stem("a.b")
    assert not found.has_stem("a")
