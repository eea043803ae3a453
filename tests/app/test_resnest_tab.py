"""The ResNeSt tab in the window, with the bundled model: what the hand does on each page, and what is shown then."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from safetensors.torch import save_file

from app import words
from app.figure import caption_of
from engines.resnest import ResNeSt, ResNeStConfig
from engines.resnest.race.measures import standing
from engines.resnest.race.spec import STEPS, RaceLook


@pytest.fixture
def tab(open_window, qtbot):
    made = open_window(1280, 800).show_topic("resnest")
    qtbot.waitUntil(lambda: made.now.answer is not None and not made.is_busy)
    return made


def settled(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.is_busy)


def at(view, channel, share):
    """The point over a channel's weights where the border after ``share`` lies."""
    place = view.weights_place(channel)
    return QPointF(place.center().x(), place.bottom() - share * place.height()).toPoint()


def pull(view, channel, start, end):
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=at(view, channel, start))
    QTest.mouseMove(view.viewport(), at(view, channel, end))
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=at(view, channel, end))


def test_the_channel_under_the_hand_is_shown_large_and_on_the_photo(tab, qtbot):
    page = tab.now
    flow, answer = page.splits.view, page.answer
    flow.hovered.emit(4)
    np.testing.assert_array_equal(page.channel.view.maps()[:2], answer.splits[:, 4])
    np.testing.assert_array_equal(page.channel.view.maps()[2], answer.blended[4])
    np.testing.assert_array_equal(page.photo_card.view.numbers()["attention"], answer.blended[4])
    blend = sum(answer.shares[r, 4] * answer.splits[r, 4] for r in range(2))
    np.testing.assert_allclose(page.channel.view.maps()[2], blend, atol=1e-5)
    flow.hovered.emit(None)
    np.testing.assert_array_equal(page.channel.view.maps()[2], answer.blended[0])
    flow.chosen.emit(6)
    assert page.params.channel == 7
    np.testing.assert_array_equal(page.channel.view.maps()[2], answer.blended[6])


def test_weights_follow_the_hand_and_the_prediction_reacts(tab, qtbot):
    page = tab.now
    before = page.answer
    pull(page.splits.view, 2, 0.3, 0.9)
    settled(tab, qtbot)
    ((block, channel, split, share),) = page.params.held
    assert (block, channel, split) == (3, 3, 1)
    assert abs(share - 0.9) < 0.03
    qtbot.waitUntil(lambda: page.answer is not before)
    assert abs(page.answer.shares[0, 2] - share) < 1e-6
    np.testing.assert_allclose(page.answer.shares.sum(0), 1, atol=1e-6)
    np.testing.assert_allclose(page.answer.own, before.own, atol=1e-5)  # the number of threads may have changed
    assert page.answer.prediction.changed
    assert not np.array_equal(page.answer.prediction.probabilities, page.answer.prediction.untouched)
    assert page.splits.free.isEnabled()
    assert "1 weight by hand" in caption_of(page.splits)
    page.splits.view.freed.emit(2)
    assert page.params.held == ()
    qtbot.waitUntil(lambda: not page.answer.prediction.changed)


def test_the_hand_moves_all_channels_and_lets_go(tab, qtbot):
    page = tab.now
    pull(page.splits.view, 1, 0.5, 0.2)
    page.change(hand="All channels")
    pull(page.splits.view, 4, 0.5, 1.0)
    ((block, channel, split, share),) = page.params.held  # those of single channels have gone
    assert (block, channel, split) == (3, 0, 1)
    assert share > 0.97
    qtbot.waitUntil(lambda: page.answer.shares[0].min() > 0.97)
    page.change(block=2)
    qtbot.waitUntil(lambda: page.answer.block == 2)
    assert not page.splits.free.isEnabled()  # nothing is held in this block
    page.change(block=3)
    qtbot.waitUntil(lambda: page.answer.block == 3)
    page.splits.free.click()
    assert page.params.held == ()


def test_equal_and_swapped_weights(tab, qtbot):
    page = tab.now
    own = page.answer.own
    page.step(swapped=True)
    qtbot.waitUntil(lambda: np.allclose(page.answer.shares, own[::-1], atol=1e-5))
    page.step(equal=True, scope="All blocks")
    qtbot.waitUntil(lambda: float(page.answer.entropy.min()) > 0.999)
    np.testing.assert_array_equal(page.answer.shares, np.full_like(own, 0.5))
    assert page.params.changes() == 2
    page.state.reset()
    qtbot.waitUntil(lambda: not page.answer.prediction.changed)


