"""What every engine promises, tried on every engine found."""

from __future__ import annotations

import dataclasses
import gc
import importlib
import itertools
import pickle
import typing
from pathlib import Path

import numpy as np
import pytest

from engines.core.params import Choice, Params, Range, Switch, for_engine, rules
from engines.core.protocol import Event, Frame, Job, Progress, Record
from tests import examples

ROOT = Path(__file__).parents[1]
#: An engine is a module ``engine`` in the room of a topic or of one of its pages, with a class ``Engine``.
ENGINES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (*ROOT.glob("engines/*/engine.py"), *ROOT.glob("engines/*/*/engine.py"))
)
torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def few():
    """What is measured on many pictures is measured on few."""
    with pytest.MonkeyPatch.context() as patch:
        examples.shorten(patch)
        yield


@pytest.fixture(scope="module", params=ENGINES, ids=lambda name: name.split(".", 1)[1].rsplit(".", 1)[0])
def topic(request, few):
    """Params class and a fresh engine; the same engine serves all its tests, as it does in the app."""
    spec = importlib.import_module(f"{request.param.rsplit('.', 1)[0]}.spec")
    engine = importlib.import_module(request.param).Engine()
    (params,) = typing.get_args(typing.get_type_hints(engine.run)["job"])
    assert issubclass(params, Params), f"{request.param}: run takes a Job of {params}"
    return params, engine, spec


def named(engine):
    """Where an engine stands."""
    return f"{type(engine).__module__}.{type(engine).__name__}"


def events(engine, params, most=400):
    job = Job(params, lambda: engine, lambda event: None)
    return list(itertools.islice(engine.run(job), most))


def arrays(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from arrays(item)
    elif isinstance(value, Event):
        for field in dataclasses.fields(value):
            yield from arrays(getattr(value, field.name))


def check(event):
    assert isinstance(event, Frame | Record), event
    assert "torch" not in repr(type(event))
    for array in arrays(event):
        if array.dtype.kind == "f":
            assert np.isfinite(array).all(), type(event).__name__
    pickle.loads(pickle.dumps(event))


def plain(params):
    """Default params; where those take long, the examples'."""
    return params(**examples.fields(params))


def variants(params):
    """Default params, then each field at its low and high end, each option and each switch; each question once."""
    base = plain(params)
    asked = [for_engine(base)]
    yield base
    for name, rule in rules(params).items():
        match rule:
            case Range():
                kind = type(getattr(base, name))
                values = [kind(rule.low), kind(rule.high)]
            case Choice():
                values = list(rule.options)
            case Switch():
                values = [True, False]
        for value in values:
            made = dataclasses.replace(base, **{name: value})
            if for_engine(made) not in asked:  # else it is the default, or only how an answer is drawn
                asked.append(for_engine(made))
                yield made


def test_every_setting_runs_at_both_ends(topic):
    params, engine, _ = topic
    for variant in variants(params):
        got = events(engine, variant)
        assert any(isinstance(e, Frame) and not isinstance(e, Progress) for e in got), f"{named(engine)}: {variant}"
        for event in got:
            check(event)


def test_the_same_params_give_the_same_frames(topic, one_thread):
    params, engine, _ = topic

    def digest():
        told = [e for e in events(engine, plain(params)) if not isinstance(e, Progress)]
        newest = {type(e): e for e in told}  # how often it was shown on its way hangs on what is known already
        return [
            (type(e).__name__, [a.tobytes() for a in arrays(e)])
            for e in told
            if not isinstance(e, Frame) or newest[type(e)] is e
        ]

    first = digest()
    for variant in itertools.islice(variants(params), 1, 6):
        events(engine, variant, 3)  # disturb what is cached
    assert digest() == first


def attention(event, declared):
    """The attention weights that an event shows: fields called ``weights``, and those that the spec declares."""
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        if f"{type(event).__name__}.{field.name}" in declared:
            yield from arrays(value["weights"] if isinstance(value, dict) else value)
        elif field.name == "weights":
            yield from arrays(value)


def sums(array):
    """What each query gives away: over the keys (…, K), or over the two axes of a map of places (L, H, h, w)."""
    found = [array.astype(np.float64).sum(axes) for axes in ((-1,), (-2, -1))[: 2 if array.ndim == 4 else 1]]
    return min(found, key=lambda each: np.abs(each - 1).max())


def test_attention_rows_sum_to_one(topic):
    params, engine, spec = topic
    declared = set(getattr(spec, "WEIGHTS_ARE_SHOWN_AS", ()))
    pointed = {"pixel": (20.0, 20.0)} if "pixel" in params.__dataclass_fields__ else {}
    missing, shown = declared, 0
    for asked in itertools.chain([dataclasses.replace(plain(params), **pointed)], variants(params)):
        for event in events(engine, asked):
            for array in attention(event, declared):
                shown += 1
                np.testing.assert_allclose(
                    sums(array),
                    1,
                    atol=2e-3,
                    err_msg=f"{named(engine)}: rows of {type(event).__name__} do not sum to 1",
                )
            missing = missing - {f"{type(event).__name__}.{field.name}" for field in dataclasses.fields(event)}
        if not missing:  # where nothing is declared, what is shown at first is enough
            break
    assert not missing, f"{named(engine)}: its spec declares weights that no setting shows"
    if not shown and not hasattr(spec, "WEIGHTS_ARE_SHOWN_AS"):
        pytest.fail(f"{named(engine)}: no event shows attention weights as such")


def test_stopping_at_every_yield_leaves_nothing_behind(topic):
    params, engine, _ = topic

    def tensors():
        gc.collect()
        return sum(issubclass(type(o), torch.Tensor) for o in gc.get_objects())  # isinstance would wake lazy objects

    total = len(events(engine, plain(params)))
    *_, variant = itertools.islice(variants(params), 4)  # a topic may have few settings, or none

    def stop_everywhere():
        for stop in range(1, total + 1, max(1, total // 12)):
            steps = engine.run(Job(plain(params) if stop % 2 else variant, lambda: engine, lambda event: None))
            for _ in itertools.islice(steps, stop):
                pass
            steps.close()
        events(engine, plain(params))

    stop_everywhere()
    before = tensors()
    stop_everywhere()
    assert tensors() <= before
    assert torch.is_grad_enabled()
