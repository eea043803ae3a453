"""A study in the window: what is asked, the runs of a real program, what comes of it, and how it ends."""

from __future__ import annotations

import csv
import errno
import json
import os
from pathlib import Path

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QMimeData, QUrl
from shiboken6 import isValid

from app import words
from app.dropzone import foreseen, kinds
from app.plots.levelplot import Level, places
from app.studies import running
from app.studies.results import named
from app.studies.sheet import StudySheet, lasting
from app.studies.subject import Subject, newest, proposed, put_down, read_values
from engines.core import files
from engines.core.errors import LabError, Message
from engines.core.params import Choice, Range, Switch
from engines.studies.book import FILE, FOUND, ROWS
from engines.studies.reading import kinds as kinds_of_study
from engines.studies.reading import said_in
from engines.studies.spec import Outcome
from tests.engines.studies.kinds import DIES_ONCE, KIND, PARTED, REFUSES, WAITS, WELL, WHOLE, Drawn

PROGRAM = (
    "import sys; from engines.studies import reading, __main__ as m; from tests.engines.studies.kinds import *; "
    "reading.kinds = m.kinds = lambda: {kind.name: kind for kind in (KIND, PARTED, WHOLE)}; "
    "sys.exit(m.main(sys.argv[1:]))"
)


@pytest.fixture
def ours(monkeypatch):
    """The kind of run that the tests bring, here and in the program that makes the runs."""
    from app.studies import subject

    monkeypatch.setattr(subject, "kinds", lambda: {"drawn": KIND})
    monkeypatch.setattr(running.Running, "program", staticmethod(lambda: ["-c", PROGRAM]))


@pytest.fixture
def sheet(ours, open_window, qtbot, tmp_path):
    window = open_window(1024, 600)
    made = StudySheet(window, Subject(KIND, Drawn(folder=str(tmp_path)), "drawn-page", words.plain("Drawn")))
    window.studies.sheets["drawn-page"] = made
    made.show()
    return made


def ask(sheet, first, values, seeds=2, second="", more=None):
    sheet.setup.first.choose(first, values)
    sheet.setup.second.choose(second, more)
    sheet.setup.seeds.set_number(seeds)
    sheet._changed()


def finished(sheet, qtbot):
    qtbot.waitUntil(lambda: sheet.running is None)


