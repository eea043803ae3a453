"""A DETR trained here: saved as a folder, opened again, and run over a folder of pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engines.checkpoints import catalog, layout
from engines.core.errors import LabError
from engines.core.files import WriteError
from engines.core.protocol import Job
from engines.data.detector_pictures import Drawn, own_data
from engines.detr.checkpoint import from_weights, load_checkpoint
from engines.detr.results.detector import FolderDetector
from engines.detr.results.spec import ResultsParams, Written
from engines.detr.saved import save_model
from engines.detr.spec import TRAINED_HERE
from engines.detr.training.run import Run
from engines.detr.training.spec import UP_TO_3, DetrTraining
from engines.mean_ap.files import read_cases


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten pictures with boxes in COCO's format, ids that do not begin at 1."""
    place = tmp_path_factory.mktemp("blobs")
    images, annotations = [], []
    for index, sample in enumerate(Drawn(UP_TO_3, 96, np.random.default_rng(4)).batch(10)):
        Image.fromarray(sample.rgb).save(place / f"{index}.png")
        images.append({"id": 70 + index, "file_name": f"{index}.png", "width": 96, "height": 96})
        for x0, y0, x1, y1 in (sample.boxes * 96).tolist():
            box = [x0, y0, x1 - x0, y1 - y0]
            entry = {"id": len(annotations) + 1, "image_id": 70 + index, "category_id": 5, "bbox": box}
            annotations.append({**entry, "area": box[2] * box[3], "iscrowd": 0})
    table = {"images": images, "annotations": annotations, "categories": [{"id": 5, "name": "blob"}]}
    (place / "boxes.json").write_text(json.dumps(table))
    return place


@pytest.fixture(scope="module")
def weights(folder):
    """Three steps on these pictures."""
    params = DetrTraining(folder=str(folder), batch=2)
    steps = own_data(params, np.random.default_rng(0))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            run = Run(params, end.value)
            break
    for _ in range(3):
        run.advance()
    return run.kept()


@pytest.fixture(scope="module")
def saved(weights, tmp_path_factory):
    about = {"measured": {"ap": 0.5}, "settings": {"folder": weights.made_of.folder, "batch": 2}}
    return save_model(weights, tmp_path_factory.mktemp("models") / "my blobs", about)


def run_over(**changes):
    params = ResultsParams(**changes)
    engine = FolderDetector()
    (written,) = (event for event in engine.run(Job(params, lambda: engine, print)) if isinstance(event, Written))
    return written


def test_what_is_opened_again_says_the_same(saved, weights):
    before, after = from_weights(weights), load_checkpoint(str(saved))
    rgb = np.random.default_rng(1).integers(0, 256, (80, 120, 3), dtype=np.uint8)
    with torch.inference_mode():
        old, new = before(before.preprocess(rgb)), after(after.preprocess(rgb))
    assert torch.equal(old.logits, new.logits)
    assert torch.equal(old.boxes, new.boxes)
    assert (after.labels, after.drawn) == ({0: "blob"}, False)
    assert catalog.topic_of(str(saved)) == "detr"
    assert catalog.describe(str(saved)).title == "my blobs"
    card = json.loads((saved / "config.json").read_text())
    assert (card["step"], card["measured"]) == (3, {"ap": 0.5})


def test_a_model_does_not_tell_where_its_pictures_lie(saved, folder, tmp_path):
    told = (saved / "config.json").read_text()
    assert str(folder) not in told
    card = json.loads(told)
    assert card["trained_on"] == folder.name
    assert card["settings"] == {"folder": folder.name, "batch": 2}
    elsewhere = shutil.copytree(folder, tmp_path / "elsewhere")  # the same pictures: those held back are known
    assert run_over(source=str(saved), folder=str(elsewhere), place=str(tmp_path / "found.json")).held_back
    (elsewhere / "0.png").rename(elsewhere / "x.png")  # others
    (elsewhere / "boxes.json").write_text((elsewhere / "boxes.json").read_text().replace('"0.png"', '"x.png"'))
    assert not run_over(source=str(saved), folder=str(elsewhere), place=str(tmp_path / "others.json")).held_back
    card |= {"trained_on": str(folder)}
    del card["data"]
    before = shutil.copytree(saved, tmp_path / "saved before")
    (before / "config.json").write_text(json.dumps(card))  # as models were saved before
    assert run_over(source=str(before), folder=str(folder), place=str(tmp_path / "old.json")).held_back


