"""A new topic edits nothing: `tests/toy` is laid over a copy of the checkout, and every check there takes it as it is.

That folder is what a topic consists of, each file at its place: an engine with weights, card, key table and offers, a
page, words, an icon, rows of the benchmark, and tests of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from app.topics import Topic
from engines.core.params import Params, Range, Switch, setting
from engines.core.protocol import Event, Frame, Job
from tests import test_benchmarks, test_engine_contract, test_readme

ROOT = Path(__file__).parents[1]
TOY = ROOT / "tests" / "toy"
COPIED = ("app", "engines", "tests", "assets", "main.py", "pyproject.toml", "README.md", "CONTRIBUTING.md")
#: what looks at every topic, with words that choose the toy's cases where there are many
CHECKS = {
    "tests/test_tab_contract.py": "toy",
    "tests/test_engine_contract.py": "toy",
    "tests/test_architecture.py": "rooms_import or offers_alone or grad_or_autocast or stay_short",
    "tests/test_benchmarks.py": "toy or every_row_has_a_name",
    "tests/test_readme.py": "toy or what_topics_bring or each_model",
    "tests/app/test_walk.py": "toy",
    "tests/app/test_lessons.py": "waits_for_an_act or path_names or toy",
    "tests/app/test_words.py": "chinese or placeholders or differently or signs",
    "tests/app/test_fonts.py": "every_sign_of_ours",
    "tests/core/test_offers.py": "what_is_offered",
    "tests/engines/test_checkpoints_catalog.py": "every_text or family",
    "tests/app/test_toy_page.py": "",
    "tests/engines/test_toy.py": "",
}
ASKED = """
import json, sys
import pytest
from engines.checkpoints import backbones, catalog
from tests import pictures, readme
from tests.benchmarks.__main__ import rows
from app.topics import topic

readme.main()
models = catalog.available("toy")
print(json.dumps({
    "ready": {model.name: model.ready for model in models},
    "described": catalog.describe("toy-colors").title,
    "usable": [backbones.usable(model.name) for model in models],
    "features": backbones.load("toy-colors").width,
    "rows": [row.name for row in rows()],
    "pictures": pictures.shots(topic("toy")),
}))
checks = json.loads(sys.argv[1])
words = " or ".join(f"({path.rsplit('/')[-1]} and ({chosen}))" if chosen else path.rsplit("/")[-1]
                    for path, chosen in checks.items())
sys.exit(pytest.main(["-rA", "-k", words, *checks]))
"""


def brought() -> list[Path]:
    """The files of the toy, each by its place in a checkout."""
    return [
        path.relative_to(TOY) for path in sorted(TOY.rglob("*")) if path.is_file() and "__pycache__" not in path.parts
    ]


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[Path]:
    """A copy of the checkout with the toy in it."""
    made = tmp_path_factory.mktemp("house")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, made / name, ignore=shutil.ignore_patterns("pictures"))
        else:
            shutil.copy2(ROOT / name, made)
    for path in brought():
        (made / path.parent).mkdir(parents=True, exist_ok=True)
        shutil.copy2(TOY / path, made / path)
    yield made
    shutil.rmtree(made)


def test_it_brings_files_and_changes_none():
    assert len(brought()) > 10
    assert not [path for path in brought() if (ROOT / path).exists()]


def test_every_check_takes_it_as_it_is(house):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-c", ASKED, json.dumps(CHECKS)], cwd=house, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[0])
    assert told["ready"] == {"toy-colors": True, "someone/toy-palette": False}
    assert told["described"] == "Toy colors"
    assert told["usable"] == [True, True]
    assert told["features"] == 8
    assert "toy" in told["rows"]
    assert told["pictures"] == ["assets/pictures/toy-light-en.png", "assets/pictures/toy-dark-zh.png"]
    passed = [line.removeprefix("PASSED ") for line in done.stdout.splitlines() if line.startswith("PASSED ")]
    assert {line.split("::")[0] for line in passed} == set(CHECKS)
    cases = {line.split("::")[0] for line in passed if "toy" in line.split("::")[1]}
    assert {path for path, words in CHECKS.items() if "toy" in words.split(" or ")} <= cases
    written = (house / "README.md").read_text(encoding="utf-8")
    for row in (
        "- **Toyland palette**: How much",
        "| Toy colors | The eight",
        "| Toy palette | Colors",
        "toy-light-en.png",
    ):
        assert row in written


@dataclass(frozen=True)
class NoSetting(Params):
    """A page that only shows something."""


@dataclass(frozen=True)
class OneSlider(Params):
    temperature: float = setting(1.0, Range(0.1, 10, 0.1, "Temperature"))


@dataclass(frozen=True)
class OneSwitch(Params):
    causal: bool = setting(False, Switch("Causal"))


@dataclass(frozen=True, eq=False)
class Attended(Frame):
    weights: np.ndarray


class Few:
    """Answers whatever it is asked."""

    total = 1.0

    def run(self, job: Job[Params]) -> Iterator[Event]:
        yield Attended(np.full((2, 4), self.total / 4, np.float32))


@pytest.mark.parametrize("params", [NoSetting, OneSlider, OneSwitch])
def test_few_settings_are_enough(params):
    case = params, Few(), sys.modules[__name__]
    test_engine_contract.test_every_setting_runs_at_both_ends(case)
    test_engine_contract.test_the_same_params_give_the_same_frames(case, None)
    test_engine_contract.test_attention_rows_sum_to_one(case)
    test_engine_contract.test_stopping_at_every_yield_leaves_nothing_behind(case)


def test_what_is_missing_is_said_with_the_name_of_the_topic(monkeypatch):
    topic = Topic("palette", "Palette", "Relatives", 1, "heads")
    with pytest.raises(AssertionError, match=r"no palette_rows\.py"):
        test_benchmarks.test_each_topic_brings_a_row(topic)
    with pytest.raises(AssertionError, match=r"tabs/palette/__init__\.py: no tagline"):
        test_readme.test_a_topic_says_what_its_tab_shows(topic)
    monkeypatch.setattr(Few, "total", 0.5)
    with pytest.raises(AssertionError, match=r"test_new_topic.*sum to 1"):
        test_engine_contract.test_attention_rows_sum_to_one((OneSlider, Few(), sys.modules[__name__]))
    monkeypatch.setattr(Few, "run", lambda self, job: iter(()))
    for check in ("test_every_setting_runs_at_both_ends", "test_attention_rows_sum_to_one"):
        with pytest.raises((AssertionError, pytest.fail.Exception), match="test_new_topic"):
            getattr(test_engine_contract, check)((OneSlider, Few(), sys.modules[__name__]))
