"""Formulas: what lies typeset is what ziamath makes, numbers change without it, what it can't read is refused."""

from __future__ import annotations

import json
import sys
import threading

import numpy as np
import pytest

from app import formulas, theme, words
from app.formulas import FOLDER, SIGNS
from app.gaps import NEAR, Part, close
from app.typesetter import SIZE, FormulaError, signs, typeset
from app.views.formula import FormulaView, Line
from engines.core.errors import Message
from tests import formulas as maker
from tests.app.views_help import exported, is_drawn, pixels, show

SOFTMAX = r"\frac{[[top|0.0000]]}{1-[[low]]} = [[own|0.00]]_{[[row|00]]}"


@pytest.fixture(autouse=True)
def look(qapp):
    words.set_language("en")
    theme.use("light")
    yield
    theme.use("light")


@pytest.fixture
def unknown():
    """A formula that no page has, forgotten again."""
    yield SOFTMAX
    formulas._kept().formulas.pop(SOFTMAX, None)
    formulas.formula.cache_clear()


def ink(view, token):
    """How many pixels are of about a color."""
    color = theme.color(token)
    apart = np.abs(pixels(view)[..., :3].astype(int) - np.array(color.getRgb()[:3])).sum(-1)
    return int((apart < 60).sum())


# ------------------------------------------------------------------ what lies in assets
def test_all_formulas_of_the_pages_lie_typeset():
    for topic, wanted in maker.wanted().items():
        there = json.loads((FOLDER / f"{topic}.json").read_text(encoding="utf-8"))
        assert set(there["formulas"]) == set(wanted), "make formulas"
        used = {name for parts in there["formulas"].values() for name, *_ in parts["glyphs"]}
        assert set(there["outlines"]) == used
    names = {path.stem for path in FOLDER.glob("*.json")}
    assert names == {*maker.wanted(), SIGNS}


def test_what_lies_there_is_what_ziamath_makes():
    everything = [tex for wanted in maker.wanted().values() for tex in wanted]
    one = min(everything, key=len)  # the others take seconds
    outlines, made = typeset(one)
    assert formulas._kept().formulas[one] == json.loads(json.dumps(made))
    assert outlines.items() <= formulas._kept().outlines.items()
    assert json.loads(json.dumps(signs()[1])) == json.loads((FOLDER / f"{SIGNS}.json").read_text("utf-8"))["signs"]


@pytest.mark.proof
def test_all_that_lies_there_is_what_ziamath_makes():
    for topic, wanted in maker.wanted().items():
        text = maker.text_of(maker.file_of(wanted))
        assert (FOLDER / f"{topic}.json").read_text(encoding="utf-8") == text, "make formulas"


# ------------------------------------------------------------------ typesetting
def test_slots_are_where_their_numbers_would_stand():
    _, made = typeset(r"a = [[x|0.00]] + b_{[[n|00]]}")
    (x, left, foot, wide, scale), (n, right, below, narrow, small) = made["slots"]
    assert (x, n) == ("x", "n")
    assert foot == 0 < below
    assert left + wide < right
    assert wide == pytest.approx(formulas.number("0.00")[1], rel=0.05)
    assert scale == 1 > small > 0.5
    assert narrow == pytest.approx(2 * small * formulas.number("0")[1], rel=0.2)  # subscripts are cut wider
    assert made["width"] >= right + narrow - 1


def test_no_number_of_a_slot_is_typeset_itself():
    _, made = typeset("[[x|8.88]]")
    assert made["glyphs"] == []


@pytest.mark.parametrize(
    ("tex", "why"),
    [(r"\left(a - \sum_k b\right)", "as tall"), (r"\frac{a}", "frac"), (r"\left( a", "left"), ("a^", "SuperScript")],
)
def test_what_is_no_formula_is_refused(tex, why):
    with pytest.raises(FormulaError, match=why):
        typeset(tex)


