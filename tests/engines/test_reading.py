"""What is no ordinary file is refused by every reader at once, and what is large is read in pieces or refused."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from engines.checkpoints import layout
from engines.core import limits, reading
from engines.core.errors import LabError
from engines.core.reading import finish
from engines.data import cifar, cifar_files, class_folders, packed, voc_boxes
from engines.data.box_faults import Faults
from engines.data.boxes_folder import is_boxes_folder, read_boxes_folder
from engines.data.json_entries import Entries
from engines.data.pictures import read_picture
from engines.data.walking import Walk
from engines.mean_ap.files import read_cases
from engines.moco import saved
from engines.transfer import probe, store
from engines.vit.scale_study import store as scale_store

READERS = {
    "bytes": lambda path: reading.read_bytes(path, limits.KEPT_FILE),
    "ends": lambda path: reading.read_ends(path, 10),
    "picture": read_picture,
    "entries": lambda path: list(Entries(path)),
    "coco": lambda path: read_cases([path]),
    "config": layout.read_json,
    "header": layout.read_header,
    "arrays": lambda path: finish(packed.reading(path, ["a"])),
    "cifar": lambda path: finish(cifar_files.reading(path)),
    "probe": probe.load_probe,
}


def oddities(folder):
    """Things under the name of a file that are none."""
    (folder / "folder.json").mkdir()
    found = {"folder": folder / "folder.json"}
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.json")
        found["pipe"] = folder / "pipe.json"
        (folder / "to-pipe.json").symlink_to(folder / "pipe.json")
        found["link to a pipe"] = folder / "to-pipe.json"
    if os.path.exists("/dev/zero"):
        (folder / "zero.json").symlink_to("/dev/zero")
        found["link to a device"] = folder / "zero.json"
    (folder / "nowhere.json").symlink_to(folder / "gone")
    found["link to nothing"] = folder / "nowhere.json"
    (folder / "loop.json").symlink_to(folder / "loop.json")
    found["loop"] = folder / "loop.json"
    return found


@pytest.mark.timeout(120)
@pytest.mark.parametrize("reader", READERS)
def test_only_ordinary_files_are_opened(tmp_path, reader):
    for path in oddities(tmp_path).values():
        with pytest.raises(LabError, match=path.name):
            READERS[reader](path)


@pytest.mark.timeout(120)
def test_kept_files_that_are_none_count_as_missing(own_home, monkeypatch):
    monkeypatch.setattr(store, "folder", lambda: own_home)
    for name, path in oddities(own_home).items():
        assert scale_store.read(path) is None, name
        assert saved.saved_run(path.with_suffix(".pt")) is None, name
    os.mkfifo(own_home / "results-x.json")
    assert store.read_results("x") == ()


@pytest.mark.timeout(120)
def test_folders_are_looked_through_past_what_is_no_file(tmp_path):
    root = tmp_path / "set"
    for label in ("a", "b"):
        (root / label).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(root / label / "1.png")
        os.mkfifo(root / label / "2.png")
        (root / label / "3.png").symlink_to("/dev/zero")
    found = class_folders.scan([root])
    assert found.counts == (1, 1)
    assert str(found.notes[0]) == "Files that are not pictures, judged by their names: 4."
    os.mkfifo(root / "x.json")
    os.mkfifo(root / "x.xml")
    assert not is_boxes_folder(root)
    with pytest.raises(LabError, match="no annotations"):
        read_boxes_folder(root)


def test_a_file_is_read_in_pieces_and_its_size_is_looked_at_first(tmp_path, monkeypatch):
    path = tmp_path / "x.bin"
    path.write_bytes(bytes(range(100)))
    monkeypatch.setattr(limits, "BLOCK", 30)
    steps = reading.in_blocks(path, 100)
    assert [next(steps) for _ in range(4)] == [(30, 100), (60, 100), (90, 100), (100, 100)]
    assert reading.read_bytes(path, 100) == bytes(range(100))
    with pytest.raises(LabError, match=r"x.bin: the file is too large \(1 MB, the limit is 0 MB\)"):
        reading.read_bytes(path, 99)
    steps = reading.in_blocks(path, 100)
    next(steps)
    with path.open("ab") as file:
        file.write(bytes(30))
    with pytest.raises(LabError, match="too large"):
        finish(steps)


# -- JSON
def test_an_entry_that_is_too_large_is_refused_by_its_line(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "PIECE", 100)
    monkeypatch.setattr(limits, "JSON_ENTRY", 1000)
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"images": [{"id": 1}, {"id": 2, "file_name": "x" * 3000}]}, indent=0))
    with pytest.raises(LabError, match="line 6: one entry is larger than 0 MB"):
        list(Entries(path))
    path.write_text('{"images": [{"id": 1},\n' + " " * 5000 + "{]" + " " * 5000)  # a mistake is told as one
    with pytest.raises(LabError, match="line 2: not valid JSON"):
        list(Entries(path))


def test_a_window_moves_over_the_file_and_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "PIECE", 500)
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"id": n, "text": "é" * (n % 50)} for n in range(2000)], ensure_ascii=False), "utf-8")
    entries, longest = Entries(path), 0
    ids = []
    for entry in entries:
        longest = max(longest, len(entries._text))
        if entry is not None:
            ids.append(entry.value["id"])
    assert ids == list(range(2000))
    assert longest < 2000
    assert entries.done == entries.total == path.stat().st_size


# -- XML
def sheet(text):
    return f"<annotation><filename>a.png</filename><note>{text}</note></annotation>"


def told(path):
    faults = Faults()
    found = finish(voc_boxes.read(path, faults))
    return found, [str(message) for message in faults.told]


def test_long_xml_text_takes_time_by_its_length(tmp_path):
    path = tmp_path / "a.xml"
    lines = "a &amp; b\n" * 200_000  # 2 MB; each line came as three pieces that were put together one by one
    path.write_text(sheet(lines))
    faults, places, began = Faults(), 0, time.process_time()
    for _ in voc_boxes.read(path, faults):
        places += 1
    assert time.process_time() - began < 5  # it was minutes
    assert places > 5  # to stop at
    assert not faults.told
    root = finish(voc_boxes.parsing(path.read_bytes()))
    assert root.said("note") == lines.replace("&amp;", "&").strip()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('<!DOCTYPE x [<!ENTITY a "harmless">]>' + sheet("&a;"), "declares entities"),
        ('<!DOCTYPE x [<!ENTITY % a "harmless">]>' + sheet(""), "declares entities"),
        (sheet("<a>" * 60 + "</a>" * 60), "nested too deeply"),
        (sheet("&a;"), "not valid XML"),
        ('<?xml version="1.0" encoding="no-such"?>' + sheet(""), "not valid XML"),
        ('<?xml version="1.0" encoding="rot13"?>' + sheet(""), "not valid XML"),
        ("", "not valid XML"),
    ],
)
def test_xml_that_is_not_read_is_refused_in_words(tmp_path, content, reason):
    path = tmp_path / "a.xml"
    path.write_text(content)
    assert told(path)[0] is None
    assert reason in told(path)[1][0]


def test_xml_is_bounded_in_size_and_number(tmp_path, monkeypatch):
    path = tmp_path / "a.xml"
    path.write_text('<!DOCTYPE annotation SYSTEM "voc.dtd">' + sheet("x"))
    assert told(path)[0] is not None
    monkeypatch.setattr(limits, "XML_NODES", 2)
    assert "too many elements" in told(path)[1][0]
    monkeypatch.setattr(limits, "VOC_FILE", 10)
    assert told(path)[1] == ["a.xml: the file is too large (1 MB, the limit is 0 MB)."]


# -- safetensors
def header(tensors):
    raw = json.dumps(tensors).encode()
    return struct.pack("<Q", len(raw)) + raw


def test_the_table_of_contents_is_bounded(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    path.write_bytes(header({f"{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(11)}))
    assert len(layout.read_header(path)) == 11
    monkeypatch.setattr(limits, "TENSORS", 10)
    with pytest.raises(LabError, match=r"11 tensors\. At most 10 are read"):
        layout.read_header(path)
    monkeypatch.setattr(limits, "HEADER", 100)
    with pytest.raises(LabError, match="its header has 1 MB, the limit is 0 MB"):
        layout.read_header(path)


@pytest.mark.parametrize("kind", ["F8_E8M0", "F4", "C64"])
def test_kinds_of_numbers_that_are_no_weights_are_named(tmp_path, kind):
    path = tmp_path / "x.safetensors"
    path.write_bytes(header({"a": {"dtype": kind, "shape": [8], "data_offsets": [0, 8]}}) + bytes(8))
    with pytest.raises(LabError, match=f"a is stored as {kind}, which is not supported"):
        layout.read_header(path)


@pytest.mark.parametrize("shape", [[1] * 9, [True], [1.0], [-1], ["1"], [10**30]])
def test_shapes_that_are_none_are_damage(tmp_path, shape):
    path = tmp_path / "x.safetensors"
    path.write_bytes(header({"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}) + bytes(4))
    with pytest.raises(LabError, match="the entry of a is damaged"):
        layout.read_header(path)


# -- CIFAR-10
def write_packed(path, side=32, **changes):
    out = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(out, "JPEG")
    raw = np.frombuffer(out.getvalue(), np.uint8)
    arrays = {
        "jpeg": np.concatenate([raw] * 2),
        "offsets": np.arange(3) * len(raw),
        "labels": np.array([0, 9]),
    }
    np.savez(path, **{**arrays, **changes})


def test_packed_cifar_is_read_with_places_to_stop(tmp_path):
    write_packed(tmp_path / "x.npz")
    steps = cifar.decoding(tmp_path / "x.npz")
    assert len(list(steps)) >= 3
    pictures, labels = cifar.decode(tmp_path / "x.npz")
    assert (pictures.shape, labels.tolist()) == ((2, 32, 32, 3), [0, 9])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": np.array([3, 300])}, "picture 1 has the label 300. There are ten classes"),
        ({"labels": np.array([3, -1])}, "picture 1 has the label -1"),
        ({"labels": np.array([3.0, np.nan])}, "not a file of CIFAR-10"),
        ({"labels": np.array([3])}, "not a file of CIFAR-10"),
        ({"labels": np.array([3, None])}, r"not a file of arrays \(npz\)"),
        ({"offsets": np.array([0, 10, 10**9])}, "not a file of CIFAR-10"),
        ({"offsets": np.array([0, 10, 5])}, "not a file of CIFAR-10"),
        ({"offsets": np.array([0, 10, 20])}, "picture 0 is damaged"),
        ({"side": 33}, "not a file of CIFAR-10"),
    ],
)
def test_packed_cifar_that_is_wrong_is_told_so(tmp_path, changes, reason):
    write_packed(tmp_path / "x.npz", **changes)
    with pytest.raises(LabError, match=reason):
        cifar.decode(tmp_path / "x.npz")


def test_arrays_take_no_more_memory_than_their_file_says(tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("a.npy", "w") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (10**12,)})
        archive.writestr("b.npy", bytes(1000))
    for name in ("a", "b", "c"):
        with pytest.raises(LabError, match="not a file of arrays"):
            finish(packed.reading(path, [name]))
    np.savez(path, a=np.arange(6).reshape(2, 3).T)
    np.testing.assert_array_equal(finish(packed.reading(path, ["a"]))["a"], np.arange(6).reshape(2, 3).T)
    monkeypatch.setattr(packed, "_DIRECTORY", 20)  # a directory of many files is read whole when one is opened
    with pytest.raises(LabError, match="not a file of arrays"):
        finish(packed.reading(path, ["a"]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({b"labels": [1, 300]}, "picture 1 has the label 300"),
        ({b"labels": [1, 10**30]}, "not a file of CIFAR-10"),
        ({b"labels": [1, "2"]}, "not a file of CIFAR-10"),
        ({b"labels": [1]}, "not a file of CIFAR-10"),
        ({b"data": [[0] * 3072] * 2}, "not a file of CIFAR-10"),
        ({b"data": np.zeros((2, 3071), np.uint8)}, "not a file of CIFAR-10"),
        ({b"data": np.zeros((2, 3072), np.int16)}, "not a file of CIFAR-10"),
        ({b"data": np.asfortranarray(np.zeros((2, 3072), np.uint8))}, "not a file of CIFAR-10"),
    ],
)
def test_pickled_cifar_that_is_wrong_is_told_so(tmp_path, change, reason):
    good = {b"data": np.zeros((2, 3072), np.uint8), b"labels": [1, 2]}
    path = tmp_path / "data_batch_1"
    for protocol in (2, 4):
        path.write_bytes(pickle.dumps(good, protocol=protocol))
        assert finish(cifar_files.reading(path))[1].tolist() == [1, 2]
        path.write_bytes(pickle.dumps(good | change, protocol=protocol))
        with pytest.raises(LabError, match=reason):
            finish(cifar_files.reading(path))


# -- folders
def test_a_walk_is_bounded_in_depth_and_number_and_follows_no_link(tmp_path, monkeypatch):
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "a", tmp_path / "a" / "b", deep):
        (folder / "1.png").touch()
    (tmp_path / "a" / "again").symlink_to(tmp_path)

    def files(walk):
        for _ in walk.steps():
            pass
        return [f"{folder.relative_to(tmp_path)}/{name}" for folder, names in walk.found for name in names]

    assert files(Walk(tmp_path)) == ["./1.png", "a/1.png", "a/b/1.png", "a/b/c/1.png"]
    assert files(Walk(tmp_path, depth=1)) == ["./1.png", "a/1.png"]
    short = Walk(tmp_path, most=3)
    files(short)
    assert (short.seen, short.cut) == (3, True)


def test_more_classes_than_can_be_told_apart_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "CLASSES", 2)
    for name in "abc":
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "set" / name / "1.png").touch()
    with pytest.raises(LabError, match=r"set: 3 classes\. At most 2 are read"):
        class_folders.scan([tmp_path / "set"])
