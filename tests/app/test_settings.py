"""What is remembered, and what a broken file does: nothing worse than defaults and a note."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget

from app.settings import HOME_VARIABLE, Settings
from engines.core.params import Choice, Params, Range, Switch, setting


@dataclass(frozen=True)
class Toy(Params):
    heads: int = setting(4, Range(1, 8, 1, "Heads"))
    rate: float = setting(0.1, Range(0, 1, 0.1, "Rate"))
    kind: str = setting("a", Choice(("a", "b"), "Kind"))
    mask: bool = setting(False, Switch("Mask"))
    source: str = ""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "new folder"))
    return tmp_path / "new folder"


def test_everything_comes_back(home, qtbot, tmp_path):
    first = Settings.load()
    first.theme, first.language, first.tab, first.rail = "dark", "zh", "detr", True
    first.keep("toy", Toy(heads=7, kind="b", mask=True, source="x"), ("source",))
    first.set_page("toy", 1)
    for i in range(15):
        (tmp_path / f"图 {i}.png").touch()
        first.add_picture(str(tmp_path / f"图 {i}.png"))
    first.add_picture(str(tmp_path / "图 9.png"))
    (tmp_path / "图 13.png").unlink()
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(321, 234)
    first.remember(window)
    first.save()
    again = Settings.load()
    assert (again.theme, again.language, again.tab, again.rail, again.note) == ("dark", "zh", "detr", True, None)
    assert again.restored("toy", Toy()) == Toy(heads=7, kind="b", mask=True, source="x")
    assert again.page("toy") == 1
    assert len(again.recent_pictures) == 9
    assert [Path(path).name for path in again.recent_pictures[:3]] == ["图 9.png", "图 14.png", "图 12.png"]
    window.resize(10, 10)
    assert again.place(window)
    assert window.width() == 321


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\x00\xff", '{"theme": '])
def test_a_broken_file_gives_defaults_and_a_note_and_is_kept(home, text):
    home.mkdir()
    (home / "settings.json").write_text(text, encoding="utf-8")
    settings = Settings.load()
    assert settings.theme == ""
    assert "Defaults" in str(settings.note)
    assert (home / "settings.broken.json").read_text(encoding="utf-8") == text
    settings.save()
    assert Settings.load().note is None


def test_values_that_do_not_fit_are_passed_over_one_by_one(home):
    home.mkdir()
    topics = {"toy": {"heads": 99, "rate": 0.5, "kind": "c", "mask": 1, "gone": 3, "source": None}, "odd": 3}
    odd = {
        "theme": "pink",
        "device": 3,
        "rail": "yes",
        "recent_pictures": [str(home), 1],
        "geometry": "é",
        "pages": {"x": -1},
    }
    (home / "settings.json").write_text(json.dumps(odd | {"topics": topics}), encoding="utf-8")
    settings = Settings.load()
    assert settings.restored("toy", Toy()) == Toy(rate=0.5)
    assert (settings.theme, settings.device, settings.rail, settings.page("x")) == ("", "auto", False, 0)
    assert settings.recent_pictures == [str(home)]


def test_a_temporary_object_touches_no_disk(home):
    settings = Settings.load(temporary=True)
    settings.theme = "dark"
    settings.save()
    assert not home.exists()


def test_a_disk_that_refuses_is_said_not_raised(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "file" / "below"))
    settings = Settings.load()
    settings.save()
    assert "could not be saved" in str(settings.note)


def test_a_name_that_is_no_unicode_is_saved(home):
    settings = Settings.load()
    settings.recent_models = ["caf\udce9"]
    settings.save()
    assert Settings.load().recent_models == ["caf\udce9"]
