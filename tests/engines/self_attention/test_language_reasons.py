"""Language models on the page Why: answers and parts against transformers and autograd, the claims on each family."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from engines.blocks.naming import ATTENTION, FFN, NEXT, POSITIONS, SENTENCE
from engines.core.errors import LabError
from engines.self_attention.language.changes import Plan
from engines.self_attention.language.load import load_checkpoint
from engines.self_attention.language.reasons import MOST, PIECES, load
from engines.self_attention.language.subject import Collection
from engines.transformer.why import claims
from engines.transformer.why.spec import ONLY, WHOLE, WhyParams
from tests.engines.self_attention.reference import reference

SMALL = ("bert", "distilbert", "gpt2")
TEXT, BESIDE = "the cat sat on the mat because it was tired", "a sleepy kitten"
PLAIN = WhyParams()
#: Where the families of transformers add to the stream: behind attention, behind the MLP, and the positions.
WRITES = {
    "bert": ("bert.encoder.layer", "attention.output.dense", "output.dense", "bert.embeddings.position_embeddings"),
    "distilbert": ("distilbert.transformer.layer", "attention.out_lin", "ffn.lin2",
                   "distilbert.embeddings.position_embeddings"),
    "gpt2": ("transformer.h", "attn.c_proj", "mlp.c_proj", "transformer.wpe"),
}  # fmt: skip
VALUES = {"bert": "attention.self.value", "distilbert": "attention.v_lin", "gpt2": "attn.c_attn"}


@pytest.fixture(scope="module", params=SMALL)
def pair(request, tmp_path_factory):
    """A family, a model of transformers in double precision, and ours on a sentence."""
    folder = tmp_path_factory.mktemp(request.param)
    theirs = reference(request.param, folder).double()
    return request.param, theirs, load(str(folder)).read(TEXT, BESIDE), folder


def states(theirs, folder, text):
    """The last hidden states (N, d) and logits (N, V) of the reference."""
    tokens = load_checkpoint(str(folder)).speller.read(text)
    found = theirs(torch.tensor([tokens.ids]), output_hidden_states=True)
    return found.hidden_states[-1][0], found.logits[0]


def test_the_answers_are_those_of_transformers(pair):
    family, theirs, one, folder = pair
    found = one.logits(one.places[0])
    with torch.no_grad():
        (last, logits), (other, _) = (states(theirs, folder, text) for text in (TEXT, BESIDE))
    if family == "gpt2":
        expected = logits[-1].topk(PIECES).values
        assert one.answered == NEXT
    else:
        cosine = torch.nn.functional.cosine_similarity(last.mean(0), other.mean(0), dim=0)
        expected = torch.stack([cosine, torch.ones_like(cosine)])
        assert (one.answered, one.answers) == (SENTENCE, ("B", "A"))
    assert torch.allclose(found[0], expected, atol=1e-6)


def direct(family, theirs, folder, one):
    """By autograd what each part adds to the first answer: deviations and all that is written are held.

    Each write becomes a leaf, so its gradient knows the way straight to the answer and no other.
    """
    layers, after_attention, after_mlp, places = WRITES[family]
    modules, leaves, joined, hooks = dict(theirs.named_modules()), {}, {}, []

    def leaf(name, _module, given, out):
        leaves[name], joined[name] = out.detach().requires_grad_(True), given[0].detach()
        return leaves[name]

    def held(module, given, _out):
        (x,) = given
        deviation = (x.var(-1, correction=0, keepdim=True) + module.eps).sqrt().detach()
        return (x - x.mean(-1, keepdim=True)) / deviation * module.weight + module.bias

    for name, module in modules.items():
        wrote = name.startswith(layers) and name.endswith((after_attention, after_mlp))
        if wrote or name == places:
            hooks.append(module.register_forward_hook(partial(leaf, name)))
        elif isinstance(module, torch.nn.LayerNorm):
            hooks.append(module.register_forward_hook(held))
    last, logits = states(theirs, folder, TEXT)
    for hook in hooks:
        hook.remove()
    if family == "gpt2":
        answer = logits[-1].max()
    else:
        with torch.no_grad():
            other = states(theirs, folder, BESIDE)[0].mean(0)
        mean = last.mean(0)
        answer = mean @ (other / other.norm()) / mean.norm().detach()
    gradients = dict(zip(leaves, torch.autograd.grad(answer, list(leaves.values())), strict=True))
    found = {(POSITIONS, -1, -1): (gradients[places] * leaves[places]).sum()}
    for i, _ in enumerate(one.places):
        attention, mlp = f"{layers}.{i}.{after_attention}", f"{layers}.{i}.{after_mlp}"
        found[FFN, i, -1] = (gradients[mlp] * leaves[mlp]).sum()
        weight = modules[attention].weight if family == "gpt2" else modules[attention].weight.T  # (H·d, E)
        bias = modules[f"{layers}.{i}.{VALUES[family]}"].bias[-weight.shape[0] :]  # what all heads hand over alike
        parts = (joined[attention] - bias).unflatten(-1, (one.heads(one.places[i]).count, -1))  # (1, N, H, d)
        for head, part in enumerate(parts.unbind(2)):
            size = part.shape[-1]
            wrote = part @ weight[head * size : (head + 1) * size]
            found[ATTENTION, i, head] = (gradients[attention] * wrote).sum()
    return found


def test_each_part_is_what_autograd_says_it_adds(pair):
    family, theirs, one, folder = pair
    parts = one.parts()
    assert torch.allclose(parts.values.sum(0), parts.logits, atol=1e-10)
    assert torch.allclose(parts.logits, one.logits(one.places[-1]), atol=1e-10)
    expected = direct(family, theirs, folder, one)
    assert len(expected) == len(parts.names) - 2  # but for the pieces and the biases
    for name, value in expected.items():
        assert float(parts.values[parts.names.index(name), 0, 0]) == pytest.approx(float(value.detach()), abs=1e-6)


def test_the_claims_hold(pair):
    _, _, one, _ = pair
    place = one.places[1]
    found = claims.keys_need_no_bias(one, place, 1, 0, PLAIN)
    assert found.values["keys"] < 1.2e-6
    assert found.values["queries"] > 1e-3
    assert claims.a_head_is_two_matrices(one, place, 1, 0, PLAIN).values["apart"] < 9.5e-6
    assert claims.onto_a_sphere(one, place, 0, 0, PLAIN).values["apart"] < 8.5e-6
    assert claims.kernel_regression(one, place, 1, 3, PLAIN).values["apart"] < 3e-7
    assert claims.a_sharp_softmax_is_dead(one, place, 1, 3, PLAIN).values["apart"] < 7.5e-8
    collapse = claims.rank_collapse(one, place, 0, 0, PLAIN, claims.Stacks(one)).values
    assert bool(collapse["masked"]) == (one.answered == NEXT)
    assert collapse[ONLY] < (0.1 if collapse["masked"] else 1e-4)  # whoever sees only what was before comes to it later


def test_as_deep_as_it_is_the_stack_is_the_models_own(pair):
    _, theirs, one, folder = pair
    *_, last = one.through(len(one.places), True, True)
    with torch.no_grad():
        expected, _ = states(theirs, folder, TEXT)
    assert torch.allclose(one._opened.concluded(last), expected, atol=1e-6)
    stacks = claims.rank_collapse(one, one.places[0], 0, 0, PLAIN, claims.Stacks(one))
    assert stacks.values[WHOLE] > stacks.values[ONLY]


def test_a_cosine_is_that_of_the_page_similarity(pair):
    family, _, one, folder = pair
    if family == "gpt2":
        return  # it continues texts, and compares none
    here = Collection()
    loading = here.load(str(folder), "cpu")
    while True:
        try:
            next(loading)
        except StopIteration as stop:
            loaded = stop.value
            break
    first, second = (here.sentence(loaded, here.tokens(loaded, text), Plan()) for text in (TEXT, BESIDE))
    assert float(one.logits(one.places[0])[0, 0]) == pytest.approx(float(first @ second), abs=1e-5)


def test_without_another_sentence_it_is_compared_with_itself(pair):
    family, _, _, folder = pair
    one = load(str(folder)).read("cat", "  ")
    if family != "gpt2":
        assert one.answers == ("A",)
        assert float(one.logits(one.places[0])) == pytest.approx(1)
    parts = one.parts()
    assert torch.allclose(parts.values.sum(0), parts.logits, atol=1e-10)


def test_what_can_not_be_read_is_said(pair):
    reader = load(str(pair[3]))
    with pytest.raises(LabError, match="no token"):
        reader.read("   ")
    with pytest.raises(LabError, match=f"{MOST} at most"):
        reader.read("cat " * (MOST + 3))