def test_a_study_is_made_drawn_saved_and_goes_on(sheet, qtbot, tmp_path):
    ask(sheet, "way", [WELL, REFUSES, DIES_ONCE], 2, "times", [1.0, 2.5])
    assert "12 runs" in sheet.count.text()
    sheet.act()
    assert sheet.go.text().strip() == "Stop"
    assert not sheet.setup.first.isEnabled()
    finished(sheet, qtbot)
    assert sheet.left == 4  # those that refuse
    assert "8 of 12" in sheet.count.text()
    assert "4 failed" in sheet.count.text()
    table = sheet.results.table.runs
    states = [table.text(table.index(row, 3)) for row in range(table.rowCount())]
    assert sum("Nobody is not here." in state for state in states) == 4
    assert states.count("done at the second try") > 0
    # what is drawn is what was found
    sheet.results._choose(sheet.results._measures.index("drawn"))
    found = {(o.row.params.way, o.row.params.times, o.row.seed): o.found["drawn"]
             for o in sheet.results.outcomes.values() if o.found}  # fmt: skip
    numbers = sheet.results.plot.numbers()
    for times in (1.0, 2.5):
        mine = [[found[way, times, seed] for seed in (0, 1)] for way in (WELL, DIES_ONCE)]
        name = next(name for name in numbers if name.startswith(words.number(times, 1)) and name.endswith("_mean"))
        assert numbers[name] == pytest.approx(np.mean(mine, 1))
        assert numbers[name.replace("_mean", "_deviation")] == pytest.approx(np.std(mine, 1, ddof=1))
        assert numbers[name.replace("_mean", "_x")].tolist() == [WELL, DIES_ONCE]
    assert sheet.results.map.values().shape == (2, 3)
    assert sheet.results.map.is_off((0, 2))  # nothing was found there
    assert not sheet.results.map.is_off((1, 1))
    # saved with its settings
    for ending in (".csv", ".npz"):
        sheet.save(tmp_path / f"out{ending}")
    qtbot.waitUntil(lambda: not sheet.saving.busy)
    head, *lines = (tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()
    assert json.loads(head.removeprefix("# settings "))["over"]["way"] == [WELL, DIES_ONCE, REFUSES]
    assert len(list(csv.DictReader(lines))) == 12
    with np.load(tmp_path / "out.npz") as arrays:
        assert sorted(arrays["drawn"]) == sorted(found.values())
        assert json.loads(str(arrays["settings"]))["study"] == "drawn"
    # opened again it stands where it stood, and goes on with what failed alone
    before = (sheet.folder / ROWS).read_bytes()
    again = sheet._window.studies.open(sheet.folder / FILE)
    assert again is sheet
    fresh = StudySheet(sheet._window, sheet.subject, sheet.folder)
    assert fresh.go.text().strip() == "Continue"
    assert fresh.go.isEnabled()
    assert fresh.left == 4
    assert fresh.setup.said() == sheet.setup.said()
    assert (sheet.folder / ROWS).read_bytes() == before
    fresh.deleteLater()
    # closed with nothing under way it is let go, and its file tells the same again
    studies, folder, said = sheet._window.studies, sheet.folder, sheet.setup.said()
    sheet.close()
    qtbot.waitUntil(lambda: not isValid(sheet))
    assert not studies.sheets
    third = studies.open(folder)
    assert (third.left, third.setup.said()) == (4, said)
    # one that goes on behind a closed window says when it has ended
    studies.parent().show_topic("scoring")
    third.act()
    third.close()
    qtbot.waitUntil(lambda: not studies.sheets)
    assert studies.parent().tab.note.text.startswith("Study ended")


def test_stopping_is_at_once_and_nothing_is_lost(sheet, qtbot, tmp_path):
    ask(sheet, "way", [WELL, WAITS], 1)
    sheet.act()
    qtbot.waitUntil(lambda: len(sheet.results.outcomes) == 1 and (tmp_path / "seen-waits-0").exists())
    mine = psutil.Process().children(recursive=True)
    with qtbot.waitSignal(sheet.running.over):
        sheet.act()
    assert not sheet.refusal.isVisible()  # asked for, so nothing went wrong
    qtbot.waitUntil(lambda: not any(one.is_running() and "studies" in " ".join(one.cmdline()) for one in mine
                                    if one.is_running() and one.status() != psutil.STATUS_ZOMBIE))  # fmt: skip
    assert sheet.left == 1
    assert sheet.go.text().strip() == "Continue"
    assert len((sheet.folder / ROWS).read_bytes().splitlines()) == 1


HAND = """study = "drawn"
seeds = [3, 7]

[over]
times = [1.0, 2.0]
way = ["well"]
warm = [false, true]
"""


def test_a_study_of_a_shell_goes_on_in_the_window(ours, open_window, qtbot, tmp_path):
    """The left has no place for a list of seeds or a third setting, and its file names no setting that is usual."""
    window, folder = open_window(1024, 600), tmp_path / "mine"
    folder.mkdir()
    (folder / FILE).write_text(HAND, encoding="utf-8")
    sheet = window.studies.open(folder)
    assert (sheet.left, sheet.count.text()) == (8, "8 runs")
    results = sheet.results
    assert results.plot_card.note.text() == "over the seeds and all other settings"
    assert (results.lines_of.text(), results.axes.text()) == ("Way", "Down: Way. Across: Times.")
    first = sheet.results.study.rows[0]
    results.add(Outcome(first, {"drawn": 0.5}))
    results.draw()
    assert results.bar.isHidden()  # no scale of a single number
    results.add(Outcome(sheet.results.study.rows[4], {"drawn": 0.7}))
    results.draw()
    assert results.bar.isVisible()
    assert results.bar.shown == (0.5, 0.7)
    sheet.show_folder(folder)
    sheet.act()
    finished(sheet, qtbot)
    assert (sheet.folder, sheet.left) == (folder, 0)
    assert not sheet.go.isEnabled()
    assert {row.seed for row in sheet.results.study.rows} == {3, 7}
    # what others have done to the folder meanwhile is seen when it goes on
    (folder / FILE).write_text(HAND.replace("[3, 7]", "[3, 7, 8]"), encoding="utf-8")
    fresh = StudySheet(window, sheet.subject, folder)
    (folder / ROWS).write_bytes((folder / ROWS).read_bytes().splitlines(True)[0])
    sheet.show_folder(folder)
    assert (sheet.left, fresh.left) == (11, 4)
    for one in (fresh, sheet):  # what the first has made, the other has not seen
        one.act()
        finished(one, qtbot)
        assert (one.left, len(one.results.outcomes)) == (0, 12)
    (folder / FILE).write_text(HAND.replace("[3, 7]", "1"), encoding="utf-8")
    (folder / ROWS).unlink()
    sheet.show_folder(folder)
    (folder / FILE).write_text(HAND.replace("[3, 7]", "2"), encoding="utf-8")
    sheet.act()
    finished(sheet, qtbot)
    assert (sheet.left, len(sheet.results.outcomes)) == (0, 8)
    # another value is another study
    sheet.setup.seeds.set_number(4)
    sheet._changed()
    assert sheet.go.isEnabled()
    fresh.deleteLater()


def test_a_program_that_goes_away_is_told_of(sheet, qtbot, tmp_path):
    ask(sheet, "way", [WAITS], 1)
    sheet.act()
    qtbot.waitUntil(lambda: (tmp_path / "seen-waits-0").exists())
    os.kill(sheet.running._process.processId(), 9)
    finished(sheet, qtbot)
    assert "has ended" in sheet.refusal.text()
    assert "What is done is kept." in sheet.refusal.text()
    assert sheet.go.isEnabled()


def test_what_another_program_has_is_refused_in_words(sheet, qtbot):
    from engines.studies.book import Book

    ask(sheet, "times", [1.0], 1)
    sheet.folder = put_down(sheet.setup.said(), "drawn-page")
    sheet.show_folder(sheet.folder)
    book = Book(sheet.results.study, sheet.folder)
    try:
        sheet.act()
        finished(sheet, qtbot)
    finally:
        book.close()
    assert "another program is continuing this study" in sheet.refusal.text()


def test_closing_the_window_ends_the_runs(sheet, qtbot, tmp_path):
    ask(sheet, "way", [WAITS], 1)
    sheet.act()
    qtbot.waitUntil(lambda: (tmp_path / "seen-waits-0").exists())
    sheet.close()
    assert sheet.runs  # its window is closed, not the study
    process = psutil.Process(sheet.running._process.processId())
    sheet._window.close()
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_odd_values_are_refused_before_anything_runs(sheet):
    ask(sheet, "times", [1.0])
    for text, said in (("1, two", "two is no number"), ("11", "outside"), ("", "missing"), ("1;;2", "")):
        sheet.setup.first.line.setText(text)
        sheet._changed()
        assert said in sheet.refusal.text() if said else not sheet.refusal.isVisible()
        assert sheet.go.isEnabled() == (not said)
    sheet.setup.second.choose("times", [2.0])
    sheet._changed()
    assert "the same" in sheet.refusal.text()
    sheet.setup.second.choose("")
    sheet.setup.where.button(1).click()
    sheet.act()
    assert "address of the cluster is missing" in sheet.refusal.text()
    assert newest("drawn-page") is None


def test_it_begins_with_a_number(sheet):
    assert sheet.setup.first.field == "times"
    assert sheet.setup.first.values() == proposed(sheet.subject.rules["times"], 1.0)
    assert not sheet.setup.second.field
    assert sheet.go.isEnabled()


def test_files_that_are_no_study(sheet, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / FILE).write_text("study = ", encoding="utf-8")
    assert sheet._window.studies.open(folder) is None
    (folder / FILE).write_text('study = "drawn"\n', encoding="utf-8")
    (folder / ROWS).write_text("{}\n", encoding="utf-8")
    assert not sheet.show_folder(folder)
    assert "line 1 is none of a study" in sheet.refusal.text()


def test_a_dropped_study_is_foreseen(tmp_path):
    (tmp_path / FILE).write_text('study = "drawn"\n', encoding="utf-8")
    for path in (tmp_path, tmp_path / FILE):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        assert foreseen(kinds(data), "", "").text.values["name"].values["text"] == tmp_path.name


def test_many_runs_do_not_hold_the_window_up(sheet, ours):
    """A study of ten thousand runs: rows that end are put into the sums, and drawn a few times a second."""
    said = sheet.subject.said({"times": [round(0.001 * at, 3) for at in range(100)]}, 100, 0)
    folder = put_down(said, "drawn-page")
    assert sheet.show_folder(folder)
    assert len(sheet.results.study.rows) == 10_000
    drawn = []
    sheet.results.plot.set_lines = lambda *args: drawn.append(args)
    for row in sheet.results.study.rows[:500]:
        sheet.results.add(Outcome(row, {"drawn": float(row.seed), "pid": 1.0}))
    assert len(drawn) <= 1
    sheet.results.draw()
    line = drawn[-1][0][0]
    assert line.mean.tolist() == [np.mean(range(100))] * 5


# ------------------------------------------------------------------ values
def test_values_to_begin_with_are_values():
    for rule, value in (
        (Range(1e-5, 1e-2, 1e-5, "Learning rate", log=True), 1e-3),
        (Range(1, 12, 1, "Layers"), 2),
        (Range(0, 1, 0.05, "Opacity", percent=True), 0.4),
        (Range(1, 400, 1, "Steps", log=True), 0),
        (Switch("Torus"), True),
        (Choice(("SGD", "Adam"), "Optimizer"), "SGD"),
    ):
        found = proposed(rule, value)
        assert len(found) > 1
        for one in found:
            rule.check("it", one)
            assert type(one) is type(value)


def test_numbers_are_read_as_they_are_written():
    rate = Range(0.0, 1.0, 0.01, "Dropout", percent=True)
    assert read_values(rate, "10 %, 25; 0", False) == [0.0, 0.1, 0.25]
    assert read_values(Range(-4, 4, 1, "x"), "−2 3，3、1；0", True) == [-2, 0, 1, 3]
    with pytest.raises(LabError, match="no whole number"):
        read_values(Range(1, 9, 1, "n"), "1.5", True)
    for text in ("nan?", "nan", "5%"):
        for whole in (False, True):
            with pytest.raises(LabError, match="no number"):
                read_values(Range(1, 9, 1, "n"), text, whole)
    for text in ("inf", "-inf", "1e999"):
        with pytest.raises(LabError, match="outside"):
            read_values(Range(1, 9, 1, "n"), text, True)


def test_levels_stand_where_they_belong():
    def at(*values):
        return places([Level(value, "") for value in values])

    assert at(1.0, 2.0, 4.0) == [1, 2, 4]
    assert at(0.001, 0.01, 0.1) == pytest.approx([-3, -2, -1])
    assert at(None, None) == [0, 1]
    assert at(-1.0, 100.0) == [-1, 100]


def test_times_are_said_in_a_few_signs():
    assert [words.tr(lasting(s)) for s in (0.4, 89, 100, 9000)] == ["0 s", "89 s", "2 min", "2.5 h"]


def test_a_study_of_a_page_is_its_settings(ours, tmp_path):
    said = Subject(KIND, Drawn(warm=True), "drawn", words.plain("")).said({"times": [1.0]}, 3, 0)
    folder = put_down(said, "drawn")
    assert said_in(folder / FILE)["settings"] == {"way": WELL, "folder": "", "warm": True}
    assert put_down(said, "drawn") != folder
    assert newest("drawn").parent == Path(os.environ["ATTENTION_LAB_HOME"]) / "studies"


def test_a_folder_that_takes_nothing_is_told_of_in_words(sheet, monkeypatch):
    home = Path(os.environ["ATTENTION_LAB_HOME"])
    (home / "studies").write_text("in the way", encoding="utf-8")
    ask(sheet, "times", [1.0], 1)
    sheet.act()
    assert sheet.refusal.text().endswith("can't be saved: part of the path is not a folder.")
    (home / "studies").unlink()
    monkeypatch.setattr(files.os, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "")))
    sheet.act()
    assert sheet.refusal.text() == "study.toml can't be saved: the disk is full."
    assert newest("drawn-page") is None  # half a study is none


