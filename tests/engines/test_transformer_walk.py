"""The numbers of the page Maths: each is what the formula beside it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engines.core.protocol import Job
from engines.data.sequences import task
from engines.data.vocabulary import BOS
from engines.transformer.maths.engine import Engine, Exact, traced, walked
from engines.transformer.maths.spec import RUNNER_UP, WalkParams
from engines.transformer.model import Transformer
from engines.transformer.proofs import nearest
from engines.transformer.subject import Specimen
from engines.transformer.switches import CROSS, DECODER, ENCODER
from tests.closeness import close


def specimen(norm_first: bool = False, norm: str = "layer") -> Specimen:
    kind = task("Reverse")
    model = Transformer(len(kind.source), len(kind.target), 16, 4, 2, 2, 24, 16, norm=norm, norm_first=norm_first)
    ids, _ = kind.read("attend")
    return Specimen(kind, model.eval(), torch.tensor(ids), torch.tensor([BOS, 5, 6, 7]), False)


@pytest.mark.parametrize("norm", ["layer", "batch"])
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("at", [(ENCODER, 0), (ENCODER, 1), (DECODER, 0), (CROSS, 1)])
def test_every_arrow_is_what_its_formula_says(at, norm_first, norm):
    subject = specimen(norm_first, norm)
    seen = walked(subject, traced(subject), at, Exact(subject).back(0, RUNNER_UP))
    a, heads = seen.arrays, seen.heads
    assert seen.at == at
    q, k, e = len(seen.queries), len(seen.keys), 16

    def near(name: str, made: np.ndarray) -> None:
        close(a[name], made, 200, name=name)

    near("x", a["embedding"] + a["positions"])
    for letter, given, count in (("q", "input", q), ("k", "looked_at", k), ("v", "looked_at", k)):
        made = a[given] @ a[f"w_{letter}"] + a[f"b_{letter}"]
        name = {"q": "queries", "k": "keys", "v": "values"}[letter]
        near(name, made.reshape(count, heads, e // heads).swapaxes(0, 1))
    near("scores", a["queries"] @ a["keys"].swapaxes(1, 2) / np.sqrt(e / heads))
    raised = np.where(a["mask"] > 0, np.exp(a["scores"]), 0)
    near("weights", raised / raised.sum(-1, keepdims=True))
    near("head", a["weights"] @ a["values"])
    near("joined", a["head"].swapaxes(0, 1).reshape(q, e))
    near("attended", a["joined"] @ a["w_o"] + a["b_o"])
    near("sum", a["residual"] + a["attended"])
    for prefix in ("", "ffn_"):
        before = a[f"{prefix}residual" if norm_first else f"{prefix}sum"]
        scaled = (before - a[f"{prefix}mean"]) / a[f"{prefix}deviation"]
        near(f"{prefix}normed", scaled * a[f"{prefix}gamma"] + a[f"{prefix}beta"])
    near("hidden", np.maximum(0, a["ffn_input"] @ a["w_1"] + a["b_1"]))
    near("ffn", a["hidden"] @ a["w_2"] + a["b_2"])
    near("ffn_sum", a["ffn_residual"] + a["ffn"])
    near("logits", a["decoded"] @ a["unembed"] + a["unembed_b"])
    raised = np.exp(a["logits"])
    near("probabilities", raised / raised.sum(-1, keepdims=True))
    assert len(seen.words) == a["logits"].shape[1]
    assert len(seen.target) == a["logits"].shape[0]


def test_the_logits_are_those_of_the_model():
    subject = specimen()
    seen = walked(subject, traced(subject), (CROSS, 0), Exact(subject).back(0, RUNNER_UP))
    with torch.no_grad():
        logits = subject.model(subject.source[None], subject.target[None])[0]
    close(seen.arrays["logits"], logits.numpy())
    assert seen.queries == seen.target
    assert seen.keys == ("a", "t", "t", "e", "n", "d", "</s>")


def test_a_layer_that_is_not_there_gives_way_to_the_last_of_its_kind():
    engine = Engine()
    job = Job(WalkParams(walk_at=(CROSS, 9), read="ab?"), lambda: engine, lambda event: None)
    (seen,) = engine.run(job)
    assert (seen.task, seen.at) == ("Reverse", (CROSS, 1))
    assert seen.places[0] == (ENCODER, 0)
    assert nearest((ENCODER, 1), seen.places) == (ENCODER, 1)
    assert nearest((ENCODER, -1), seen.places) == nearest(("?", 3), seen.places) == (ENCODER, 0)
    assert "".join(seen.keys[:-1]) == "attention"  # the text can't be read: the sample of the task
