"""What is let in at the door is what is read: sets of boxes as they are downloaded, and what is odd in their files.

Sets: kangaroo (annots/), BCCD (BCCD/Annotations), VOCdevkit, Label Studio 2.1 (images first, 700 of them), sheets of
labelImg saved on Chinese Windows (GBK, GB2312), macOS archives (``._`` files), minified COCO.
"""

from __future__ import annotations

import json

import pytest
from PIL import Image, PngImagePlugin

from engines.core import limits
from engines.data.boxes_folder import is_boxes_folder, read_boxes_folder
from engines.data.pictures import read_picture
from tests.engines.test_finding import picture, table

SHEET = (
    "<annotation><filename>{name}.jpg</filename><size><width>8</width><height>6</height></size><object><name>{label}"
    "</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>5</xmax><ymax>4</ymax></bndbox></object></annotation>"
)


def sheet(path, label="cat", head="", encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((head + SHEET.format(name=path.stem, label=label)).encode(encoding))


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A loaded machine tells the same as a quick one."""
    monkeypatch.setattr(limits, "LOOK", 60.0)


@pytest.mark.parametrize(
    ("sheets", "pictures"),
    [
        ("annots", "images"),
        ("BCCD/Annotations", "BCCD/JPEGImages"),
        ("VOCdevkit/VOC2012/Annotations", "VOCdevkit/VOC2012/JPEGImages"),
        ("a/b/c/xmls", "a/b/c/pics"),
        (".", "."),
    ],
)
def test_sheets_are_found_where_sets_keep_them(tmp_path, sheets, pictures):
    for name in ("0", "1"):
        sheet(tmp_path / sheets / f"{name}.xml")
        picture(tmp_path / pictures / f"{name}.jpg")
        (tmp_path / sheets / f"._{name}.xml").write_bytes(b"\0\5\x16\7")
    assert is_boxes_folder(tmp_path)
    found = read_boxes_folder(tmp_path)
    assert {one.path.stem for one in (*found.training, *found.validation)} == {"0", "1"}
    assert found.skipped == 0


def test_lists_with_blanks_and_folders_one_level_down(tmp_path):
    base = tmp_path / "VOC2007"
    names = ["frame 1", "frame 2", "cam1/7", "cam2/7", "a.b", "c"]
    for name in names:
        sheet(base / "Annotations" / f"{name}.xml")
        picture(base / "JPEGImages" / f"{name}.jpg")
    lists = base / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("frame 1\ncam1/7\nJPEGImages/c.jpg\n")
    (lists / "val.txt").write_text("frame 2  1\ncam2/7\na.b -1\n")
    (lists / "trainval.txt").write_text("\n".join(names))
    (lists / "cat_train.txt").write_text("frame 2 1\n")
    found = read_boxes_folder(tmp_path)
    told = [
        sorted(str(one.path.relative_to(base / "JPEGImages")) for one in part)
        for part in (found.training, found.validation)
    ]
    assert told == [["c.jpg", "cam1/7.jpg", "frame 1.jpg"], ["a.b.jpg", "cam2/7.jpg", "frame 2.jpg"]]


@pytest.mark.parametrize("order", [("images", "categories", "annotations"), ("annotations", "images", "categories")])
def test_a_table_is_one_wherever_its_keys_stand(tmp_path, order):
    picture(tmp_path / "0.png")
    file = table(tmp_path / "result.json", "0.png", "cat")
    content = json.loads(file.read_text())
    entry, box = content["images"][0], content["annotations"][0]
    content["images"] = [entry | {"id": n + 1, "file_name": f"images\\{n:060d}.png"} for n in range(1500)] + [
        entry | {"id": 0}
    ]
    content["annotations"] = [box | {"id": n, "image_id": 0} for n in range(1500)]
    file.write_text(json.dumps({key: content[key] for key in order}))
    assert file.stat().st_size > 4 * 65_536
    assert is_boxes_folder(tmp_path)
    assert len(read_boxes_folder(tmp_path).training) == 1


def test_one_table_among_thousands_of_pictures(tmp_path):
    for n in range(6000):
        (tmp_path / f"{n:05d}.png").touch()
    table(tmp_path / "z.json", "00001.png", "cat")
    assert is_boxes_folder(tmp_path)


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<?xml version="1.0" encoding="GB2312"?>', "gb18030"),
        ("<?xml version='1.0' encoding='gbk' ?>\n", "gbk"),
        ('<?xml version="1.0" encoding="Big5"?>', "big5"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16"),
        ('<?xml version="1.0" encoding="utf-8"?>', "utf-8-sig"),
        ("", "utf-8"),
    ],
)
def test_sheets_in_the_encodings_of_their_machines(tmp_path, head, encoding):
    label = "貓" if encoding == "big5" else "猫"
    sheet(tmp_path / "0.xml", label, head, encoding)
    picture(tmp_path / "0.jpg")
    assert read_boxes_folder(tmp_path).classes == (label,)


def test_a_fault_in_a_table_without_line_breaks_tells_the_entry(tmp_path):
    picture(tmp_path / "0.png")
    file = table(tmp_path / "boxes.json", "0.png", "cat")
    content = json.loads(file.read_text())
    good = content["annotations"][0]
    content["annotations"] = [good, good, good | {"bbox": [0, 0, 0, 1]}, good | {"bbox": [90, 90, 5, 5]}]
    content["images"].append({"id": 2, "file_name": "gone.png"})
    file.write_text(json.dumps(content))
    assert [str(fault).partition(": ")[0] for fault in read_boxes_folder(tmp_path).faults] == [
        "boxes.json, line 1, entry 3",
        "boxes.json, line 1, entry 2",
        "boxes.json, line 1, entry 4",
    ]


def test_a_picture_with_megabytes_of_text_is_read(tmp_path):
    text = PngImagePlugin.PngInfo()
    text.add_text("workflow", "x" * 3_000_000, zip=True)
    text.add_text("prompt", "y" * 3_000_000)
    Image.new("RGB", (8, 6), (9, 8, 7)).save(tmp_path / "a.png", pnginfo=text)
    assert read_picture(tmp_path / "a.png").rgb[0, 0].tolist() == [9, 8, 7]
