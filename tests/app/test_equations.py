"""The formula at the foot of each dock: there is one, it fits, it names its source, and its numbers are true."""

from __future__ import annotations

import importlib
import math
from dataclasses import fields, replace
from types import SimpleNamespace
from zlib import crc32

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from app import formulas, words
from app.equation import equations
from app.theme import DOCK, S4
from app.topic.formula import Formula
from app.topics import topics
from app.typesetter import SIZE, SLOT
from app.views.formula import SMALLEST
from app.widgets import col
from engines.core.params import Choice, Range, Switch, for_engine, part_of, rules
from engines.core.protocol import Frame, Job, Subject
from tests import examples
from tests.app.intervals import Interval, holds, plain, value

ROOM = DOCK - 2 * S4 - 4  #: px of a line
EVERY = [(topic.name, kind) for topic in topics() for kind in topic.page_classes()]
SEEDS = 3


@pytest.fixture(autouse=True)
def small_models(monkeypatch):
    """Those that every machine has, and quick ones."""
    monkeypatch.setattr("engines.vit.subject.default_source", lambda: "mini-vit")


def named(pair):
    return f"{pair[0]}.{pair[1].name()}"


def equation_of(pair):
    return equations(pair[0])[pair[1].name()]


def test_each_page_has_a_formula_with_its_source_or_says_why_not():
    for pair in EVERY:
        found = equation_of(pair)
        assert bool(found.source) != bool(found.none), named(pair)
        assert found.source in words.translations() or not words.needs_translation(found.source), named(pair)
    for topic in topics():
        assert set(equations(topic.name)) == {kind.name() for kind in topic.page_classes()}, topic.name


#: Sections as the papers and both editions of the book number them; none where a paper's numbers were not found.
HEADINGS = {
    "Abnar 2020": "3", "Ali 2024": "", "Ba 2016": "", "Belrose 2023": "2", "Bodla 2017": "4", "Brody 2022": "3 3.3",
    "Carion 2020": "3 3.1 3.2", "Chefer 2021": "", "Devlin 2019": "3.1", "Ding 2021": "3", "Ding 2022": "",
    "Dosovitskiy 2021": "3.1 4.3", "Everingham 2010": "4.2", "Gu 2023": "3.2 3.3 4.1", "Hamilton 2017": "3",
    "He 2020": "3.1 3.2 4.1", "Kingma 2015": "", "Kipf 2017": "2 3", "Kornblith 2019": "", "Li 2018": "3",
    "Li 2022": "4", "Liu 2021": "3.2", "Liu 2024": "4", "Luo 2016": "", "Michel 2019": "3", "Oono 2020": "",
    "Oord 2018": "2.3", "Raghu 2021": "5", "Reimers 2019": "", "Vaswani 2017": "3 3.2 3.2.1 3.2.2 3.5 4 5.3",
    "Veličković 2018": "2.1", "Wu 2016": "7", "Xu 2019": "4", "Zhang 2021": "", "Zhang 2022": "", "Zhang 2023": "3.3",
    "Zhao 2024": "4 4.2 4.3 5", "Zhu 2021": "4.1", "Zhu 2024": "3.2",
}  # fmt: skip
#: The English edition's sections by the Chinese edition's number; those that it alone has keep theirs.
BOOK = {
    "7.2": "6.2", "7.4": "英文版 7.4", "10.8": "9.8", "11.2": "10.2", "11.3": "10.3", "11.5": "10.5", "11.6": "10.6",
    "11.7": "10.7", "11.8": "英文版 11.8", "11.9": "英文版 11.9", "12.10": "11.10", "14.2": "13.2", "14.4": "13.4",
}  # fmt: skip


