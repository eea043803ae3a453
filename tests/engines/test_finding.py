"""Which picture an annotation means: layouts of data sets as tools and people leave them, with names that come twice.

Kinds and where they come from: COCO (train2017 beside annotations/instances_train2017.json), Roboflow
(train/_annotations.coco.json), FiftyOne 1.x (data/ beside labels.json), Label Studio 2.1 (images\\…, upload/…, ?d=…),
CVAT 2.x (images/<subset>/, annotations/instances_<subset>.json; mirrored VOC trees), datumaro 1.13 (images/<subset>),
labelImg (absolute paths of another machine), Kaggle (train_images), macOS (names in decomposed Unicode, ._ files).
"""

from __future__ import annotations

import itertools
import json
import unicodedata

import pytest
from PIL import Image

from engines.core import limits
from engines.core.errors import LabError
from engines.data.boxes_folder import is_boxes_folder, read_boxes_folder
from engines.data.finder import Finder
from engines.data.split_words import is_bare_split, key_of, split_of
from engines.mean_ap.files import read_cases

PICTURES = (
    "{g}/{n}",
    "images/{g}/{n}",
    "{g}/images/{n}",
    "data/{g}/{n}",
    "{g}/data/{n}",
    "JPEGImages/{g}/{n}",
    "{g}_images/{n}",
)
TABLES = (
    "annotations/instances_{g}.json",
    "annotations/{g}.json",
    "{g}.json",
    "{g}/_annotations.coco.json",
    "annotations/{g}/instances.json",
    "labels/{g}.json",
    "{g}/annotations.json",
)
NAMES = (
    "{n}",
    "{path}",
    "/home/me/set/{path}",
    "C:\\data\\{path}",
    "images\\{n}",
    "../{path}",
    "https://host/{path}?raw=1",
    "{stem}.jpeg",
    "{stem}",
    "/data/local-files/?d={path}",
)
SPLITS, CAMERAS = ("train", "val"), ("cam1", "cam10")
DATED = ("{g}2017/{n}", "images/{g}2017/{n}", "{g}ing_set/{n}")