def test_fences_of_several_pieces_are_whole():
    outlines, made = typeset(r"\lVert x\rVert \qquad \frac{a}{b}")
    assert all(outlines[name] for name, *_ in made["glyphs"])
    assert len({name for name, *_ in made["glyphs"]}) == len(outlines) >= 4


# ------------------------------------------------------------------ the view
def known_tex():
    return next(tex for tex in formulas._kept().formulas if "[[own" in tex)


def test_numbers_change_and_nothing_is_typeset(qtbot, monkeypatch):
    view = show(qtbot, FormulaView("Formula"), 420, 90)
    before = "ziamath" in sys.modules
    tex = known_tex()
    view.set_lines([Line(tex, {"top": "0.5", "top2": "0.5", "own": "0.25", "norm": "0.7071"})])
    first = pixels(view)
    assert ink(view, "accent") > 40
    view.set_lines([Line(tex, {"top": "0.9", "top2": "0.9", "own": "0.09", "norm": "0.1273"})])
    assert (pixels(view) != first).any()
    assert ("ziamath" in sys.modules) == before
    assert view.report() == "0.9, 0.9, 0.09, 0.1273"
    assert view.numbers()["formulas"].tolist() == [formulas.filled(tex, view.lines()[0].values)]


def test_both_themes_and_any_size(qtbot):
    view = show(qtbot, FormulaView("Formula"), 420, 120)
    view.set_lines([Line(known_tex(), {"own": "0.25"}, {"own": "pred"}, Message("Formula"))])
    for name in ("light", "dark"):
        theme.use(name)
        view.restyled()
        assert is_drawn(view)
        assert ink(view, "pred") > 5
    wide = formulas.formula(known_tex()).width
    for width in (300, 900):
        view.resize(width, 120)
        pixels(view)
        assert view._scale * wide <= width
    assert exported(view, ".svg").count(b"<path") > 2


def test_a_longer_number_than_its_room_is_written_smaller(qtbot):
    view = show(qtbot, FormulaView("Formula", 60), 1200, 120)
    view.set_lines([Line(known_tex(), {"own": "12345678.12345"})])
    slot = next(s for s in formulas.formula(known_tex()).slots if s.name == "own")
    color = np.array(theme.color("accent").getRgb()[:3])
    apart = np.abs(pixels(view)[..., :3].astype(int) - color).sum(-1)
    right = int((slot.x + slot.width) * view._scale) + 4
    left = int(slot.x * view._scale) - 2
    columns = np.flatnonzero((apart < 60).any(0))
    assert len(columns)
    assert columns.min() >= left
    assert columns.max() <= right


def test_an_unknown_formula_comes_later_from_a_thread_of_its_own(qtbot, unknown):
    view = show(qtbot, FormulaView("Formula"), 420, 90)
    view.set_lines([Line(unknown, {"top": "0.5"})])
    assert not formulas.known(unknown)
    with qtbot.waitSignal(formulas.typesetter().ready, timeout=30_000):
        pass
    formulas.typesetter().wait()
    assert formulas.known(unknown)
    assert ink(view, "accent") > 10
    assert formulas.formula(unknown).ascent + formulas.formula(unknown).descent < 4 * SIZE


def test_a_refused_one_says_why(qtbot):
    view = show(qtbot, FormulaView("Formula"), 420, 90)
    view.set_lines([Line(r"\frac{a}")])
    with qtbot.waitSignal(formulas.typesetter().ready, timeout=30_000):
        pass
    formulas.typesetter().wait()
    assert "frac" in formulas.typesetter().refused.pop(r"\frac{a}")
    assert pixels(view).any()


def test_signs_that_no_number_has_are_left_out(qapp):
    assert formulas.number("1a2")[1] == formulas.number("12")[1]
    assert formulas.number("")[1] == 0