def test_nothing_is_ever_written_over(saved, weights, tmp_path):
    before = {file.name: file.read_bytes() for file in saved.iterdir()}
    with pytest.raises(WriteError):
        save_model(weights, saved, {})
    assert {file.name: file.read_bytes() for file in saved.iterdir()} == before
    assert [each.name for each in saved.parent.iterdir()] == [saved.name]  # and no draft is left
    with pytest.raises(WriteError):
        save_model(weights, tmp_path / "missing" / "model", {})


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("version",), 2, "another version"),
        (("labels",), [], "does not name its classes"),
        (("labels",), ["a", "b"], "labels"),
        (("detr", "dim"), 10**9, "dim"),
        (("detr", "dim"), 32, "d_model"),
        (("detr", "decoder_layers"), 5, "decoder_layers"),
        (("detr", "decoder_heads"), 3, "decoder_heads"),
        (("detr", "num_queries"), 9, "num_queries"),
        (("detr", "backbone", "kind"), "magic", "magic"),
        (("detr", "backbone", "widths"), [32, 64], "blocks"),
        (("detr",), None, "sizes"),
        (("size",), "large", "size"),
        (("surprise",), 1, "surprise"),
    ],
)
def test_a_card_that_says_something_else_is_refused_by_name(saved, tmp_path, path, value, said):
    card = json.loads((saved / "config.json").read_text())
    inner = card
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    (tmp_path / layout.CONFIG).write_text(json.dumps(card))
    (tmp_path / layout.WEIGHTS).write_bytes((saved / layout.WEIGHTS).read_bytes())
    with pytest.raises(LabError, match=said):
        load_checkpoint(str(tmp_path))


def test_a_folder_s_detections_are_what_average_precision_reads(saved, folder, tmp_path):
    coco = pytest.importorskip("pycocotools.coco")
    written = run_over(source=str(saved), folder=str(folder), place=str(tmp_path / "found.json"))
    assert (written.pictures, written.boxes, written.skipped) == (2, 16, 0)
    assert written.held_back  # the others are those that it was trained on
    for truth in (written.truth, folder / "boxes.json"):  # with ids of its own, and with the folder's
        cases = read_cases([tmp_path / "found.json", tmp_path / truth])
        detections = cases.boxes
        assert len(detections.score) == 16
        assert cases.classes == ("blob",)
    model = load_checkpoint(str(saved))
    rgb = np.asarray(Image.open(folder / "4.png"))
    with torch.inference_mode():
        said = model(model.preprocess(rgb))
    x, y, width, height = (96 * said.boxes[0, 0]).tolist()
    found = json.loads((tmp_path / "found.json").read_text())
    assert {frozenset(one) for one in found} == {frozenset(("image_id", "category_id", "bbox", "score"))}
    for truth in (written.truth, folder / "boxes.json"):
        read = coco.COCO(str(truth)).loadRes(str(tmp_path / "found.json"))
        assert (len(read.anns), sorted({one["image_id"] for one in found})) == (16, [74, 79])
        assert {one["category_id"] for one in found} == {5}
    table = json.loads(Path(written.truth).read_text())
    assert [one["file_name"].rsplit("/")[-1] for one in table["images"]] == ["4.png", "9.png"]
    first = found[0]
    assert first["bbox"] == pytest.approx([x - width / 2, y - height / 2, width, height], abs=0.01)
    assert first["score"] == pytest.approx(float(said.logits[0, 0].softmax(-1)[0]), abs=1e-5)


def test_pictures_without_boxes_and_broken_ones(weights, tmp_path, tmp_path_factory):
    for name in ("b.png", "a.png"):
        Image.fromarray(np.zeros((50, 40, 3), np.uint8)).save(tmp_path / name)
    (tmp_path / "c.png").write_bytes(b"no picture")
    out = tmp_path_factory.mktemp("out") / "out.json"
    written = run_over(source=TRAINED_HERE, weights=weights, folder=str(tmp_path), place=str(out))
    assert (written.pictures, written.truth, written.skipped, written.held_back) == (2, "", 1, False)
    assert written.images == str(out.with_name("out-images.json"))
    table = json.loads(Path(written.images).read_text())
    assert {one["image_id"] for one in json.loads(out.read_text())} == {one["id"] for one in table["images"]}
    assert len(read_cases([out, Path(written.images)]).boxes.score) == written.boxes
    assert [(one["file_name"].rsplit("/")[-1], one["width"], one["height"]) for one in table["images"]] == [
        ("a.png", 40, 50), ("b.png", 40, 50),
    ]  # fmt: skip
    with pytest.raises(LabError, match=r"out\.json"):  # it is there now
        run_over(source=TRAINED_HERE, weights=weights, folder=str(tmp_path), place=str(out))
    (tmp_path / "empty").mkdir()
    with pytest.raises(LabError, match="no pictures"):
        run_over(source=TRAINED_HERE, weights=weights, folder=str(tmp_path / "empty"), place=str(out))
    with pytest.raises(LabError, match="drawn"):
        run_over(source="toy-detr", folder=str(tmp_path), place=str(tmp_path / "toy.json"))
