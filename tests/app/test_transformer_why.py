"""The page Why of the Transformer tab: each claim with its number, formula and views, by hand and on a photo."""

from __future__ import annotations

import warnings

import numpy as np

from app import words
from app.tabs.transformer.why.page import SHOWS
from app.tabs.transformer.why.panels import MOST_BARS
from app.tabs.transformer.why.wording import ABOUT, NAMES, finding, part_name
from app.typesetter import SLOT
from app.views.formula import FormulaView
from engines.data.samples import sample
from engines.transformer.switches import CROSS, DECODER
from engines.transformer.why.spec import (
    CLAIMS,
    COLLAPSE,
    KERNEL,
    KEYS,
    SENTENCE,
    SOFTMAX,
    STREAM,
    TO_QUERIES,
    VISION,
    Claim,
    WhyParams,
)
from tests.app.made_up_language import tiny_bert, tiny_gpt2
from tests.app.transformer_help import WHY, change, rest
from tests.app.transformer_help import transformer_tab as transformer_tab
from tests.app.views_help import click, is_drawn


def test_every_claim_in_turn(tab, qtbot, tmp_path):
    tab.show_page(WHY)
    rest(tab, qtbot)
    page = tab.pages[WHY]
    assert page.list.at() == 0
    for name in CLAIMS:
        page.change(claim=name)
        rest(tab, qtbot)
        assert page.seen is not None
        every_slot_is_filled(page.formula)
        assert is_drawn(page.formula)
        verdict = page.list.verdicts()[CLAIMS.index(name)]
        assert verdict.findings[0].value
        assert verdict.findings[0].holds is not False
        shown = [view for view in (page.panels.left, page.panels.curves, page.panels.parts) if view.isVisible()]
        assert len(shown) == 1
        for part in (p for parts in SHOWS.values() for p in parts):
            assert page.own._holder(part).isHidden() == (part not in SHOWS[name])
    by_hand(tab, qtbot, page)
    on_a_photo(tab, qtbot, page)
    on_a_sentence(tab, qtbot, page, tmp_path)
    assert set(ABOUT) == set(NAMES) == set(CLAIMS)


def every_slot_is_filled(view: FormulaView) -> None:
    for line in view.lines():
        assert {slot.group(1) for slot in SLOT.finditer(line.tex)} <= set(line.values)


def by_hand(tab, qtbot, page):
    change(qtbot, tab, claim=KEYS)
    grid = page.panels.left.grid
    click(grid, grid.cell_rect((2, 1)).center())
    rest(tab, qtbot)
    assert page.params.why_row == page.seen.row == 2
    assert np.allclose(grid.values(), page.panels.right.grid.values(), atol=1e-6)
    change(qtbot, tab, added_to=TO_QUERIES)
    assert np.abs(grid.values() - page.panels.right.grid.values()).max() > 1e-3
    change(qtbot, tab, walk_at=(CROSS, 1), walk_head=3)
    assert page.seen.at == (CROSS, 1)
    assert page.which.at() == page.seen.places.index((CROSS, 1))
    change(qtbot, tab, claim=STREAM)
    bars = page.panels.parts.bars()
    assert len(bars) == MOST_BARS + 1
    logit = float(page.seen.claims[STREAM].arrays["logits"][0].max())
    assert abs(sum(bar.total for bar in bars) - logit) < 1e-4
    table = page.panels.right.grid
    click(table, table.cell_rect((0, 3)).center())
    assert page.params.why_answer == page.panels._answers[3]
    change(qtbot, tab, claim=KERNEL, equal=False)
    assert page.list.verdicts()[CLAIMS.index(KERNEL)].findings[0].holds is None
    change(qtbot, tab, claim=SOFTMAX)
    page.panels.sharp.picked.emit(0.1)
    rest(tab, qtbot)
    assert page.params.sharpness == 0.1
    change(qtbot, tab, sharpness=0.02, walk_at=(DECODER, 0), walk_head=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a Jacobian of 1e-40 has no colors that single precision could tell
        table = page.panels.left
        table.show_table(np.full((3, 3), 1e-40, np.float32), "diff")
        assert is_drawn(table.grid)
    change(qtbot, tab, claim=COLLAPSE, layers_deep=10)
    assert len(page.panels.curves.lines()[0].y) == 11


def on_a_photo(tab, qtbot, page):
    page.step(**page.picture_chosen(sample("cat")))
    rest(tab, qtbot)
    assert page.params.subject == VISION
    assert page.seen.model == "mini-vit"
    assert not page.photo_box.isHidden()
    words.set_language("zh")
    try:
        assert words.drawn(part_name(("attention", 0, 1))) == "第 1 层头 2"
    finally:
        words.set_language("en")
    assert page.exported()["picture"] == page.seen.photo


def on_a_sentence(tab, qtbot, page, tmp_path):
    bert, gpt2 = (str(make(tmp_path / make.__name__)) for make in (tiny_bert, tiny_gpt2))
    change(qtbot, tab, subject=SENTENCE, why_language=bert, claim=STREAM)
    assert page.seen.answers == ("B", "A")
    looked_at = page.seen.claims[STREAM].arrays["logits"][0, 0]
    assert abs(sum(bar.total for bar in page.panels.parts.bars()) - looked_at) < 1e-4  # B, though A is nearer to itself
    first, second = page.typed.values()
    assert page.photo_box.isHidden()
    assert first.isVisible()
    assert second.isVisible()
    first.clear()
    qtbot.keyClicks(first, "cat")
    rest(tab, qtbot)
    assert page.seen.queries == ("[CLS]", "cat", "[SEP]")
    assert "cosine" in page.told.text()
    first.clear()
    qtbot.keyClicks(first, " ")
    rest(tab, qtbot)
    assert page.problem.isVisible()  # nothing is asked; what was seen stays
    assert page.seen.queries == ("[CLS]", "cat", "[SEP]")
    qtbot.keyClicks(first, "the cat")
    rest(tab, qtbot)
    assert page.problem.isHidden()
    for name in CLAIMS:
        change(qtbot, tab, claim=name)
        every_slot_is_filled(page.formula)
        assert page.list.verdicts()[CLAIMS.index(name)].findings[0].holds is not False, name
    page.step(why_language=str(tmp_path / "nowhere"))
    rest(tab, qtbot)
    assert page.params.why_language == bert
    page.step(why_language=gpt2)
    rest(tab, qtbot)
    assert second.isHidden()  # it goes on with a text, and compares none
    assert len(page.seen.said) == 1
    assert page.exported()["model"] == gpt2
    change(qtbot, tab, why_first="the " * 200)
    assert page.params.why_language == gpt2  # the text was refused, not the model
    assert page.seen.subject == SENTENCE


def test_little_noise_refutes_nothing():
    """A bias of the queries that is next to nothing moves next to nothing: no claim is broken by that."""

    def holds(noise, moved):
        return finding(KEYS, Claim({"queries": moved}), WhyParams(added_to=TO_QUERIES, noise=noise)).holds

    assert holds(0.01, 7e-4) is None
    assert holds(0.01, 2e-3) is True
    assert holds(10.0, 7e-4) is False
