"""A picture opened as its annotation means it, and boxes of Pascal VOC counted from where they are.

Sizes: Label Studio 2.1 and browsers give the size of a photo as it is shown, pycocotools' converters and datumaro 1.13
as it is stored; converters that exchange height and width, and annotations made on a copy, are in many public reports.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from engines.data.annotated_size import Fit, fitted
from engines.data.boxes_folder import read_boxes_folder
from engines.mean_ap.files import read_cases

RED = (230, 20, 20)


def photo(path, size=(64, 48), box=None, orientation=1):
    """A gray picture, its box red; ``size`` and ``box`` as it is stored."""
    rgb = np.full((size[1], size[0], 3), 90, np.uint8)
    if box is not None:
        x, y, w, h = box
        rgb[y : y + h, x : x + w] = RED
    tags = Image.Exif()
    tags[0x0112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path, exif=tags.tobytes(), quality=95)


def coco(path, size, box, name="a.jpg"):
    entry = {"id": 1, "file_name": name} | ({"width": size[0], "height": size[1]} if size else {})
    content = {
        "images": [entry],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": list(box), "iscrowd": 0}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    path.write_text(json.dumps(content))
    return path


def under(rgb, share):
    """The color under the middle of a box (4,) xyxy, as shares."""
    x, y = ((share[:2] + share[2:]) / 2 * (rgb.shape[1], rgb.shape[0])).astype(int)
    return rgb[y, x].astype(int)


STORED, SHOWN = (8, 30, 12, 10), (8, 8, 10, 12)  # one box; its picture is turned by 90° clockwise to be shown


@pytest.mark.parametrize(
    ("orientation", "size", "box", "differs"),
    [
        (1, (64, 48), STORED, False),
        (6, (64, 48), STORED, False),  # measured as it is stored
        (6, (48, 64), SHOWN, False),  # as it is shown
        (6, None, STORED, False),
        (6, (24, 32), tuple(v / 2 for v in SHOWN), True),  # on a copy of half the size
        (1, (48, 64), STORED, True),  # width and height exchanged
        (1, (16, 12), STORED, True),  # that of a thumbnail, and boxes of the real one
        (1, (128, 96), tuple(v * 2 for v in STORED), True),
        (3, (64, 48), STORED, False),
    ],
)
def test_boxes_lie_on_what_they_were_drawn_around(tmp_path, orientation, size, box, differs):
    photo(tmp_path / "a.jpg", box=STORED, orientation=orientation)
    file = coco(tmp_path / "boxes.json", size, box)
    found = read_boxes_folder(tmp_path)
    one = found.training[0]
    assert np.abs(under(one.pixels(10**6), one.boxes[0]) - RED).max() < 40
    of_sizes = [note for note in map(str, found.notes) if not note.startswith("AP is measured")]  # of one picture
    assert bool(of_sizes) is differs
    cases = read_cases([file])
    shown = cases.images[0].shown()
    x, y, w, h = cases.boxes.truths[0]
    assert np.abs(under(shown.rgb, np.array([x, y, x + w, y + h]) / (*shown.size, *shown.size)) - RED).max() < 40
    assert (shown.note is not None) is differs
    assert any("size differs" in str(note) for note in cases.notes) is differs


def test_the_rule_for_sizes_in_numbers():
    assert fitted((0, 0), (30, 60), (64, 48), True) == Fit((48, 64), True, (48, 64), False)
    assert fitted((64, 48), (30, 60), (64, 48), True) == Fit((48, 64), True, (48, 64), False)  # its boxes say so
    assert fitted((64, 48), (64.9, 48.5), (64, 48), True) == Fit(
        (64, 48), False, (64, 48), False
    )  # a pixel is no matter
    assert fitted((48, 64), (40, 60), (64, 48), False) == Fit(
        (48, 64), False, (64, 48), True
    )  # not the real one either


# -- Pascal VOC: x 10, y 20, width 30, height 40 in pixels
ZERO, ONE = (10, 20, 40, 60), (11, 21, 40, 60)
CHALLENGE = "<source><database>The VOC2007 Database</database><annotation>PASCAL VOC2007</annotation></source>"
UNKNOWN = "<source><database>Unknown</database><annotation>Unknown</annotation></source>"
LABEL_STUDIO = "<source><database>MyDatabase</database><annotation>COCO2017</annotation></source>"
SUPERVISION = "<source><database>roboflow.ai</database></source>"


def sheets(folder, *boxes, source=""):
    for number, box in enumerate(boxes):
        photo(folder / f"{number}.jpg", (64, 80))
        corners = "".join(
            f"<{key}>{value}</{key}>" for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
        )
        (folder / f"{number}.xml").write_text(
            f"<annotation>{source}<size><width>64</width><height>80</height></size>"
            f"<object><name>cat</name><bndbox>{corners}</bndbox></object></annotation>"
        )


@pytest.mark.parametrize(
    ("boxes", "source", "why"),
    [
        ([ZERO, (0, 5, 20, 30)], "", "some begin at 0"),
        ([ZERO, (5, 0, 20, 30)], CHALLENGE, "some begin at 0"),  # a copied head is weaker than a 0
        ([tuple(map(float, ZERO))], "", "fractions"),
        ([ZERO], UNKNOWN, "the tool"),
        ([ZERO], LABEL_STUDIO, "the tool"),
        ([ONE], SUPERVISION, "the tool"),
        ([ONE], CHALLENGE, "VOC challenge"),
        ([ONE] * 9 + [(1.5, 2, 3, 4)], CHALLENGE, "VOC challenge"),
        ([ONE, (1, 1, 64, 80)], "", "begin at 1"),
        ([ONE], "", "the format"),
    ],
)
def test_voc_boxes_are_counted_from_where_the_data_set_begins(tmp_path, boxes, source, why):
    sheets(tmp_path, *boxes, source=source)
    found = read_boxes_folder(tmp_path)
    first = next(one for one in found.training if one.path.stem == "0")
    assert (first.boxes[0] * (64, 80, 64, 80)).round(4).tolist() == [10, 20, 40, 60]
    assert why in str(found.notes[0])
    assert f"{int(boxes[0] == ONE)}-based" in str(found.notes[0])


def test_a_person_says_where_voc_boxes_begin(tmp_path):
    sheets(tmp_path, ZERO)
    for first, box in ((0, [10, 20, 40, 60]), (1, [9, 19, 40, 60])):
        found = read_boxes_folder(tmp_path, first)
        assert (found.training[0].boxes[0] * (64, 80, 64, 80)).round(4).tolist() == box
        assert "that was chosen" in str(found.notes[0])


def test_a_box_of_one_pixel_is_one_only_where_the_last_pixel_belongs_to_it(tmp_path):
    sheets(tmp_path, ONE, (7, 7, 7, 7))
    assert read_boxes_folder(tmp_path, 1).skipped == 0
    assert str(read_boxes_folder(tmp_path, 0).faults[0].values["reason"]) == "the box has no area"
