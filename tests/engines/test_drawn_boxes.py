"""Boxes drawn on a folder of photos: what is written beside them, and never over anything of others."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from engines.core.errors import LabError
from engines.core.files import WriteError
from engines.data.boxes_folder import read_boxes_folder
from engines.data.drawn_boxes import MARK, DrawnBox, open_album, write_album

SIZES = {"a.png": (200, 100), "b.png": (50, 80), "c.jpg": (60, 60)}


@pytest.fixture
def folder(tmp_path):
    for name, (width, height) in SIZES.items():
        Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("of mine")
    return tmp_path


BOXES = (
    DrawnBox("a.png", "cat", (0.5, 0.5, 0.2, 0.4)),
    DrawnBox("a.png", "dog", (0.95, 0.1, 0.2, 0.2)),  # reaches beyond the right edge
    DrawnBox("b.png", "cat", (0.25, 0.25, 0.5, 0.5)),
)


def test_what_is_drawn_is_read_as_any_coco_folder(folder):
    album = open_album(folder)
    assert (album.own, album.file.name, album.sizes) == (False, "boxes.json", SIZES)
    write_album(album, BOXES)
    table = json.loads(album.file.read_text())
    assert [one["bbox"] for one in table["annotations"]] == [[80, 30, 40, 40], [170, 0, 30, 20], [0, 0, 25, 40]]
    found = read_boxes_folder(folder)
    assert found.classes == ("cat", "dog")
    assert found.skipped == 0
    read = {one.path.name: one.boxes.tolist() for one in (*found.training, *found.validation)}
    assert set(read) == {"a.png", "b.png"}  # nobody said that c holds nothing
    np.testing.assert_allclose(read["a.png"], [[0.4, 0.3, 0.6, 0.7], [0.85, 0, 1, 0.2]], atol=1e-4)


def test_the_own_table_is_gone_on_with(folder):
    write_album(open_album(folder), BOXES)
    again = open_album(folder)
    assert again.own
    assert [(one.photo, one.label) for one in again.boxes] == [(one.photo, one.label) for one in BOXES]
    np.testing.assert_allclose(again.boxes[0].box, BOXES[0].box, atol=1e-4)
    write_album(again, again.boxes[:1])
    assert [one.label for one in open_album(folder).boxes] == ["cat"]
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "b.png", "boxes.json", "c.jpg", "notes.txt"]


def test_boxes_of_a_photo_that_is_not_there_now_are_not_lost(folder):
    write_album(open_album(folder), BOXES)
    (folder / "b.png").rename(folder.parent / "b.png")
    album = open_album(folder)
    assert {one.photo for one in album.boxes} == {"a.png"}
    write_album(album, album.boxes[1:])
    (folder.parent / "b.png").rename(folder / "b.png")
    back = open_album(folder).boxes
    assert [(one.photo, one.label) for one in back] == [("a.png", "dog"), ("b.png", "cat")]
    np.testing.assert_allclose(back[1].box, BOXES[2].box, atol=1e-4)


def test_a_file_of_others_stays_as_it_is(folder):
    (folder / "boxes.json").write_text('{"shapes": "something else"}')
    album = open_album(folder)
    assert album.file.name == "boxes-2.json"
    album.file.write_text("came meanwhile")
    with pytest.raises(WriteError, match="exists"):
        write_album(album, BOXES)
    assert album.file.read_text() == "came meanwhile"
    assert (folder / "boxes.json").read_text() == '{"shapes": "something else"}'


def test_what_can_not_be_drawn_on_is_said(folder, tmp_path_factory):
    with pytest.raises(LabError, match="no pictures"):
        open_album(tmp_path_factory.mktemp("empty"))
    write_album(open_album(folder), BOXES)
    table = json.loads((folder / "boxes.json").read_text())
    table["annotations"][0]["bbox"] = "here"
    (folder / "boxes.json").write_text(json.dumps(table))
    with pytest.raises(LabError, match="damaged"):
        open_album(folder)
    (folder / "boxes.json").write_text((folder / "boxes.json").read_text().replace(MARK, "another tool"))
    with pytest.raises(LabError, match="have boxes already"):  # a second table would count them twice
        open_album(folder)
