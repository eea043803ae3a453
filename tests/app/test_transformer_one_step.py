"""The pages One step and Maths backward of the Transformer tab, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from app import words
from app.tabs.transformer.maths.backlines import fine, formula_of
from app.tabs.transformer.maths.backlines import lines as back_lines
from app.tabs.transformer.maths.backsteps import (
    HAND_ON,
    MINUS,
    NORM_BACK,
    RATIO,
    SHARE,
    SOFT_BACK,
    backward,
)
from app.tabs.transformer.maths.steps import FFN, PLUS, parts, step
from app.tabs.transformer.maths.tex import FORMULAS
from app.tabs.transformer.one_step.page import matrix_name, power, verdict
from app.typesetter import SLOT
from engines.core.params import part_of
from engines.transformer.one_step.spec import Raced, RaceParams
from tests.app.test_transformer_maths import walked as walked
from tests.app.transformer_help import MATHS, STEP, change, rest, texts
from tests.app.transformer_help import transformer_tab as transformer_tab
from tests.app.views_help import click, is_drawn


def test_every_way_back_has_the_shape_of_its_way_there(walked):
    for seen in walked:
        for stage, part in parts(seen):
            there, back = step(seen, 1, stage, part), backward(seen, 1, stage, part)
            assert back.result.values.shape == there.result.values.shape, (stage, part)
            assert back.tape
            assert (len(back.result.rows), len(back.result.cols)) == back.result.values.shape


def test_operands_of_a_way_back_make_the_gradient(walked):
    for seen in walked:
        for stage, part in parts(seen):
            now = backward(seen, 2, stage, part)
            left, right, result = now.left.values, now.right.values, now.result.values
            prefix = "ffn_" if stage == FFN else ""
            gain, deviation = seen.arrays[f"{prefix}gamma"][0], seen.arrays[f"{prefix}deviation"]
            scaled = left * gain if left.shape[-1] == len(gain) else left
            means = scaled.mean(-1, keepdims=True), (scaled * right).mean(-1, keepdims=True) if (
                scaled.shape == right.shape
            ) else 0  # fmt: skip
            made = {
                PLUS: lambda a, b: a + b,
                HAND_ON: lambda a, b: a * b,
                MINUS: lambda a, b: a - b,
                RATIO: lambda a, b: np.where(a > 0, -a / b, 0.0),
                SHARE: lambda a, b, over=now.over: a @ b / over,
                SOFT_BACK: lambda a, b: a * (b - (a * b).sum(-1, keepdims=True)),
                NORM_BACK: lambda a, b, s=scaled, m=means, d=deviation: (s - m[0] - b * m[1]) / d,
            }[now.kind](left, right)
            size = float(np.abs(result).max()) or 1.0
            assert np.abs(made - result).max() <= 1e-5 * size, (stage, part)


def test_lines_end_in_the_gradient(walked):
    for seen in walked:
        for stage, part in parts(seen):
            now = backward(seen, 0, stage, part)
            assert formula_of(now, False) in FORMULAS
            prefix = "ffn_" if stage == FFN else ""
            given = seen.arrays[f"{prefix}gamma"][0], seen.arrays[f"{prefix}deviation"], False
            said = [words.tr(line) for line in back_lines(now, (2, 1), *given)]
            assert said[-1].endswith(f"= {fine(float(now.result.values[2, 1]))}"), (part, said)
            assert "nan" not in " ".join(said)


def test_a_gradient_is_checked_with_one_click(tab, qtbot):
    tab.show_page(MATHS)
    rest(tab, qtbot)
    page = tab.pages[MATHS]
    page.way.button(1).click()
    for at in range(len(page.steps)):
        page.go(at)
        assert is_drawn(page.formula)
        page.check.click()
        rest(tab, qtbot)
        tried = page.checked
        assert tried.tape == page.shown.tape
        shown = float(page.shown.result.values[page.cell])
        assert tried.gradient == pytest.approx(shown, rel=1e-4, abs=1e-9), page.steps[at]
        if abs(shown) > 1e-5:
            assert tried.tried == pytest.approx(shown, rel=1e-2), page.steps[at]
        assert page.tried.text().startswith("(L(+")
    loss = page.seen.loss
    change(qtbot, tab, label="Its answer")
    assert page.seen.loss < 0.1 < loss
    assert page.checked.label == page.seen.label  # what is looked at is tried anew for another loss
    page.go(0)
    assert page.tried.text().strip() == ""  # another cell was not tried
    the_label_is_looked_at(tab, qtbot, page)
    page.way.button(0).click()
    assert page.check.isHidden()


def the_label_is_looked_at(tab, qtbot, page):
    """Among the gradients of all answers two are not 0: the walk goes to the label's, and tries a tiny probability."""
    change(qtbot, tab, label="Second best")
    page.go(len(page.steps) - 1)
    label = page.seen.words.index(page.seen.label)
    assert page.cell == (page.seen.place, label)
    page.check.click()
    rest(tab, qtbot)
    assert page.checked.tried == pytest.approx(float(page.shown.result.values[page.cell]), rel=1e-3)
    page.way.button(0).click()
    page._pin((page.cell[0], 0 if label else 1))
    page.way.button(1).click()
    assert page.cell == (page.seen.place, label)


