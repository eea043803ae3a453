"""Three detectors on one picture: what each finds beside an independent reference, and their AP beside pycocotools'."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.models.rt_detr.image_processing_pil_rt_detr import RTDetrImageProcessorPil

from engines.blocks.boxes import cxcywh_to_xyxy
from engines.blocks.detectors import Found
from engines.core.errors import Message
from engines.core.pictures import Picture
from engines.core.protocol import Job, Progress
from engines.data.boxes_folder import Annotated
from engines.rt_detr import load_checkpoint, subject
from engines.rt_detr.backends import Encoding
from engines.rt_detr.model import Proposals
from engines.rt_detr.side_by_side import contest, engine
from engines.rt_detr.side_by_side.contest import Contest, to_look_at
from engines.rt_detr.side_by_side.engine import Engine, decoded, suppressed
from engines.rt_detr.side_by_side.spec import NAMES, NMS, RT_DETR, Beside, Compared, SideParams
from tests.benchmarks.models import make_rt_detr
from tests.closeness import FEW, close
from tests.engines.rt_detr.test_backends import BACKBONE, SIZES


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return make_rt_detr(tmp_path_factory.mktemp("rt-detr"), BACKBONE, **SIZES)


def asked(kind, made=None, **fields):
    made = made or Engine()
    return [e for e in made.run(Job(SideParams(**fields), lambda: made, lambda event: None)) if isinstance(e, kind)]


def test_detections_are_those_of_transformers(reference):
    model = load_checkpoint(str(reference.folder))
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    found = decoded(model, Encoding(model, pixels))
    with torch.inference_mode():
        said = reference.net(pixel_values=pixels)
    (theirs,) = RTDetrImageProcessorPil().post_process_object_detection(said, threshold=0.0, target_sizes=[(1, 1)])
    close(found.scores, theirs["scores"], FEW)
    np.testing.assert_array_equal(found.labels, theirs["labels"].numpy())
    np.testing.assert_allclose(cxcywh_to_xyxy(torch.from_numpy(found.boxes)), theirs["boxes"], atol=1e-4)


def overlap(one, other):
    """IoU of two boxes cxcywh, by hand."""
    sides = [
        max(0.0, min(one[i] + one[i + 2] / 2, other[i] + other[i + 2] / 2)
            - max(one[i] - one[i + 2] / 2, other[i] - other[i + 2] / 2))
        for i in range(2)
    ]  # fmt: skip
    shared = sides[0] * sides[1]
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


@pytest.mark.parametrize("iou", [0.2, 0.5, 0.8])
def test_dense_boxes_are_thinned_class_by_class(iou):
    generator = torch.Generator().manual_seed(4)
    boxes = torch.rand(1, 60, 4, generator=generator) * 0.3 + 0.3
    logits = torch.randn(1, 60, 3, generator=generator)
    found = suppressed(Proposals(torch.zeros(1, 60, 2), logits, torch.logit(boxes)), iou, 0.25)
    scores, labels = logits[0].sigmoid().numpy().max(1), logits[0].numpy().argmax(1)
    kept: list[int] = []
    for at in np.argsort(-scores, kind="stable").tolist():
        near = [other for other in kept if labels[other] == labels[at]]
        if all(overlap(boxes[0, at].tolist(), boxes[0, other].tolist()) <= iou for other in near):
            kept.append(at)
    np.testing.assert_allclose(found.scores, scores[kept], atol=1e-6)
    np.testing.assert_array_equal(found.labels, labels[kept])
    np.testing.assert_allclose(found.boxes, boxes[0].numpy()[kept], atol=1e-5)
    assert found.milliseconds >= 250


def test_all_three_find_the_drawn_shapes(monkeypatch):
    monkeypatch.setattr(contest, "SCENES", 10)
    monkeypatch.setattr(subject, "_here", type(subject._here)())
    made = Engine()
    (told,) = asked(Beside, made)
    assert [one.name for one in told.sides] == list(NAMES)
    assert {one.title for one in told.sides} == {"Toy DETR", "Toy RT-DETR"}
    for one in told.sides:
        assert one.why is None
        assert (one.scores >= 0.5).sum() >= 4  # six shapes are there
        assert (np.diff(one.scores) <= 0).all()
    compared = asked(Compared, made)[-1]
    assert (compared.names, compared.pictures, compared.of, compared.folder) == (NAMES, 10, 10, "")
    assert (compared.ap50 > 0.5).all()
    assert asked(Compared, made)[-1] is compared  # nothing is measured twice


def test_without_the_other_detector_it_says_why(monkeypatch, reference):
    monkeypatch.setattr(engine, "partner", lambda drawn, device: Message("it is away"))
    monkeypatch.setattr(subject, "_here", type(subject._here)())
    made, photo = Engine(), Picture("noise", np.zeros((40, 50, 3), np.uint8))
    (told,) = asked(Beside, made, source=str(reference.folder), picture=photo)
    assert str(told.sides[0].why) == "it is away"
    assert len(told.sides[0].boxes) == 0
    assert asked(Compared, made, source=str(reference.folder), picture=photo) == []  # nothing to measure on


@pytest.fixture
def folder(tmp_path):
    """Six pictures of 64 × 48 in COCO's format."""
    rng = np.random.default_rng(0)
    (tmp_path / "val").mkdir()
    images, notes = [], []
    for number in range(6):
        name = f"{number}.png"
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).save(tmp_path / "val" / name)
        images.append({"id": number + 70, "file_name": name, "width": 64, "height": 48})
        for _ in range(3):
            x, y, w, h = rng.uniform(2, 30), rng.uniform(2, 20), rng.uniform(6, 28), rng.uniform(6, 22)
            notes.append({"id": len(notes) + 1, "image_id": number + 70, "category_id": int(rng.integers(3, 5)),
                          "bbox": [x, y, w, h], "area": w * h, "iscrowd": 0})  # fmt: skip
    table = {"images": images, "annotations": notes,
             "categories": [{"id": 3, "name": "Cat"}, {"id": 4, "name": "dog"}]}  # fmt: skip
    (tmp_path / "val" / "_annotations.coco.json").write_text(json.dumps(table))
    return tmp_path


