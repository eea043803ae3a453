"""Broken files of every kind that is read: each gives an answer or a refusal in words, soon, and takes little memory.

A seed and the number of a case make the same file again. `make proofs` tries more of them than the suite.
"""

from __future__ import annotations

import io
import json
import pickle
import random
import resource
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from engines.attention_pooling.points import parse
from engines.checkpoints import apply, layout
from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.reading import finish, read_text
from engines.data import cifar, cifar_files, class_folders
from engines.data.boxes_folder import is_boxes_folder, read_boxes_folder
from engines.data.pictures import read_picture
from engines.detr import config as detr_config
from engines.detr import keys
from engines.detr.checkpoint import load_checkpoint as load_detr
from engines.detr.model import Detr
from engines.mean_ap.files import read_cases
from engines.moco import saved
from engines.moco.settings import Learning
from engines.transfer import probe, store
from engines.transfer.spec import Probe
from engines.vit.load import load_folder
from engines.vit.scale_study import store as scale_store
from engines.vit.scale_study.spec import CIFAR
from tests.app.models import tiny_vit
from tests.fuzz import broken_bytes, broken_json, broken_text

SEED = 20261128
SLOW = 3.0  #: seconds of the processor that a case may take: the slowest takes a tenth of that
MEMORY = 400  #: MB that all cases of a kind may add to the process
LOUD = "Unexpected"


@dataclass
class Kind:
    """Files of one kind: ``write`` makes a broken one in a folder, ``read`` reads it."""

    write: Callable[[Path, random.Random], Any]
    read: Callable[[Path], Any]
    cases: int


KINDS: dict[str, Callable[[Path], Kind]] = {}


def kind(make: Callable[[Path], Kind]) -> Callable[[Path], Kind]:
    KINDS[make.__name__] = make
    return make


def in_words(message: Message) -> None:
    """A refusal is one: it can be said, shown in a line or two, and is no surprise."""
    text = str(message)
    assert text
    assert not text.startswith(LOUD)
    assert len(text) < 3 * limits.TEXT, text
    for value in message.values.values():
        assert isinstance(value, str | int | float | Message), value


def tried(kind: Kind, folder: Path, dice: random.Random) -> bool:
    """Whether a broken file was refused; anything but an answer or a refusal fails."""
    kind.write(folder, dice)
    began = time.thread_time()
    try:
        kind.read(folder)
    except LabError as error:
        in_words(error.message)
        refused = True
    else:
        refused = False
    spent = time.thread_time() - began
    assert spent < SLOW, f"{spent:.1f} s"
    return refused


