"""What is dropped is sorted right; what is read arrives, newest first; the GUI thread never decodes."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QColor, QColorSpace, QImage
from pytestqt.qtbot import QtBot

from app import images, words
from app.drops import natural, pictures_in, sort_drop, sort_paths
from app.images import PictureReader, from_qimage, to_qimage
from app.samples import sample_names
from engines.core.errors import LabError, Message
from engines.core.pictures import Picture
from tests import corpus, icc
from tests.corpus import BAD, CASES, PNG

ROOT = Path(__file__).parents[2]


@pytest.fixture
def reader(qtbot: QtBot, no_thread_left: None) -> Iterator[PictureReader]:
    made = PictureReader()
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "my model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "vit"}))
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    return folder


class Answers:
    """Everything a reader says, in order."""

    def __init__(self, reader: PictureReader) -> None:
        self.reader = reader
        self.heard: list[Picture | Message] = []
        reader.opened.connect(self.heard.append)
        reader.refused.connect(self.heard.append)

    def wait(self, qtbot: QtBot, count: int) -> None:
        qtbot.waitUntil(lambda: len(self.heard) >= count, timeout=20_000)


def test_every_file_of_the_corpus_is_shown_or_refused(reader: PictureReader, qtbot: QtBot, tmp_path: Path) -> None:
    answers, bad = Answers(reader), {case.name for case in BAD}
    for i, (name, path) in enumerate(corpus.write(tmp_path).items()):
        reader.open(path)
        answers.wait(qtbot, i + 1)
        said = answers.heard[-1]
        if name in bad and not name.startswith("noise"):
            assert isinstance(said, Message)
        if isinstance(said, Message):
            assert str(said).startswith(f"{name}: ")
            assert str(said).endswith(" The previous picture stays.")
        else:
            assert (said.name, said.source) == (name, str(path))
    assert len(answers.heard) == len(CASES)


def test_refusals_are_said_in_chinese(reader: PictureReader, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "holiday.png").write_bytes(PNG[:40])
    with qtbot.waitSignal(reader.refused) as said:
        reader.open(tmp_path / "holiday.png")
    words.set_language("zh")
    try:
        assert words.tr(said.args[0]) == "holiday.png：文件不完整。保留原图。"
    finally:
        words.set_language("en")
    assert words.tr(said.args[0]) == "holiday.png: the file is truncated. The previous picture stays."


def test_only_the_newest_request_is_answered(
    reader: PictureReader, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, entered, readers = threading.Event(), threading.Event(), []

    def slow(path: Path) -> Picture:
        readers.append((path.name, threading.current_thread()))
        entered.set()
        assert gate.wait(120)
        return Picture(path.name, corpus.scene(), str(path))

    monkeypatch.setattr(images, "_read", slow)
    answers = Answers(reader)
    busy: list[bool] = []
    reader.busy.connect(busy.append)
    reader.open("first.png")
    assert entered.wait(120)
    for i in range(50):
        reader.open(f"{i}.png")
    reader.open("last.png")
    gate.set()
    answers.wait(qtbot, 1)
    assert [picture.name for picture in answers.heard] == ["last.png"]
    assert [name for name, _ in readers] == ["first.png", "last.png"]
    assert all(thread is not threading.main_thread() for _, thread in readers)
    assert (busy[0], busy[-1], busy.count(False)) == (True, False, 1)


def test_closing_in_the_middle_leaves_no_thread_and_says_nothing(qtbot: QtBot, no_thread_left: None) -> None:
    reader = PictureReader()
    answers = Answers(reader)
    reader.open_sample()
    reader.make_thumbnails([Path("missing.png")] * 500)
    reader.close()
    reader.open_sample()
    reader.make_thumbnails([Path("missing.png")])
    reader.close()
    qtbot.wait(1)  # whatever was in the queue is delivered now
    assert answers.heard == []


def test_a_large_photo_does_not_hold_the_window_up(reader: PictureReader, qtbot: QtBot, tmp_path: Path) -> None:
    """A photo of 24 megapixels decodes for long enough that a wait would show."""
    rgb = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    large = QImage(to_qimage(rgb)).scaled(6000, 4000)
    assert large.save(str(tmp_path / "large.png"), quality=90)
    answers = Answers(reader)
    start = time.perf_counter()
    reader.open(tmp_path / "large.png")
    asked = time.perf_counter() - start
    answers.wait(qtbot, 1)
    took = time.perf_counter() - start
    assert asked < took / 10
    assert answers.heard[0].rgb.shape == (3265, 4898, 3)  # 16 megapixels


def test_thumbnails_come_after_the_picture_asked_for(reader: PictureReader, qtbot: QtBot, tmp_path: Path) -> None:
    paths = []
    for i in range(5):
        paths.append(tmp_path / f"{i}.png")
        paths[-1].write_bytes(PNG if i != 3 else b"nonsense")
    small: dict[Path, QImage] = {}
    bad: dict[Path, Message] = {}
    reader.thumbnail.connect(small.__setitem__)
    reader.unreadable.connect(bad.__setitem__)
    reader.make_thumbnails(paths)
    qtbot.waitUntil(lambda: len(small) + len(bad) == 5)
    assert list(bad) == [paths[3]]
    assert "3.png" in str(bad[paths[3]])
    good = small[paths[0]]
    assert (good.width(), good.height()) == (96, 64)
    assert good.pixelColor(5, 5).red() > 200


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names there are always Unicode")
def test_a_name_that_is_no_unicode(reader: PictureReader, qtbot: QtBot, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    path.write_bytes(PNG)
    answers, small = Answers(reader), []
    reader.thumbnail.connect(lambda where, image: small.append((where, image.isNull())))
    (found,) = sort_paths([tmp_path]).pictures
    reader.open(found)
    reader.make_thumbnails([found])
    qtbot.waitUntil(lambda: bool(small))
    assert answers.heard[0].source == str(path)
    assert small == [(path, False)]


def test_samples(reader: PictureReader, qtbot: QtBot) -> None:
    listed = sample_names()
    assert listed[0] == ("cat", Message("Cat"))
    with qtbot.waitSignal(reader.opened) as opened:
        reader.open_sample(listed[1][0])
    assert opened.args[0].name == listed[1][1].text
    with qtbot.waitSignal(reader.refused) as refused:
        reader.open_sample("nothing")
    assert "nothing: no such sample." in str(refused.args[0])


def test_pasted_pictures(reader: PictureReader, qtbot: QtBot) -> None:
    image = QImage(7, 3, QImage.Format.Format_ARGB32)
    image.fill(QColor(0, 0, 0, 0))
    image.setPixelColor(6, 2, QColor(10, 20, 30))
    data = QMimeData()
    data.setImageData(image)
    drop = sort_drop(data)
    assert drop.image is not None
    assert drop.refusal is None
    with qtbot.waitSignal(reader.opened) as opened:
        reader.open_image(drop.image, "Pasted picture")
    rgb = opened.args[0].rgb
    assert rgb.shape == (3, 7, 3)
    assert rgb[2, 6].tolist() == [10, 20, 30]
    assert rgb[0, 0].tolist() == [255, 255, 255]
    with pytest.raises(LabError, match="not an image"):
        from_qimage(QImage(), "nothing")


def test_pasted_pictures_mean_what_their_space_says(reader: PictureReader, qtbot: QtBot) -> None:
    """The same colors as those of a file with the same profile."""
    swapped = QColorSpace.fromIccProfile(icc.of_colors(icc.SWAPPED))
    assert swapped.isValid()
    for form in (QImage.Format.Format_RGB32, QImage.Format.Format_ARGB32_Premultiplied, QImage.Format.Format_RGBA64):
        image = QImage(2, 1, QImage.Format.Format_RGB32)
        image.fill(QColor(40, 120, 200))
        image = image.convertToFormat(form)
        image.setColorSpace(swapped)
        with qtbot.waitSignal(reader.opened) as opened:
            reader.open_image(image, "pasted")
        assert np.abs(opened.args[0].rgb[0, 0].astype(int) - (200, 120, 40)).max() <= 1
    gray = QImage(2, 1, QImage.Format.Format_Grayscale8)
    gray.fill(QColor(90, 90, 90))
    gray.setColorSpace(QColorSpace.fromIccProfile(icc.of_gray(1.0)))
    wanted = icc.levels(np.array(90 / 255))
    assert np.abs(from_qimage(gray, "gray").rgb[0, 0] - wanted).max() <= 1


def test_thumbnails_have_the_colors_of_the_picture(reader: PictureReader, qtbot: QtBot, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (40, 120, 200)).save(tmp_path / "a.png", icc_profile=icc.of_colors(icc.SWAPPED))
    with qtbot.waitSignal(reader.thumbnail) as small:
        reader.make_thumbnails([tmp_path / "a.png"])
    color = small.args[1].pixelColor(20, 20)
    assert np.abs(np.array(color.getRgb()[:3]) - (200, 120, 40)).max() <= 1


def test_there_and_back_through_qt() -> None:
    rgb = np.random.default_rng(1).integers(0, 255, (5, 7, 3), np.uint8)
    assert np.array_equal(from_qimage(to_qimage(rgb), "x").rgb, rgb)


def urls(*addresses: QUrl) -> QMimeData:
    data = QMimeData()
    data.setUrls(list(addresses))
    return data


def test_files_with_every_kind_of_name(tmp_path: Path) -> None:
    names = ["中文 照片.png", "a b%20c & #d.jpg", "été 🦙.webp", "x.PNG"]
    paths = [tmp_path / name for name in names]
    for path in paths:
        path.write_bytes(PNG)
    assert sort_drop(urls(*(QUrl.fromLocalFile(str(path)) for path in paths))).pictures == paths
    text = QMimeData()
    text.setText("\n".join(f'"{path}"' for path in paths))
    assert sort_drop(text).pictures == paths


def test_web_addresses_are_refused() -> None:
    for data in (urls(QUrl("https://example.org/cat.png")), QMimeData()):
        if not data.hasUrls():
            data.setText(" http://example.org/" + "long" * 50 + ".png ")
        drop = sort_drop(data)
        assert not drop.pictures
        assert "example.org" in str(drop.refusal)
        assert "a web address. Save the picture and drop the file. The previous picture stays." in str(drop.refusal)
        assert len(str(drop.refusal)) < 160
    assert "web address" in str(sort_paths(["https://example.org/cat.png"]).refusal)


def test_addresses_of_files_can_be_pasted_as_text(tmp_path: Path) -> None:
    path = tmp_path / "ein Bild.png"
    Image.new("RGB", (4, 3)).save(path)
    data = QMimeData()
    data.setText(f"{QUrl.fromLocalFile(str(path)).toString(QUrl.ComponentFormattingOption.FullyEncoded)}\n")
    assert "%20" in data.text()
    assert sort_drop(data).pictures == [path]


def test_what_holds_no_picture() -> None:
    text = QMimeData()
    text.setText("dear diary")
    for data in (QMimeData(), text):
        assert str(sort_drop(data).refusal).startswith("There is no picture")
    null = QMimeData()
    null.setText("nu\0ll")
    assert str(sort_drop(null).refusal).startswith("There is no picture")


def test_a_folder_gives_its_pictures_in_order(tmp_path: Path) -> None:
    for name in ("10.png", "2.PNG", "b.jpg", "A.tif", ".hidden.png", "notes.txt"):
        (tmp_path / name).write_bytes(PNG)
    (tmp_path / "sub.png").mkdir()
    assert [path.name for path in sort_paths([tmp_path]).pictures] == ["2.PNG", "10.png", "A.tif", "b.jpg"]
    assert natural(["x10", "X9", "x1y2", "", "٣", "²"])[:4] == ["", "x1y2", "X9", "x10"]


def test_folders_that_hold_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see")
    drop = sort_paths([tmp_path])
    assert "this folder holds neither pictures nor a model. The previous picture stays." in str(drop.refusal)
    with pytest.raises(LabError, match="can't be read"):
        pictures_in(tmp_path / "missing")


def test_of_a_refused_model_the_refusal_says_that_the_model_stays(tmp_path: Path, model: Path) -> None:
    (model / "model.safetensors").unlink()
    pickle = model / "pytorch_model.bin"
    pickle.write_bytes(b"\x80\x02}.")
    for path in (model, pickle):
        said = str(sort_paths([path]).refusal)
        assert "a pickle" in said
        assert said.endswith(" The previous model stays.")
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "pytorch_model.bin").write_bytes(b"\x80\x02}.")
    said = str(sort_paths([bare]).refusal)
    assert said.startswith("bare: weights are opened as a folder with config.json")
    assert said.endswith(" The previous model stays.")
    (bare / "a.png").write_bytes(PNG)
    assert sort_paths([bare]).pictures == [bare / "a.png"]
    (tmp_path / "empty").mkdir()
    said = str(sort_paths([tmp_path / "empty", model]).refusal)  # the first is what is told
    assert said.endswith("neither pictures nor a model. The previous picture stays.")


def test_a_mixed_drop_takes_what_it_can(tmp_path: Path, model: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "empty").mkdir()
    drop = sort_paths([tmp_path / "empty", model, tmp_path / "a.png", "https://example.org"])
    assert drop.pictures == [tmp_path / "a.png"]
    assert drop.models == [str(model)]
    assert len(drop.errors) == 2
    assert drop.refusal is None


def test_model_folders_are_checked_at_the_door(tmp_path: Path, model: Path) -> None:
    assert sort_paths([model]).models == [str(model)]
    assert sort_paths([model / "model.safetensors"]).models == [str(model)]
    (tmp_path / "lost.safetensors").write_bytes(b"")
    assert "weights are opened as a folder" in str(sort_paths([tmp_path / "lost.safetensors"]).refusal)
    (model / "model.safetensors").write_bytes(b"\x02")
    assert "the file is truncated" in str(sort_paths([model]).refusal)
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    assert "It is a pickle" in str(sort_paths([model]).refusal)
    (model / "config.json").write_text("{")
    assert "not valid JSON" in str(sort_paths([model]).refusal)
    (model / "pytorch_model.bin").rename(model / "tf_model.h5")
    assert "its weights are in tf_model.h5, a format that is not read" in str(sort_paths([model]).refusal)


def test_tables_are_told_by_what_they_hold(tmp_path: Path, model: Path) -> None:
    truth = {"images": [], "annotations": [], "categories": []}
    results = [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]
    for name, content in (("truth.json", truth), ("found.json", results), ("a.json", {"shapes": [], "imagePath": "a"})):
        (tmp_path / name).write_text(json.dumps(content))
        said = str(sort_paths([tmp_path / name]).refusal)
        assert said.startswith(f"{name}: boxes, not a picture.")
        assert "Average precision measures COCO files" in said
    (tmp_path / "found.jsonl").write_text("\n".join(json.dumps(results[0]) for _ in range(3)))
    assert "boxes, not a picture" in str(sort_paths([tmp_path / "found.jsonl"]).refusal)
    for name, text in (
        ("a.xml", "<annotation><object/></annotation>"),
        ("a.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\n"),
        ("a.txt", "0 0.1 0.2 0.3 0.4\n"),
        ("a.yaml", "names: [cat]\n"),
    ):
        (tmp_path / name).write_text(text)
        assert f"{name}: boxes, not a picture." in str(sort_paths([tmp_path / name]).refusal)
    (tmp_path / "prices.json").write_text('{"a": 3}')
    assert "neither a model's configuration nor holds boxes" in str(sort_paths([tmp_path / "prices.json"]).refusal)
    assert sort_paths([model / "config.json"]).models == [str(model)]
    (model / "config.json").write_text("[]")
    assert "is a list or a single value; an object is needed" in str(sort_paths([model]).refusal)
    (model / "config.json").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    assert "a Git LFS pointer" in str(sort_paths([model]).refusal)


def test_the_intake_imports_no_decoder_before_it_is_needed() -> None:
    code = (
        "import sys; import app.images, app.drops, app.downloads, app.samples;"
        "assert not {'torch', 'PIL', 'sklearn', 'scipy', 'huggingface_hub'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
