"""Settings guard their own values."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest

from engines.core.params import Choice, Params, Range, Switch, needs_restart, renamed, rules, setting
from engines.core.pictures import Picture
from engines.detr.training.spec import DetrTraining
from engines.vit.spec import ViTParams


@dataclass(frozen=True)
class Settings(Params):
    heads: int = setting(4, Range(1, 8, 1, "Heads"))
    rate: float = setting(0.1, Range(0.001, 1, 0.001, "Learning rate", live=True, log=True))
    score: str = setting("dot", Choice(("dot", "additive"), "Scoring"))
    mask: bool = setting(True, Switch("Mask"))
    pinned: int | None = None


@pytest.mark.parametrize(
    "bad", [{"heads": 9}, {"heads": True}, {"heads": "4"}, {"rate": float("nan")}, {"score": "none"}, {"mask": 1}]
)
def test_values_outside_their_rule_are_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Settings(**bad)


def test_only_fields_that_are_not_live_restart_a_job():
    assert needs_restart(Settings(), Settings(heads=5))
    assert needs_restart(Settings(), Settings(pinned=0))
    assert not needs_restart(Settings(), Settings(rate=0.2))


def test_something_else_asked_for_restarts_a_job_whatever_its_fields():
    @dataclass(frozen=True)
    class More(Settings):
        further: int = 0

    assert needs_restart(More(), Settings())
    assert needs_restart(Settings(), More())


@dataclass(frozen=True)
class Renamed(Params):
    lr: float = setting(0.1, Range(0, 1, 0.1, "Learning rate"), former="rate")
    heads: int = setting(1)


@dataclass(frozen=True)
class Reworded(Params):
    start: str = setting("Random weights", Choice(("Random weights", "Bundled"), "Start",
                                                  former=(("Random numbers", "Random weights"),)))  # fmt: skip


def test_an_option_that_was_saved_under_a_former_name_is_found():
    assert renamed(Reworded, {"start": "Random numbers"}) == {"start": "Random weights"}
    assert renamed(Reworded, {"start": "Bundled"}) == {"start": "Bundled"}
    assert renamed(Reworded, {"start": 3}) == {"start": 3}  # what does not fit is passed over elsewhere


def test_former_options_are_options_no_more():
    for spec in (DetrTraining, ViTParams):
        for rule in rules(spec).values():
            for old, new in getattr(rule, "former", ()):
                assert old not in rule.options
                assert new in rule.options


def test_what_was_saved_under_a_former_name_is_found():
    assert renamed(Renamed, {"rate": 0.3, "heads": 2}) == {"lr": 0.3, "heads": 2}
    assert renamed(Renamed(), {"lr": 0.2, "rate": 0.3})["lr"] == 0.2  # of this version


def test_rules_keep_their_order_and_nothing_can_be_written():
    assert list(rules(Settings)) == ["heads", "rate", "score", "mask"]
    with pytest.raises(FrozenInstanceError):
        Settings().heads = 3


@pytest.mark.parametrize(("step", "digits"), [(1, 0), (0.1, 1), (0.05, 2), (0.001, 3), (5, 0)])
def test_digits_follow_the_step(step, digits):
    assert Range(0, 10, step, "x").digits == digits


@pytest.mark.parametrize("bad", [{"low": 2, "high": 1}, {"low": 0, "high": 1, "log": True}])
def test_impossible_ranges_are_refused(bad):
    with pytest.raises(ValueError, match="bad range"):
        Range(**({"step": 1, "label": ""} | bad))


def test_a_picture_is_rgb_bytes_and_equal_to_itself_alone():
    rgb = np.zeros((2, 3, 3), np.uint8)
    assert Picture("a", rgb) != Picture("a", rgb)
    for bad in (rgb[..., 0], rgb.astype(float), rgb[:0]):
        with pytest.raises(ValueError, match="uint8"):
            Picture("a", bad)