def test_channels_go_by_wheel_and_keys(tab, qtbot):
    page = tab.now
    page.change(block=6)
    qtbot.waitUntil(lambda: page.answer.block == 6)
    flow = page.splits.view
    first, after = flow.seen()
    assert first == 0
    assert after < 64
    middle = QPointF(flow.rect().center())
    turn = QWheelEvent(
        middle, flow.mapToGlobal(middle), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    flow.wheelEvent(turn)
    assert flow.seen()[0] == 3
    page.change(channel=64)
    first, after = flow.seen()
    assert after == 64
    flow.setFocus()
    QTest.keyClick(flow, Qt.Key.Key_Left)
    assert page.params.channel == 63
    share = float(page.answer.shares[0, 62])
    QTest.keyClick(flow, Qt.Key.Key_Up)
    assert page.params.held == ((6, 63, 1, round(min(1.0, share + 0.05), 3)),)
    assert "63" in flow.report()


def test_each_block_has_its_entropy_and_its_spread(tab, qtbot):
    page = tab.now
    qtbot.waitUntil(lambda: page.spread is not None)
    curves = page.blocks.view.curves()
    np.testing.assert_allclose(curves[0].y, page.answer.entropy)  # radix 2: of one bit
    shares = page.answer.shares
    bits = -(shares * np.log2(np.maximum(shares, 1e-30))).sum(0).mean()
    assert abs(curves[0].y[2] - bits) < 1e-4
    np.testing.assert_array_equal(curves[1].y, page.spread.over_photos)
    np.testing.assert_array_equal(curves[2].y, page.spread.over_channels)
    assert page.spread.photos == 10


def test_another_block_has_other_channels(tab, qtbot):
    page = tab.now
    page.change(block=6, channel=64)
    qtbot.waitUntil(lambda: page.answer.block == 6)
    assert page.answer.splits.shape == (2, 64, 4, 4)
    page.change(block=1)
    qtbot.waitUntil(lambda: page.answer.block == 1)
    assert page.params.channel == 16
    assert page.answer.splits.shape == (2, 16, 16, 16)


def raced(accuracy, seconds=(0.01, 0.02, 0.04)):
    """A race of 160 steps with these accuracies at its end (3, seeds)."""
    steps = np.array([0, STEPS // 2, STEPS])
    last = np.array(accuracy, np.float32)
    return standing(steps, np.stack([np.zeros_like(last), last / 2, last]), seconds)


def lines(page, claim):
    return [(words.drawn(one.name), one.value) for one in page.verdicts.verdicts()[claim].findings]


def test_the_race_shows_the_one_run_beforehand_then_its_own(tab, qtbot):
    tab.show_page(1)
    page = tab.now
    qtbot.waitUntil(lambda: page.before is not None and not tab.is_busy)
    np.testing.assert_allclose(page.by_step.curves()[2].y, 100 * page.before.standing.accuracy[:, 2].mean(1), rtol=1e-5)
    assert words.drawn(page.verdicts.verdicts()[0].findings[0].name) == "None"
    page.training.one_step()
    qtbot.waitUntil(lambda: len(page.steps) == 1)
    page.told(RaceLook(STEPS, raced([[0.9, 0.92, 0.91], [0.9, 0.91, 0.92], [0.8, 0.82, 0.81]])))
    assert lines(page, 0) == [
        ("None", "91.0 ± 1.0 %"), ("SE", "91.0 ± 1.0 %"), ("ResNeSt", "81.0 ± 1.0 %"),
        ("SE and none: no difference", "+0.0 ± 2.5"), ("ResNeSt loses to none by", "10.0 ± 0.0"),
    ]  # fmt: skip
    assert lines(page, 1)[2] == ("ResNeSt", "20.3 ± 0.2 %")  # a quarter of the steps in as much time
    assert words.drawn(page.verdicts.verdicts()[1].name) == "At equal time: 1.6 s each"
    assert lines(page, 2) == [("None: a step", "10.0 ms"), ("SE: a step", "20.0 ms"), ("ResNeSt: a step", "40.0 ms")]
    curves = page.by_time.curves()
    assert [curve.x.tolist() for curve in curves] == [[0, 0.8, 1.6], [0, 1.6], [0, 1.6]]
    assert [float(curve.y[-1]) for curve in curves] == pytest.approx([91, 45.5, 20.25], abs=1e-3)
    page.told(RaceLook(STEPS, raced([[0.5, 0.52, 0.51], [0.5, 0.51, 0.52], [0.6, 0.62, 0.61]])))
    assert lines(page, 0)[4] == ("ResNeSt beats none by", "10.0 ± 0.0")


def test_the_scrubber_shows_how_the_race_stood_at_an_earlier_step(tab, qtbot):
    tab.show_page(1)
    page = tab.now
    qtbot.waitUntil(lambda: page.before is not None and not tab.is_busy)
    for step in (0, 10, 20):
        steps = np.arange(0, step + 1, 10)
        accuracy = np.broadcast_to(steps[:, None, None] / 100, (len(steps), 3, 3)).astype(np.float32)
        page.told(RaceLook(step, standing(steps, accuracy, (0.01, 0.02, 0.04) if step else (0.0, 0.0, 0.0))))
    page.transport.set_step(20)
    assert lines(page, 0)[0] == ("None", "20.0 ± 0.0 %")
    page.transport.look(13)
    assert lines(page, 0)[0] == ("None", "10.0 ± 0.0 %")
    assert page.step_card.note.text() == "step 10, 3 seeds"
    page.transport.look(4)  # no look at all before step 10 but the start's, which took no time
    assert page.step_card.note.text() == "step 10, 3 seeds"
    page.transport.live.click()
    assert lines(page, 0)[0] == ("None", "20.0 ± 0.0 %")


# -- folders of others
def folder(path, **config):
    """A small random ResNeSt as timm writes it."""
    torch.manual_seed(0)
    net = ResNeSt(ResNeStConfig(image_size=32, stem=4, depths=(1, 1), classes=3, **config)).eval()
    path.mkdir()
    save_file({key: value.contiguous() for key, value in net.state_dict().items()}, path / "model.safetensors")
    about = {"architecture": "resnest50d_4s2x40d", "num_classes": 3, "pretrained_cfg": {"input_size": [3, 32, 32]}}
    (path / "config.json").write_text(json.dumps(about))
    return str(path)


def test_four_splits_in_two_groups(tab, qtbot, tmp_path):
    page = tab.now
    page.state.put(model=folder(tmp_path / "four", width=8, radix=4, groups=2))
    qtbot.waitUntil(lambda: len(page.answer.splits) == 4)
    settled(tab, qtbot)
    own = page.answer.own[:, 1]
    assert page.params.block == 2  # of two
    flow = page.splits.view
    third = float(own[:2].sum() + own[2] / 2)  # the middle of the third split
    pull(flow, 1, third, third + 0.3)
    ((_, channel, split, share),) = page.params.held
    assert (channel, split) == (2, 3)
    assert share == pytest.approx(own[2] + 0.3, abs=0.05)
    qtbot.waitUntil(lambda: abs(page.answer.shares[2, 1] - share) < 1e-5)
    rest = page.answer.shares[[0, 1, 3], 1]
    np.testing.assert_allclose(rest / rest.sum(), own[[0, 1, 3]] / own[[0, 1, 3]].sum(), atol=1e-4)


def test_one_split_is_a_gate(tab, qtbot, tmp_path):
    page = tab.now
    page.state.put(model=folder(tmp_path / "one", width=8, radix=1, groups=2))
    qtbot.waitUntil(lambda: len(page.answer.splits) == 1)
    settled(tab, qtbot)
    assert len(page.blocks.view.curves()) == 2  # no entropy where there is nothing to choose from
    assert words.drawn(page.channel.said.text()).startswith("sigmoid(")
    page.change(equal=True)
    qtbot.waitUntil(lambda: (page.answer.shares == 1).all())  # no gate
    page.change(equal=False)
    pull(page.splits.view, 0, 0.5, 0.25)
    qtbot.waitUntil(lambda: abs(page.answer.shares[0, 0] - 0.25) < 0.03)


def test_a_model_that_is_refused_is_named_and_the_one_before_stays(tab, qtbot, tmp_path):
    page, said = tab.now, []
    page.feed.heard.connect(lambda event: said.append(getattr(event, "error", None)))
    path = Path(folder(tmp_path / "bad", width=8, radix=2))
    (path / "config.json").write_text(json.dumps({"model_type": "vit"}))
    page.state.put(model=str(path))
    qtbot.waitUntil(lambda: any(said))
    qtbot.waitUntil(lambda: page.params.model == "mini-resnest")
    assert "bad" in words.drawn(next(one for one in said if one))
