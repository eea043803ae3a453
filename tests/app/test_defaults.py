"""After a restart the default of a control is that of its class, on every page: tick, mark, double-click and count."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from app.params_form import ParamsForm, scale_of
from app.sliders import ParamRow
from app.topic.page import Page
from app.topics import Topic, topics
from engines.core.params import Choice, Params, Range, Switch, rules
from tests import examples
from tests.app import tabs


def beside(params: Params, name: str) -> Any:
    """A value that is not the default, and as near to it as there is."""
    rule, value = rules(params)[name], getattr(params, name)
    match rule:
        case Range():
            scale = scale_of(rule)
            at = scale.position(value)
            return type(value)(scale.value(at - 1 if at else at + 1))
        case Switch():
            return not value
        case Choice():
            return next(option for option in rule.options if option != value)


def moved(kind: type[Page]) -> dict[str, Any]:
    """Settings of the last time: every number and switch beside its default, what takes long as in other tests."""
    plain = kind.params_type()
    every = examples.of_topic(kind.params_type.__module__.split(".")[1]).values()
    quick = {k: v for some in every for k, v in some.items() if isinstance(v, str | int | float) and hasattr(plain, k)}
    made = plain
    for name, rule in rules(plain).items():
        if isinstance(rule, Choice):
            continue  # they change what is shown
        try:
            made = replace(made, **{name: beside(plain, name)})
        except ValueError:
            continue  # does not go together with the others
    return {name: getattr(made, name) for name in rules(plain) if getattr(made, name) != getattr(plain, name)} | quick


def place_of(topic: Topic, kind: type[Page]) -> str:
    first = next(one for one in topic.page_classes() if one.params_type is kind.params_type)
    return f"{topic.name}.{first.name()}"


@pytest.mark.parametrize("topic", topics(), ids=lambda found: found.name)
def test_what_comes_back_is_not_taken_for_the_default(open_window, own_home, qtbot, topic: Topic):
    before = {place_of(topic, kind): moved(kind) for kind in topic.page_classes()}
    (own_home / "settings.json").write_text(json.dumps({"topics": before}), encoding="utf-8")
    window = open_window()
    tab = window.show_topic(topic.name)
    seen = 0
    for at in range(len(tab.pages)):
        tab.show_page(at)
        qtbot.waitUntil(lambda: tabs.rests(tab), timeout=60_000)
        page = tab.now
        plain = type(page.params)()
        assert page.dock._changes[0] == page.params.changes(), page.title
        for form in page.dock.findChildren(ParamsForm):
            for name in form._rules:
                control = form.control(name)
                if not isinstance(control, ParamRow) or not hasattr(page.params, name):
                    continue
                where = f"{page.title}: {name}"
                scale = control.field._scale
                default = min(max(float(getattr(plain, name)), scale.low), scale.high)
                assert control.slider.default == pytest.approx(default), where
                assert control.is_changed() == (control.number() != pytest.approx(default)), where
                seen += control.is_changed()
                control.slider.set_number(default)
                control._mark()
                assert not control.is_changed(), where
        page.state.reset()
        assert page.params.changes() == page.dock._changes[0] == 0, page.title
    assert seen