def test_each_section_is_one_that_the_source_has():
    for pair in EVERY:
        source = equation_of(pair).source
        for part in source.split("; "):
            paper, _, section = part.partition(", ")
            if paper in HEADINGS:
                assert not section or section in HEADINGS[paper].split(), f"{named(pair)}: {part}"
            elif part.startswith("D2L "):
                book = f"《动手学深度学习》{BOOK[part[4:]]}"
                assert words.translations()[source].endswith(book), f"{named(pair)}: {part}"


def test_each_line_is_typeset_and_fits_into_the_dock():
    for pair in EVERY:
        for line in equation_of(pair).lines:
            assert formulas.known(line), f"make formulas: {named(pair)}: {line}"
            wide = formulas.formula(line).width * SMALLEST / SIZE
            assert wide <= ROOM, f"{named(pair)}: {wide:.0f} of {ROOM} px: {line}"


def digits(text):
    """Behind the point."""
    return len(text.partition(".")[2].rstrip(")"))


def test_the_same_quantity_has_the_same_digits_on_all_pages():
    found = {}
    for pair in EVERY:
        for line in equation_of(pair).lines:
            for name, widest in SLOT.findall(line):
                found.setdefault(name, {}).setdefault(digits(widest), []).append(named(pair))
    assert not {name: places for name, places in found.items() if len(places) > 1}


def drawn(kind, rng):
    """Settings of a page, each drawn from its range; what takes long stays as in other tests."""
    params = replace(kind.plain(), **examples.fields(kind.params_type))
    kept = set(examples.fields(kind.params_type))
    chosen = {}
    for name, rule in rules(params).items():
        now = getattr(params, name)
        match rule:
            case Range() if name not in kept:
                share = rng.uniform()
                at = (
                    rule.low * (rule.high / rule.low) ** share
                    if rule.log
                    else rule.low + (rule.high - rule.low) * share
                )
                chosen[name] = type(now)(round(at / rule.step) * rule.step)
                chosen[name] = min(max(chosen[name], type(now)(rule.low)), type(now)(rule.high))
            case Choice() if name not in kept and name not in ("model", "source"):
                chosen[name] = rule.options[rng.integers(len(rule.options))]
            case Switch() if name not in ("measure",):
                chosen[name] = bool(rng.integers(2))
    return replace(params, **chosen).following(params)


def answers(engine, kind, params, equation):
    """The newest frames of an engine, as a feed has them, until every number is known."""
    slots = {slot.group(1) for line in equation.lines for slot in SLOT.finditer(line)}
    asked = for_engine(params)
    if kind.asks is not None:
        asked = part_of(asked, kind.asks)
    told = {}
    for event in engine.run(Job(asked, lambda: engine, lambda _event: None)):
        if isinstance(event, Frame | Subject):
            told[type(event).__name__] = event
            if slots <= equation.numbers(params, told).keys():
                break
    return told


def check(pair, params, told) -> int:
    """All that is printed; how many equations were compared."""
    found = equation_of(pair)
    values = found.numbers(params, told)
    settings = {f.name: getattr(params, f.name) for f in fields(params)}
    for name in {slot.group(1) for line in found.lines for slot in SLOT.finditer(line)} & values.keys():
        meant, shown = settings.get(name), value(values[name])
        if isinstance(meant, int | float) and shown is not None:
            assert shown.meets(Interval(meant, meant)), f"{named(pair)}: {name} is {meant}"
    for name, widest in {slot.groups() for line in found.lines for slot in SLOT.finditer(line)}:
        if name in values and value(values[name]) is not None:
            assert digits(values[name]) == digits(widest), f"{named(pair)}: {name} is {values[name]}"
    return holds(printed(found, values))


def printed(equation, values) -> str:
    """All lines, for `holds`."""
    lines = (formulas.filled(one, values) for one in equation.lines)
    return plain(" ".join(line if line.startswith("=") else f";{line}" for line in lines))


