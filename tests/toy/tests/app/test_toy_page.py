"""The toy's page in the window: its slider, and a palette that is dropped."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from engines.toy.spec import Attended


@pytest.fixture
def page(open_window, qtbot):
    tab = open_window().show_topic("toy")
    qtbot.waitUntil(lambda: Attended in tab.now.feed.frames and not tab.is_busy)
    return tab.now


def test_a_low_temperature_gives_all_to_the_nearest_color(page, qtbot):
    page.change(temperature=0.01)
    qtbot.waitUntil(lambda: page.feed.frames[Attended].weights.max() > 0.99)
    assert page.params.changes() == 1


def test_a_palette_that_is_dropped_is_used(page, qtbot, tmp_path):
    save_file({"palette.weight": torch.eye(3)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "toy-palette"}))
    page.shell.show_topic("scoring")
    page.shell.take_paths([str(tmp_path)])
    qtbot.waitUntil(lambda: page.on_screen and page.feed.frames[Attended].names == ("0", "1", "2"))
