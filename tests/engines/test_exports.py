"""Twenty data sets that real tools exported from the same three pictures, recorded in exports.json.

Tools: datumaro 1.13.12 (dm), globox 2.9.0 (gx), Label Studio SDK 2.1.2 (ls), pylabel 0.1.55 (pl), sahi 0.12.8, and
supervision 0.31.2 (sv); formats: COCO, Pascal VOC, YOLO, labelme, LabelMe's sheets, Open Images' CSV. Odd in them:
pylabel and sahi keep COCO's numbers of classes in YOLO's texts, which begin at 1 where the names begin at 0; globox
writes no names beside them; pylabel's and globox's sheets count from 0 and say nothing of it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from engines.core import limits
from engines.data.boxes_folder import is_boxes_folder, read_boxes_folder

EXPORTS = json.loads((Path(__file__).parent / "exports.json").read_text(encoding="utf-8"))
SIZE = 64, 80
BOXES = {
    "a": [("cat", 10, 20, 40, 60)],
    "b": [("cat", 30, 40, 60, 70), ("dog", 5, 6, 25, 36)],
    "c": [("dog", 12, 14, 52, 64)],
}
FROM_ONE = ("pl_yolo", "sahi_yolo")
NAMELESS = ("gx_yolo",)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A loaded machine tells the same as a quick one."""
    monkeypatch.setattr(limits, "LOOK", 60.0)


@pytest.mark.parametrize("name", EXPORTS)
def test_what_a_tool_exported_reads_as_it_was(tmp_path, name):
    for path, text in EXPORTS[name].items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            Image.new("RGB", SIZE).save(file)
        else:
            file.write_text(text, encoding="utf-8")
    assert is_boxes_folder(tmp_path)
    found = read_boxes_folder(tmp_path)
    pictures = {one.path: one for one in (*found.training, *found.validation)}.values()
    names = {"0": "cat", "1": "dog"} if name in NAMELESS else {}
    told = {
        one.path.stem[-1]: sorted(
            (names.get(found.classes[label], found.classes[label]), *(box * (*SIZE, *SIZE)).round(2).tolist())
            for label, box in zip(one.labels, one.boxes, strict=True)
        )
        for one in pictures
    }
    assert told == BOXES
    assert found.skipped == 0
    assert any("numbered from 1" in str(note) for note in found.notes) is (name in FROM_ONE)
    counted = "1-based" if name == "sv_voc" else "0-based"
    assert any(counted in str(note) for note in found.notes) is (name.endswith("voc") or name == "dm_labelme")
