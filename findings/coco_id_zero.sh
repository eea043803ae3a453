#!/usr/bin/env bash
# pycocotools 2.0.11: an annotation whose id is 0 can never be found.
#
# Expected: ids in a COCO file are names. Whether objects are counted from 0 or from 1 changes no score.
# Instead:  COCOeval writes the id of the matched object beside each detection and reads 0 there as "matched nothing".
#           A perfect detection of object 0 is a false positive, and the object is missed as well. No error, no warning.
# Matters:  one object in a data set costs little and is never noticed; in a scene of four, made by hand to show how
#           average precision works, a perfect detector gets 0.56.
# Do:       number annotations from 1, or renumber them before COCO(...) is given them.
#
# Seen: the same four boxes, detected exactly, 0.9 to 0.6 sure:
#   ids 1 to 4: AP 1.000, recall 1.00, matched with [1, 2, 3, 4]
#   ids 0 to 3: AP 0.564, recall 0.75, matched with [0, 1, 2, 3]
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check pycocotools==2.0.11 numpy==2.4.6
"$tmp/venv/bin/python" -I - <<'PY'
import contextlib
import io
import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def score(first):
    """AP, recall and the matched ids of a perfect detector, with the annotations counted from ``first``."""
    boxes = [[40 * place, 0, 30, 30] for place in range(4)]
    objects = [
        {"id": first + place, "image_id": 1, "category_id": 1, "bbox": box, "area": 900, "iscrowd": 0}
        for place, box in enumerate(boxes)
    ]
    found = [
        {"image_id": 1, "category_id": 1, "bbox": box, "score": 0.9 - 0.1 * place}
        for place, box in enumerate(boxes)
    ]
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": 1, "width": 200, "height": 40}],
        "categories": [{"id": 1, "name": "square"}],
        "annotations": objects,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(found), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    matched = [int(number) for number in run.evalImgs[0]["dtMatches"][0]]
    return f"AP {run.stats[0]:.3f}, recall {run.stats[8]:.2f}, matched with {matched}"


seen = [score(1), score(0)]
print("pycocotools 2.0.11, the same four boxes, detected exactly")
print("  ids 1 to 4:", seen[0])
print("  ids 0 to 3:", seen[1])
if seen != ["AP 1.000, recall 1.00, matched with [1, 2, 3, 4]", "AP 0.564, recall 0.75, matched with [0, 1, 2, 3]"]:
    sys.exit("this is not what was seen with 2.0.11")
PY
