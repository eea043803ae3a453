"""The block and the model beside transformers' and mambapy's, token by token, with changes, and out of folders."""

from __future__ import annotations

import json

import pytest
import torch
from mambapy.mamba import MambaBlock as TheirBlock
from mambapy.mamba import MambaConfig as TheirConfig

from engines.checkpoints.fetch import choose_files
from engines.core.errors import LabError
from engines.mamba import Mamba, MambaBlock, MambaConfig, load_checkpoint
from engines.mamba.block import Changes
from engines.mamba.text import shown_piece
from tests.engines.mamba import reference


@pytest.fixture(scope="module")
def theirs():
    return reference.make()


@pytest.fixture(scope="module")
def folder(theirs, tmp_path_factory):
    place = tmp_path_factory.mktemp("mamba") / "tiny"
    reference.save(theirs, place)
    return place


@pytest.fixture(scope="module")
def net(folder) -> Mamba:
    return load_checkpoint(str(folder))


def block(seed=0) -> MambaBlock:
    torch.manual_seed(seed)
    made = MambaBlock(12, 4, 2, 4, 3).eval().requires_grad_(False)
    for parameter in made.parameters():
        parameter.normal_(0.0, 0.4)
    return made


def tokens(batch=2, length=9, seed=1):
    return torch.randint(300, (batch, length), generator=torch.Generator().manual_seed(seed))


def test_the_block_is_mambapys_with_the_same_names():
    ours = block()
    other = TheirBlock(TheirConfig(d_model=12, n_layers=1, d_state=4, dt_rank=3))
    other.load_state_dict(ours.state_dict())
    x = torch.randn(2, 16, 12)
    torch.testing.assert_close(ours(x), other(x), atol=2e-5, rtol=0)


def test_how_a_block_starts():
    torch.manual_seed(0)
    made = MambaBlock(64)
    assert (made.inner, made.state, made.rank) == (128, 16, 4)
    steps = torch.nn.functional.softplus(made.dt_proj.bias)
    assert 1e-3 <= steps.min() < 2e-3
    assert 5e-2 < steps.max() <= 1e-1 + 1e-6
    torch.testing.assert_close(made.A[3], -torch.arange(1.0, 17.0))


@pytest.mark.parametrize("naming", ["transformers", "mamba-ssm"])
def test_each_naming_gives_what_transformers_gives(naming, theirs, tmp_path):
    reference.save(theirs, tmp_path / "model", naming)
    ours, ids = load_checkpoint(str(tmp_path / "model")), tokens()
    trace = ours.trace(ids)
    torch.testing.assert_close(trace.logits, theirs(ids).logits, atol=1e-4, rtol=0)
    assert torch.equal(ours(ids), trace.logits)


def test_a_head_of_its_own_is_read(tmp_path):
    theirs = reference.make(tie_word_embeddings=False)
    reference.save(theirs, tmp_path / "model")
    from safetensors.torch import load_file, save_file

    file = tmp_path / "model" / "model.safetensors"
    save_file(load_file(file) | {"lm_head.weight": theirs.lm_head.weight.data.clone()}, file)
    torch.testing.assert_close(
        load_checkpoint(str(tmp_path / "model"))(tokens()), theirs(tokens()).logits, atol=1e-4, rtol=0
    )


def test_token_by_token_is_the_whole_at_once(net):
    ids = tokens()
    held, logits = net.begin(2), []
    for t in range(ids.shape[1]):
        out, held = net.step(ids[:, t], held)
        logits.append(out)
    torch.testing.assert_close(torch.stack(logits, 1), net(ids), atol=1e-5, rtol=0)


def test_hidden_attention_over_the_convolved_input_is_the_scan():
    made, x = block(), torch.randn(1, 11, 12, generator=torch.Generator().manual_seed(3))
    seen, weights = made.look(x), made.hidden_attention(x)
    found = (weights @ seen.u[..., None])[..., 0] + made.D[:, None] * seen.u
    torch.testing.assert_close(found, seen.y, atol=1e-5, rtol=0)
    assert not weights.triu(1).any()
    assert torch.equal(made.hidden_attention(x, [4, 1]), weights[:, [4, 1]])