def test_a_step_by_hand(tab, qtbot):
    tab.show_page(STEP)
    rest(tab, qtbot)
    page = tab.pages[STEP]
    assert is_drawn(page.bars)
    for line in page.formula.lines():
        assert {slot.group(1) for slot in SLOT.finditer(line.tex)} <= set(line.values)
    page.bars.clicked.emit(2)
    rest(tab, qtbot)
    assert page.seen.at == page._barred[2]
    click(page.grid, page.grid.cell_rect((1, 0)).center())
    rest(tab, qtbot)
    assert page.seen.cell[0] >= 1
    page.which.button(1).click()
    assert np.abs(page.grid.values()).max() == pytest.approx(float(np.abs(page.seen.update).max()))
    for rate, least in ((1e-4, 0.02), (0.1, 20)):  # the smallest and the largest there are
        change(qtbot, tab, step_rate=rate)
        assert page.rates.curves()[1].y[0] == pytest.approx(1e3 * rate)
        axis = page.rates.plot.getAxis("left")
        (spacing, at), *_ = axis.tickValues(*axis.range, axis.height())
        assert all(len(text) <= 5 for text in axis.tickStrings(at, 1.0, spacing))  # it has room for each of them
        assert spacing >= least / 10
    both = np.linspace(4, 1, 150, dtype=np.float32)
    page._asked = part_of(page.params, RaceParams)
    page.measured(Raced(both, np.full(150, 4, np.float32), 3.4, 150, 150, 4, False, 3e-3))
    assert any("does not learn" in text for text in texts(page))
    assert page.losses.curves()
    page.change(race_layers=2)  # what was measured was another pair of runs
    assert page.loss_card.note.text() == ""
    assert not any("does not learn" in text for text in texts(page))
    assert not page.losses.curves()


def test_what_is_said_of_two_runs():
    def of(warm, cold):
        return words.tr(
            verdict(Raced(np.array(warm, np.float32), np.array(cold, np.float32), 3.0, 2, 2, 4, False, 0.1))
        )

    assert of([3, 1], [3, 2.8]).startswith("Without")
    assert of([3, 1], [3]).startswith("Without")
    assert "∞" in of([3, 1], [3])
    assert of([3, 1], [1, 0]).startswith("No harm")
    assert of([1, 1], [2, 1]).startswith("Both")
    assert of([3, 3], [3, 3]).startswith("Neither")


def test_names_and_numbers(qapp):
    assert words.tr(matrix_name("decoder.1.cross_attention.v_proj.weight")) == "Decoder 2, cross W_v"
    assert words.tr(matrix_name("encoder.0.ffn.fc1.weight")) == "Encoder 1, FFN W₁"
    assert words.tr(matrix_name("unembed.weight")) == "Output W_u"
    assert power(-1.234e-5) == "−1.23·10⁻⁵"
    assert power(0.5) == "0.500"
