"""Public names that are loaded when first asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module, invalidate_caches

import pytest

from tests.test_architecture import TOPICS

PACKAGE = """
from typing import TYPE_CHECKING
from engines.core.lazy import public
if TYPE_CHECKING:
    from made_up_room.inside import Thing as Thing
    from made_up_room.inside import hidden as shown
__getattr__, __dir__ = public(__name__)
"""


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A package with two public names, one of them called otherwise where it is made."""
    folder = tmp_path / "made_up_room"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE, encoding="utf-8")
    (folder / "inside.py").write_text("class Thing: ...\nhidden = 7\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    invalidate_caches()
    yield import_module("made_up_room")
    for name in [name for name in sys.modules if name.split(".")[0] == "made_up_room"]:
        del sys.modules[name]


def test_a_name_is_loaded_when_it_is_asked_for(room):
    assert {"Thing", "shown"} <= set(dir(room))
    assert "made_up_room.inside" not in sys.modules
    assert room.shown == 7
    assert room.Thing is sys.modules["made_up_room.inside"].Thing
    assert room.__all__ == ["Thing", "shown"]
    with pytest.raises(AttributeError, match="module 'made_up_room' has no attribute 'hidden'"):
        _ = room.hidden


def test_all_of_it_can_be_imported(room):
    found: dict[str, object] = {}
    exec("from made_up_room import *", found)
    assert found["shown"] == 7


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_each_public_name_of_a_topic_is_there(topic):
    package = import_module(f"engines.{topic}")
    assert package.__all__
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_no_topic_brings_torch():
    lines = "; ".join(f"import engines.{topic}" for topic in sorted(TOPICS))
    subprocess.run([sys.executable, "-c", f"import sys; {lines}; assert 'torch' not in sys.modules"], check=True)
