"""The pages of the RT-DETR tab that train side by side, and the one with the noised copies."""

from __future__ import annotations

import numpy as np
import pytest

from app.views.verdicts import Verdict
from engines.data import detector_pictures
from engines.rt_detr.class_target import trainer as target_trainer
from engines.rt_detr.compared import AP50, Beforehand
from engines.rt_detr.convergence import trainer as convergence_trainer
from engines.rt_detr.training.spec import RANDOM

PATIENCE = 60_000


@pytest.fixture
def tab(open_window, monkeypatch):
    monkeypatch.setattr(detector_pictures, "VALIDATION", 6)
    monkeypatch.setattr(detector_pictures, "WATCHED", 2)
    for place in (target_trainer.Trainer, convergence_trainer.Trainer):
        monkeypatch.setattr(place, "look_every", 1)
    return open_window(1280, 800).show_topic("rt_detr")


def shown(tab, name):
    tab.show_page([kind.name() for kind in tab.pages.kinds].index(name))
    return tab.now


def train(qtbot, page, until):
    while page.training.step < until:
        step = page.training.step
        page.training.one_step()
        qtbot.waitUntil(
            lambda step=step: page.training.step > step and not page.training.stream.is_busy, timeout=PATIENCE
        )


def said(verdicts: tuple[Verdict, ...], at: int) -> list[str]:
    return [finding.value for finding in verdicts[at].findings]


def test_the_runs_that_come_along_stand_until_one_has_been_looked_at(tab, qtbot):
    page = shown(tab, "class_target")
    assert page.ap_card.empty_text.text() == "Reading what was run beforehand"  # not that there is nothing
    qtbot.waitUntil(lambda: page.before is not None and not page.training.stream.is_busy, timeout=PATIENCE)
    before = page.before
    assert isinstance(before, Beforehand)
    ends = 100 * before.figures[-1, AP50]
    first = said(page.verdicts.verdicts(), 1)
    assert first[0].startswith(f"{ends[0].mean():.1f}")
    assert first[1].startswith(f"{ends[1].mean():.1f}")
    np.testing.assert_allclose(page.scatters[0].numbers()["points"].T, before.points[0])
    train(qtbot, page, 2)
    assert len(page.told_looks) == 2
    assert said(page.verdicts.verdicts(), 1)[0] == f"{100 * page.told_looks[-1].figures[AP50, 0, 0]:.1f}"
    np.testing.assert_allclose(page.scatters[1].numbers()["points"].T, page.told_looks[-1].points[1], rtol=1e-6)
    page.transport.looked.emit(1)
    assert len(page.series()[0]) in (1, 2)


def test_films_and_curves_are_those_of_the_looks(tab, qtbot):
    page = shown(tab, "convergence")
    qtbot.waitUntil(lambda: page.began is not None and not page.training.stream.is_busy, timeout=PATIENCE)
    train(qtbot, page, 2)
    looks = page.told_looks
    for film, arm in zip(page.films, (0, 2), strict=True):
        owners = film.numbers()["owner_of_each_object"]
        np.testing.assert_array_equal(owners.T - 1, [look.owners[arm][0] for look in looks])
    page._watch(1)
    np.testing.assert_array_equal(
        page.films[1].numbers()["owner_of_each_object"].T - 1, [look.owners[2][1] for look in looks]
    )
    assert page.training.pending() == 0  # another scene is no other run
    assert said(page.verdicts.verdicts(), 0) == ["not in this run"] * 3


def test_another_beginning_brings_its_own_runs_along(tab, qtbot, monkeypatch):
    page = shown(tab, "convergence")
    qtbot.waitUntil(lambda: page.before is not None and not page.training.stream.is_busy, timeout=PATIENCE)
    monkeypatch.setattr(convergence_trainer, "read", lambda begin: None)
    page.step(begin=RANDOM)
    qtbot.waitUntil(lambda: page.before is None and not page.training.stream.is_busy, timeout=PATIENCE)
    assert page.ap_card.empty_text.isVisible()
    assert page.series()[1].size == 0
    assert page.ap_card.empty_text.text() == "Start the training: nothing is bundled here."
    monkeypatch.setattr(convergence_trainer.Trainer, "look_every", 20)
    train(qtbot, page, 1)
    for card in (page.ap_card, page.verdict_card, *page.film_cards):  # it has been started
        assert card.empty_text.text() == "The first figures come at step 20."


def test_a_copy_is_found_in_the_mask_and_its_group_on_the_picture(tab, qtbot):
    page = shown(tab, "denoising_queries")
    qtbot.waitUntil(lambda: page.answer is not None, timeout=PATIENCE)
    things = len(page.answer.true_labels)
    page.scene.clicked.emit(2 * things)  # the first good copy: objects and bad ones come before
    assert page.grid.at() == (0, 0)
    page.grid.clicked.emit((2 * things, 3))  # the first of the second group
    assert page.params.group == 2
    assert page.scene.boxes()[page.scene.at()].tag.values["copy"] == "+A"
    blocked = set(page.grid.blocked())
    assert {(row, column) for row, column in np.argwhere(~page.answer.mask).tolist()} == blocked
    page.change(groups=1)
    qtbot.waitUntil(lambda: len(page.answer.boxes) == 1, timeout=PATIENCE)
    assert page.group == 0
