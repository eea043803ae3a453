"""Offers: found in every topic by their kind, loaded when they are used, refused where they can't be right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import engines
from engines.core import offers

ROOT = Path(__file__).parents[2]


@pytest.fixture
def topic(tmp_path, monkeypatch):
    """Makes a topic ``made_up`` with these offers, and with a module ``home``."""
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(tmp_path)])
    offers.every.cache_clear()

    def make(table: dict[str, str]) -> None:
        folder = tmp_path / "made_up"
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        (folder / "offers.py").write_text(f"OFFERS = {table!r}")
        (folder / "home.py").write_text("def double(x):\n    return 2 * x\n")

    yield make
    for name in [name for name in sys.modules if name.startswith("engines.made_up")]:
        del sys.modules[name]
        engines.__dict__.pop("made_up", None)
    offers.every.cache_clear()


def test_a_new_topic_is_found_by_the_kind_of_what_it_offers(topic):
    topic({"twice": "engines.made_up.home:double"})
    (offer,) = offers.found("twice")
    assert offer.topic == "made_up"
    assert "engines.made_up.home" not in sys.modules  # not before it is used
    assert offer.load()(21) == 42
    assert offers.found("thrice") == ()
    assert {"vit", "moco"} <= {offer.topic for offer in offers.found("backbone")}


@pytest.mark.parametrize(
    "place", ["engines.vit.backbone:load", "engines.made_up.home", "engines.made_up.home:", "home:x"]
)
def test_a_place_that_is_not_the_topics_own_is_refused(topic, place):
    topic({"twice": place})
    with pytest.raises(ValueError, match="offers of made_up: twice lies at"):
        offers.every()


def test_what_is_offered_is_there():
    assert offers.every()
    for offer in offers.every():
        assert offer.load() is not None, offer


def test_looking_for_offers_imports_nothing_heavy():
    code = (
        "import sys; from engines.core import offers; from engines.checkpoints import backbones; assert offers.every();"
        "backbones.available(); assert not {'torch', 'numpy', 'onnx', 'huggingface_hub'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
