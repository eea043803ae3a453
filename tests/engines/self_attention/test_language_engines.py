"""Interventions are exact, none is none; ablation, similarity and words equal independent forward passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engines.core.errors import LabError
from engines.core.protocol import Frame, Job, Progress
from engines.self_attention.ablation import engine as ablation
from engines.self_attention.ablation.spec import WORD, AblationParams
from engines.self_attention.heads import engine as heads
from engines.self_attention.heads.spec import A_TO_B, SMALL, HeadsParams
from engines.self_attention.in_numbers import engine as numbers
from engines.self_attention.in_numbers.spec import NumbersParams
from engines.self_attention.language import subject
from engines.self_attention.language.asking import ALL_LAYERS, WHOLE_LAYER
from engines.self_attention.language.changes import Plan, plan_of
from engines.self_attention.language.load import load_checkpoint
from engines.self_attention.language.measures import block_max, entropy
from engines.self_attention.language.model import Layer
from engines.self_attention.language.predicting import drawn_from
from engines.self_attention.language.spec import LanguageParams
from engines.self_attention.language.stream import Stream
from engines.self_attention.language.subject import Collection
from engines.self_attention.similarity import engine as similarity
from engines.self_attention.similarity.spec import AllPairs, Compared, Reasons, SimilarityParams
from engines.self_attention.words import engine as words
from engines.self_attention.words.spec import WordsParams
from tests.app.made_up_language import tiny_bert, tiny_gpt2

A, B = "the cat sat on the mat", "a sleepy kitten is lying"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {
        "bert": str(tiny_bert(folder / "bert", layers=3, positions=520)),
        "bare": str(tiny_bert(folder / "bare", words=False)),
        "gpt2": str(tiny_gpt2(folder / "gpt2", layers=3)),
    }


@pytest.fixture(scope="module")
def here():
    return Collection()


def answers(engine, params):
    """All frames of an answer, by kind."""
    told = engine.run(Job(params, lambda: engine, lambda event: None))
    return {type(event): event for event in told if isinstance(event, Frame) and not isinstance(event, Progress)}


def answer(engine, params):
    (found,) = answers(engine, params).values()
    return found


def traced(source, params, text=None, **hidden):
    """An independent pass from the first layer on: last hidden states (N, d), and weights of each layer (H, N, N)."""
    trained = load_checkpoint(source)
    tokens = trained.speller.read(params.first, params.second) if text is None else trained.speller.read(text)
    plan = plan_of(params, trained.net.config)
    last, _, weights = trained.net.trace(
        torch.tensor([tokens.ids]), torch.tensor([tokens.types]),
        changes=plan.changes(trained.net.config.heads, "cpu"), **hidden,
    )  # fmt: skip
    return last[0], [each[0] for each in weights]


CHANGES = [
    {"temperature": 2.5},
    {"temperature": 0.3, "scope": WHOLE_LAYER, "layer": 3},
    {"temperature": 4.0, "scope": ALL_LAYERS, "heads_off": ((2, 1), (3, 2))},
    {"heads_off": ((1, 2),)},
]


@pytest.mark.parametrize("model", ["bert", "gpt2"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_equals_an_independent_forward_with_the_same_change(folders, here, model, change):
    params = HeadsParams(model=folders[model], first=A, second=B, **({"layer": 2, "head": 2} | change))
    engine = heads.Engine(here)
    answer(engine, replace(params, temperature=1.0, heads_off=()))  # so that there is something to branch off from
    for layer in (1, 2, 3):
        if change.get("temperature") and layer != params.layer:
            continue  # the chosen layer is the one that a temperature changes
        shown = answer(engine, replace(params, layer=layer))
        _, weights = traced(folders[model], replace(params, layer=layer))
        assert np.abs(shown.weights - weights[layer - 1][1].numpy()).max() < 1e-5
        assert shown.changed


@pytest.mark.parametrize("model", ["bert", "gpt2"])
def test_no_change_is_the_untouched_model_bit_for_bit(folders, here, one_thread, model):
    """After changes have come and gone, and whether a map was kept or computed once more."""
    params, engine = HeadsParams(model=folders[model], first=A, second=B, layer=2, head=1), heads.Engine(here)
    first = answer(engine, params)
    for change in CHANGES:
        answer(engine, replace(params, **change))
    again = answer(engine, params)
    assert (
        again.weights.tobytes() == first.weights.tobytes() == traced(folders[model], params)[1][1][0].numpy().tobytes()
    )
    assert again.maps.tobytes() == first.maps.tobytes()
    assert not again.changed


def test_a_plan_without_a_change_is_no_plan(folders):
    config = load_checkpoint(folders["bert"]).net.config
    assert plan_of(HeadsParams(scope=ALL_LAYERS, heads_off=((9, 1), (1, 9))), config) == Plan()
    assert Plan().first is None


def test_only_layers_from_the_changed_one_on_are_computed(folders, here, monkeypatch):
    params, engine = HeadsParams(model=folders["bert"], first=A, second=B, layer=3), heads.Engine(here)
    answer(engine, params)
    computed = []
    whole = Stream.advance
    monkeypatch.setattr(Stream, "advance", lambda stream: (computed.append(stream.reached), whole(stream))[1])
    answer(engine, replace(params, temperature=1.7))
    assert computed == []  # the last layer's maps need what enters it, and nobody sees what leaves it
    answer(engine, replace(params, layer=2, temperature=1.7))
    assert computed == [1]


def test_parts_are_cut_out_of_the_map_and_nothing_is_rescaled(folders, here):
    params, engine = HeadsParams(model=folders["bert"], first=A, second=B, layer=2), heads.Engine(here)
    whole = answer(engine, params)
    part = answer(engine, replace(params, part=A_TO_B))
    rows = [at for at, sentence in enumerate(whole.text.sentence) if sentence == 0]
    cols = [at for at, sentence in enumerate(whole.text.sentence) if sentence == 1]
    assert part.rows.tolist() == rows
    assert part.cols.tolist() == cols
    every = whole.maps.reshape(3, 2, len(whole.text), len(whole.text))
    np.testing.assert_array_equal(part.maps.reshape(3, 2, len(rows), len(cols)), every[:, :, rows][:, :, :, cols])
    bare = answer(engine, replace(params, special=False))
    assert bare.rows.tolist() == bare.cols.tolist() == sorted(rows + cols)
    with pytest.raises(LabError, match="empty"):
        answer(engine, replace(params, second="", part=A_TO_B))


def test_measures_are_those_of_the_rows(folders, here):
    shown = answer(heads.Engine(here), HeadsParams(model=folders["bert"], first=A, second=B, layer=2, head=1))
    rows = [at for at, sentence in enumerate(shown.text.sentence) if sentence >= 0]
    weights = shown.weights[rows].astype(float)
    special = [at for at, sentence in enumerate(shown.text.sentence) if sentence < 0]
    assert shown.parked[1, 0] == pytest.approx(weights[:, special].sum(1).mean(), abs=1e-5)
    assert shown.entropy[1, 0] == pytest.approx(-(weights * np.log2(weights)).sum(1).mean(), abs=1e-4)
    apart = np.abs(np.array(rows)[:, None] - np.arange(len(shown.text)))
    assert shown.distance[1, 0] == pytest.approx((weights * apart).sum(1).mean(), abs=1e-4)
    assert float(entropy(torch.full((1, 8), 1 / 8))) == pytest.approx(3)


def test_what_special_tokens_add_is_measured_by_the_vectors_that_are_added(folders, here):
    params = HeadsParams(model=folders["bert"], first=A, second=B, layer=2, head=2)
    shown = answer(heads.Engine(here), params)
    trained = load_checkpoint(folders["bert"])
    tokens = trained.speller.read(A, B)
    _, entering, weights = trained.net.trace(torch.tensor([tokens.ids]), torch.tensor([tokens.types]))
    layer = trained.net.layer(1)
    values = layer.v_proj(entering[1][0])[:, 8:] @ layer.out_proj.weight[:, 8:].T  # (N, d) of the second head
    added = weights[1][0, 1][:, :, None] * values  # (N, N, d)
    lengths = added.norm(dim=-1)[~torch.tensor(tokens.special)]
    share = lengths[:, torch.tensor(tokens.special)].sum() / lengths.sum()
    assert shown.carried == pytest.approx(float(share), abs=1e-5)


def test_512_tokens_keep_no_maps_but_small_ones(folders):
    """All maps of 3 layers of 2 heads would have 6.3 MB; the mosaic has 48 a side, and the shown head its own."""
    params = HeadsParams(model=folders["bert"], first="the cat " * 300, second="")
    here = Collection()
    engine = heads.Engine(here)
    shown = answer(engine, params)
    assert (len(shown.text), shown.text.cut) == (520, 82)
    assert shown.maps.shape[1] <= SMALL
    assert shown.block == 11
    assert shown.weights.shape == (520, 520)
    kept = [seen.maps.nbytes for seen in engine._seen.values()]
    assert sum(kept) < 100_000
    for stream in here._streams.values():
        assert stream._newest is None or stream._newest[1].numel() == 2 * 520 * 520  # one layer's


def test_a_block_becomes_its_largest_weight():
    maps = torch.rand(2, 100, 60)
    small, block = block_max(maps, 48)
    assert block == 3
    assert small.shape == (2, 34, 20)
    assert float(small[1, 33, 0]) == float(maps[1, 99:, :3].max())
    assert block_max(maps[:, :48, :48], 48)[1] == 1


# ------------------------------------------------------------------ in numbers
@pytest.mark.parametrize("model", ["bert", "gpt2"])
def test_a_row_is_taken_apart_into_what_the_model_used(folders, here, model):
    params = NumbersParams(model=folders[model], first=A, second=B, layer=2, head=2, query=4, temperature=2.0)
    shown = answer(numbers.Engine(here), params)
    assert shown.scores[shown.key] == pytest.approx(float(shown.q @ shown.k), abs=1e-4)
    np.testing.assert_allclose(shown.scaled, shown.scores / np.sqrt(len(shown.q)) / 2, rtol=1e-5)
    np.testing.assert_allclose(shown.row, shown.weights[4], atol=1e-5)
    np.testing.assert_allclose(shown.row @ shown.values, shown.output, atol=1e-5)
    assert shown.key == int(shown.weights[4].argmax())
    assert shown.seen.sum() == (5 if model == "gpt2" else len(shown.text))
    off = answer(numbers.Engine(here), replace(params, heads_off=((2, 2),)))
    assert not off.output.any()


# ------------------------------------------------------------------ similarity
def mean_of(last, kept=None):
    found = last[kept].mean(0) if kept is not None else last.mean(0)
    return found / found.norm()


def test_a_similarity_is_the_cosine_of_the_means(folders, here):
    params = SimilarityParams(model=folders["bert"], first=A, second=B, explained=False)
    shown = answers(similarity.Engine(here), params)[Compared]
    one, other = (mean_of(traced(folders["bert"], params, text)[0]) for text in (A, B))
    assert shown.similarity == pytest.approx(float(one @ other), abs=1e-5)
    assert shown.untouched == shown.similarity
    assert not shown.changed
    changed = replace(params, heads_off=((1, 1),), hidden=((0, 1), (1, 2)), temperature=2.0, scope=ALL_LAYERS)
    there = answers(similarity.Engine(here), changed)[Compared]
    assert there.hidden == ((2,), (2 + 1,))
    ends = []
    for text, hidden in zip((A, B), there.hidden, strict=True):
        count = len(load_checkpoint(folders["bert"]).speller.read(text))
        out = torch.zeros(1, count, dtype=torch.bool)
        out[0, list(hidden)] = True
        ends.append(mean_of(traced(folders["bert"], changed, text, hidden=out)[0], ~out[0]))
    assert there.similarity == pytest.approx(float(ends[0] @ ends[1]), abs=1e-5)
    assert there.untouched == shown.similarity
    assert there.changed


def test_shuffled_and_negated_sentences_are_read_as_they_are_said_to_be(folders, here):
    params = SimilarityParams(model=folders["bert"], first=A, second=B, explained=False)
    negated = answers(similarity.Engine(here), replace(params, negated=True))[Compared]
    assert negated.typed == (A, "a sleepy kitten is not lying")
    by_hand = answers(similarity.Engine(here), replace(params, second="a sleepy kitten is not lying"))[Compared]
    assert negated.similarity == by_hand.similarity
    mixed = answers(similarity.Engine(here), replace(params, shuffled=True, order=3))[Compared]
    assert sorted(mixed.texts[1].names) == sorted(by_name(B, folders))
    assert mixed.similarity != mixed.untouched


def by_name(text, folders):
    return load_checkpoint(folders["bert"]).speller.read(text).names


def test_the_matrix_holds_each_pair_and_no_more_than_ten(folders, here):
    listed = "\n".join([A, B, "", *(f"the cat sat {'on ' * i}" for i in range(10))])
    params = SimilarityParams(model=folders["bert"], first=A, second=B, sentences=listed, explained=False)
    found = answers(similarity.Engine(here), params)
    pairs = found[AllPairs]
    assert (len(pairs.sentences), pairs.left_out) == (10, 2)
    assert pairs.similarities[0, 1] == pytest.approx(found[Compared].similarity, abs=1e-6)
    np.testing.assert_allclose(np.diag(pairs.similarities), 1, atol=1e-5)
    assert AllPairs not in answers(similarity.Engine(here), replace(params, sentences=" \n"))


def test_relevance_is_gradient_times_attention_by_hand_in_a_net_of_one_layer(tmp_path):
    folder = str(tiny_bert(tmp_path / "one", layers=1))
    params = SimilarityParams(model=folder, first=A, second=B)
    shown = answers(similarity.Engine(Collection()), params)[Reasons]
    trained = load_checkpoint(folder)
    layer, tokens = trained.net.layer(0), trained.speller.read(A)
    other = mean_of(traced(folder, params, B)[0]).clone()
    x = trained.net.embed(torch.tensor([tokens.ids]))
    q, k, v = layer.projected(x)
    weights = layer.weights(q, k, None).requires_grad_(True)
    last = layer.after(x, layer.gathered(weights, v))[0]
    (gradient,) = torch.autograd.grad(mean_of(last) @ other, weights)
    by_hand = (weights * gradient).clamp(min=0).mean(1)[0].mean(0)
    np.testing.assert_allclose(shown.relevance[0], by_hand.detach().numpy(), rtol=1e-3, atol=1e-7)


def test_the_deletion_is_that_of_hidden_words(folders, here):
    """Its second step is the similarity with the most relevant word hidden by hand."""
    params = SimilarityParams(model=folders["bert"], first=A, second=B)
    found = answers(similarity.Engine(here), params)
    reasons, compared = found[Reasons], found[Compared]
    assert len(reasons.kept) == 7
    assert reasons.kept[0] == pytest.approx(compared.similarity, abs=1e-5)
    token = 1 + int(reasons.relevance[0][1:-1].argmax())
    word = compared.texts[0].words[token]
    by_hand = answers(similarity.Engine(here), replace(params, hidden=((0, word),), explained=False))[Compared]
    assert reasons.kept[1] == pytest.approx(by_hand.similarity, abs=1e-5)
    assert np.all(reasons.random_low <= reasons.random_mean + 1e-6)
    assert reasons.score == pytest.approx(float(reasons.kept.mean()), abs=1e-6)


def test_one_sentence_alone_is_not_compared(folders, here):
    with pytest.raises(LabError, match="Type two sentences"):
        answers(similarity.Engine(here), SimilarityParams(model=folders["bert"], first=A, second=" "))


# ------------------------------------------------------------------ words
def test_a_masked_word_has_the_models_probabilities(folders, here):
    shown = answer(words.Engine(here), WordsParams(model=folders["bert"], first=A, gap=3))
    trained = load_checkpoint(folders["bert"])
    ids = list(trained.speller.read(A).ids)
    assert (shown.kind, shown.place, shown.text.names[3], shown.was) == ("masked", 3, "[MASK]", "sat")
    ids[3] = trained.speller.mask
    last, _, _ = trained.net.trace(torch.tensor([ids]))
    chances = trained.net.logits(last)[0, 3].softmax(-1)
    order = chances.argsort(descending=True)[:10]
    assert shown.candidates == tuple(trained.speller.name_of(piece) for piece in order.tolist())
    np.testing.assert_allclose(shown.now, chances[order].numpy(), rtol=1e-4)
    np.testing.assert_allclose(shown.now, shown.untouched, rtol=1e-6)


def test_the_gap_is_a_typed_mask_else_the_last_word(folders, here):
    engine = words.Engine(here)
    typed = answer(engine, WordsParams(model=folders["bert"], first="the [MASK] sat."))
    assert (typed.place, typed.was) == (2, "")
    last = answer(engine, WordsParams(model=folders["bert"], first="the cat sat."))
    assert (last.place, last.was) == (3, "sat")
    none = answer(engine, WordsParams(model=folders["bare"], first=A))
    assert (none.kind, none.candidates) == ("", ())


def test_words_are_drawn_one_after_the_other_and_the_map_grows(folders, here):
    params, engine = WordsParams(model=folders["gpt2"], first="the cat", added=4), words.Engine(here)
    told = [e for e in engine.run(Job(params, lambda: engine, lambda event: None)) if type(e).__name__ == "WordsAnswer"]
    assert [event.added for event in told] == [0, 1, 2, 3, 4]
    assert [event.weights.shape[0] for event in told] == [2, 3, 4, 5, 6]
    for event in told:
        assert not np.triu(event.weights, 1).any()
    whole = told[-1].text.names
    again = answer(words.Engine(Collection()), params)
    assert again.text.names == whole
    assert answer(words.Engine(here), replace(params, added=2)).text.names == whole[:4]
    others = {answer(words.Engine(here), replace(params, draw=draw)).text.names for draw in range(1, 6)}
    assert others - {whole}
    greedy = answer(words.Engine(here), replace(params, top_k=1, added=1))
    assert greedy.drawn.tolist() == [1.0]
    assert greedy.text.names[-1] == told[0].candidates[0]


@pytest.mark.parametrize("change", [{}, *CHANGES])
def test_a_drawn_word_is_read_alone_and_as_if_all_were_read_again(folders, monkeypatch, change):
    params, read, real = WordsParams(model=folders["gpt2"], first="the cat", added=4, **change), [], Layer.forward
    monkeypatch.setattr(Layer, "forward", lambda self, *given: read.append(given[0].shape[1]) or real(self, *given))
    assert answer(words.Engine(Collection()), params).added == 4
    assert set(read) == {2}  # the typed tokens
    trained = load_checkpoint(folders["gpt2"])
    net, tokens, plan = trained.net, trained.speller.read("the cat"), plan_of(params, trained.net.config)
    grown = Stream.of(net, tokens).finish().branch(plan).finish().grown(7).grown(3)
    fresh = Stream.of(net, tokens.grown(7, "").grown(3, "")).finish().branch(plan).finish()
    assert len(grown.entering) == len(fresh.entering)
    for one, other in zip(grown.entering, fresh.entering, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    for layer in range(net.config.layers):
        torch.testing.assert_close(grown.weights(layer), fresh.weights(layer), atol=1e-5, rtol=0)
    torch.testing.assert_close(grown.last(), fresh.last(), atol=1e-5, rtol=0)


def test_a_text_ends_where_the_model_takes_no_more(tmp_path):
    folder = str(tiny_gpt2(tmp_path / "short", positions=6))
    shown = answer(words.Engine(Collection()), WordsParams(model=folder, first="the cat", added=40))
    assert len(shown.text) <= 6
    assert shown.full


def test_top_k_and_top_p_keep_the_fewest_likeliest():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    np.testing.assert_allclose(drawn_from(logits, 1.0, 0, 1.0), [0.5, 0.3, 0.15, 0.05], rtol=1e-5)
    np.testing.assert_allclose(drawn_from(logits, 1.0, 2, 1.0), [0.625, 0.375, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(drawn_from(logits, 1.0, 0, 0.75), [0.625, 0.375, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(drawn_from(logits, 1.0, 0, 0.05), [1, 0, 0, 0], rtol=1e-5)
    sharp = drawn_from(logits, 0.5, 0, 1.0)
    np.testing.assert_allclose(sharp, np.array([0.25, 0.09, 0.0225, 0.0025]) / 0.365, rtol=1e-4)


# ------------------------------------------------------------------ ablation
def test_each_effect_is_that_of_an_independent_forward_without_the_head(folders, here):
    params = AblationParams(model=folders["bert"], first=A, second=B, heads_off=((1, 2),))
    shown = answer(ablation.Engine(here), params)
    assert shown.known.all()
    assert shown.effects[0, 1] == 0

    def alike(off):
        changed = replace(params, heads_off=off)
        one, other = (mean_of(traced(folders["bert"], changed, text)[0]) for text in (A, B))
        return float(one @ other)

    base = alike(((1, 2),))
    assert shown.base == pytest.approx(base, abs=1e-5)
    for layer, head in ((1, 1), (2, 2), (3, 1)):
        effect = alike(((1, 2), (layer, head))) - base
        assert shown.effects[layer - 1, head - 1] == pytest.approx(effect, abs=1e-5)
    assert np.abs(shown.effects).max() > 1e-3


@pytest.mark.parametrize("model", ["bert", "gpt2"])
def test_a_words_effect_is_that_on_its_probability(folders, here, model):
    params = AblationParams(model=folders[model], first=A, effect=WORD)
    shown = answer(ablation.Engine(here), params)
    asked = WordsParams(model=folders[model], first=A)
    plain = answer(words.Engine(here), asked)
    assert (shown.word, shown.of_word) == (plain.candidates[0], True)
    assert shown.base == pytest.approx(float(plain.now[0]), abs=1e-5)
    off = answer(words.Engine(here), replace(asked, heads_off=((2, 1),)))
    at = off.candidates.index(shown.word) if shown.word in off.candidates else -1
    if at >= 0:
        assert shown.effects[1, 0] == pytest.approx(float(off.now[at] - plain.now[0]), abs=1e-5)
    with pytest.raises(LabError, match="names no words"):
        answer(ablation.Engine(here), replace(params, model=folders["bare"]))


def test_a_map_grows_layer_by_layer_and_can_be_ended(folders):
    engine = ablation.Engine(Collection())
    run = engine.run(Job(AblationParams(model=folders["bert"], first=A, second=B), lambda: engine, lambda event: None))
    grown = [event.known.sum() for event in run if not isinstance(event, Progress) and hasattr(event, "known")]
    assert grown == [2, 4, 6, 6]


def test_a_rank_correlation_looks_at_the_order_alone():
    """Spearman: 1 − 6 Σ d² / (n (n² − 1)), of ranks that differ by 0, 1, 1 and 0."""
    one = np.array([[1.0, 20.0], [300.0, 4000.0]])
    assert ablation.ranked(one, np.array([[0.0, 0.7], [0.2, 0.9]])) == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert ablation.ranked(one, one**3) == pytest.approx(1)
    assert ablation.ranked(one, -one) == pytest.approx(-1)
    assert ablation.ranked(np.zeros((2, 2)), one) == 0


# ------------------------------------------------------------------ settings
def test_without_any_model_it_is_said_what_to_do(monkeypatch):
    monkeypatch.setattr(subject, "MODELS", ())
    engine = heads.Engine(Collection())
    with pytest.raises(LabError, match="No language model is on this machine"):
        answer(engine, HeadsParams())


def test_what_was_hidden_in_another_text_is_so_no_more():
    before = LanguageParams(hidden=((0, 1), (1, 2)), gap=3)
    assert replace(before, first="other").following(before).hidden == ((1, 2),)
    assert replace(before, first="other").following(before).gap == 3
    assert replace(before, model="other").following(before).gap == -1
    assert replace(before, second="other").following(before).hidden == ((0, 1),)
    assert replace(before, negated=True).following(before).hidden == ((0, 1),)
    assert replace(before, first="other", second="other").following(before).hidden == ()
    assert replace(before, model="other").following(before).hidden == ()
    assert replace(before, temperature=2.0).following(before) == replace(before, temperature=2.0)
    assert LanguageParams(hidden=((0, 1),), heads_off=((1, 1), (2, 2)), negated=True).changes() == 4
