"""The page Maths of the Transformer tab: each step, each number, the formula beside it, and the keys."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app import words
from app.tabs.transformer.maths.formulas import formula
from app.tabs.transformer.maths.page import MathsPage
from app.tabs.transformer.maths.steps import LOGITS, NORM, SOFTMAX, STAGES, flow, parts, step
from app.tabs.transformer.maths.tables import span
from app.tabs.transformer.maths.wording import sizes
from app.views.stagestrip import Small
from app.views.stepflow import StepFlow
from engines.transformer.switches import CROSS, DECODER, ENCODER
from tests.app.transformer_help import DECODE, MATHS, number, rest, turn
from tests.app.transformer_help import transformer_tab as transformer_tab
from tests.app.views_help import click, is_drawn, key, loud, show
from tests.closeness import MANY, close


def test_the_walk(tab, qtbot, qtlog):
    tab.show_page(MATHS)
    rest(tab, qtbot)
    page = tab.pages[MATHS]
    assert page.seen is not None
    assert tab.window().focusWidget() is page.strip  # its keys work at once
    tab.window().activateWindow()
    qtbot.waitUntil(lambda: tab.window().isActiveWindow() and page.strip.hasFocus())
    steps = parts(page.seen)
    assert [STAGES[s] for s in dict.fromkeys(stage for stage, _ in steps)] == list(STAGES)
    for n in range(1, len(steps)):
        key(page.strip, Qt.Key.Key_Period)
        assert page.at == n
        assert page.strip.at() == steps[n][0]
        assert is_drawn(page.result.grid)
    key(page.strip, Qt.Key.Key_Period)
    assert page.at == len(steps) - 1
    key(page.strip, Qt.Key.Key_Comma)
    assert page.at == len(steps) - 2
    key(page.strip, Qt.Key.Key_Home)
    assert page.at == 0
    key(page.strip, Qt.Key.Key_Right)
    assert page.strip.at() == 1
    page.which.setFocus()  # in the dock: the keys work there too
    key(page.which, Qt.Key.Key_End)
    assert page.at == len(steps) - 1
    key(tab.header, Qt.Key.Key_PageUp)
    assert page.at == len(steps) - 2
    click(page.strip, page.strip.place(3).center())
    assert steps[page.at] == (3, "Softmax")
    the_numbers_fit(page)
    the_terms_turn(page)
    another_attention(tab, qtbot)
    assert not loud(qtlog)


def the_numbers_fit(page):
    """In numbers each cell on screen has its text; as a whole all cells are there."""
    for at in range(len(page.steps)):
        page.go(at)
        for operand in (page.left, page.right, page.result):
            assert operand.grid.digits() is not None, page.steps[at]
    page.mode.set_at(1)
    page.mode.chosen.emit(1)
    for at in range(len(page.steps)):
        page.go(at)
        assert page.result.grid.numbers()["values"].shape == page.shown.result.values.shape
        assert not page.more.isVisible()
    page.mode.set_at(0)
    page.mode.chosen.emit(0)


def the_terms_turn(page):
    page.go(1)
    page._pin((0, 0))
    assert page.more.isVisible()
    shown = page.left.grid.numbers()["values"]
    width = shown.shape[1]
    page.more.click()
    first = page._spans()["k"][0]
    assert first == width
    np.testing.assert_array_equal(
        page.left.grid.numbers()["values"][0], page.shown.left.values[0, first : first + width]
    )
    np.testing.assert_array_equal(page.right.grid.numbers()["values"][0, 0], page.shown.right.values[first, 0])
    page.less.click()
    assert page._spans()["k"][0] == 0
    page.result.grid.setFocus()
    for _ in range(12):  # past the window: it follows
        QTest.keyClick(page.result.grid, Qt.Key.Key_Right)
    assert page.cell == (page.cell[0], 12)
    assert page.result.inside(page.result.grid.at()) == page.cell
    assert f"q({page.shown.result.rows[0]}, 13)" in page.lines[0].text()


def another_attention(tab, qtbot):
    page = tab.pages[MATHS]
    page.which.chosen.emit(page.seen.places.index((CROSS, 1)))
    rest(tab, qtbot)
    assert page.seen.at == (CROSS, 1)
    assert tab.params.walk_at == (CROSS, 1)
    page.head.chosen.emit(2)
    assert (tab.params.layer, tab.params.head) == (2, 3)  # as on the other pages
    assert turn(tab, qtbot, DECODE).maps.heads["cross"].at() == 4 + 2
    turn(tab, qtbot, MATHS)
    page.go(0)
    page.go(4)  # from here on columns are keys: the one most looked at
    weights = page.seen.arrays["weights"][2]
    assert page.cell[1] == weights[page.cell[0]].argmax()
    page.go(5)
    np.testing.assert_array_equal(page.shown.result.values, weights)
    assert page.cell[1] == weights[page.cell[0]].argmax()
    page.go(len(page.steps) - 1)
    row = page.cell[0]
    assert page.cell[1] == page.seen.arrays["logits"][row].argmax()
    click(page.result.grid, page.result.grid.cell_rect((3, 0)).center())
    assert tab.params.token == page.cell[0] == 3  # rows are target tokens: it lights up on all pages
    assert turn(tab, qtbot, DECODE).maps.maps["cross"].at() == (3, -1)
    turn(tab, qtbot, MATHS)
    tab.now.change(token=5)
    assert page.cell[0] == 5
    assert page.result.inside(page.result.grid.at())[0] == 5
    page.which.chosen.emit(page.seen.places.index((ENCODER, 0)))
    rest(tab, qtbot)
    page.go(4)
    page._pin((2, 2))  # a source token: the target token stays
    assert tab.params.token == 5
    page.go(len(page.steps) - 1)
    assert page.cell[0] == 5
    assert tab.params.layer == 1
    assert not tab.now.state.history.can_undo  # looking is no step
    tab.now.change(layer=2, head=1)
    rest(tab, qtbot)
    assert page.seen.at == (ENCODER, 1)
    tab.undo()
    rest(tab, qtbot)
    assert (page.seen.at, tab.params.walk_head) == ((ENCODER, 0), 2)


@pytest.fixture(scope="module", params=[False, True], ids=["post", "pre"])
def walked(request):
    """All three kinds of attention, before and after the norm."""
    import torch

    from engines.data.sequences import task
    from engines.data.vocabulary import BOS
    from engines.transformer.maths.engine import Exact, traced
    from engines.transformer.maths.engine import walked as walk
    from engines.transformer.maths.spec import RUNNER_UP
    from engines.transformer.model import Transformer
    from engines.transformer.subject import Specimen

    kind = task("Reverse")
    model = Transformer(len(kind.source), len(kind.target), 16, 4, 1, 1, 24, 16, norm_first=request.param).eval()
    ids, _ = kind.read("attend")
    specimen = Specimen(kind, model, torch.tensor(ids), torch.tensor([BOS, 5, 6, 7]), True)
    back = Exact(specimen).back(2, RUNNER_UP)
    return [walk(specimen, traced(specimen), (name, 0), back) for name in (ENCODER, DECODER, CROSS)]


def test_formulas_end_in_the_number_of_the_cell(walked):
    for seen in walked:
        for stage, part in parts(seen):
            now = step(seen, 1, stage, part)
            rows, cols = now.result.values.shape
            assert len(now.result.rows) == rows
            assert len(now.result.cols) == cols
            for cell in ((0, 0), (rows - 1, cols - 1), (1, 2)):
                extra = (1.0, 0.0)
                lines = [words.tr(t) if not isinstance(t, str) else t for t in formula(now, cell, extra)]
                value = float(now.result.values[cell])
                found = [number(t) for t in re.findall(r"\(?−?[\d,]+\.?\d*\)?", lines[2].split(" (")[0])]
                assert found[-1] == pytest.approx(value, abs=6e-3) or "mask" in lines[2], (part, lines)
                assert lines[0]
                assert "nan" not in " ".join(lines)


def test_operands_make_the_result(walked):
    for seen in walked:
        for stage, part in parts(seen):
            now = step(seen, 2, stage, part)
            left, right, result = now.left.values, now.right.values, now.result.values
            made = {
                "plus": lambda a, b: a + b,
                "times": lambda a, b, bias=now.bias: a @ b + bias,
                "dot": lambda a, b: a @ b.T / np.sqrt(a.shape[1]),
                "softmax": lambda _a, b: b / b.sum(-1, keepdims=True),
                "weigh": lambda a, b: a @ b,
                "norm": lambda a, b: (a - b[:, :1]) / b[:, 1:],
            }[now.kind](left, right)
            made = np.maximum(made, 0) if now.relu else made
            close(result, made, MANY, name=part)


def test_the_flow_has_a_shape_on_every_arrow(walked):
    for seen in walked:
        small, shapes = flow(seen, 0)
        assert len(small) == len(shapes) == len(STAGES)
        q, k = len(seen.queries), len(seen.keys)
        assert shapes[2] == shapes[3] == f"(4, {q}, {k})"
        assert shapes[0] == shapes[4] == f"({q}, 16)"
        assert shapes[-1] == f"({len(seen.target)}, {len(seen.words)})"
        across = f"(4, {q}, 4), 2 × (4, {k}, 4)"  # keys and values of another length than the queries
        assert shapes[1] == (across if seen.at[0] == CROSS else f"3 × (4, {q}, 4)")


def test_only_masked_scores_are_called_so(walked):
    names = [str(step(seen, 0, SOFTMAX, "Softmax").left.name) for seen in walked]
    assert names == ["Scores", "Masked scores", "Scores"]


def test_pre_norm_walks_the_norm_first(walked):
    names = [(STAGES[stage], part) for stage, part in parts(walked[0])]
    first = walked[0].norm_first
    assert (("Q, K, V", "Norm") in names) == first
    assert (("Add & norm", "Norm") in names) != first
    assert len(names) == 16
    now = step(walked[0], 0, *next((s, p) for s, p in parts(walked[0]) if p == "Norm"))
    assert now.kind == NORM
    assert step(walked[0], 0, LOGITS, "Probabilities").result.ramp == "ember"


def test_a_window_follows_the_cell():
    assert span(3, 0, 10, 8) == (0, 8)
    assert span(0, 0, 5, 20) == (0, 5)
    assert span(3, 0, 5, 20) == (0, 5)
    assert span(4, 0, 5, 20) == (1, 6)
    assert span(19, 1, 5, 20) == (15, 20)
    assert span(9, 15, 5, 20) == (8, 13)


def test_one_of_a_kind_is_said_so(walked):
    seen = walked[1]
    single = replace(seen, queries=seen.queries[:1], keys=seen.keys[:1])
    assert words.tr(sizes(single)[0]) == "1 query, 1 key"
    assert str(sizes(replace(seen, queries=seen.queries[:1]))[0]) == f"1 query, {len(seen.keys)} keys"


def test_a_flow_needs_a_shape_for_each_stage(qtbot):
    view = show(qtbot, StepFlow("Steps"), 700, 140)
    stages = [Small(name, np.eye(3), "ember", 0, 1) for name in ("one", "two", "three")]
    with pytest.raises(ValueError):
        view.set_flow(stages, ["(3, 3)"])
    view.set_flow(stages, ["(3, 3)", "(3, 4)", "(3, 5)"])
    assert view.shapes() == ("(3, 3)", "(3, 4)", "(3, 5)")
    view.set_at(1)
    assert view.report() == "2 / 3: two, (3, 4)"
    assert all(view.place(i).contains(view.map_rect(i)) for i in range(3))
    assert is_drawn(view)


def test_the_page_asks_only_for_what_it_shows():
    own = ["walk_at", "token", "back_check", "label"]
    assert [f.name for f in fields(MathsPage.asks)] == ["task", "weights", "read", *own]
