"""The Transformer against torch's own, and what its switches switch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from engines.core.errors import LabError
from engines.transformer.model import Transformer, valid_positions
from engines.transformer.norms import SequenceBatchNorm
from engines.transformer.switches import ATTENTIONS, CROSS, DECODER, ENCODER, ENCODER_FFN, Switches

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
def reference(model: Transformer, norm_first: bool, ffn_dim: int = 24) -> nn.Transformer:
    """torch.nn.Transformer with the same weights, final norms left out where ours has none."""
    theirs = nn.Transformer(16, 4, 2, 3, ffn_dim, dropout=0.0, batch_first=True, norm_first=norm_first, bias=True)
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


@torch.no_grad()
def shaken(model: Transformer) -> Transformer:
    """Every weight moved, so that biases and norms are not 0 and 1."""
    random = torch.Generator().manual_seed(5)
    for p in model.parameters():
        p.add_(0.1 * torch.randn(p.shape, generator=random))
    return model


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("final_norm", [True, False])
@pytest.mark.parametrize("norm_first", [True, False])
def test_equals_torch(norm_first, final_norm, padded, causal):
    model = shaken(built(norm_first=norm_first, final_norm=final_norm))
    theirs = reference(model, norm_first)
    src, tgt = tokens()
    lens = LENS if padded else None
    with torch.no_grad():
        ours = model(src, tgt, lens, causal)
        embedded = [
            table(x) * 16**0.5 + model.positions[: x.shape[1]]
            for table, x in ((model.src_embedding, src), (model.tgt_embedding, tgt))
        ]
        hidden = ~valid_positions(src, lens) if padded else None
        mask = torch.ones(T, T, dtype=torch.bool).triu(1) if causal else None
        expected = model.unembed(
            theirs(*embedded, tgt_mask=mask, src_key_padding_mask=hidden, memory_key_padding_mask=hidden)
        )
    assert ours.shape == (B, T, 13)
    assert (ours - expected).abs().max() < 1e-5


def test_gradients_equal_torch():
    model = shaken(built(final_norm=True))
    theirs = reference(model, False)
    src, tgt = tokens()
    ours = torch.autograd.grad(model(src, tgt).square().mean(), list(model.encoder[0].self_norm.parameters()))
    embedded = [
        table(x).detach() * 4.0 + model.positions[: x.shape[1]]
        for table, x in ((model.src_embedding, src), (model.tgt_embedding, tgt))
    ]
    mask = torch.ones(T, T, dtype=torch.bool).triu(1)
    answer = model.unembed(theirs(*embedded, tgt_mask=mask)).square().mean()
    expected = torch.autograd.grad(answer, list(theirs.encoder.layers[0].norm1.parameters()))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(ours, expected, strict=True))


@torch.no_grad()
def test_trace_tells_the_weights_that_forward_used():
    model = shaken(built())
    src, tgt = tokens()
    seen = model.trace(src, tgt, LENS, tape=True)
    assert torch.allclose(seen.logits, model(src, tgt, LENS), atol=1e-5)
    assert [w.shape for w in seen.encoder] == [(B, 4, S, S)] * 2
    assert [w.shape for w in seen.decoder] == [(B, 4, T, T)] * 3
    assert [w.shape for w in seen.cross] == [(B, 4, T, S)] * 3
    for weights in (*seen.encoder, *seen.decoder, *seen.cross):
        assert torch.allclose(weights.sum(-1), torch.ones(()), atol=1e-6)
    assert all((w.triu(1) == 0).all() for w in seen.decoder)
    assert all((w[1, :, :, 4:] == 0).all() for w in (*seen.encoder, *seen.cross))
    tape = seen.tape
    assert torch.allclose(tape["cross.2.heads"], seen.cross[2] @ tape["cross.2.values"], atol=1e-6)
    assert torch.equal(tape["encoder.1.input"], tape["encoder_ffn.0.output"])


@torch.no_grad()
@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_padding_changes_nothing(norm, norm_first):
    """A padded sample answers as it does alone (batch normalization: in evaluation)."""
    model = shaken(built(norm=norm, norm_first=norm_first)).eval()
    src, tgt = tokens()
    padded = model(src, tgt, LENS)[1]
    assert torch.allclose(padded, model(src[1:2, :4], tgt[1:2])[0], atol=1e-4)


def test_batch_norm_is_torchs_over_the_positions_that_count():
    ours, theirs = SequenceBatchNorm(6), nn.BatchNorm1d(6)
    x = torch.randn(B, S, 6, generator=torch.Generator().manual_seed(1))
    valid = valid_positions(x, LENS)
    for _ in range(3):
        assert torch.allclose(ours(x, valid)[valid], theirs(x[valid]), atol=1e-6)
    assert torch.allclose(ours.running_mean, theirs.running_mean, atol=1e-6)
    assert torch.allclose(ours.running_var, theirs.running_var, atol=1e-6)
    ours.eval(), theirs.eval()
    assert torch.allclose(ours(x, valid)[valid], theirs(x[valid]), atol=1e-6)
    assert torch.allclose(ours(x), theirs(x.flatten(0, 1)).view_as(x), atol=1e-6)


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
        assert torch.allclose(
            model.trace(src, tgt, switches=switches).logits, model(src, tgt, switches=switches), atol=1e-5
        )
    off = model.trace(src, tgt, switches=Switches(heads_off=every))
    assert all(not w.any() for w in (*off.encoder, *off.decoder, *off.cross))
    # without positions the encoder can't tell places apart: a permuted source gives a permuted memory
    order = torch.randperm(S, generator=torch.Generator().manual_seed(2))
    blind = Switches(positions=False)
    memory = model.trace(src, tgt, switches=blind).memory
    assert torch.allclose(model.trace(src[:, order], tgt, switches=blind).memory, memory[:, order], atol=1e-5)
    # a sublayer whose branch is off is the same as one whose weights are 0
    gone = model(src, tgt, switches=Switches(sublayers_off=frozenset({(ENCODER_FFN, 0)})))
    model.encoder[0].ffn.fc2.weight.zero_(), model.encoder[0].ffn.fc2.bias.zero_()
    assert torch.allclose(gone, model(src, tgt), atol=1e-6)
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