def test_measures_of_what_is_no_training_have_their_chinese():
    every = {name for kind in kinds_of_study().values() for name in kind.measures}
    assert "same_answer" in every
    assert not [name for name in every if isinstance(named(name), Message)]  # one that is said as it is


@pytest.fixture
def photos(tmp_path):
    """A folder of five pictures: three parts of two at most."""
    (tmp_path / "photos").mkdir()
    for index in range(5):
        (tmp_path / "photos" / f"{index}.png").write_bytes(bytes([index + 1]))
    return tmp_path / "photos"


def folder_sheet(window, kind, photos, monkeypatch):
    from app.studies import subject

    monkeypatch.setattr(subject, "kinds", lambda: {kind.name: kind})
    made = StudySheet(window, Subject(kind, kind.params(), f"{kind.name}-page", words.plain(kind.name)))
    made.show()
    assert "Choose a folder" in made.refusal.text()
    made.setup.folder.take(str(photos))
    assert made.refusal.isHidden()
    return made


def test_a_folder_is_studied_part_by_part_and_goes_on(ours, open_window, qtbot, photos, monkeypatch):
    """What pictures hold is read by the program; then the window knows the runs, too."""
    window = open_window(1024, 600)
    sheet = folder_sheet(window, PARTED, photos, monkeypatch)
    assert sheet.setup.seeds.isHidden()
    sheet.setup.where.button(1).click()
    assert "pictures of the folder are sent there" in sheet.setup.trust.text()
    assert sheet.setup.trust.isVisible()
    sheet.setup.where.button(0).click()
    sheet.act()
    finished(sheet, qtbot)
    assert sheet.refusal.isHidden(), sheet.refusal.text()
    assert sheet.left == 0
    assert "3 of 3" in sheet.count.text()
    assert sorted(one.found["sum"] for one in sheet.results.outcomes.values()) == [3, 5, 7]
    assert len(list((sheet.folder / FOUND).iterdir())) == 3
    assert not sheet.go.isEnabled()  # nothing is left
    assert sheet.results.upper.isHidden()  # nothing differs that a curve could be drawn over
    again = window.studies.open(sheet.folder / FILE)
    assert again.left == 0
    assert again.setup.folder.path == str(photos)
    assert not again.go.isEnabled()
    window.studies.sheets.clear()


