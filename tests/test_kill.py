"""What is left when the program is killed: everything but the last second."""

from __future__ import annotations

import json
import signal

import pytest

from app import leaving
from app.topic.training_page import TrainingPage
from app.topics import topics
from engines.core import pack
from tests.driven import Driven

KEPT = "__import__('sys').modules"
KEEPING = f"{KEPT}['engines.core.keeping']"
KIND = f"{KEPT}['app.kept'].KeptRuns"
SAVED = "(lambda folder: list(folder.glob('*.npz')))"


def settings(home):
    return json.loads((home / "settings.json").read_text())


def test_a_kill_loses_no_setting(own_home):
    with Driven(own_home, "--lang", "en") as program:
        assert program.do("window.tab.topic.name") == "attention_pooling"  # the very first start
        assert program.do("window.guide.panel.isVisible()")
        program.do("window.guide.turn(1)")
        program.do("window.show_topic('scoring')")
        program.do("window.use_theme('dark')")
        program.do("window.tab.now.change(temperature=3.0, arrow_query=(0.5, -0.25))")
        program.until("window.settings._on_disk == window.settings._values()")
        program.do("window.session.beat()")
        program.until("window.session._writing.done()")
        program.kill()
    there = settings(own_home)
    assert there["theme"] == "dark"
    assert there["topics"]["scoring.compare"]["temperature"] == 3.0
    with Driven(own_home, "--lang", "en") as program:
        assert program.do("window.tab.topic.name") == "scoring"
        assert program.do("list(window.tab.params.arrow_query)") == [0.5, -0.25]
        assert program.do("[window.guide.panel.isVisible(), window.guide.lesson.topic, window.guide.at]") == [
            True, "attention_pooling", 1,
        ]  # fmt: skip
    assert {entry.name for entry in own_home.iterdir()} <= {"settings.json", "settings.lock", "sessions"}


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.proof)])
def test_who_asks_for_the_end_gets_a_clean_one(own_home, number):
    with Driven(own_home, "--tab", "scoring", "--lang", "en") as program:
        program.do("window.use_theme('dark')")
        code, told = program.end(number)
    assert (code, [line for line in told.splitlines() if "propagateSizeHints" not in line]) == (0, [])
    assert settings(own_home)["theme"] == "dark"
    assert sorted(str(file.relative_to(own_home)) for file in own_home.rglob("*") if file.is_file()) == [
        "sessions/last-1.attnlab", "sessions/last-1.attnlab.lock", "settings.json",
    ]  # fmt: skip


QUICK = "multi_head"  #: this one stands for all of them in the suite


def training_pages():
    """Topic, page and run of every page whose runs are kept."""
    found = [
        (topic.name, at + 1, f"window.tab.pages[{at}].training")
        for topic in topics()
        for at, kind in enumerate(topic.page_classes())
        if issubclass(kind, TrainingPage) and kind.keeps
    ]
    for tab, page, run in found:
        marks = () if tab == QUICK else pytest.mark.proof
        yield pytest.param(tab, page, run, id=f"{tab}-{page}", marks=marks)


@pytest.mark.timeout(900)  # two programs, one after the other, on a machine that may be busy
@pytest.mark.parametrize(("tab", "page", "run"), [*training_pages()])
def test_a_kill_in_the_middle_of_a_run_loses_little_of_it(own_home, tab, page, run):
    command = "--tab", tab, "--page", str(page), "--lang", "en"
    offered = f"window.tab.findChild({KIND})"
    with Driven(own_home, *command) as program:
        program.do(f"setattr({KEEPING}, 'EVERY', 0.2)")
        program.do(f"setattr({KEEPING}, 'LONGEST', 0.2)")
        program.until(f"not {run}.stream.is_busy")  # the run stands at its beginning
        assert not program.do(f"{offered}.isVisible()")
        program.do(f"{run}.play()")
        program.until(f"{run}.step > 8 and {SAVED}({run}.place.parent)")
        begun = program.do(f"list({run}.timeline.steps)")[:1]
        program.kill()
    (kept,) = (own_home / "runs").glob("*.npz")
    step = pack.about(kept)["step"]
    assert step > 0
    with Driven(own_home, *command) as program:
        program.until(f"{offered}.isVisible()")
        assert program.do(f"{offered}.said.text()") == f"A run of {step:,} steps was saved."
        program.do(f"{offered}.go_on.click()")
        program.until(f"{run}.step > {step}")
        assert not program.do(f"{offered}.isVisible()")
        assert program.do(f"list({run}.timeline.steps)")[:1] == begun  # its beginning can be looked at as before
        code, told = program.end(signal.SIGTERM)
    assert (code, [line for line in told.splitlines() if "propagateSizeHints" not in line]) == (0, [])
    assert pack.about(kept)["step"] > step
    assert {each.name for each in kept.parent.iterdir()} == {kept.name, f"{kept.name}.lock"}


def test_the_end_of_a_session_saves_and_leaves_the_window_open(own_home, open_window, qapp):
    window = open_window()
    before = [signal.getsignal(number) for number in leaving.SIGNALS]
    ears = leaving.Leaving(qapp, window)
    window.settings.theme = "dark"
    ears._session_ends(None)
    assert settings(own_home)["theme"] == "dark"
    assert window.isVisible()
    ears._over()  # the loop ends without anybody closing the window
    assert not window.isVisible()
    assert [signal.getsignal(number) for number in leaving.SIGNALS] == before
