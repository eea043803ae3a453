"""The answers of the pages: by hand, in a trained block, on one's own text, on patches, and what is timed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from engines.blocks.mixers import KIND
from engines.checkpoints import backbones
from engines.core.errors import LabError
from engines.core.pictures import Picture
from engines.core.protocol import Job, Progress
from engines.mamba.memory_and_time import engine as cost
from engines.mamba.memory_and_time.spec import CostParams, MeasuredFrame, held
from engines.mamba.mixing import MambaMixer, load
from engines.mamba.model import Mamba, MambaConfig
from engines.mamba.race.spec import COPYING, INDUCTION
from engines.mamba.real import engine as real
from engines.mamba.real.spec import Absent, ModelInfo, RealParams, TextFrame
from engines.mamba.rules import EULER, HOLD, RULES
from engines.mamba.scan_by_hand.engine import Engine as HandEngine
from engines.mamba.scan_by_hand.spec import LENGTH, NOISE, STEP, HandParams
from engines.mamba.vision.engine import Engine as VisionEngine
from engines.mamba.vision.paths import orders, reaches
from engines.mamba.vision.spec import COUNTS, OfVision, VisionFrame
from engines.mamba.watch.engine import Engine as WatchEngine
from engines.mamba.watch.spec import OfWatch
from tests.engines.mamba import reference


def asked(engine, params):
    return list(engine.run(Job(params, lambda: engine, lambda event: None)))


# ------------------------------------------------------------------ by hand
def by_hand(**settings):
    (frame,) = asked(HandEngine(), HandParams(**settings))
    return frame


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("selects", [False, True])
def test_four_ways_lead_to_one_answer(rule, selects):
    frame = by_hand(rule=rule, shape=NOISE, select_delta=selects, select_B=selects, select_C=selects)
    np.testing.assert_allclose(frame.by_attention, frame.y, atol=1e-9)
    np.testing.assert_allclose(frame.by_scan, frame.y, atol=1e-9)
    assert not np.triu(frame.attention, 1).any()
    assert len(frame.by_convolution) == (0 if selects else LENGTH)
    if not selects:
        np.testing.assert_allclose(frame.by_convolution, frame.y, atol=1e-9)
        np.testing.assert_allclose(np.convolve(frame.kernel, frame.u)[:LENGTH], frame.y, atol=1e-9)
    at = list(RULES).index(rule)
    np.testing.assert_array_equal(frame.rules[at], frame.y)
    assert np.abs(frame.rules - frame.y).max(1)[[i for i in range(3) if i != at]].min() > 1e-4


def test_a_gate_under_a_zero_order_hold_alone():
    gate = {"state": 1, "rate": 1.0, "write": 1.0, "select_delta": True}
    frame = by_hand(shape=NOISE, **gate)
    off = dict(zip(RULES, np.abs(frame.gate - frame.gated).max(1), strict=True))
    assert off[HOLD] < 1e-7
    assert off[EULER] > 0.1
    assert not len(by_hand(**gate | {"state": 2}).gated)


def test_what_was_drawn_goes_with_its_shape():
    drawn = HandParams(values=tuple([0.5] * LENGTH))
    np.testing.assert_array_equal(by_hand(values=drawn.values).u, 0.5)
    assert dataclasses.replace(drawn, shape=STEP).following(drawn).values == ()
    assert dataclasses.replace(drawn, delta=1.0).following(drawn).values == drawn.values
    assert HandParams(values=(1.0,)).following(HandParams()).values == ()


# ------------------------------------------------------------------ a trained block
@pytest.fixture(scope="module")
def watch():
    return WatchEngine()


def watched(engine, **settings):
    return asked(engine, OfWatch(**settings))[-1]


def test_the_gradient_finds_the_right_token_and_hidden_attention_does_not(watch):
    frame = watched(watch, task=INDUCTION)
    assert frame.right_plain >= 0.95
    assert frame.found_by_influence >= 0.95
    assert frame.found_by_hidden <= 0.3
    assert frame.tokens[frame.source] == "ABCDEFGH"[frame.answer]


def test_what_is_shown_of_a_block_is_what_it_computes(watch):
    frame = watched(watch, task=COPYING, layer=1, channel=5)
    inside = frame.states[:, -1] @ frame.C[:, -1]
    np.testing.assert_allclose(frame.read[-1], abs(inside), atol=1e-5)
    np.testing.assert_allclose(frame.heads.sum(-1), 1, atol=1e-5)
    assert not np.triu(frame.hidden, 1).any()
    assert frame.hidden_all.min() >= 0
    np.testing.assert_allclose(frame.predicted.sum(), 1, atol=1e-5)
    np.testing.assert_array_equal(frame.predicted, frame.plain)


def test_a_net_that_selects_no_more_is_at_a_loss(watch):
    plain = watched(watch, task=COPYING)
    frozen = watched(watch, task=COPYING, freeze_delta=True, freeze_B=True, freeze_C=True, both=True)
    assert frozen.right < plain.right - 0.3
    assert not np.array_equal(frozen.predicted, plain.predicted)
    np.testing.assert_allclose(frozen.plain, plain.plain, atol=1e-5)
    assert np.ptp(frozen.delta, axis=1).max() < 1e-6
    assert watched(watch, task=COPYING, remembers=True).right < plain.right
    one = watched(watch, task=COPYING, off=True, channel=3)
    assert not np.array_equal(one.predicted, plain.predicted)


def test_a_change_is_shown_before_its_share_of_right_answers_is_counted(watch):
    settings = {"task": INDUCTION, "off": True, "channel": 9}
    first, last = asked(watch, OfWatch(**settings))
    assert first.right is None
    np.testing.assert_array_equal(first.predicted, last.predicted)
    assert 0 <= last.right <= 1
    assert [frame.right for frame in asked(watch, OfWatch(**settings, sequence=1))] == [last.right]
    assert len(asked(watch, OfWatch(task=INDUCTION, sequence=2))) == 1


# ------------------------------------------------------------------ one's own text
@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("real") / "tiny"
    reference.save(reference.make(), place)
    return str(place)


@pytest.fixture(scope="module")
def reader():
    return real.Engine()


def read(engine, **settings):
    told = asked(engine, RealParams(**settings))
    assert isinstance(next(e for e in told if not isinstance(e, Progress)), ModelInfo)
    assert isinstance(told[-1], TextFrame)
    return told[-1]


def test_without_a_model_one_is_offered(monkeypatch):
    monkeypatch.setattr(real, "first_at_hand", lambda: "")
    (frame,) = asked(real.Engine(), RealParams())
    assert isinstance(frame, Absent)
    assert frame.offered == "state-spaces/mamba-130m-hf"


def test_a_text_in_a_model(folder, reader):
    frame = read(reader, model=folder, text="the cat 图")
    theirs = reference.make()
    ids = torch.tensor([reference.tokenizer().encode("the cat 图").ids])
    logits = theirs(ids).logits[0]
    chances = torch.softmax(logits[-1], -1)
    np.testing.assert_allclose(frame.chances, chances.topk(10).values.numpy(), atol=1e-4)
    assert frame.next_ids == tuple(chances.topk(10).indices.tolist())
    surprise = -torch.log_softmax(logits[:-1], -1).gather(1, ids[0, 1:, None])[:, 0] / np.log(2)
    np.testing.assert_allclose(frame.surprise, np.r_[0, surprise.numpy()], atol=1e-3)
    assert frame.tokens[:2] == ("the", "␣cat")
    assert frame.delta.shape == frame.norms.shape == (3, len(frame.tokens))
    assert frame.own.shape == (32, len(frame.tokens))
    warm = read(reader, model=folder, text="the cat 图", temperature=5.0)
    assert warm.chances.max() < frame.chances.max()
    assert warm.next_ids == frame.next_ids


def test_a_silent_token_writes_nothing(folder, reader):
    plain = read(reader, model=folder, text="the cat the cat")
    silent = read(reader, model=folder, text="the cat the cat", removed=0)
    assert silent.norms[:, 0].max() == 0
    assert plain.norms[:, 0].min() > 0
    np.testing.assert_allclose(silent.plain[0], plain.chances[list(plain.next_ids).index(silent.next_ids[0])]
                               if silent.next_ids[0] in plain.next_ids else silent.plain[0], atol=1e-6)  # fmt: skip
    assert not np.allclose(silent.chances, silent.plain)
    off = read(reader, model=folder, text="the cat the cat", off=True, channel=3, layer=2)
    assert not np.allclose(off.chances, off.plain)


def test_a_text_without_tokens_and_a_model_without_words_are_said(folder, reader):
    with pytest.raises(LabError, match="no token"):
        asked(reader, RealParams(model=folder, text=""))
    with pytest.raises(LabError, match="knows no words"):
        asked(real.Engine(), RealParams(model="mamba-induction"))


def test_what_a_token_adds_is_whole_characters_and_never_the_text_again():
    assert real.added("a cat", "a cat sat") == " sat"
    assert real.added("a cat", "a cat\ufffd") == ""  # bytes of a character that has not come to its end
    assert real.added("a \ufffd", "a \u56fe") == ""  # its end, after a text that was cut in the middle of it


def test_a_long_text_is_cut_and_that_is_said(folder, reader):
    frame = read(reader, model=folder, text="x" * 150)
    assert (len(frame.tokens), frame.cut) == (128, 22)


# ------------------------------------------------------------------ patches
def test_ways_through_the_patches_by_hand():
    assert orders(2, 3, 4).tolist() == [
        [0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [0, 3, 1, 4, 2, 5], [5, 2, 4, 1, 3, 0]
    ]  # fmt: skip
    assert reaches(2, 3, 1, 3)[2].tolist() == [True, True, True, False, False, False]
    assert reaches(2, 3, 2, 1).all()
    with pytest.raises(ValueError, match="3 directions"):
        orders(2, 2, 3)


@pytest.mark.parametrize(("directions", "count"), [("One direction", 11), ("Two directions", 16)])
def test_what_no_order_allows_is_exactly_0(directions, count):
    photo = Picture("noise", np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8), "")
    *_, frame = asked(VisionEngine(), OfVision(picture=photo, side=4, patch=(2, 2), directions=directions, layers=2))
    assert isinstance(frame, VisionFrame)
    assert (frame.reaching, frame.can_reach) == (count, count)
    assert frame.reached == (6 if COUNTS[directions] == 1 else 16)
    if COUNTS[directions] == 1:
        assert not frame.to.ravel()[11:].any()
        assert not frame.of.ravel()[:10].any()


def test_for_mixing_a_mamba_is_causal():
    from engines.blocks.mixing import mixing_matrix

    assert {"mamba-copying", "mamba-induction"} <= {model.name for model in backbones.available(KIND)}
    net = Mamba(MambaConfig(5, 6, 2, state=2)).eval().requires_grad_(False)
    mixer = MambaMixer(net)
    span = mixer.look(np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)).span(0, 1)
    assert (span.before.tokens, mixer.blocks) == (144, 2)
    torch.testing.assert_close(span.function(span.start[:, :20]), span.function(span.start)[:, :20])
    found = mixing_matrix(span.function, span.start[:, :12])[0]
    assert not found.triu(1).any()
    assert found.tril().gt(0).sum() == 78
    assert load("mamba-induction").blocks == 2


# ------------------------------------------------------------------ memory and time
def test_what_is_held_by_formula():
    cache, state, weights = held(np.array([1000.0]), 128, 16)[:, 0]
    assert (cache, state, weights) == (2 * 4 * 128 * 1000, 4 * 128 * 19, 4 * 2 * 1000**2)


def test_each_kind_is_timed_and_another_layer_ends_it(monkeypatch, one_thread):
    monkeypatch.setattr(cost, "LENGTHS", (8, 16))
    told = asked(cost.Engine(), CostParams(measure=True, channels=64, state=2))
    last = told[-1]
    assert isinstance(last, MeasuredFrame)
    assert last.done
    assert (last.seconds > 0).all()
    assert (last.more > 0).all()
    before = CostParams(measure=True)
    assert dataclasses.replace(before, length=99).following(before).measure
    assert not dataclasses.replace(before, state=4).following(before).measure
    assert dataclasses.replace(before, channels=100).following(before).channels == 64


def test_the_recurrence_that_is_timed_is_the_scan():
    case = cost.scanned(CostParams(channels=64, state=3), 70, torch.device("cpu"))
    state = torch.zeros(1, 64, 3)
    for begin in (0, 64):
        state = cost.stepped(case, state, begin)
    _, wanted = cost.selective_scan(*case, return_last_state=True)
    torch.testing.assert_close(state, wanted, atol=1e-5, rtol=0)