def memory() -> int:
    """MB that the process took at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def run(name: str, place: Path, seed: int, more: int = 1) -> tuple[int, int]:
    """Try many; how many there were, and how many were refused."""
    place.mkdir(exist_ok=True)
    kind, refused, before = KINDS[name](place), 0, memory()
    cases = more * kind.cases
    for case in range(cases):
        try:
            refused += tried(kind, place, random.Random(f"{seed} {name} {case}"))
        except Exception as error:
            error.add_note(f"{name}: seed {seed}, case {case}")
            raise
    assert memory() - before < MEMORY
    return cases, refused


# -- models
@kind
def vit_config(place: Path) -> Kind:
    folder = tiny_vit(place / "model", layers=2, heads=2)
    config = json.loads((folder / "config.json").read_text())
    config |= {"layer_norm_eps": 1e-6, "qkv_bias": True, "hidden_act": "gelu", "num_channels": 3}

    def write(_: Path, dice: random.Random) -> None:
        (folder / "config.json").write_bytes(broken_json(config, dice))

    return Kind(write, lambda _: looked_at(load_folder(folder)), 120)


@kind
def vit_preprocessor(place: Path) -> Kind:
    folder = tiny_vit(place / "model", layers=1, heads=2)
    good = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "size": {"height": 64, "width": 64}}

    def write(_: Path, dice: random.Random) -> None:
        (folder / "preprocessor_config.json").write_bytes(broken_json(good, dice))

    return Kind(write, lambda _: looked_at(load_folder(folder)), 100)


def looked_at(net: Any) -> None:
    """A model that was taken says numbers."""
    pixels = net.preprocess(np.full((20, 30, 3), 200, np.uint8))
    with torch.no_grad():
        assert torch.isfinite(net(pixels)).all()


DETR = {
    "model_type": "detr", "d_model": 8, "num_queries": 3, "encoder_layers": 1, "decoder_layers": 1,
    "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 8, "decoder_ffn_dim": 8,
    "id2label": {"0": "N/A", "1": "cat"}, "activation_function": "relu", "dilation": False,
    "backbone_config": {"model_type": "resnet", "hidden_sizes": [8, 8], "depths": [1, 1], "embedding_size": 4},
}  # fmt: skip


def tiny_detr(folder: Path) -> Path:
    folder.mkdir()
    torch.manual_seed(0)
    model = Detr(detr_config.from_hub(DETR, "x"))
    table = keys.TABLES["hub, ResNet of timm"]
    tensors = {}
    for name, tensor in model.state_dict().items():
        for source, target in table.items():
            assert isinstance(target, str)
            match = apply._pattern(target).fullmatch(name)
            if match:
                tensors[source.format(**match.groupdict())] = tensor.contiguous()
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(DETR))
    load_detr(folder)
    return folder


@kind
def detr_configuration(place: Path) -> Kind:
    folder = tiny_detr(place / "model")

    def write(_: Path, dice: random.Random) -> None:
        (folder / "config.json").write_bytes(broken_json(DETR, dice))

    return Kind(write, lambda _: load_detr(folder), 120)


@kind
def detr_preprocessor(place: Path) -> Kind:
    folder = tiny_detr(place / "model")
    good = {"size": {"shortest_edge": 32, "longest_edge": 64}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}

    def write(_: Path, dice: random.Random) -> None:
        (folder / "preprocessor_config.json").write_bytes(broken_json(good, dice))

    def read(_: Path) -> None:
        assert torch.isfinite(load_detr(folder).preprocess(np.full((20, 30, 3), 200, np.uint8))).all()

    return Kind(write, read, 60)


@kind
def weights(place: Path) -> Kind:
    folder = tiny_vit(place / "model", layers=1, heads=2)
    raw = (folder / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    contents, data = json.loads(raw[8 : 8 + length]), raw[8 + length :]

    def write(_: Path, dice: random.Random) -> None:
        table = broken_json(contents, dice)
        claimed = len(table) if dice.random() < 0.9 else dice.choice((0, 1, 2**32, 2**63, len(table) + 1))
        (folder / "model.safetensors").write_bytes(struct.pack("<Q", claimed) + table + data)

    return Kind(write, lambda _: load_folder(folder), 100)


@kind
def index(place: Path) -> Kind:
    folder = tiny_vit(place / "model", layers=1, heads=2)
    (folder / "model.safetensors").rename(folder / "a.safetensors")
    good = {"metadata": {"total_size": 1}, "weight_map": {"x": "a.safetensors", "y": "a.safetensors"}}

    def write(_: Path, dice: random.Random) -> None:
        (folder / layout.INDEX).write_bytes(broken_json(good, dice))

    return Kind(write, lambda _: load_folder(folder), 60)


@kind
def probes(place: Path) -> Kind:
    path = place / "a.safetensors"
    made = Probe(np.ones((2, 4), np.float32), np.zeros(2, np.float32), ("a", "b"), "m", "h", 32, "set", 3, 10)
    raw = probe.save_probe(made, path).read_bytes()

    return Kind(lambda _, dice: path.write_bytes(broken_bytes(raw, dice)), lambda _: probe.load_probe(path), 150)


# -- boxes
IMAGES = [{"id": n, "file_name": f"{n}.png", "width": 40, "height": 30} for n in (1, 2, 3)]
TRUTH = {
    "info": {"year": 2026},
    "images": IMAGES,
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    "annotations": [
        {"id": n, "image_id": 1 + n % 3, "category_id": 1 + n % 2, "bbox": [n, 2, 10, 9], "area": 90, "iscrowd": 0,
         "segmentation": [[1, 2, 3, 4, 5, 6]]}
        for n in range(6)
    ],
}  # fmt: skip
RESULTS = [
    {"image_id": 1 + n % 3, "category_id": 1 + n % 2, "bbox": [n, 2.5, 10, 9], "score": n / 10} for n in range(8)
]


@kind
def coco(place: Path) -> Kind:
    paths = place / "truth.json", place / "results.json"

    def write(_: Path, dice: random.Random) -> None:
        which = dice.random() < 0.5
        paths[0].write_bytes(broken_json(TRUTH, dice) if which else json.dumps(TRUTH).encode())
        paths[1].write_bytes(json.dumps(RESULTS).encode() if which else broken_json(RESULTS, dice))

    return Kind(write, lambda _: read_cases(paths), 250)


def boxes(folder: Path) -> None:
    is_boxes_folder(folder)
    found = read_boxes_folder(folder)
    for message in found.faults:
        in_words(message)
    for made in (*found.training, *found.validation):
        assert np.isfinite(made.boxes).all()
        assert ((made.labels >= 0) & (made.labels < len(found.classes))).all()


@kind
def coco_folder(place: Path) -> Kind:
    for n in (1, 2, 3):
        Image.new("RGB", (40, 30)).save(place / f"{n}.png")
    return Kind(lambda folder, dice: (folder / "a.json").write_bytes(broken_json(TRUTH, dice)), boxes, 150)


SHEET = """<?xml version="1.0"?>
<!DOCTYPE annotation>
<annotation><filename>1.png</filename><size><width>40</width><height>30</height><depth>3</depth></size>
<object><name>cat</name><difficult>0</difficult>
<bndbox><xmin>4</xmin><ymin>5</ymin><xmax>20</xmax><ymax>25</ymax></bndbox></object></annotation>"""


@kind
def voc_folder(place: Path) -> Kind:
    Image.new("RGB", (40, 30)).save(place / "1.png")
    words = ("40", "30", "4<", "20", "cat", "1.png", "<object>", "</size>", "annotation", "1.0", "bndbox", "xmax")

    def write(folder: Path, dice: random.Random) -> None:
        (folder / "1.xml").write_bytes(broken_text(SHEET, dice, words))
        (folder / "train.txt").write_bytes(broken_text("1\n2 1\n", dice, ("1", "2")))

    return Kind(write, boxes, 200)


# -- pictures
def jpeg(side: int = 32) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((side, side), 60).convert("RGB").save(out, "JPEG")
    return out.getvalue()


@kind
def cifar_packed(place: Path) -> Kind:
    one = np.frombuffer(jpeg(), np.uint8)
    packed = io.BytesIO()
    arrays = {"jpeg": np.tile(one, 3), "offsets": np.arange(4) * len(one), "labels": np.array([0, 1, 9], np.uint8)}
    np.savez(packed, **arrays)
    path = place / "train.npz"
    raw = packed.getvalue()

    def write(_: Path, dice: random.Random) -> None:
        if dice.random() < 0.5:
            path.write_bytes(broken_bytes(raw, dice))
            return
        name = dice.choice(list(arrays))
        odd = dice.choice((300, -1, 2**62, 1.5, np.nan, 7))
        changed = arrays[name].astype(type(odd)) + odd
        np.savez(path, **{**arrays, name: dice.choice((changed, arrays[name][:-1], np.array(odd)))})

    return Kind(write, lambda _: cifar.decode(path), 120)


@kind
def cifar_pickled(place: Path) -> Kind:
    path = place / "data_batch_1"
    good = {b"data": np.zeros((4, 3072), np.uint8), b"labels": [0, 1, 9, 3], b"batch_label": b"one"}
    raw = [pickle.dumps(good, protocol=protocol) for protocol in (2, 4)]

    def write(_: Path, dice: random.Random) -> None:
        data = dice.choice(raw)
        head = broken_bytes(data[:200], dice) + data[200:]
        path.write_bytes(head if dice.random() < 0.7 else broken_bytes(data, dice))

    return Kind(write, lambda _: finish(cifar_files.reading(path)), 200)


@kind
def cifar_binary(place: Path) -> Kind:
    path = place / "data_batch_1.bin"
    raw = (bytes([3]) + bytes(3072)) * 3
    return Kind(
        lambda _, dice: path.write_bytes(broken_bytes(raw, dice)), lambda _: finish(cifar_files.reading(path)), 80
    )


@kind
def picture_files(place: Path) -> Kind:
    made = []
    image = Image.effect_noise((40, 30), 60).convert("RGB")
    for kind_, options in (
        ("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("GIF", {}), ("BMP", {}), ("WEBP", {}),
        ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("PPM", {}), ("PNG", {"icc_profile": b"x" * 200}),
    ):  # fmt: skip
        out = io.BytesIO()
        image.save(out, kind_, **options)
        made.append(out.getvalue())

    def write(folder: Path, dice: random.Random) -> None:
        raw = dice.choice(made)
        cut = dice.choice((60, len(raw)))
        (folder / "a.png").write_bytes(broken_bytes(raw[:cut], dice) + raw[cut:])

    def read(folder: Path) -> None:
        rgb = read_picture(folder / "a.png").rgb
        assert rgb.dtype == np.uint8
        assert rgb.size <= 3 * limits.KEPT_PIXELS

    return Kind(write, read, 200)


@kind
def folders_of_classes(place: Path) -> Kind:
    good = jpeg()

    def write(folder: Path, dice: random.Random) -> None:
        names = [dice.choice(("a", "b", "train", "é" * 60, "{x}", " ", "-", "10", "2")) for _ in range(3)]
        for old in (folder / "set").glob("*/*") if (folder / "set").is_dir() else ():
            old.unlink()
        for name in names:
            (folder / "set" / name).mkdir(parents=True, exist_ok=True)
            for n in range(dice.randrange(3)):
                raw = good if dice.random() < 0.5 else broken_bytes(good, dice)
                (folder / "set" / name / dice.choice((f"{n}.jpg", f"{n}.txt", f".{n}.jpg"))).write_bytes(raw)

    def read(folder: Path) -> None:
        found = class_folders.scan([folder / "set"])
        for message in found.notes:
            in_words(message)
        refusals = class_folders.Refusals()
        for files in found.files:
            for _, square in class_folders.stream(files, 16, refusals):
                assert square is None or square.shape == (16, 16, 3)
        for reason in refusals.reasons:
            in_words(reason)

    return Kind(write, read, 80)


# -- what the program wrote itself
@kind
def kept_study(place: Path) -> Kind:
    good = json.loads(scale_store.bundled(CIFAR).read_text(encoding="utf-8"))
    good["points"] = good["points"][:4]
    path = place / "study.json"
    return Kind(lambda _, dice: path.write_bytes(broken_json(good, dice)), lambda _: scale_store.read(path), 120)


@kind
def kept_run(place: Path) -> Kind:
    from dataclasses import asdict

    path = place / "run.pt"
    path.write_bytes(b"")
    good = {"step": 5, "settings": json.loads(json.dumps(asdict(Learning())))}
    write = lambda _, dice: path.with_suffix(".json").write_bytes(broken_json(good, dice))  # noqa: E731
    return Kind(write, lambda _: saved.saved_run(path), 120)


@kind
def kept_results(place: Path) -> Kind:
    path = store.folder() / "results-fuzz.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    good = [{"method": 0, "labels": 5, "sample": 0, "step": 100, "right": 5, "tested": 10}]
    return Kind(lambda _, dice: path.write_bytes(broken_json(good, dice)), lambda _: store.read_results("fuzz"), 120)


@kind
def pasted_points(place: Path) -> Kind:
    path = place / "points.csv"
    text = "x,y\n1,2\n3.5,4e1\n# note\n5;6\n"

    def read(_: Path) -> None:
        points, note = parse(read_text(path, limits.LIST_FILE, errors="replace"))
        assert np.isfinite(np.array(points)).all()
        if note is not None:
            in_words(note)

    return Kind(lambda _, dice: path.write_bytes(broken_text(text, dice, ("1", "2", "4e1", ",", "x"))), read, 200)


@pytest.fixture
def cache(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "folder", lambda: own_home / "transfer")


@pytest.mark.parametrize("name", KINDS)
def test_a_broken_file_gives_an_answer_or_a_refusal_in_words(name: str, tmp_path: Path, cache: None) -> None:
    cases, refused = run(name, tmp_path / name, SEED)
    assert 0 <= refused <= cases


@pytest.mark.proof
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", KINDS)
def test_many_broken_files(name: str, seed: int, tmp_path: Path, cache: None) -> None:
    began = time.process_time()
    cases, refused = run(name, tmp_path / name, seed, more=8)
    print(f"\n{name:22} seed {seed}: {cases:5} files, {refused:5} refused, {time.process_time() - began:5.1f} s")
