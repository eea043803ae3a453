"""The Transformer against torch's own, and what its switches switch."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import engines.transformer
from engines.core.errors import LabError
from engines.data.sequences import DATES, REVERSE, task
from engines.transformer.checkpoint import load_bundled
from engines.transformer.model import Transformer, valid_positions
from engines.transformer.norms import SequenceBatchNorm
from engines.transformer.switches import ATTENTIONS, CROSS, DECODER, ENCODER, ENCODER_FFN, Switches
from tests.closeness import FEW, MANY, close

pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")  # of torch's own model

B, S, T = 3, 7, 5
LENS = torch.tensor([7, 4, 1])


def built(**other) -> Transformer:
    sizes = {"embed_dim": 16, "num_heads": 4, "num_encoder_layers": 2, "num_decoder_layers": 3, "ffn_dim": 24}
    return Transformer(11, 13, **(sizes | {"max_len": 9} | other))


def tokens(seed: int = 0) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 11, (B, S), generator=random), torch.randint(0, 13, (B, T), generator=random)


def copy_attention(ours: nn.Module, theirs: nn.MultiheadAttention) -> None:
    theirs.in_proj_weight.copy_(torch.cat([ours.q_proj.weight, ours.k_proj.weight, ours.v_proj.weight]))
    theirs.in_proj_bias.copy_(torch.cat([ours.q_proj.bias, ours.k_proj.bias, ours.v_proj.bias]))
    theirs.out_proj.load_state_dict(ours.out_proj.state_dict())


@torch.no_grad()
def reference(model: Transformer) -> nn.Transformer:
    """torch.nn.Transformer with the same sizes and weights, final norms left out where ours has none."""
    sizes = model.sizes
    theirs = nn.Transformer(
        sizes["embed_dim"],
        sizes["num_heads"],
        sizes["num_encoder_layers"],
        sizes["num_decoder_layers"],
        sizes["ffn_dim"],
        dropout=0.0,
        batch_first=True,
        norm_first=sizes["norm_first"],
    )
    for mine, layer in zip(model.encoder, theirs.encoder.layers, strict=True):
        copy_attention(mine.self_attention, layer.self_attn)
        pairs = [(mine.self_norm, layer.norm1), (mine.ffn_norm, layer.norm2)]
        pairs += [(mine.ffn.fc1, layer.linear1), (mine.ffn.fc2, layer.linear2)]
        for a, b in pairs:
            b.load_state_dict(a.state_dict())
    for mine, layer in zip(model.decoder, theirs.decoder.layers, strict=True):
        copy_attention(mine.self_attention, layer.self_attn)
        copy_attention(mine.cross_attention, layer.multihead_attn)
        pairs = [(mine.self_norm, layer.norm1), (mine.cross_norm, layer.norm2), (mine.ffn_norm, layer.norm3)]
        pairs += [(mine.ffn.fc1, layer.linear1), (mine.ffn.fc2, layer.linear2)]
        for a, b in pairs:
            b.load_state_dict(a.state_dict())
    for mine, stack in ((model.encoder_norm, theirs.encoder), (model.decoder_norm, theirs.decoder)):
        if isinstance(mine, nn.Identity):
            stack.norm = None
        else:
            stack.norm.load_state_dict(mine.state_dict())
    theirs.encoder.enable_nested_tensor = False
    return theirs


def embedded(model: Transformer, table: nn.Embedding, x: Tensor) -> Tensor:
    return table(x) * model.embed_dim**0.5 + model.positions[: x.shape[1]]


def expected(
    model: Transformer,
    src: Tensor,
    tgt: Tensor,
    lens: Tensor | None = None,
    causal: bool = True,
    tgt_lens: Tensor | None = None,
    theirs: nn.Transformer | None = None,
) -> Tensor:
    """The logits that torch's model gives with the same weights."""
    theirs = theirs or reference(model)
    hidden = None if lens is None else ~valid_positions(src, lens)
    late = None if tgt_lens is None else ~valid_positions(tgt, tgt_lens)
    mask = torch.ones(tgt.shape[1], tgt.shape[1], dtype=torch.bool).triu(1) if causal else None
    answer = theirs(
        embedded(model, model.src_embedding, src),
        embedded(model, model.tgt_embedding, tgt),
        tgt_mask=mask,
        src_key_padding_mask=hidden,
        memory_key_padding_mask=hidden,
        tgt_key_padding_mask=late,
    )
    return model.unembed(answer)


