"""The way back by hand: against autograd at every step, and against finite differences at random cells."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engines.core.protocol import Job
from engines.transformer import checkpoint, proofs
from engines.transformer.maths.backward import PROBABILITIES, by_autograd, by_hand, by_trying
from engines.transformer.maths.engine import Engine
from engines.transformer.maths.spec import Checked, Walked, WalkParams
from engines.transformer.recipe import Shape
from engines.transformer.subject import Collection
from engines.transformer.switches import CROSS, DECODER, ENCODER

NAMES = {
    "reverse": None,
    "pre": Shape("Sort", 32, 2, 2, 64, "layer", True, True),
    "batch": Shape("Sort", 32, 2, 1, 64, "batch"),
}


@pytest.fixture(scope="module", params=NAMES)
def subject(request):
    """A model in double precision with its input, its tape, a place and a label."""
    specimen = Collection().specimen("Reverse" if request.param == "reverse" else "Sort", "", None)
    shape = NAMES[request.param]
    if shape is not None:
        specimen = replace(specimen, model=checkpoint.build(shape).eval())
    model = proofs.exact(specimen.model)
    with torch.no_grad():
        tape = model.trace(specimen.source[None], specimen.target[None], switches=specimen.plain, tape=True).tape
    return specimen, model, tape, 2, 5


def test_every_step_by_hand_is_autograds(subject):
    specimen, model, tape, place, label = subject
    with torch.no_grad():
        hand = by_hand(model, tape, place, label)
    torchs = by_autograd(model, specimen.source, specimen.target, specimen.plain, place, label)
    compared = [name for name in torchs if name in hand]
    assert len(compared) > 25
    for kind, i in proofs.places(model):  # of every sublayer all there is
        parts = ["input", "branch", "sum", "output"]
        parts += (
            ["queries", "keys", "values", "scores", "weights", "heads"]
            if kind in (ENCODER, DECODER, CROSS)
            else ["hidden"]
        )
        assert {f"{kind}.{i}.{part}" for part in parts} <= set(compared)
    assert {"logits", "decoded", PROBABILITIES, "memory", "src.embedded", "tgt.embedded"} <= set(compared)
    for name in compared:
        apart, size = float((hand[name] - torchs[name]).abs().max()), float(torchs[name].abs().max())
        assert apart <= 1e-5 * max(size, 1e-12), (name, apart, size)
    first = f"{ENCODER}.0"
    assert torch.allclose(hand[f"{first}.skip"] + hand[f"{first}.via"], hand[f"{first}.input"])


def test_finite_differences_agree_at_random_cells(subject):
    specimen, model, tape, place, label = subject
    with torch.no_grad():
        hand = by_hand(model, tape, place, label)
    torchs = by_autograd(model, specimen.source, specimen.target, specimen.plain, place, label)
    generator = torch.Generator().manual_seed(0)
    names = sorted(name for name in torchs if name in hand and float(hand[name].abs().max()) > 1e-6)
    of = specimen.source, specimen.target, specimen.plain
    for n in torch.randint(len(names), (20,), generator=generator).tolist():
        g = hand[names[n]]
        at = int(g.abs().flatten().argmax()) if n % 2 else int(torch.randint(g.numel(), (1,), generator=generator))
        cell = tuple(int(v) for v in torch.unravel_index(torch.tensor(at), g.shape))
        more, less = by_trying(model, of, place, label, names[n], cell)
        tried = (more - less) / 2e-4
        assert abs(tried - float(g[cell])) <= 1e-2 * max(abs(float(g[cell])), 1e-5), (names[n], cell)


def test_a_probe_that_adds_nothing_leaves_every_number_as_it_is(subject):
    specimen, model, tape, place, label = subject
    more, less = by_trying(
        model, (specimen.source, specimen.target, specimen.plain), place, label, "logits", (0, 0), 0.0
    )
    expected = -float(tape["logits"][0, place].log_softmax(-1)[label])
    assert more == less == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("read", ["attention", "a"])
def test_a_probability_that_is_next_to_nothing_can_be_tried(read):
    """A trained model is sure: a step of 1e-4 would take the second best's 1e-6 below 0, where no logarithm is."""
    engine, asked = Engine(), WalkParams(task="Reverse", read=read, token=1)

    def told(params):
        return list(engine.run(Job(params, lambda: None, lambda event: None)))

    walked = next(e for e in told(asked) if isinstance(e, Walked))
    label = walked.words.index(walked.label)
    assert walked.arrays["probabilities"][1, label] < 1e-4
    checked = told(replace(asked, back_check=("probabilities", (1, label))))[-1]
    assert isinstance(checked, Checked)
    assert checked.tried == pytest.approx(checked.gradient, rel=1e-4)
    other = told(replace(asked, back_check=("probabilities", (0, label))))[-1]
    assert other.tried == other.gradient == 0  # of another place's loss


def test_no_relu_changes_its_mind_within_the_step():
    """One of this input opens within 1e-4 of where it is: that step took part of another slope with it."""
    asked = WalkParams(task="Copy", read="a", token=3, back_check=("encoder.0.sum", (1, 1)))
    checked = list(Engine().run(Job(asked, lambda: None, lambda event: None)))[-1]
    assert isinstance(checked, Checked)
    assert checked.tried == pytest.approx(checked.gradient, rel=1e-3)