def test_one_wanted_as_the_thread_ends_is_typeset_too(qtbot, monkeypatch):
    """A thread that has found nothing more to do counts as alive for a moment longer."""
    monkeypatch.setattr(formulas, "typeset", lambda tex: ({}, {"tex": tex}))
    kept = formulas._Kept()
    monkeypatch.setattr(formulas, "_kept", lambda: kept)
    view = FormulaView("Formula")
    qtbot.addWidget(view)
    typesetter, over = formulas.Typesetter(), threading.Event()
    ending = threading.Thread(target=over.wait)
    ending.start()
    typesetter._thread = ending
    try:
        with qtbot.waitSignal(typesetter.ready, timeout=10_000):
            typesetter.want("x", view._typeset)
    finally:
        over.set()
        ending.join()


# ------------------------------------------------------------------ no gaps beside short numbers
U = r"u=\frac{q-x}{h}=\frac{[[query|−0.00]]-[[key|(−0.00)]]}{[[bandwidth|00.00]]}=[[u|−00.00]]"


def pieces(tex, share):
    """Glyphs, bars and slots of a formula as they lie, and as they are when each number takes a share of its room."""
    found = formulas._kept().formulas[tex]
    made = [
        [
            *(Part(x, y) for _, x, y, _ in found["glyphs"]),
            *(Part(x, y, wide, is_bar=True) for x, y, wide, _ in found["bars"]),
            *(Part(x, y, wide, less=(1 - share) * wide) for _, x, y, wide, _ in found["slots"]),
        ]
        for share in (1.0, share)
    ]
    return *made, close(made[1])


def test_a_short_number_leaves_no_gap():
    wide, now, lost = pieces(U, 0.5)
    count = len(formulas._kept().formulas[U]["glyphs"])
    minus = next(i for i in range(count) if wide[-4].right < wide[i].x < wide[-3].x)  # between query and key
    equals = next(i for i in range(count) if wide[-2].right < wide[i].x and wide[i].y == 0)  # behind the fraction
    query, key, bandwidth, last = range(-4, 0)
    assert now[minus].x - now[query].right == pytest.approx(wide[minus].x - wide[query].right)
    assert now[key].x - now[minus].x == pytest.approx(wide[key].x - wide[minus].x)
    bar = max((i for i in range(count, len(wide) - 4)), key=lambda i: wide[i].width)
    for kind in (wide, now):
        assert kind[key].right - kind[query].x == pytest.approx(kind[bar].width, abs=2.5)
        assert (kind[bandwidth].x + kind[bandwidth].right) / 2 == pytest.approx(
            kind[bar].x + kind[bar].width / 2, abs=1
        )
    assert now[equals].x - now[bar].right == pytest.approx(wide[equals].x - wide[bar].right)
    assert lost > 100
    assert lost == pytest.approx(wide[last].right - now[last].right)


def test_numbers_that_take_all_their_room_move_nothing():
    for tex in formulas._kept().formulas:
        wide, now, lost = pieces(tex, 1.0)
        assert [(p.x, p.width) for p in now] == [(p.x, p.width) for p in wide]
        assert lost == 0


def test_no_part_of_any_formula_runs_into_another():
    for tex in formulas._kept().formulas:
        wide, now, lost = pieces(tex, 0.3)
        at = range(len(wide))
        assert lost >= 0
        for i in at:
            assert now[i].right <= formulas._kept().formulas[tex]["width"] - lost + NEAR, tex
            beside = [j for j in at if wide[j].y == wide[i].y and wide[j].x >= wide[i].right - NEAR and j != i]
            for j in beside:  # on one line, the order stays
                assert now[j].x >= now[i].right - NEAR - 1e-6, tex


def test_letters_do_not_grow_where_numbers_get_shorter(qtbot):
    view = show(qtbot, FormulaView("Formula", 60), 300, 90)
    sizes = set()
    for key in ("(−2.43)", "2.43", "0"):
        view.set_lines([Line(U, {"query": "2.50", "key": key, "bandwidth": "0.50", "u": "1.00"})])
        pixels(view)
        sizes.add(view._scale)
    assert len(sizes) == 1