@torch.no_grad()
def shaken(model: Transformer, by: float = 0.1) -> Transformer:
    """Every weight moved, so that biases and norms are not 0 and 1."""
    random = torch.Generator().manual_seed(5)
    for p in model.parameters():
        p.add_(by * torch.randn(p.shape, generator=random))
    return model


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("final_norm", [True, False])
@pytest.mark.parametrize("norm_first", [True, False])
def test_equals_torch(norm_first, final_norm, padded, causal):
    model = shaken(built(norm_first=norm_first, final_norm=final_norm))
    src, tgt = tokens()
    lens = LENS if padded else None
    ours = model(src, tgt, lens, causal)
    assert ours.shape == (B, T, 13)
    close(ours, expected(model, src, tgt, lens, causal))


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False])
def test_padding_of_the_target_equals_torch(causal):
    model = shaken(built(final_norm=True))
    src, tgt = tokens()
    lens = torch.tensor([5, 1, 3])
    ours = model(src, tgt, LENS, causal, tgt_valid_lens=lens)
    counts = valid_positions(tgt, lens)
    close(ours[counts], expected(model, src, tgt, LENS, causal, lens)[counts])


@torch.no_grad()
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 4), (3, 6, 1), (1, 9, 9)])
def test_short_and_full_lengths_equal_torch(shape):
    """One token, one sample, and as many tokens as the model was built for."""
    batch, source, target = shape
    model = shaken(built(final_norm=True))
    random = torch.Generator().manual_seed(4)
    src = torch.randint(0, 11, (batch, source), generator=random)
    tgt = torch.randint(0, 13, (batch, target), generator=random)
    for lens in (None, torch.full((batch,), 1)):
        close(model(src, tgt, lens), expected(model, src, tgt, lens))


@torch.no_grad()
def test_a_deep_and_wide_model_equals_torch():
    model = shaken(
        built(embed_dim=128, num_heads=8, num_encoder_layers=6, num_decoder_layers=6, ffn_dim=512, final_norm=True),
        0.02,
    )
    src, tgt = tokens()
    close(model(src, tgt, LENS), expected(model, src, tgt, LENS))


@torch.no_grad()
@pytest.mark.parametrize("name", [REVERSE, DATES])
def test_trained_weights_equal_torch(name):
    model = load_bundled(name)
    batch = task(name).batch(16, np.random.default_rng(1), held_out=True)
    src, lens, tgt = (torch.from_numpy(a) for a in (batch.source, batch.source_lens, batch.target[:, :-1]))
    ours = model(src, tgt, lens)
    close(ours, expected(model, src, tgt, lens))


@pytest.mark.parametrize("norm_first", [True, False])
def test_all_gradients_equal_torch(norm_first):
    model = shaken(built(final_norm=True, norm_first=norm_first))
    theirs = reference(model)
    src, tgt = tokens()
    model(src, tgt, LENS).square().mean().backward()
    ours = built(final_norm=True, norm_first=norm_first)  # its weights are the gradients, in our order
    with torch.no_grad():
        for p, q in zip(ours.parameters(), model.parameters(), strict=True):
            p.copy_(q.grad)
    found = dict(reference(ours).named_parameters())  # and now in torch's
    inputs = [model.src_embedding, model.tgt_embedding, model.unembed]
    before = [p.grad.clone() for module in inputs for p in module.parameters()]
    model.zero_grad()
    expected(model, src, tgt, LENS, theirs=theirs).square().mean().backward()
    for name, p in theirs.named_parameters():
        close(found[name], p.grad, name=name)
    for a, b in zip(before, (p.grad for module in inputs for p in module.parameters()), strict=True):
        close(a, b)


