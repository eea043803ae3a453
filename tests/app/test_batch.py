"""``--export`` from a shell: maps and boxes of photos as files, without a window and without Qt."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app import __version__, batch, stillpictures
from app.command import main
from app.ramps import CATEGORIES, EMBER, blend, rgb
from engines.checkpoints import catalog
from engines.core.errors import LabError
from engines.core.offers import Offer
from engines.core.stills import Map, Mark, Still
from tests.app.models import tiny_vit

ROOT = Path(__file__).parents[2]
PHOTO = np.full((30, 40, 3), 128, np.uint8)


def photo(path: Path, size=(48, 32)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "teal").save(path)
    return path


class Finder:
    """Sees one thing in the middle of everything; refuses what is wide."""

    def __init__(self, source: str, device: str) -> None:
        self.source = source

    def take(self, picture):
        high, wide = picture.rgb.shape[:2]
        if wide > 3 * high:
            raise LabError("{name}: too wide.", name=picture.name)
        mark = Mark((wide / 4, high / 4, 3 * wide / 4, 3 * high / 4), "thing", 0.75)
        return Still(picture.rgb, "1 box", {"boxes": np.array([mark.box])}, {"model": self.source}, (), (mark,))


class Nobody:
    def __init__(self, _source: str, _device: str) -> None:
        raise LabError("No model is here.")


@pytest.fixture
def offered(monkeypatch):
    """Exactly these cameras are offered."""

    def give(**cameras):
        made = []
        for topic, camera in cameras.items():
            offer = Offer(topic, batch.KIND, "nowhere:at_all")
            object.__setattr__(offer, "load", lambda camera=camera: camera)
            made.append(offer)
        monkeypatch.setattr(batch.offers, "found", lambda kind: tuple(made) if kind == batch.KIND else ())

    return give


def test_maps_of_a_photo_are_written_with_numbers_and_settings(tmp_path, capsys):
    model = tiny_vit(tmp_path / "model")
    out = tmp_path / "new" / "out"
    assert main(["--export", str(out), str(photo(tmp_path / "猫 1.png")), "--model", str(model)]) == 0
    told = capsys.readouterr()
    assert "猫 1.png: vit: 3 layers of 4 heads" in told.out
    names = {"猫 1-vit-heads.png", "猫 1-vit-rollout.png", "猫 1-vit.npz", "猫 1-vit.json"}
    assert names <= {path.name for path in out.iterdir()}
    settings = json.loads((out / "猫 1-vit.json").read_text("utf-8"))
    assert settings["program"] == f"Attention Lab {__version__}"
    assert (settings["photo"], settings["size"], settings["model"]) == ("猫 1.png", [48, 32], str(model))
    assert settings["sha256"] == catalog.sha256(model / "model.safetensors")
    with np.load(out / "猫 1-vit.npz") as file:
        assert json.loads(str(file["settings"])) == settings
        patches = file["class_token"]
        assert patches.shape[:2] == (3, 4)
        whole = patches.sum((2, 3)) + file["class_token_to_prefix"].sum(-1)
        np.testing.assert_allclose(whole, 1, rtol=1e-5)  # rows of attention, none left out
        assert file["rollout"].shape == patches.shape[2:]
        assert len(file["labels"]) == len(file["probabilities"]) == 5
    with Image.open(out / "猫 1-vit-heads.png") as image:
        assert json.loads(image.text["settings"]) == settings


def test_a_photo_that_cannot_be_used_is_named_and_the_others_go_on(tmp_path, capsys, offered):
    offered(finder=Finder, nobody=Nobody)
    photos = [photo(tmp_path / "a" / "cat.png"), photo(tmp_path / "b" / "Cat.png"), photo(tmp_path / "w.png", (90, 9))]
    (tmp_path / "b" / "broken.png").write_bytes(b"\x89PNG\r\n")
    out = tmp_path / "out"
    assert batch.export(out, [photos[0], tmp_path / "b", photos[2]], [], "cpu") == 1
    told = capsys.readouterr()
    assert {path.name for path in out.glob("*-boxes.png")} == {"cat-finder-boxes.png", "Cat-2-finder-boxes.png"}
    assert told.err.count("nobody: No model is here.") == 1
    assert "broken.png" in told.err
    assert "w.png: too wide." in told.err
    assert json.loads((out / "cat-finder.json").read_text())["photo"] == "cat.png"


def test_what_cannot_begin_is_refused(tmp_path, capsys, offered):
    offered(nobody=Nobody)
    assert batch.export(tmp_path / "out", [], [], "cpu") == 1
    assert "no picture to export" in capsys.readouterr().err
    assert batch.export(tmp_path / "out", [photo(tmp_path / "a.png")], ["somebody/something"], "cpu") == 1
    assert "somebody/something: no topic here can use this model." in capsys.readouterr().err
    assert batch.export(tmp_path / "out", [tmp_path / "a.png"], [], "cpu") == 1  # nobody can answer
    assert not (tmp_path / "out").exists()


def test_a_model_of_a_topic_without_stills_is_refused(tmp_path, capsys):
    out = tmp_path / "out"
    assert batch.export(out, [photo(tmp_path / "a.png")], ["mini-swin"], "cpu") == 1
    assert "mini-swin: a model of swin, which can't be exported; these can: detr, vit." in capsys.readouterr().err
    assert not out.exists()


def test_a_model_that_was_asked_for_and_says_nothing_is_a_failure(tmp_path, monkeypatch, offered):
    offered(finder=Finder, vit=Nobody)
    monkeypatch.setattr(batch.catalog, "topic_of", lambda source: "vit")
    assert batch.export(tmp_path / "out", [photo(tmp_path / "a.png")], ["mini-vit"], "cpu") == 1
    assert (tmp_path / "out" / "a-finder.npz").is_file()
    assert batch.export(tmp_path / "out", [tmp_path / "a.png"], [], "cpu") == 0


def test_files_of_an_export_before_stay(tmp_path, capsys, offered):
    """All files of a photo get one free name, even if only one of them is in the way."""
    offered(finder=Finder)
    out, cat = tmp_path / "out", photo(tmp_path / "cat.png")
    out.mkdir()
    (out / "Cat-finder.npz").write_bytes(b"kept")
    (out / "cat-2-finder-heads.png").write_bytes(b"kept")  # of a map that this model doesn't draw
    (out / "cat-3.txt").write_bytes(b"no export's")
    before = {path.name for path in out.iterdir()}
    for name in ("cat-3", "cat-4"):
        assert batch.export(out, [cat], [], "cpu") == 0
        new = {path.name for path in out.iterdir()} - before
        assert new == {f"{name}-finder-boxes.png", f"{name}-finder.npz", f"{name}-finder.json"}
        assert f"{name}-finder.npz" in capsys.readouterr().out
        before |= new
    assert (out / "Cat-finder.npz").read_bytes() == b"kept"


def test_a_disk_that_refuses_is_said(tmp_path, capsys, offered):
    offered(finder=Finder)
    (tmp_path / "out").write_text("a file")
    assert batch.export(tmp_path / "out", [photo(tmp_path / "a.png")], [], "cpu") == 1
    assert "can't be saved" in capsys.readouterr().err


def test_boxes_stand_where_they_are():
    made = np.asarray(stillpictures.boxes(PHOTO, (Mark((10, 10, 30, 20), "cup", 0.5),)))
    scale = made.shape[1] / 40
    color = np.rint(255 * rgb(CATEGORIES["light"][0]))
    for x, y in ((10, 15), (30, 15), (20, 20)):
        at = np.round(np.array((y, x)) * scale).astype(int)
        around = made[at[0] - 3 : at[0] + 4, at[1] - 3 : at[1] + 4].astype(int)
        assert (np.abs(around - color).sum(-1) == 0).any(), (x, y)
    assert tuple(made[round(15 * scale), round(15 * scale)]) == (128, 128, 128)


@pytest.mark.parametrize("extent", [(0, 0, 40, 30), (-8, -5, 48, 35), (10, 0, 30, 30)])
def test_a_map_lies_where_it_says(extent):
    values = np.zeros((2, 2), np.float32)
    values[0, 1] = 0.5
    made = np.asarray(stillpictures.overlaid(PHOTO, values, extent, 0.5, (80, 60))).astype(int)
    left, top, right, bottom = (2 * side for side in extent)
    hot = blend(EMBER)[-1] * stillpictures.COVER + 128 * (1 - stillpictures.COVER)
    x, y = (left + 3 * right) // 4, (3 * top + bottom) // 4
    np.testing.assert_allclose(made[y, x], hot, atol=1)
    if left > 0:
        assert tuple(made[30, 5]) == (128, 128, 128)


def test_maps_of_a_kind_share_one_scale():
    values = np.stack([np.full((3, 4), top, np.float32) for top in (0.1, 0.4)])
    drawn = Map("heads", "Heads", values, ("H1", "H2"), (0, 0, 40, 30))
    made = np.asarray(stillpictures.maps(PHOTO, drawn)).astype(int)
    colors = {tuple(pixel) for pixel in made.reshape(-1, 3)}
    for level in (64, 255):  # 0.1 of 0.4, and all of it
        expected = blend(EMBER)[level] * stillpictures.COVER + 128 * (1 - stillpictures.COVER)
        assert any(np.abs(np.array(color) - expected).max() <= 1 for color in colors)


def test_png_carries_settings_of_any_script():
    with Image.open(io.BytesIO(batch._png(Image.new("RGB", (2, 2)), '{"photo": "猫"}'))) as image:
        assert json.loads(image.text["settings"]) == {"photo": "猫"}


def test_qt_is_not_needed():
    code = "import sys, app.batch; print(*sorted({'PySide6', 'pyqtgraph', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