def test_what_is_changed_in_a_block():
    made, x = block(), torch.randn(1, 11, 12, generator=torch.Generator().manual_seed(3))
    plain = made.look(x)
    assert torch.equal(made.look(x, Changes()).out, plain.out)
    for name in ("delta", "B", "C"):
        still = made.look(x, Changes(still=frozenset({name})))
        torch.testing.assert_close(getattr(still, name)[..., 5], getattr(plain, name).mean(-1), atol=1e-6, rtol=0)
        assert not torch.allclose(still.out, plain.out)
    kept = made.look(x, Changes(forgets=False), states=True)
    written = (plain.delta * plain.u)[:, :, None] * plain.B[:, None]
    torch.testing.assert_close(kept.states, written.cumsum(-1), atol=1e-5, rtol=0)
    off = made.look(x, Changes(off=frozenset(range(24))))
    assert not off.out.any()
    assert torch.equal(off.y, plain.y)


def test_a_text_in_bytes_that_nobody_has_learned(net):
    speller = net.speller
    ids, more = speller.read("the cat 图 \U0001f642", 99)
    assert speller.write(ids) == "the cat 图 \U0001f642"
    assert more == 0
    names = [speller.name_of(i) for i in ids]
    assert names[:2] == ["the", "␣cat"]
    assert "⟨E5⟩" in names
    assert speller.name_of(299) == "#299"
    assert shown_piece("\x07a\n") == "⟨07⟩a\\n"  # what no font draws
    assert speller.read("the cat", 1) == ((ids[0],), 1)
    assert speller.read("", 9) == ((), 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden_size": 32}, "hidden_size"),
        ({"state_size": 5}, "state_size"),
        ({"num_hidden_layers": 2}, "num_hidden_layers"),
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"model_type": "mamba2"}, "mamba2"),
        ({"vocab_size": 10**9}, "vocab_size"),
        ({"use_bias": True}, "missing"),
        ({"new_key": 1}, "new_key"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused_in_words(changes, said, folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | changes))
    with pytest.raises(LabError, match=said):
        load_checkpoint(str(tmp_path))


@pytest.mark.parametrize(("text", "said"), [(None, "no {file}"), ("{}", "can't be read"), ("\xff", "can't be read")])
def test_a_tokenizer_that_is_none_is_refused_in_words(text, said, folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    if text is None:
        (tmp_path / "tokenizer.json").unlink()
    else:
        (tmp_path / "tokenizer.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(LabError) as caught:
        load_checkpoint(str(tmp_path))
    assert said in caught.value.message.text.replace("{reason}", "reason")


def test_a_tokenizer_of_more_pieces_than_the_model_has_is_refused(tmp_path):
    reference.save(reference.make(vocab_size=60), tmp_path)
    with pytest.raises(LabError, match="pieces"):
        load_checkpoint(str(tmp_path))


def test_a_piece_beyond_a_gap_of_the_vocabulary_is_refused_too(folder, tmp_path):
    """The library counts pieces, of which this one's number is the last that the weights do not have."""
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    assert len(vocabulary) < reference.SIZES["vocab_size"]
    vocabulary[max(vocabulary, key=vocabulary.get)] = reference.SIZES["vocab_size"]
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(LabError, match="pieces"):
        load_checkpoint(str(tmp_path))


def test_a_model_of_ones_own_sizes():
    net = Mamba(MambaConfig(vocabulary=7, width=8, layers=2, state=3, inner=10, rank=2, tied=False))
    assert net(torch.zeros(1, 5, dtype=torch.int64)).shape == (1, 5, 7)
    assert net.mixer(1).inner == 10


def test_a_download_brings_the_tokenizer():
    files = ["README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert choose_files("owner/mamba", files) == ["config.json", "tokenizer.json", "model.safetensors"]