# ------------------------------------------------------------------ nothing to look at
@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_a_source_of_nothing_but_padding_harms_nobody(norm):
    """Its weights are all 0, its logits finite and the same whatever the padding holds; the others don't notice."""
    model = shaken(built(norm=norm))
    src, tgt = tokens()
    lens = torch.tensor([7, 0, 3])
    other = src.clone()
    other[1] = (other[1] + 1) % 11
    model.eval()
    with torch.no_grad():
        seen = model.trace(src, tgt, lens)
        plain = model(src, tgt, lens)
        assert plain.isfinite().all()
        close(plain, seen.logits)
        close(plain, model(other, tgt, lens))
        assert all(not w[1].any() for w in (*seen.encoder, *seen.cross))
        for weights in (*seen.encoder, *seen.cross):
            close(weights[[0, 2]].sum(-1), torch.ones(()), FEW)
        close(plain[::2], model(src[::2], tgt[::2], lens[::2]))
    model.train()
    for empty in (lens, torch.zeros(B, dtype=torch.long)):
        loss = model(src, tgt, empty, tgt_valid_lens=torch.tensor([5, 0, 2])).square().mean()
        assert all(g.isfinite().all() for g in torch.autograd.grad(loss, list(model.parameters())))
    assert all(buffer.isfinite().all() for buffer in model.buffers())


@torch.no_grad()
def test_nothing_in_gives_nothing_out():
    model = shaken(built()).eval()
    src, tgt = tokens()
    none = torch.zeros(B, 0, dtype=torch.long)
    assert model(src, none).shape == (B, 0, 13)
    assert model(src[:0], tgt[:0]).shape == (0, T, 13)
    blind = model.trace(none, tgt)  # nothing to look across to
    assert blind.logits.isfinite().all()
    close(blind.logits, model(none, tgt))
    assert [w.shape for w in blind.cross] == [(B, 4, T, 0)] * 3


def test_the_public_names_are_those_agreed():
    made = inspect.signature(engines.transformer.Transformer).parameters
    sizes = ["src_vocab", "tgt_vocab", "embed_dim", "num_heads", "num_encoder_layers", "num_decoder_layers"]
    assert list(made)[:12] == [*sizes, "ffn_dim", "max_len", "norm", "norm_first", "final_norm", "dropout"]
    assert [made[n].default for n in ("norm", "norm_first", "final_norm", "dropout")] == ["layer", False, False, 0.0]
    for call in (Transformer.forward, Transformer.trace):
        asked = inspect.signature(call).parameters
        assert list(asked)[1:5] == ["src", "tgt", "src_valid_lens", "causal"]
        assert (asked["src_valid_lens"].default, asked["causal"].default) == (None, True)
    assert built(norm="batch").sizes["norm"] == "batch"
    with pytest.raises(ValueError):
        built(norm="group")
    with pytest.raises(ValueError):
        built(embed_dim=18)


@torch.no_grad()
def test_trace_tells_the_weights_that_forward_used():
    model = shaken(built())
    src, tgt = tokens()
    seen = model.trace(src, tgt, LENS, tape=True)
    close(seen.logits, model(src, tgt, LENS))
    assert [w.shape for w in seen.encoder] == [(B, 4, S, S)] * 2
    assert [w.shape for w in seen.decoder] == [(B, 4, T, T)] * 3
    assert [w.shape for w in seen.cross] == [(B, 4, T, S)] * 3
    for weights in (*seen.encoder, *seen.decoder, *seen.cross):
        close(weights.sum(-1), torch.ones(()), FEW)
    assert all((w.triu(1) == 0).all() for w in seen.decoder)
    assert all((w[1, :, :, 4:] == 0).all() for w in (*seen.encoder, *seen.cross))
    tape = seen.tape
    close(tape["cross.2.heads"], seen.cross[2] @ tape["cross.2.values"], FEW)
    assert torch.equal(tape["encoder.1.input"], tape["encoder_ffn.0.output"])


@torch.no_grad()
@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_padding_changes_nothing(norm, norm_first):
    """A padded sample answers as it does alone (batch normalization: in evaluation)."""
    model = shaken(built(norm=norm, norm_first=norm_first)).eval()
    src, tgt = tokens()
    padded = model(src, tgt, LENS)[1]
    close(padded, model(src[1:2, :4], tgt[1:2])[0], MANY)