@pytest.mark.parametrize("place", sorted({kind.engine for _, kind in EVERY if kind.engine}))
def test_each_number_follows_from_the_settings(place):
    """Of a page's engine, over settings that are drawn."""
    module, name = place.split(":")
    engine = getattr(importlib.import_module(module), name)()
    for pair in EVERY:
        if pair[1].engine == place and equation_of(pair).lines:
            rng = np.random.default_rng(crc32(named(pair).encode()))
            numbered = any(SLOT.search(line) for line in equation_of(pair).lines)
            for _ in range(SEEDS if numbered else 0):
                params = drawn(pair[1], rng)
                check(pair, params, answers(engine, pair[1], params, equation_of(pair)))


@pytest.mark.parametrize("pair", [pair for pair in EVERY if not pair[1].engine], ids=named)
def test_each_number_of_a_page_without_an_engine(pair):
    rng = np.random.default_rng(0)
    for _ in range(SEEDS):
        check(pair, drawn(pair[1], rng), {})


def test_a_wrong_number_is_found():
    pair = next(one for one in EVERY if named(one) == "self_attention.cost")
    params = pair[1].plain()
    assert check(pair, params, {}) == 3
    wrong = {**equation_of(pair).numbers(params, {}), "attention": "16,777,216"}
    with pytest.raises(AssertionError, match="is not"):
        holds(plain(formulas.filled(equation_of(pair).lines[0], wrong)))


def test_a_difference_is_that_of_the_numbers_beside_it():
    one = SimpleNamespace(
        empty=False,
        query=4.4246,
        points=((4.4454, 1.0),),
        query_weights=np.ones(1),
        kernel="",
        bandwidth=1.0,
        output=1.0,
    )
    numbers = equations("attention_pooling")["kernel_regression"].numbers(None, {"PooledFrame": one})
    assert (numbers["query"], numbers["key"], numbers["u"]) == ("4.42", "4.45", "−0.03")


class State(QObject):
    changed = Signal(object)


def test_a_folded_formula_opens_with_the_numbers_of_now(qtbot):
    page = SimpleNamespace(state=State(), feed=None, params=SimpleNamespace(size=3))
    formula = Formula(page, equations("large_kernel")["kernel"])
    qtbot.addWidget(formula)
    formula.show()
    formula.open()  # that is, the hand folds it
    page.params = SimpleNamespace(size=5)
    page.state.changed.emit(None)
    formula.open()
    assert not formula.folded
    assert formula.view.lines()[1].values["count"] == "25"


def test_a_folded_formula_is_seen_where_its_title_is_pointed_at(qtbot):
    page = SimpleNamespace(state=State(), feed=None, params=SimpleNamespace(size=3))
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(DOCK, 400)
    formula = Formula(page, equations("large_kernel")["kernel"])
    window.setLayout(col(1, formula))
    window.show()
    QApplication.sendEvent(formula.title, QEvent(QEvent.Type.Enter))
    assert formula.glance is None  # it is there to be seen
    formula.open()  # that is, the hand folds it
    assert formula.folded
    page.params = SimpleNamespace(size=5)
    QApplication.sendEvent(formula.title, QEvent(QEvent.Type.Enter))
    assert formula.glance.isVisible()
    assert formula.glance.view.lines()[1].values["count"] == "25"
    assert window.rect().contains(formula.glance.geometry())
    QApplication.sendEvent(formula.title, QEvent(QEvent.Type.Leave))
    assert not formula.glance.isVisible()


def test_the_field_is_that_of_the_layer_that_is_looked_at():
    pair = next(one for one in EVERY if named(one) == "large_kernel.field")
    params = replace(pair[1].plain(), kernel=5, layers=8)
    law = math.sqrt(3 * (5**2 - 1) / 6)
    seen = SimpleNamespace(depth=3, theoretical=13.0, law=law, radius=2.5)
    values = equation_of(pair).numbers(params, {"FieldFrame": seen})
    assert holds(printed(equation_of(pair), values)) == 2
    assert (values["layers"], values["radius"]) == ("3", "2.50")