def test_precision_on_a_folder_is_that_of_pycocotools(folder, tmp_path_factory):
    """Two detectors that are off by a little and by more, with some false boxes, and a class that nobody knows."""
    coco_module = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    rng, said = np.random.default_rng(1), ([], [])
    truth = folder / "val" / "_annotations.coco.json"
    table = json.loads(truth.read_text())

    def look(rgb):
        number = next(n for n in range(6) if np.array_equal(rgb, np.asarray(Image.open(folder / "val" / f"{n}.png"))))
        yield Progress(0, 0, Message("looking"))
        found = []
        for way, off in enumerate((0.03, 0.15)):
            boxes, scores, labels = [], [], []
            for note in table["annotations"]:
                if note["image_id"] == number + 70:
                    x, y, w, h = np.array(note["bbox"]) * rng.uniform(1 - off, 1 + off, 4)
                    boxes += [(x, y, w, h), tuple(rng.uniform(3, 20, 4))]
                    labels += [note["category_id"] - 3, int(rng.integers(0, 3))]
                    scores += rng.uniform(0, 1, 2).tolist()
            for box, score, label in zip(boxes, scores, labels, strict=True):
                if label < 2:
                    entry = {"image_id": number + 70, "category_id": label + 3, "bbox": list(box), "score": score}
                    said[way].append(entry)
            shares = np.array(
                [((x + w / 2) / 64, (y + h / 2) / 48, w / 64, h / 48) for x, y, w, h in boxes], np.float32
            )
            found.append((Found(shares, np.array(scores, np.float32), np.array(labels), 2.0 + way),
                          ("cat", "dog", "unicorn")))  # fmt: skip
        return found

    held = Contest((RT_DETR, NMS), str(folder))
    told = [event for event in held.run(look) if isinstance(event, Compared)][-1]
    assert (told.names, told.pictures, told.of, told.skipped) == ((RT_DETR, NMS), 6, 6, 0)
    assert told.folder == folder.name
    assert told.milliseconds == (2.0, 3.0)
    place = tmp_path_factory.mktemp("out") / "found.json"
    for way in range(2):
        place.write_text(json.dumps(said[way]))
        with contextlib.redirect_stdout(io.StringIO()):
            coco = coco_module.COCO(str(truth))
            scorer = COCOeval(coco, coco.loadRes(str(place)), "bbox")
            scorer.evaluate()
            scorer.accumulate()
            scorer.summarize()
        assert told.ap[way] == pytest.approx(scorer.stats[0], abs=1e-4)
        assert told.ap50[way] == pytest.approx(scorer.stats[1], abs=1e-4)
        assert scorer.stats[1] > 0.2
    assert told.ap[0] > told.ap[1]


def test_pictures_that_cannot_be_read_are_counted(folder):
    (folder / "val" / "2.png").write_bytes(b"no picture")

    def look(_rgb):
        yield Progress(0, 0, Message("looking"))
        none = np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
        return [(Found(*none, 1.0), ("cat",))]

    told = [event for event in Contest((RT_DETR,), str(folder)).run(look) if isinstance(event, Compared)][-1]
    assert (told.pictures, told.of, told.skipped) == (6, 6, 1)
    assert told.ap.tolist() == [0.0]
    assert (told.left_out, told.first) == (0, None)


def test_annotations_of_missing_pictures_are_counted_and_the_first_is_named(folder):
    (folder / "val" / "2.png").unlink()

    def look(_rgb):
        yield Progress(0, 0, Message("looking"))
        return []

    told = [event for event in Contest((), str(folder)).run(look) if isinstance(event, Compared)][-1]
    assert (told.of, told.skipped, told.left_out) == (5, 0, 3)
    assert "2.png is missing" in str(told.first)


def test_a_folder_that_keeps_pictures_to_validate_on_apart_is_looked_at_there_alone():
    none = np.zeros((0, 4), np.float32), np.zeros(0, np.int64), (0, 0)

    def picture(place):
        return Annotated(Path(place), *none)

    train, val, beside = picture("a/train/2.png"), picture("a/val/1.png"), picture("a/train/1.png")
    assert to_look_at([train], [val]) == [val]
    assert to_look_at([train], [beside]) == [beside, train]
    assert to_look_at([train], []) == [train]
