"""The Transformer tab: alive at once, trained before one's eyes, looked back at, decoded step by step."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app import export, words
from app.tabs.transformer.decode.page import LEAST_CHANCE, chance_of, names_of
from app.tabs.transformer.training.metrics import MEAN
from engines.checkpoints import catalog
from engines.data.sequences import DATES, REVERSE, SORT, TASKS, task
from engines.transformer.checkpoint import load
from engines.transformer.decode.spec import BEAM, GREEDY, Hypothesis
from engines.transformer.recipe import Recipe
from engines.transformer.showing import example_of
from engines.transformer.spec import BUNDLED, RUN
from engines.transformer.training.spec import Now, StepDone
from tests.app.transformer_help import (
    DECODE,
    PATIENCE,
    TINY,
    TRAINING,
    change,
    know,
    rest,
    run_of,
    texts,
    train,
    turn,
)
from tests.app.transformer_help import (
    transformer_tab as transformer_tab,
)
from tests.app.views_help import click, hover, is_drawn
from tests.closeness import FEW, close


# ------------------------------------------------------------------ at once
def test_the_tab_opens_on_bundled_weights_that_know_their_task(tab):
    page = tab.pages[TRAINING]
    assert tab.pages[DECODE].answer.text == tab.pages[DECODE].answer.right == "noitnetta"
    assert len(page.figures.steps) > 50
    assert page.accuracy.values_at(None)[0] > 98
    assert page.said.report() == "n, 10 / 10"
    assert page.maps.layers == 2
    assert "bundled weights" in texts(page.loss_card)
    assert "Available during a run." in texts(page.norm_card)
    for view in (*page.views, *tab.pages[DECODE].views):
        assert view.export_name
    assert is_drawn(page.maps.maps["cross"])
    assert export.settings_of(page.loss)["task"] == REVERSE
    assert export.settings_of(tab.pages[DECODE].links)["method"] == GREEDY
    assert export.settings_of(tab.pages[DECODE].links)["sha256"] == catalog.fingerprint("transformer-reverse")


def test_another_task_brings_its_own_weights(tab, qtbot):
    tab.now.change(token=9)
    change(qtbot, tab, task="English to digits", text="")
    assert tab.pages[TRAINING].said.report() == "</s>, 5 / 5"  # the last place of a shorter example
    change(qtbot, tab, task=REVERSE, text="")
    tab.now.state.history.clear()
    tab.task_button.chosen.emit(TASKS.index(DATES))
    turn(tab, qtbot, DECODE)
    assert tab.pages[DECODE].answer.text == "1998-05-03"
    assert tab.pages[DECODE].line.text() == "3 May 1998"
    assert tab.task_button.text().strip() == "Dates"
    tab.undo()
    rest(tab, qtbot)
    assert tab.params.task == REVERSE
    assert tab.task_button.text().strip() == "Reverse"
    assert tab.pages[DECODE].answer.text == "noitnetta"


# ------------------------------------------------------------------ decoding
def test_a_typed_input_is_decoded_and_undone_as_one_step(tab, qtbot):
    tab.show_page(DECODE)
    tab.pages[DECODE].line.setFocus()
    tab.pages[DECODE].line.selectAll()
    with qtbot.waitSignal(tab.rested, timeout=PATIENCE):
        QTest.keyClicks(tab.pages[DECODE].line, "hello")
    qtbot.waitUntil(lambda: tab.pages[DECODE].answer.text == "olleh" and not tab.is_busy, timeout=PATIENCE)
    assert {"olleh", "right", "5 tokens"} <= texts(tab.pages[DECODE].centre)
    tab.pages[DECODE].line.clearFocus()  # an empty line shows what is read as soon as nobody writes in it
    tab.pages[DECODE].line.editingFinished.emit()
    tab.header.undo_button.setFocus()  # who presses it has left the line
    with qtbot.waitSignal(tab.rested, timeout=PATIENCE):
        tab.undo()
    assert (tab.params.text, tab.pages[DECODE].line.text()) == ("", "attention")


def test_what_cannot_be_read_is_said_and_the_old_answer_stays(tab, qtbot):
    tab.show_page(DECODE)
    tab.now.change(text="a+b")
    assert "+: not in the vocabulary of this task, which is a–z" in texts(tab.pages[DECODE].centre)
    assert tab.pages[DECODE].answer.text == "noitnetta"
    change(qtbot, tab, text="abcdefghijklmnop")
    assert "Truncated to the first 12 of 16 tokens." in texts(tab.pages[DECODE].centre)
    assert tab.pages[DECODE].answer.text == "lkjihgfedcba"


def test_a_wrong_answer_says_which_is_right(tab, qtbot):
    train(qtbot, tab, 2)
    tab.show_page(DECODE)
    change(qtbot, tab, text="abcd")
    assert tab.pages[DECODE].answer.step == run_of(tab).step
    assert tab.params.source == RUN
    assert {"wrong: expected dcba", "No end token: truncated."} & texts(tab.pages[DECODE].centre)
    change(qtbot, tab, source=BUNDLED)
    assert "right" in texts(tab.pages[DECODE].centre)


def test_a_target_token_lights_up_its_rows_and_what_it_looks_at(tab, qtbot):
    tab.show_page(DECODE)
    page = tab.pages[DECODE]
    click(page.links, page.links.column_rect(3).center())
    assert tab.params.token == 3
    answer = page.answer
    looked = int(answer.weights["cross"][1, 0, 3].argmax())
    assert page.maps.maps["decoder"].report().startswith("i")  # the token that was read before
    assert page.maps.maps["cross"].at() == page.maps.maps["decoder"].at() == (3, -1)
    assert page.maps.maps["encoder"].at() == (looked, -1)
    assert answer.source[looked] == "t"
    np.testing.assert_array_equal(page.links.numbers()["cross"], answer.weights["cross"][1, 0])
    hover(page.links, page.links.column_rect(5).center())
    assert page.maps.maps["cross"].lit() == (5, -1)
    assert not tab.now.state.history.can_undo  # looking is no step
    tab.show_page(TRAINING)
    assert tab.now.maps.token == 3  # the other page looks at the same place


def test_a_layer_and_head_are_chosen_in_any_strip(tab):
    tab.show_page(DECODE)
    strip = tab.pages[DECODE].maps.heads["cross"]
    click(strip, strip.cell_rect(2).center())
    assert (tab.params.layer, tab.params.head) == (1, 3)
    for page in (TRAINING, DECODE):
        tab.show_page(page)
        for kind in ("encoder", "decoder", "cross"):
            assert tab.now.maps.heads[kind].at() == 2
    values = tab.pages[DECODE].maps.maps["encoder"].numbers()["values"]
    np.testing.assert_array_equal(values, tab.pages[DECODE].answer.weights["encoder"][0, 2])
    tab.undo()
    assert (tab.params.layer, tab.params.head) == (2, 1)


def test_a_source_token_is_pinned_and_let_go(tab):
    maps = tab.pages[TRAINING].maps
    before = maps.maps["encoder"].at()
    other = (before[0] + 2) % 10
    click(maps.maps["encoder"], maps.maps["encoder"].cell_rect((other, 1)).center())
    assert maps.maps["encoder"].at() == (other, -1)
    tab.escape()
    assert maps.maps["encoder"].at() == before


def test_decoding_goes_step_by_step(tab):
    tab.show_page(DECODE)
    page = tab.pages[DECODE]
    QTest.keyClick(tab, Qt.Key.Key_Space)
    assert page.timer.isActive()
    assert tab.params.token == 0
    assert "Step 1 of 10" in texts(page.centre)
    page.timer.timeout.emit()
    page.timer.timeout.emit()
    assert tab.params.token == 2
    assert page.links.until() == 2  # later tokens are not there yet
    page.play.click()
    assert not page.timer.isActive()
    while page.forward.isEnabled():
        page.forward.click()
    assert tab.params.token == 9
    assert page.links.until() == -1
    page.back.click()
    assert page.links.until() == 8


def test_beams_are_shown_with_their_probabilities(tab, qtbot):
    tab.show_page(DECODE)
    assert not tab.pages[DECODE].beams_card.isVisible()
    change(qtbot, tab, method=BEAM, beams=3, text="abc")
    page = tab.pages[DECODE]
    assert page.beams_card.isVisible()
    numbers = page.beams.numbers()
    assert numbers["names"][0] == "cba"
    best = [h.log_probability for h in page.answer.best]
    np.testing.assert_allclose(numbers["values"], np.exp(best), rtol=1e-6)
    assert [bar.note for bar in page.beams.bars()] == [words.number(h.score, 2) for h in page.answer.best]
    likely = page.answer.candidates[0][0]
    assert page.chances.text().startswith(f"Step 1 predicts {likely.token} ({chance_of(likely.probability)}), ")
    tiny = [c for c in page.answer.candidates[0] if c.probability < LEAST_CHANCE]
    assert page.chances.text().endswith(", others (< 0.001 %)") == bool(tiny)
    page.go(-1)
    kept = page.answer.steps[tab.params.token]
    assert len(page.beams.numbers()["names"]) == len(kept)


def test_long_beams_are_called_by_where_they_differ():
    def beam(text):
        return Hypothesis((*text.split(), "</s>"), -1.0, -1.0, 0, True)

    best, other, short = "nine hundred ninety nine thousand", "nine hundred ninety two thousand", "nine hundred ninety"
    assert [str(n) for n in names_of([beam(best), beam(other), beam(short)])] == ["the best", "4: two", "4: ●"]
    assert [str(n) for n in names_of([beam("a b"), beam("a c")])] == ["ab", "ac"]
    cut = Hypothesis(("a",), -1.0, -1.0, 0, False)
    assert [str(n) for n in names_of([cut, Hypothesis((), -1.0, -1.0, 0, False)])] == ["a", "–"]


def test_probabilities_are_told_from_none_and_from_all():
    shares = {0.00004: "0.004 %", 0.004: "0.40 %", 0.5: "50.0 %", 0.9998: "99.98 %", 1.0: "100 %"}
    assert {share: chance_of(share) for share in shares} == shares


# ------------------------------------------------------------------ training
def test_a_run_is_drawn_as_it_told(tab, qtbot):
    heard = train(qtbot, tab, 12)
    page = tab.pages[TRAINING]
    told = [event for event in heard if isinstance(event, StepDone)]
    rows = page.figures.steps.rows
    np.testing.assert_array_equal(rows[:, 0], [done.step for done in told])
    np.testing.assert_allclose(rows[:, 1], [done.loss for done in told])
    np.testing.assert_array_equal(page.loss.numbers()["training_raw"], rows[:, 1])
    newest = [event for event in heard if isinstance(event, Now)][-1]
    assert newest.step == run_of(tab).step == told[-1].step
    np.testing.assert_array_equal(page.maps.maps["cross"].numbers()["values"], newest.weights["cross"][0, 0])
    norms = np.mean([done.gradients for done in told[-MEAN:]], axis=0)
    np.testing.assert_allclose(page.bars.numbers()["values"], norms, rtol=1e-6)
    assert list(page.bars.numbers()["names"]) == ["Embeddings", "Encoder 1", "Decoder 1", "Output"]
    assert tab.pages[TRAINING].form.control("layer").number() == 1


def test_other_pages_know_a_run_from_its_first_state_to_its_last(tab, qtbot):
    known = []
    tab.now.state.changed.connect(lambda _before: known.append(tab.params.weights))
    train(qtbot, tab, 3)
    steps = [state.step for state in known if state is not None]
    assert steps[0] == 0
    assert steps[-1] == run_of(tab).step
    run_of(tab).restart()
    assert tab.params.weights is None
    know(tab, qtbot)
    assert tab.params.weights.step == 0
    run_of(tab).play()
    qtbot.waitUntil(lambda: run_of(tab).timeline.newest.step >= 3, timeout=PATIENCE)
    tab.show_page(DECODE)  # whoever goes to another page sees there what the run has come to
    assert tab.params.weights.step >= 3
    run_of(tab).pause()
    know(tab, qtbot)


def test_looking_back_brings_maps_cursor_and_decoding_to_that_step(tab, qtbot):
    heard = train(qtbot, tab, 8)
    page, bar = tab.pages[TRAINING], tab.pages[TRAINING].transport
    live = page.maps.maps["cross"].numbers()["values"].copy()
    with qtbot.waitSignal(tab.rested, timeout=PATIENCE):
        bar.scrubber.changed.emit(3)
    assert page.loss.cursor_at() == 3
    early = next(event for event in heard if isinstance(event, Now))  # of step 0, unless the page heard of it late
    assert run_of(tab).timeline.at(early.step).step == early.step
    state = run_of(tab).timeline.at(3)
    assert state.step == 3
    assert tab.params.weights is state
    assert not np.array_equal(page.maps.maps["cross"].numbers()["values"], live)
    with qtbot.waitSignal(tab.rested, timeout=PATIENCE):
        bar.scrubber.changed.emit(early.step)
    close(page.maps.maps["cross"].numbers()["values"], early.weights["cross"][0, 0], FEW)
    with qtbot.waitSignal(tab.rested, timeout=PATIENCE):
        bar.live.click()
    np.testing.assert_array_equal(page.maps.maps["cross"].numbers()["values"], live)
    assert page.loss.cursor_at() is None
    bar.scrubber.changed.emit(3)
    assert turn(tab, qtbot, DECODE).answer.step == 3
    turn(tab, qtbot, TRAINING)
    tab.escape()
    assert turn(tab, qtbot, DECODE).answer.step == run_of(tab).step


def test_looking_back_survives_another_task_an_unreadable_input_and_forgotten_states(tab, qtbot):
    train(qtbot, tab, 6)
    page, bar = tab.pages[TRAINING], tab.pages[TRAINING].transport
    change(qtbot, tab, task=SORT, text="")
    tab.now.change(text="a+b")
    states = {}
    for step in (1, 4):
        with qtbot.waitSignal(tab.rested, timeout=PATIENCE) as rested:
            bar.scrubber.changed.emit(step)
        assert rested.args == [True]  # no error, though the input can't be read
        assert page.loss.cursor_at() == step
        states[step] = page.maps.maps["cross"].numbers()["values"].copy()
        assert states[step].shape == (10, 10)  # the run's own example, not that of Sort
    assert not np.array_equal(states[1], states[4])
    assert not tab.error.isVisible()
    change(qtbot, tab, task=REVERSE, text="abc")
    state = run_of(tab).timeline.at(4)
    assert tab.params.weights is state
    run_of(tab).timeline.clear()  # thinned out
    assert tab.params.weights is state


def test_an_input_of_another_task_that_cannot_be_read_fails_nothing(tab, qtbot):
    tab.show_page(DECODE)
    tab.now.change(text="猫")
    tab.now.step(task=DATES, text="")
    tab.now.change(text="3 May 1998")
    rest(tab, qtbot)
    tab.undo()
    with qtbot.waitSignal(tab.rested, timeout=PATIENCE) as rested:
        tab.undo()
    assert (tab.params.task, tab.params.text) == (REVERSE, "猫")
    assert rested.args == [True]
    assert tab.pages[DECODE].answer.text == "noitnetta"  # the last one of this task that could be read
    with qtbot.waitSignal(tab.rested, timeout=PATIENCE) as rested:
        tab.set_device("cpu")
    assert rested.args == [True]


def test_a_kept_input_that_cannot_be_read_is_said_when_the_tab_opens(own_home, open_window, qtbot):
    settings = {"topics": {"transformer": {"task": REVERSE, "text": "猫", "device": "cpu"}}}
    (own_home / "settings.json").write_text(json.dumps(settings))
    tab = open_window().show_topic("transformer")
    turn(tab, qtbot, DECODE)
    assert not tab.failed
    assert tab.params.text == "猫"
    assert tab.pages[DECODE].answer.text == "noitnetta"
    assert any("猫" in text for text in {label.text() for label in tab.pages[DECODE].centre.findChildren(QLabel)})


def test_undo_leaves_the_runs_weights_where_they_are(tab, qtbot):
    tab.now.change(learning_rate=0.002)
    tab.now.state.history.seal()
    train(qtbot, tab, 2)
    assert tab.params.source == RUN
    tab.undo()
    tab.undo()
    assert tab.params.learning_rate == 0.003
    assert tab.params.source == RUN
    turn(tab, qtbot, DECODE)
    change(qtbot, tab, source=BUNDLED)
    assert tab.now.answer.step == -1
    change(qtbot, tab, method=BEAM)
    tab.undo()
    assert (tab.params.method, tab.params.source) == (GREEDY, BUNDLED)
    rest(tab, qtbot)


def test_the_same_seed_draws_the_same_curve_again(tab, qtbot):
    train(qtbot, tab, 6)
    first = tab.pages[TRAINING].figures.steps.rows[:6, 1].copy()
    run_of(tab).restart()
    run_of(tab).play()
    qtbot.waitUntil(lambda: len(tab.pages[TRAINING].figures.steps) >= 6, timeout=PATIENCE)
    run_of(tab).pause()
    np.testing.assert_array_equal(tab.pages[TRAINING].figures.steps.rows[:6, 1], first)
    qtbot.waitUntil(lambda: not run_of(tab).stream.is_busy, timeout=PATIENCE)


def test_settings_of_a_new_run_wait_and_live_ones_do_not(tab, qtbot):
    train(qtbot, tab, 2)
    tab.now.change(learning_rate=0.01)
    assert not tab.pages[TRAINING].pending.anew.isVisible()
    tab.now.change(seed=3)
    assert "1 change since the run began" in texts(tab)
    tab.now.change(task=SORT, text="")
    assert "2 changes since the run began" in texts(tab)
    assert tab.params.weights is None  # the run has learned another task
    tab.pages[TRAINING].pending.anew.click()
    qtbot.waitUntil(lambda: not run_of(tab).stream.is_busy, timeout=PATIENCE)
    assert not tab.pages[TRAINING].pending.anew.isVisible()
    assert (
        run_of(tab).params.task,
        run_of(tab).params.seed,
        run_of(tab).step,
    ) == (SORT, 3, 0)
    assert len(tab.pages[TRAINING].figures.steps) == 0


def test_a_rate_that_is_too_high_is_told_and_good_weights_stay(tab, qtbot):
    tab.now.change(**TINY, learning_rate=1.0, warmup=1)
    run_of(tab).play()
    qtbot.waitUntil(lambda: bool(tab.error.reason()), timeout=PATIENCE)
    assert tab.error.reason().startswith("The loss diverged at step")
    assert not run_of(tab).runs
    kept = run_of(tab).timeline.newest
    know(tab, qtbot)
    assert all(np.isfinite(array).all() for array in kept.arrays.values())
    qtbot.waitUntil(lambda: not run_of(tab).stream.is_busy and not tab.is_busy, timeout=PATIENCE)
    assert tab.params.weights is kept  # and it is the one on screen, not the state that ran away
    assert tab.pages[TRAINING].looked == tab.pages[TRAINING].loss.cursor_at() == kept.step < run_of(tab).step
    model = load(kept)
    source, target, _ = example_of(task(REVERSE))
    now = model.trace(source, target).cross[0][0, 0].numpy()
    close(tab.pages[TRAINING].maps.maps["cross"].numbers()["values"], now, FEW)
    tab.error.dismiss()
    run_of(tab).play()  # it does not pretend to go on
    qtbot.waitUntil(lambda: not run_of(tab).runs, timeout=PATIENCE)
    assert tab.error.reason().startswith("This run has ended.")


def test_keys_start_and_pause_the_run(tab, qtbot):
    tab.now.change(**TINY)
    tab.show_page(TRAINING)
    QTest.keyClick(tab, Qt.Key.Key_Period)
    qtbot.waitUntil(lambda: run_of(tab).step == 1, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not run_of(tab).stream.is_busy, timeout=PATIENCE)
    QTest.keyClick(tab, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: run_of(tab).step > 3, timeout=PATIENCE)
    QTest.keyClick(tab, Qt.Key.Key_Space)
    assert not run_of(tab).runs
    qtbot.waitUntil(lambda: not run_of(tab).stream.is_busy, timeout=PATIENCE)


def test_a_hidden_page_is_drawn_when_it_comes_back(tab, qtbot):
    tab.show_page(DECODE)
    train(qtbot, tab, 5)
    assert tab.pages[TRAINING]._late
    tab.show_page(TRAINING)
    drawn = tab.pages[TRAINING].loss.numbers()["training_x"]
    assert drawn[-1] == run_of(tab).step


def test_a_run_that_was_left_brings_its_task(tab):
    page = tab.pages[TRAINING]
    page.step(text="abc")
    page.put_run(asdict(Recipe(width="128")))
    assert (page.params.task, page.params.text, page.params.width) == (REVERSE, "abc", "128")
    page.put_run(asdict(Recipe(task=DATES)))
    assert (page.params.task, page.params.text, page.params.width) == (DATES, "", "64")
