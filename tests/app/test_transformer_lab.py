"""The pages Experiments and Maths of the Transformer tab: what the hand does, what is asked for, what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from app import theme, words
from app.tabs.transformer.experiments.findings import KINDS, NAMES, findings
from app.tabs.transformer.experiments.normstudy import VERDICTS, Before, winner
from app.tabs.transformer.labwords import above, below, spoken, tiny
from app.tabs.transformer.maths.steps import parts
from app.topics import topics
from app.views.pairbars import PairBars, PairRow, figure, ratio
from app.views.verdicts import Finding, Verdict, Verdicts
from engines.transformer.experiments.norm_results import read, summary
from engines.transformer.experiments.spec import (
    ABLATION,
    CAUSAL,
    CONVOLUTIONS,
    CROSSING,
    EVERYWHERE,
    EXPERIMENTS,
    IN_TARGET,
    MOVES,
    NORMS,
    POSITIONS,
    RANDOM,
    RESIDUALS,
    RESTS,
    RUNNING,
    TRAINED,
    Ablated,
    Causality,
    Convolved,
    Crossed,
    Gradients,
    Normalized,
    Placed,
)
from engines.transformer.switches import CROSS, DECODER, DECODER_FFN, ENCODER
from tests.app import reading
from tests.app.transformer_help import DECODE, LAB, MATHS, PATIENCE, TRAINING, rest, turn
from tests.app.transformer_help import transformer_tab as transformer_tab
from tests.app.views_help import click, hover, is_drawn, key, loud, show
from tests.closeness import close


# ------------------------------------------------------------------ Experiments
def test_experiments(tab, qtbot, qtlog):
    """One visit to all of them: a window and its engines cost seconds."""
    tab.now.change(lab_batch=9)
    assert not tab.is_busy
    assert not tab.pages[LAB].feed.is_busy  # the page is not on screen
    tab.show_page(LAB)
    rest(tab, qtbot)
    frames = tab.pages[LAB].frames
    assert {Causality, Crossed, Gradients, Normalized, Placed, Convolved} <= set(frames)
    verdicts = tab.pages[LAB].list.verdicts()
    assert [str(v.name) for v in verdicts] == list(EXPERIMENTS)
    held = [f.holds for v in verdicts for f in v.findings if f.holds is not None]
    assert len(held) == 6
    assert all(held)
    the_mask(tab, qtbot)
    the_crossing(tab, qtbot)
    the_residuals(tab, qtbot)
    the_norms(tab, qtbot)
    the_positions(tab, qtbot)
    the_ffn(tab, qtbot)
    for view in tab.pages[LAB].centre.findChildren(Verdicts):
        assert is_drawn(view)
    assert not loud(qtlog)


def choose(tab, qtbot, name):
    """Click an experiment in the list."""
    at = EXPERIMENTS.index(name)
    click(tab.pages[LAB].list, tab.pages[LAB].list.place(at).center())
    assert tab.params.experiment == name
    rest(tab, qtbot)
    assert tab.pages[LAB].panels[name].isVisible()


def the_mask(tab, qtbot):
    panel = tab.pages[LAB].causal
    seen = tab.pages[LAB].frames[Causality]
    count = len(seen.target)
    np.testing.assert_array_equal(panel.grid.numbers()["values"], seen.moved[1])
    scale = panel.bar.numbers()  # sizes are never negative: from 0, in the colors of the cells
    assert scale["scale"][0] == 0
    np.testing.assert_array_equal(scale["colors"][::2], theme.ramp("diff")[128:])
    assert panel.grid.numbers()["masked"].sum() == count * (count - 1) / 2
    tab.pages[LAB].form.control("lab_causal").click()
    assert not tab.params.lab_causal
    np.testing.assert_array_equal(panel.grid.numbers()["values"], seen.moved[0])
    assert "masked" not in panel.grid.numbers()
    click(panel.grid, panel.grid.cell_rect((4, 1)).center())
    assert tab.params.token == 4  # the same token is looked at on all pages
    assert turn(tab, qtbot, DECODE).maps.maps["cross"].at() == (4, -1)
    turn(tab, qtbot, LAB)
    assert tiny(float(seen.moved[0][4, :4].max())) in panel.said[1].text()
    assert "future" in panel.said[1].text()
    tab.undo()
    assert tab.params.lab_causal
    assert "unchanged" in panel.said[1].text()


def the_crossing(tab, qtbot):
    choose(tab, qtbot, CROSSING)
    panel, seen = tab.pages[LAB].crossing, tab.pages[LAB].frames[Crossed]
    assert "".join(seen.answers[0]) == "noitnetta"
    assert "".join(seen.answers[1]) == "attention"  # the source of the other output, read from its end
    assert "attention" in panel.answers[1].text()
    np.testing.assert_array_equal(panel.grid.numbers()["values"], seen.by_source[0])
    rests = panel.grid.numbers()["masked"].any(1)
    assert rests.tolist() == [False, True, False, False, False, False]  # Q alone
    click(panel.grid, panel.grid.cell_rect((2, 3)).center())
    assert "Position 4" in panel.said[0].text()
    assert tiny(float(seen.by_source[0, 2, 3])) in panel.said[1].text()
    panel.layers.chosen.emit(1)
    assert not panel.grid.numbers().get("masked", np.zeros((2, 1), bool))[1].any()
    assert "layer 1" in panel.said[3].text()  # by which it has been through the encoder's output
    tab.now.change(lab_changed=IN_TARGET)
    np.testing.assert_array_equal(panel.grid.numbers()["values"], seen.by_target[1])
    assert panel.grid.numbers()["masked"].any(1).tolist() == [True, False, True, True, False, False]
    assert "0.100" in panel.zeros.text()
    tab.now.change(lab_layer=1)


def the_residuals(tab, qtbot):
    choose(tab, qtbot, RESIDUALS)
    bars = tab.pages[LAB].residual.bars
    assert all(r.off for r in bars.rows())
    click(bars, QPointF(20, bars.row_rect(3).center().y()))
    rest(tab, qtbot)
    seen = tab.pages[LAB].frames[Gradients]
    assert [r.off for r in bars.rows()] == [place in seen.off for place in seen.places]
    assert sum(r.off for r in bars.rows()) == len(seen.places) - 1
    assert len(tab.params.lab_residuals_off) == len(EVERYWHERE) - 1
    tab.pages[LAB].residual.none.click()
    rest(tab, qtbot)
    assert all(r.before == r.after for r in bars.rows())
    tab.undo()
    rest(tab, qtbot)
    assert sum(r.off for r in bars.rows()) == len(seen.places) - 1
    assert tab.pages[LAB].form.control("lab_depth").isVisible()
    tab.now.change(lab_from=TRAINED)
    rest(tab, qtbot)
    assert not tab.pages[LAB].form.control("lab_depth").isVisible()
    assert len(bars.rows()) == 10
    tab.now.change(lab_from=RANDOM, lab_depth=1)
    rest(tab, qtbot)
    assert len(bars.rows()) == 5


def the_norms(tab, qtbot):
    choose(tab, qtbot, NORMS)
    panel, comparison = tab.pages[LAB].norm, tab.pages[LAB].comparison
    before = [grid.numbers()["values"].copy() for grid in (panel.maps[0][1], panel.maps[1][1])]
    tab.pages[LAB].mates.click()
    rest(tab, qtbot)
    after = [grid.numbers()["values"] for grid in (panel.maps[0][1], panel.maps[1][1])]
    assert np.abs(before[0] - after[0]).max() < RESTS
    assert np.abs(before[1] - after[1]).max() > MOVES
    tab.undo()
    rest(tab, qtbot)
    np.testing.assert_array_equal(panel.maps[1][1].numbers()["values"], before[1])
    tab.now.change(lab_mode=RUNNING)
    rest(tab, qtbot)
    assert np.abs(panel.maps[1][2].numbers()["values"]).max() < RESTS
    key(tab, Qt.Key.Key_Period)
    qtbot.waitUntil(lambda: comparison.training.step == 1, timeout=PATIENCE)
    rest(tab, qtbot)
    qtbot.waitUntil(lambda: len(comparison.loss.numbers()) == 6, timeout=PATIENCE)
    qtbot.waitUntil(lambda: comparison.right.numbers()["LayerNorm_x"].tolist() == [0, 1], timeout=PATIENCE)
    assert len(comparison.right.numbers()) == 6
    comparison.training.restart()
    rest(tab, qtbot)
    assert comparison.training.step == 0
    assert comparison.gap.text() == ""  # nothing is told of curves that are not there
    assert comparison.right.numbers() == {}


def the_positions(tab, qtbot):
    choose(tab, qtbot, POSITIONS)
    panel, seen = tab.pages[LAB].positions, tab.pages[LAB].frames[Placed]
    assert seen.accuracy[1] > seen.accuracy[0]
    assert "".join(seen.answers[1]) == "noitnetta"
    for n in range(2):
        np.testing.assert_array_equal(panel.maps[n].numbers()["values"], seen.maps[n, 0])
    assert panel.said[1].font().bold()  # the answer as it is set
    tab.pages[LAB].form.control("lab_positions").click()
    assert panel.said[2].font().bold()
    assert not panel.said[1].font().bold()
    panel.heads.chosen.emit(2)
    assert (tab.params.head, tab.params.walk_head, panel.heads.at()) == (3, 2, 2)
    assert turn(tab, qtbot, TRAINING).maps.chosen_head == 3
    turn(tab, qtbot, LAB)
    np.testing.assert_array_equal(panel.maps[0].numbers()["values"], seen.maps[0, 2])
    hover(panel.maps[0], panel.maps[0].cell_rect((1, 2)).center())
    assert panel.maps[1].lit() == (1, 2)


def the_ffn(tab, qtbot):
    choose(tab, qtbot, CONVOLUTIONS)
    panel = tab.pages[LAB].convolution
    panel.which.chosen.emit(3)
    rest(tab, qtbot)
    assert tab.params.lab_ffn == (DECODER_FFN, 1)
    assert tab.pages[LAB].frames[Convolved].place == (DECODER_FFN, 1)
    assert panel.which.at() == 3
    assert not tab.pages[LAB].form.isVisible()
    one, two = (grid.numbers()["values"] for grid in panel.hidden)
    close(one, two)


def test_ablation_is_measured_cancelled_and_forgotten(tab, qtbot):
    tab.now.change(experiment=ABLATION, lab_examples=256)  # so many that it is not done before it is stopped
    tab.show_page(LAB)
    panel = tab.pages[LAB].ablation
    qtbot.waitUntil(lambda: panel.frame is not None and panel.frame.done >= 3, timeout=PATIENCE)
    panel.stop.click()
    rest(tab, qtbot)
    assert 3 <= panel.frame.done < panel.frame.total
    off = panel.grid.numbers()["masked"]
    assert off.sum() >= panel.frame.total - panel.frame.done
    assert panel.start.isVisible()
    panel.start.click()
    qtbot.waitUntil(lambda: panel.frame.done == panel.frame.total, timeout=PATIENCE)
    rest(tab, qtbot)
    values = panel.grid.numbers()["values"]
    assert values.shape == (6, tab.pages[LAB].frames[Ablated].heads.shape[1] + 3)
    worst = panel.worst()
    assert values[worst] == values[:, :-3].min()
    click(panel.grid, panel.grid.cell_rect((3, 4)).center())
    assert words.number(values[3, 4], 1, signed=True) in panel.said[0].text()
    assert findings(ABLATION, tab.pages[LAB].frames)[0].value == words.number(values[worst], 1, signed=True)
    tab.now.change(lab_batch=3)
    assert panel.frame is not None  # has nothing to do with it
    tab.now.change(experiment=CAUSAL, lab_examples=64)
    assert panel.frame is None
    assert findings(ABLATION, tab.pages[LAB].frames)[0].value == ""


def test_all_texts_are_there_in_chinese(open_window, qtbot):
    words.forget_missing()
    tab = open_window(language="zh").show_topic("transformer")
    for name in EXPERIMENTS:
        tab.now.change(experiment=name, lab_examples=32)
        tab.show_page(LAB)
        qtbot.waitUntil(lambda n=name: KINDS[n] in tab.pages[LAB].frames, timeout=PATIENCE)
        list(reading.texts(tab))
    tab.pages[LAB].ablating.stop()
    tab.show_page(MATHS)
    rest(tab, qtbot)
    for at, kind in enumerate((ENCODER, DECODER, CROSS)):
        tab.now.change(walk_at=(kind, 1), walk_head=at)
        rest(tab, qtbot)
        for n in range(len(parts(tab.pages[MATHS].seen))):
            tab.pages[MATHS].go(n)
        list(reading.texts(tab))
    assert words.missing() <= {topic.title for topic in topics()}  # those are theirs to say


# ------------------------------------------------------------------ views and words
def test_verdicts_are_walked_and_told(qtbot):
    view = show(qtbot, Verdicts("Experiments"), 260, 420)
    view.set_verdicts([Verdict("One", (Finding("a", "0", True), Finding("b", "", False))), Verdict("Two", ())])
    told = []
    view.chosen.connect(told.append)
    key(view, Qt.Key.Key_Down)
    key(view, Qt.Key.Key_Down)
    assert told == [1]
    click(view, view.place(0).center())
    assert told == [1, 0]
    assert view.report() == "One: a 0; b "
    assert view.numbers()["findings"].tolist() == [["One", "a", "0"], ["One", "b", ""]]
    assert is_drawn(view)
    view.set_verdicts([Verdict(f"Claim {n}", (Finding("a", "0"), Finding("b", "0"))) for n in range(6)])
    view.resize(260, view.minimumHeight())
    assert view.place(5).bottom() <= view.height()  # asks for the room that all of its claims take


def test_pairs_of_bars_stand_on_one_axis(qtbot):
    view = show(qtbot, PairBars(("before", "after", "ratio"), "off"), 620, 300)
    view.set_rows([PairRow("a", 1.0, 0.01, True), PairRow("b", 2.0, 2.0), PairRow("c", 0.5, 0.0)])
    assert view._x(1.0) > view._x(0.01)
    assert view._ends == (0.01, 10.0)
    clicked = []
    view.clicked.connect(clicked.append)
    click(view, view.row_rect(1).center())
    key(view, Qt.Key.Key_Down)
    key(view, Qt.Key.Key_Return)
    assert clicked == [1, 2]
    assert ratio(view.rows()[0]) == "× 0.0100"
    assert ratio(PairRow("z", 0.0, 1.0)) == "–"
    assert view.numbers()["off"].tolist() == [True, False, False]
    view.set_rows([PairRow("a", 1.0, 1e-30)])
    assert view._ends[0] > 1e-10  # nothing but rounding
    with pytest.raises(ValueError):
        view.set_rows([PairRow("a", float("nan"), 1.0)])
    assert figure(1.2e-5) == "1.2e−5"
    assert is_drawn(view)


def test_words_of_numbers():
    assert tiny(0) == "0"
    assert tiny(2.2e-16) == "2.2e−16"
    assert below(0.0, 1e-6) == "0 < 1e−6"
    assert below(0.5, 1e-6) == "0.500 ≥ 1e−6"
    assert above(12.34, 1e-3) == "12.3 > 1e−3"
    assert spoken(("<s>", "a", " ", "</s>")) == ["○", "a", "␣", "●"]
    for name in EXPERIMENTS:
        assert [f.value for f in findings(name, {})] == [""] * len(NAMES[name])
    empty = Causality(("<s>",), ("z",), np.ones((2, 1, 1), np.float32), (0.0, 0.0))  # an answer that says nothing
    assert [(f.value, f.holds) for f in findings(CAUSAL, {Causality: empty})] == [("–", None)] * 2


def test_the_winner_is_told_only_beyond_the_deviations():
    assert winner(np.array([0.9, 0.5]), np.array([0.1, 0.1])) == 0
    assert winner(np.array([0.5, 0.9]), np.array([0.1, 0.1])) == 1
    assert winner(np.array([0.9, 0.8]), np.array([0.1, 0.1])) == 2


def test_what_was_trained_beforehand_is_a_table(qtbot):
    table = Before()
    qtbot.addWidget(table)
    table.resize(236, 220)
    table.show()
    cases = sorted({one.case for one in read()})
    for row, case in enumerate(cases):
        mean, spread, _ = summary(read(), case, "evaluation")
        alone, _, _ = summary(read(), case, "alone")
        np.testing.assert_allclose(table.grid.values()[row], 100 * np.array([*mean, alone[1]]), rtol=1e-5)
        assert table.grid.said_at((row, 0)) == f"{100 * mean[0]:.1f} ± {100 * spread[0]:.1f} %"
    assert table.grid.digits() == 1
    said = table.verdict.text()
    assert sum(str(case.batch) in said.replace(":", ",").replace(" ", ",").split(",") for case in cases) == len(cases)
    assert any(verdict in said for verdict in VERDICTS)
    alone = [(summary(read(), case, "evaluation"), summary(read(), case, "alone"), case) for case in cases]
    won = {
        str(case.batch): VERDICTS[winner(np.array([a[0][0], b[0][1]]), np.array([a[1][0], b[1][1]]))]
        for a, b, case in alone
        if not case.count_padding
    }
    assert len(set(won.values())) > 1
    later = said[said.index("One at a time") :].split("One at a time, after batches of ")[1:]
    for batch, verdict in won.items():
        assert any(batch in part.split(":")[0].split(", ") and verdict in part for part in later), (batch, later)
