"""What the page "What differs from pycocotools" says, line by line, of pycocotools 2.0.11 and of this project."""

from __future__ import annotations

import contextlib
import copy
import io
import json

import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from engines.blocks.average_precision import measure
from engines.mean_ap.files import read_cases
from tests.engines.test_coco_values import results, truth


def theirs(table, found):
    """AP of pycocotools; the error that it ends with."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            peer = COCO()
            peer.dataset = copy.deepcopy(table) | {"info": {}}
            peer.createIndex()
            run = COCOeval(peer, peer.loadRes(copy.deepcopy(found)), "bbox")
            run.evaluate()
            run.accumulate()
            run.summarize()
    except (AssertionError, KeyError, TypeError, ValueError, IndexError) as error:
        return type(error)
    return round(float(run.stats[0]), 3)


def ours(folder, table, found):
    paths = [folder / "truth.json", folder / "found.json"]
    for path, content in zip(paths, (table, found), strict=True):
        path.write_text(json.dumps(content))
    return round(measure(read_cases(paths).boxes).ap, 3)


def changed(**fields):
    """The plain truth with its first annotation changed."""
    table = truth(1)
    table["annotations"][0] |= fields
    return table


def missing(key):
    table = truth(1)
    del table["annotations"][0][key]
    return table


def equal_ids():
    table = truth(1)
    for one in table["annotations"]:
        one["id"] = 5
    return table


def with_orphan():
    table = truth(1)
    table["annotations"].append(table["annotations"][0] | {"id": 9, "image_id": 99})
    return table


NAN = float("nan")
FOUND = results(truth(1))
CASES = {
    "plain": (truth(1), FOUND, 1.0, 1.0),
    "id 0": (changed(id=0), FOUND, 0.626, 1.0),
    "equal ids": (equal_ids(), FOUND, 0.129, 1.0),
    "crowd as text": ({**truth(1), "annotations": [one | {"iscrowd": "0"} for one in truth(1)["annotations"]]}, FOUND,
                      -1.0, 1.0),
    "no number": (changed(bbox=[NAN, 30, 60, 40]), FOUND, 1.0, 0.75),
    "negative width": (changed(bbox=[80, 30, -60, 40]), FOUND, 0.626, 0.75),
    "negative area": (changed(area=-1), FOUND, 1.0, 1.0),
    "no area": (missing("area"), FOUND, KeyError, 1.0),
    "no crowd": (missing("iscrowd"), FOUND, KeyError, 1.0),
    "null crowd": (changed(iscrowd=None), FOUND, TypeError, 1.0),
    "no box": (changed(bbox=[], segmentation=[[20, 30, 80, 30, 80, 70, 20, 70]]), FOUND, None, 1.0),
    "orphans": (with_orphan(), FOUND, 1.0, 1.0),
    "unknown images": (truth(1), [*FOUND, FOUND[0] | {"image_id": 99}], AssertionError, 1.0),
    "no score": (truth(1), [*FOUND, FOUND[0] | {"score": NAN, "bbox": [0, 0, 5, 5]}], None, 1.0),
    "an object": (truth(1), {**truth(1), "annotations": [*FOUND]}, AssertionError, 1.0),
}  # fmt: skip


def test_json_lines(tmp_path):
    paths = [tmp_path / "truth.json", tmp_path / "found.json"]
    paths[0].write_text(json.dumps(truth(1)))
    paths[1].write_text("\n".join(map(json.dumps, FOUND)))
    with contextlib.redirect_stdout(io.StringIO()), pytest.raises(json.JSONDecodeError):
        COCO(str(paths[0])).loadRes(str(paths[1]))
    assert measure(read_cases(paths).boxes).ap == pytest.approx(1)


@pytest.mark.parametrize("name", CASES)
def test_each_line_of_the_page(tmp_path, name):
    table, found, peer, mine = CASES[name]
    if peer is not None:
        assert theirs(table, found) == peer
    if mine is not None:
        assert ours(tmp_path, table, found) == mine