def test_batch_norm_is_torchs_over_the_positions_that_count():
    ours, theirs = SequenceBatchNorm(6), nn.BatchNorm1d(6)
    x = torch.randn(B, S, 6, generator=torch.Generator().manual_seed(1))
    valid = valid_positions(x, LENS)
    for _ in range(3):
        close(ours(x, valid)[valid], theirs(x[valid]), FEW)
    close(ours.running_mean, theirs.running_mean, FEW)
    close(ours.running_var, theirs.running_var, FEW)
    ours.eval(), theirs.eval()
    close(ours(x, valid)[valid], theirs(x[valid]), FEW)
    close(ours(x), theirs(x.flatten(0, 1)).view_as(x), FEW)


def test_batch_norm_of_a_single_position_is_its_bias():
    norm = SequenceBatchNorm(4)
    assert torch.equal(norm(torch.randn(1, 1, 4)), torch.zeros(1, 1, 4))
    assert norm.running_var.isfinite().all()


@torch.no_grad()
def test_the_causal_mask_hides_the_future():
    model = shaken(built())
    src, tgt = tokens()
    other = tgt.clone()
    other[:, -1] = (other[:, -1] + 1) % 13
    moved = {c: (model(src, tgt, causal=c) - model(src, other, causal=c))[:, :-1].abs().max() for c in (True, False)}
    assert moved[True] < 1e-6
    assert moved[False] > 1e-3


@torch.no_grad()
def test_switches():
    model = shaken(built())
    src, tgt = tokens()
    plain = model(src, tgt)
    every = frozenset(
        (kind, i, h) for kind, n in ((ENCODER, 2), (DECODER, 3), (CROSS, 3)) for i in range(n) for h in range(4)
    )
    for switches in (
        Switches(positions=False),
        Switches(residuals_off=frozenset({(ENCODER, 0)})),
        Switches(sublayers_off=frozenset({(CROSS, 2)})),
        Switches(heads_off=frozenset({(DECODER, 1, 3)})),
        Switches(layers_off=frozenset({(ENCODER, 1)})),
    ):
        assert (model(src, tgt, switches=switches) - plain).abs().max() > 1e-4
        close(model.trace(src, tgt, switches=switches).logits, model(src, tgt, switches=switches))
    off = model.trace(src, tgt, switches=Switches(heads_off=every))
    assert all(not w.any() for w in (*off.encoder, *off.decoder, *off.cross))
    # without positions the encoder can't tell places apart: a permuted source gives a permuted memory
    order = torch.randperm(S, generator=torch.Generator().manual_seed(2))
    blind = Switches(positions=False)
    memory = model.trace(src, tgt, switches=blind).memory
    close(model.trace(src[:, order], tgt, switches=blind).memory, memory[:, order])
    # a sublayer whose branch is off is the same as one whose weights are 0
    gone = model(src, tgt, switches=Switches(sublayers_off=frozenset({(ENCODER_FFN, 0)})))
    model.encoder[0].ffn.fc2.weight.zero_(), model.encoder[0].ffn.fc2.bias.zero_()
    close(gone, model(src, tgt), FEW)
    assert set(ATTENTIONS) == {ENCODER, DECODER, CROSS}


def test_dropout_draws_from_the_generator_it_is_given():
    model = built(dropout=0.3).train()
    src, tgt = tokens()
    state = torch.get_rng_state()
    a, b, c = (model(src, tgt, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert torch.equal(torch.get_rng_state(), state)
    model.eval()
    assert torch.equal(model(src, tgt), model(src, tgt))


def test_same_generator_same_weights():
    one, two = (built(generator=torch.Generator().manual_seed(7)) for _ in range(2))
    other = built(generator=torch.Generator().manual_seed(8))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.unembed.weight, other.unembed.weight)


def test_too_long_an_input_is_told():
    with pytest.raises(LabError) as told:
        built()(torch.zeros(1, 10, dtype=torch.long), torch.zeros(1, 2, dtype=torch.long))
    assert told.value.message.values == {"n": 10, "most": 9}