def picture(path, size=(8, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


def table(path, name, label, size=(8, 6), box=(1, 1, 4, 3)):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "images": [{"id": 1, "file_name": name, "width": size[0], "height": size[1]}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": list(box), "iscrowd": 0}],
        "categories": [{"id": 1, "name": label}],
    }
    path.write_text(json.dumps(content))
    return path


def layouts():
    names = itertools.cycle(NAMES)
    for groups in (SPLITS, CAMERAS):
        for pictures, tables in itertools.product(PICTURES, TABLES):
            yield groups, pictures, tables, next(names)
    for pictures, tables, name in itertools.product(DATED[:2], TABLES, NAMES[:3]):
        yield SPLITS, pictures, tables, name


CORPUS = list(layouts())


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A loaded machine tells the same as a quick one."""
    monkeypatch.setattr(limits, "LOOK", 60.0)


@pytest.mark.parametrize("number", range(len(CORPUS)))
def test_each_layout_gives_each_picture_its_own_boxes(tmp_path, number):
    groups, pictures, tables, name = CORPUS[number]
    root, right, files = tmp_path / "set", {}, {}
    for group in groups:
        path = root / pictures.format(g=group, n="0.png")
        picture(path)
        right[group] = path
        said = name.format(n="0.png", stem="0", path=path.relative_to(root))
        files[group] = table(root / tables.format(g=group), said, group)
    found = read_boxes_folder(root)
    everything = {one.path: found.classes[one.labels[0]] for one in (*found.training, *found.validation)}
    assert is_boxes_folder(root)
    assert everything == {path: group for group, path in right.items()}
    assert found.skipped == 0
    if groups == SPLITS:
        assert [one.path for one in found.training] == [right["train"]]
        assert [one.path for one in found.validation] == [right["val"]]
    for group, file in files.items():  # the tab that measures finds the same
        photo = read_cases([file]).images[0].photo
        assert photo.photos.find(photo.name) == right[group]


@pytest.mark.parametrize(
    ("sheets", "pictures"),
    [
        ("Annotations/{g}/{n}.xml", "JPEGImages/{g}/{n}.jpg"),
        ("{g}/Annotations/{n}.xml", "{g}/JPEGImages/{n}.jpg"),
        ("VOC2007/Annotations/{g}/{n}.xml", "VOC2007/JPEGImages/{g}/{n}.jpg"),
        ("labels/{g}/{n}.xml", "images/{g}/{n}.jpg"),
        ("{g}/{n}.xml", "{g}/{n}.jpg"),
        ("{g}_labels/{n}.xml", "{g}_images/{n}.jpg"),
        ("xml/{g}/{n}.xml", "{g}/{n}.jpg"),
    ],
)
@pytest.mark.parametrize("groups", [CAMERAS, ("train", "test"), ("1", "11"), ("train", "train_extra")])
def test_sheets_that_mirror_the_pictures_folders(tmp_path, sheets, pictures, groups):
    right = {}
    for group, number in itertools.product(groups, range(2)):
        path = tmp_path / pictures.format(g=group, n=number)
        picture(path)
        right[path] = group
        sheet = tmp_path / sheets.format(g=group, n=number)
        sheet.parent.mkdir(parents=True, exist_ok=True)
        sheet.write_text(
            f"<annotation><filename>{number}.jpg</filename><size><width>8</width><height>6</height></size><object>"
            f"<name>{group}</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>5</xmax><ymax>4</ymax></bndbox></object>"
            "</annotation>"
        )
    assert is_boxes_folder(tmp_path)
    found = read_boxes_folder(tmp_path)
    assert {one.path: found.classes[one.labels[0]] for one in (*found.training, *found.validation)} == right


def finder_of(root, *names):
    found = Finder(root)
    for name in names:
        found.add(root / name)
    return found


def test_a_tie_is_refused_and_counted(tmp_path):
    for folder in ("left", "right"):
        picture(tmp_path / folder / "0.png")
    picture(tmp_path / "1.png")
    table(tmp_path / "boxes.json", "0.png", "cat")
    content = json.loads((tmp_path / "boxes.json").read_text())
    content["images"].append({"id": 2, "file_name": "1.png", "width": 8, "height": 6})
    content["annotations"].append({"id": 2, "image_id": 2, "category_id": 1, "bbox": [1, 1, 4, 3]})
    (tmp_path / "boxes.json").write_text(json.dumps(content))
    found = read_boxes_folder(tmp_path)
    assert [one.path.name for one in found.training] == ["1.png"]
    assert found.skipped == 1
    assert str(found.faults[0].values["reason"]) == "2 pictures have the name 0.png"
    shown = read_cases([tmp_path / "boxes.json"]).images[0].shown()
    assert shown.blank
    assert str(shown.note) == "0.png: 2 pictures have this name."


def test_a_sheets_own_name_comes_before_the_one_inside(tmp_path):
    for name in ("a", "b"):
        picture(tmp_path / f"{name}.jpg")
        box = "<bndbox><xmin>2</xmin><ymin>2</ymin><xmax>5</xmax><ymax>4</ymax></bndbox>"
        inside = "<filename>a.jpg</filename>"  # copied, and never changed
        (tmp_path / f"{name}.xml").write_text(
            f"<annotation>{inside}<object><name>{name}</name>{box}</object></annotation>"
        )
    found = read_boxes_folder(tmp_path)
    assert {one.path.stem: found.classes[one.labels[0]] for one in (*found.training, *found.validation)} == {
        "a": "a",
        "b": "b",
    }


def test_names_are_unquoted_folded_and_completed(tmp_path):
    composed = unicodedata.normalize("NFC", "Zürich straße.jpg")
    found = finder_of(
        tmp_path, "images/a b.jpg", f"images/{composed}", "images/x.TIF", "images/50%.png", "images/f.1.png"
    )
    near = tmp_path / "boxes.json"

    def name(text):
        path = found.find(text, near).path
        return path and path.name

    assert name("a%20b.jpg") == "a b.jpg"
    assert name(unicodedata.normalize("NFD", "Zürich straße.jpg")) == composed
    assert name("Z%C3%BCrich%20stra%C3%9Fe.JPG?token=1#top") == composed
    assert name("x.tiff") == name("X") == name("x.png") == "x.TIF"
    assert name("50%.png") == "50%.png"
    assert name("f.1") == name("f.1.jpg") == "f.1.png"
    assert name("f") is None
    assert name("") is name("..") is name("/") is None


def test_a_picture_of_another_split_is_not_shown_and_one_claimed_twice_is_used_once(tmp_path):
    for number in range(2):
        picture(tmp_path / "train" / f"{number}.png")
    table(tmp_path / "annotations" / "train.json", "0.png", "cat")
    other = table(
        tmp_path / "annotations" / "val.json", "0.png", "dog", box=(3, 2, 4, 3)
    )  # its pictures were not copied
    found = read_boxes_folder(tmp_path)
    assert [found.classes[one.labels[0]] for one in (*found.training, *found.validation)] == ["cat", "cat"]
    assert found.skipped == 1
    assert "belongs to other annotations" in str(found.faults[0])
    assert "listed more than once" in str(found.notes[0])
    shown = read_cases([other]).images[0].shown()
    assert shown.blank
    assert "another split" in str(shown.note)


@pytest.mark.parametrize(("mine", "other"), [("cam10", "cam1"), ("val", "train")])
def test_a_missing_picture_is_not_replaced_by_one_of_another_folder(tmp_path, mine, other):
    """Both folders are there; the picture was not copied into one, and the other has one of its name."""
    picture(tmp_path / mine / "1.png")
    picture(tmp_path / other / "0.png")
    file = table(tmp_path / "annotations" / f"{mine}.json", "0.png", "cat")
    with pytest.raises(LabError, match="one of its name lies in another folder"):
        read_boxes_folder(tmp_path)
    assert read_cases([file]).images[0].shown().blank
    (tmp_path / mine / "1.png").unlink()  # without a folder of its own a split's pictures may lie in the other
    if mine == "val":
        assert len(read_boxes_folder(tmp_path).training) == 1


def test_two_tables_over_the_same_pictures_are_one_set_without_leaks(tmp_path):
    for number in range(4):
        picture(tmp_path / "images" / f"{number}.png")
    entry = [{"id": n, "file_name": f"{n}.png", "width": 8, "height": 6} for n in range(4)]

    def save(name, which, label):
        boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [1, 1, 4, 3]} for n in which]
        content = {"images": [entry[n] for n in which], "annotations": boxes, "categories": [{"id": 1, "name": label}]}
        (tmp_path / name).write_text(json.dumps(content))

    save("all.json", range(4), "cat")
    save("train.json", range(3), "cat")
    save("val.json", [3], "cat")
    save("dogs.json", [0], "dog")
    found = read_boxes_folder(tmp_path)
    assert sorted(one.path.stem for one in found.training) == ["0", "1", "2"]
    assert [one.path.stem for one in found.validation] == ["3"]
    assert sorted(len(one.labels) for one in found.training) == [1, 1, 2]  # each box once, of both classes
    assert found.skipped == 0


def test_one_flattened_picture_named_for_two_folders_is_nobodys(tmp_path):
    picture(tmp_path / "images" / "0.png")
    picture(tmp_path / "images" / "1.png")
    names = ("cam1/0.png", "cam2/0.png", "cam1/1.png")
    images = [{"id": n, "file_name": name, "width": 8, "height": 6} for n, name in enumerate(names)]
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [n, 1, 4, 3]} for n in range(3)]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "cat"}]}
    (tmp_path / "boxes.json").write_text(json.dumps(content))
    found = read_boxes_folder(tmp_path)
    assert [one.path.name for one in found.training] == ["1.png"]
    assert found.skipped == 2


def test_files_of_a_mac_are_no_pictures(tmp_path):
    picture(tmp_path / "images" / "0.png")
    for name in ("images/._0.png", "__MACOSX/images/0.png", "._boxes.json", "._0.xml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    table(tmp_path / "boxes.json", "0.png", "cat")
    found = read_boxes_folder(tmp_path)
    assert [one.path for one in found.training] == [tmp_path / "images" / "0.png"]
    assert found.skipped == 0


@pytest.mark.parametrize(
    ("name", "split"),
    [("train", "train"), ("Training", "train"), ("seg_train", "train"), ("train2017", "train"), ("trainset", "train"),
     ("trainImages", "train"), ("valid", "val"), ("dev", "val"), ("val_images", "val"), ("instances_val2017", "val"),
     ("test1", "test"), ("test-dev2017", "test"), ("Testing", "test"), ("_test", "test"), ("valley", ""),
     ("contest", ""), ("devkit", ""), ("VOCdevkit", ""), ("train_val", ""), ("trained", ""), ("", "")],
)  # fmt: skip
def test_words_for_splits(name, split):
    assert split_of(name) == split


def test_what_is_special_about_a_name():
    assert key_of("JPEGImages") == key_of("_annotations.coco") == key_of("instances_default") == ""
    assert key_of("train_images") == "train"
    assert key_of("instances_cam1") == "cam1"
    assert is_bare_split("val2017")
    assert not is_bare_split("train_extra")
    assert not is_bare_split("images")
