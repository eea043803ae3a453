"""What was on screen the last time is there again, however that ended: photos, pins, film strips."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.settings import Settings
from app.strip import PictureStrip
from app.topic.state import State
from engines.core.params import PHOTO, with_role
from engines.core.pictures import Picture
from engines.data.samples import samples
from tests.app import paged
from tests.app.paged import PoolParams


@pytest.fixture
def window(open_window, monkeypatch):
    for module in ("app.topics", "app.window", "app.intake"):
        monkeypatch.setattr(f"{module}.topics", lambda: (paged.TOPIC,))
    monkeypatch.setattr("app.window.topic", lambda name: paged.TOPIC if name == "paged" else None)
    return open_window()


def photo(folder: Path, name: str) -> str:
    path = folder / name
    Image.fromarray(np.full((6, 9, 3), 90, np.uint8)).save(path)
    return str(path)


def shown(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.awaited() and not tab.is_busy)
    return tab.params.picture


def test_after_a_kill_photo_pin_and_strip_are_back(window, open_window, qtbot, tmp_path, own_home):
    first, second = photo(tmp_path, "a.png"), photo(tmp_path, "b.png")
    tab = window.show_topic("paged")
    window.take_paths([first, second])
    qtbot.waitUntil(lambda: tab.params.picture is not None)
    window.intake._choose(tab, Path(second))
    qtbot.waitUntil(lambda: tab.params.picture.source == second)
    tab.now.change(query=5)
    window.settings.save_changes()  # what the beat does; the window is never closed
    window.settings.join()
    assert json.loads((own_home / "settings.json").read_text())["photos"]

    later = open_window()
    tab = later.show_topic("paged")
    assert shown(tab, qtbot).source == second
    assert tab.params.query == 5
    strip = tab.findChild(PictureStrip)
    assert ([str(path) for path in strip.paths], strip.currentRow()) == ([first, second], 1)
    asked = [event.params for event in tab.now.told if isinstance(event, paged.Answer)]
    assert [one.picture.source for one in asked] == [second]  # the one to start with was not computed before


def test_a_photo_that_is_gone_or_broken_gives_place_to_the_one_to_start_with(window, open_window, qtbot, tmp_path):
    kept = photo(tmp_path, "a.png")
    tab = window.show_topic("paged")
    window.take_paths([kept])
    qtbot.waitUntil(lambda: tab.params.picture is not None)
    tab.now.change(query=5)
    window.settings.save()
    Path(kept).write_bytes(b"\x89PNG\r\n\x1a\nno more")
    later = open_window()
    tab = later.show_topic("paged")
    assert shown(tab, qtbot) is None
    qtbot.waitUntil(lambda: any(isinstance(event, paged.Answer) for event in tab.now.told))
    assert tab.params.query == 0
    Path(kept).unlink()
    assert State("paged.first", PoolParams(), Settings.load()).awaited == ""


def test_a_bundled_photo_keeps_its_name(window, open_window, qtbot):
    tab = window.show_topic("paged")
    window.take_sample("coffee")
    qtbot.waitUntil(lambda: tab.params.picture is not None)
    window.settings.save()
    found = shown(open_window().show_topic("paged"), qtbot)
    assert (found.name, found.source) == ("Cup of coffee", str(samples()[2].path))


def remembered(settings: Settings, **values: object) -> State:
    state = State("toy.page", PoolParams(), settings)
    state.put(**values)
    return state


def test_a_pin_stays_without_a_photo_of_ones_own_and_goes_with_another_model(qapp):
    settings = Settings()
    remembered(settings, query=7)
    assert State("toy.page", PoolParams(), settings).params.query == 7
    settings.keep_fields("toy.page", PoolParams(model="another"), ("model",))
    assert State("toy.page", PoolParams(), settings).params.query == 0


def test_a_pasted_picture_leaves_no_pin_on_another(qapp):
    settings = Settings()
    remembered(settings, picture=Picture("pasted", np.zeros((4, 4, 3), np.uint8)), query=7)
    assert State("toy.page", PoolParams(), settings).params.query == 0


def test_a_photo_chosen_while_the_old_one_is_read_stays(qapp, tmp_path):
    settings = Settings()
    old = Picture("old", np.zeros((4, 4, 3), np.uint8), photo(tmp_path, "old.png"))
    new = Picture("new", np.zeros((4, 4, 3), np.uint8), photo(tmp_path, "new.png"))
    remembered(settings, picture=old, query=7)
    state = State("toy.page", PoolParams(), settings)
    assert state.awaited == old.source
    state.put(picture=new)
    state.photo_read(old)
    assert (state.params.picture, state.params.query, state.awaited) == (new, 0, "")
    assert State("toy.page", PoolParams(), settings).awaited == new.source


@pytest.mark.parametrize("odd", [{}, {"file": 3}, {"file": "", "pins": [["query", "x"], 4, ["query"]], "model": [""]}])
def test_what_is_no_photo_in_the_file_is_passed_over(qapp, odd):
    settings = Settings()
    settings._take({"photos": {"toy.page": odd, "other": 5}, "strips": {"toy": 3, "paged": [4, "gone.png"]}})
    assert State("toy.page", PoolParams(), settings).params == PoolParams()
    assert settings.strip("toy") == settings.strip("paged") == []


def test_every_topic_that_takes_pictures_remembers_them():
    from app.topics import topics

    for topic in topics():
        kinds = [kind for kind in topic.page_classes() if kind.takes_pictures]
        assert all(with_role(kind.params_type, "remembered", PHOTO) for kind in kinds[:1]), topic.name