def test_settings_are_varied_on_a_folder(ours, open_window, qtbot, photos, monkeypatch):
    sheet = folder_sheet(open_window(1024, 600), WHOLE, photos, monkeypatch)
    sheet.resize(964, 400)
    sheet.setup.where.button(1).click()
    said = sheet.setup.trust
    qtbot.waitUntil(lambda: said.height() > 50 and said.visibleRegion().boundingRect() == said.rect())
    sheet.setup.where.button(0).click()
    ask(sheet, "times", [1.0, 2.0], 2)
    assert "4 runs" in sheet.count.text()
    sheet.act()
    finished(sheet, qtbot)
    assert "photos: 5 pictures; 4 at most." in sheet.refusal.text()
    (photos / "0.png").unlink()
    sheet.act()
    finished(sheet, qtbot)
    assert sheet.refusal.isHidden(), sheet.refusal.text()
    assert sorted(one.found["sum"] for one in sheet.results.outcomes.values()) == [14, 15, 28, 29]
    assert sheet.left == 0


def test_pages_offer_studies_of_a_folder(open_window, qtbot):
    window = open_window(1024, 600)
    for topic, page, kind in (("vit", 2, "ablation"), ("transfer", 1, "features")):
        tab = window.show_topic(topic)
        tab.show_page(page)
        sheet = window.studies.of_page(tab.now)
        assert sheet.subject.kind.name == kind
        sheet.setup.folder.take("/")
        said = sheet.setup.said()
        assert said["data"] == "/"
        assert said["settings"]["model"]
        assert "pictures" not in said["settings"]
        assert window.studies.of_page(tab.now) is sheet
        assert sheet.setup.said() == said  # the page asks for nothing else: what was typed stays
