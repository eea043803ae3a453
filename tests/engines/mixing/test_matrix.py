"""The mixing matrix against torch's own Jacobian, and its random probes against the exact matrix."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from engines.blocks import mixing
from engines.blocks.attention import MultiHeadAttention
from engines.blocks.mixing import Probing, Row, Way, apart, mixing_matrix
from engines.core.errors import LabError


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def jacobian_norms(function, x):
    """Norms of the blocks of torch.autograd.functional.jacobian, picture by picture: tokens only."""
    found = []
    for one in x:
        jacobian = torch.autograd.functional.jacobian(lambda t: function(t[None])[0], one)  # (M, D, N, C)
        found.append(jacobian.square().sum((1, 3)).sqrt())
    return torch.stack(found)


class Layer(nn.Module):
    """A pre-norm block of random weights, wide enough that few probes tell something."""

    def __init__(self, width: int = 24, heads: int = 2, causal: bool = False) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.norm, self.attention = nn.LayerNorm(width), MultiHeadAttention(width, heads)
        self.up, self.down = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)
        self.causal = causal
        self.requires_grad_(False).eval()

    def forward(self, x):
        q, k, v = self.attention.project(*[self.norm(x)] * 3)
        x = x + self.attention.join(F.scaled_dot_product_attention(q, k, v, is_causal=self.causal))
        return x + self.down(F.gelu(self.up(F.layer_norm(x, x.shape[-1:]))))


def test_exact_is_the_jacobian_of_torch():
    layer, x = Layer(), torch.randn(2, 7, 24, generator=seeded(0))
    torch.testing.assert_close(mixing_matrix(layer, x), jacobian_norms(layer, x), rtol=1e-5, atol=1e-5)


def test_tokens_that_leave_may_be_others_and_of_another_width():
    weights = torch.randn(3, 5, 4, 6, generator=seeded(1))  # (M, D, N, C)

    def function(x):
        return torch.einsum("mdnc,bnc->bmd", weights, x)

    found = mixing_matrix(function, torch.randn(1, 4, 6, generator=seeded(2)))
    torch.testing.assert_close(found[0], weights.square().sum((1, 3)).sqrt(), rtol=1e-5, atol=1e-5)


def test_pixels_are_tokens_row_by_row():
    conv = nn.Conv2d(2, 3, 3, padding=1, bias=False)
    found = mixing_matrix(conv, torch.zeros(1, 2, 4, 5))[0].view(4, 5, 4, 5)
    for i in range(4):
        for j in range(5):
            for down in (-1, 0, 1):
                for across in (-1, 0, 1):
                    if 0 <= i + down < 4 and 0 <= j + across < 5:
                        kernel = conv.weight[:, :, 1 + down, 1 + across].norm()
                        torch.testing.assert_close(found[i, j, i + down, j + across], kernel, rtol=1e-5, atol=1e-6)


def test_probes_are_near_and_nearer_the_more_there_are():
    layer, x = Layer(64, 4), torch.randn(1, 20, 64, generator=seeded(0))
    exact = mixing_matrix(layer, x)
    errors = {}
    for probes, most in ((8, 0.12), (64, 0.05)):
        found = mixing_matrix(layer, x, probes, seeded(1))
        errors[probes] = float(((found - exact).abs() / exact).median())
        assert errors[probes] <= most
    assert errors[64] < errors[8] / 2


def test_as_many_probes_as_channels_are_exact():
    layer, x = Layer(), torch.randn(1, 7, 24, generator=seeded(0))
    torch.testing.assert_close(mixing_matrix(layer, x, 24, seeded(5)), mixing_matrix(layer, x), rtol=1e-4, atol=1e-5)


def test_probes_are_unbiased():
    """Over 200 seeds: squares, whose mean is what a probe is right about, of all entries in all."""
    layer, x = Layer(12, 2), torch.randn(1, 5, 12, generator=seeded(0))
    exact = mixing_matrix(layer, x)[0].double().square()
    found = torch.stack([mixing_matrix(layer, x, 2, seeded(seed))[0] for seed in range(200)]).double().square()
    shares = (found / exact).mean((1, 2))  # (200,), 1 on average
    assert abs(float((shares.mean() - 1) / (shares.std() / math.sqrt(200)))) < 3
    each = (found.mean(0) - exact) / (found.std(0) / math.sqrt(200))
    assert float(each.square().mean()) < 2  # 1 on average, of 25


def test_the_error_that_is_said_is_the_error_that_is_made():
    layer, x = Layer(64, 4), torch.randn(1, 16, 64, generator=seeded(0))
    exact = mixing_matrix(layer, x)[0]
    for probes in (8, 32):
        probing = Probing(Way(layer, x), seeded(2))
        assert probing.error().isinf().all()
        while probing.count < probes:
            probing.advance()
        made = float((((probing.norms() - exact) / exact).square()).mean().sqrt())
        said = float(probing.error().square().mean().sqrt())
        assert 0.7 < said / made < 1.4, probes


def test_more_probes_than_directions_go_on_with_others():
    layer, x = Layer(), torch.randn(1, 5, 24, generator=seeded(0))
    probing = Probing(Way(layer, x), seeded(2), most=4)
    while probing.count < 12:
        probing.advance()
    assert not probing.exact
    exact = mixing_matrix(layer, x)[0]
    assert float(((probing.norms() - exact).abs() / exact).median()) < 0.12


@pytest.mark.parametrize("probes", [None, 1])
def test_causal_attention_has_exactly_nothing_above_the_diagonal(probes):
    layer, x = Layer(causal=True), torch.randn(1, 9, 24, generator=seeded(0))
    found = mixing_matrix(layer, x, probes, seeded(1))[0]
    above = torch.ones(9, 9).triu(1).bool()
    assert (found[above] == 0).all()
    assert (found[~above] > 0).all()


@pytest.mark.parametrize("probes", [None, 1])
@pytest.mark.parametrize(("kernel", "layers"), [(3, 1), (3, 3), (7, 2)])
def test_convolutions_reach_exactly_as_far_as_they_can(kernel, layers, probes):
    torch.manual_seed(0)
    steps = [step for _ in range(layers) for step in (nn.Conv2d(4, 4, kernel, padding=kernel // 2), nn.GELU())]
    side, reach = 15, layers * (kernel - 1) // 2
    x = torch.randn(1, 4, side, side, generator=seeded(0))
    net = nn.Sequential(*steps).requires_grad_(False)
    found = mixing_matrix(net, x, 1, seeded(1)) if probes else rows_of(net, x, (0, 7, 112))
    at = torch.cartesian_prod(torch.arange(side), torch.arange(side))
    far = (at[:, None] - at[None]).abs().amax(-1)
    far = far if probes else far[[0, 7, 112]]
    assert (found[0][far > reach] == 0).all()
    assert (found[0][far <= reach] > 0).all()


def rows_of(net, x, rows):
    """Some rows, exactly."""
    found = []
    for number in rows:
        row = Row(Way(net, x), number)
        while not row.advance():
            pass
        found.append(row.norms())
    return torch.stack(found)[None]


def test_rows_that_have_no_column_in_common_go_back_together(monkeypatch):
    """From the second probe on, when it is known which: 25 passes serve all rows of a 5 × 5 kernel."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(4, 4, 5, padding=2), nn.GELU()).requires_grad_(False)
    x = torch.randn(1, 4, 20, 20, generator=seeded(0))
    probing, passes = Probing(Way(net, x), seeded(1)), list[int]()
    real = Way.pull
    with monkeypatch.context() as patch:
        patch.setattr(Way, "pull", lambda self, at, v, p: passes.append(int(p[-1]) + 1) or real(self, at, v, p))
        while probing.count < 1:
            probing.advance()
        assert sum(passes) == 400
        passes.clear()
        while probing.count < 4:
            probing.advance()
        assert 25 * 3 <= sum(passes) <= 60 * 3
    exact = rows_of(net, x, (0, 210, 399))[0]
    torch.testing.assert_close(probing.norms()[[0, 210, 399]], exact, rtol=1e-4, atol=1e-5)  # four of four directions


def test_groups_of_rows_have_nothing_in_common():
    pattern = torch.rand(40, 60, generator=seeded(0)) < 0.05
    groups = apart(pattern)
    assert sorted(torch.cat(groups).tolist()) == list(range(40))
    assert max(int(pattern[group].sum(0).max()) for group in groups) == 1
    assert len(groups) < 30
    assert len(apart(torch.ones(5, 5, dtype=torch.bool))) == 5


def test_a_row_is_that_of_the_matrix():
    layer, x = Layer(), torch.randn(1, 7, 24, generator=seeded(0))
    torch.testing.assert_close(rows_of(layer, x, (4,))[0, 0], mixing_matrix(layer, x)[0, 4], rtol=1e-5, atol=1e-6)
    row = Row(Way(layer, x), 4, 16, seeded(3))
    while not row.advance():
        pass
    exact = mixing_matrix(layer, x)[0, 4]
    assert not row.exact
    assert float(((row.norms() - exact).abs() / exact).median()) < 0.12
    assert 0 < float(row.error().median()) < 0.2


def test_a_probe_goes_on_where_it_was_cut_short(monkeypatch):
    layer, x = Layer(), torch.randn(1, 7, 24, generator=seeded(0))
    whole = mixing_matrix(layer, x, 3, seeded(1))[0]
    monkeypatch.setattr(mixing, "CHUNK", 2 * 7 * 24)  # two rows at a time
    probing, chunks = Probing(Way(layer, x), seeded(1)), 0
    while probing.count < 3:
        done = probing.done
        over = probing.advance()
        chunks += 1
        assert over == (probing.done == 0)
        assert over or probing.done > done
    assert chunks == 3 * 4
    torch.testing.assert_close(probing.norms(), whole, rtol=1e-5, atol=1e-6)


class OneByOne(torch.autograd.Function):
    """Doubles, and knows no way back for several at once."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return gradient * (2.0 if gradient.sum().item() < math.inf else 0.0)


def test_what_goes_back_one_by_one_goes_back_in_copies(monkeypatch):
    layer, x = Layer(), torch.randn(1, 5, 24, generator=seeded(0))
    copied = []
    real = Way._in_copies
    monkeypatch.setattr(Way, "_in_copies", lambda self, *asked: copied.append(1) or real(self, *asked))
    found = mixing_matrix(lambda x: layer(OneByOne.apply(x)), x)
    assert copied
    torch.testing.assert_close(found, 2 * mixing_matrix(layer, 2 * x), rtol=1e-5, atol=1e-5)


def test_it_works_within_inference_mode_and_leaves_no_gradients_on():
    layer = Layer()
    with torch.inference_mode():
        x = torch.randn(1, 5, 24, generator=seeded(0))
        found = mixing_matrix(layer, x, 2, seeded(1))
        assert not torch.is_grad_enabled()
    assert (found > 0).all()


def test_what_hangs_on_nothing_is_zero():
    assert not mixing_matrix(lambda x: torch.ones(len(x), 2, 3), torch.ones(1, 4, 5)).any()
    assert mixing_matrix(lambda x: x, torch.ones(1, 3, 4)).equal(2 * torch.eye(3)[None])  # ‖1₄‖ = 2


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"tokens are \(B, N, C\), pixels \(B, C, H, W\), not \(3, 4\)"):
        mixing_matrix(lambda x: x, torch.ones(3, 4))
    with pytest.raises(ValueError, match="at least one probe, not 0"):
        mixing_matrix(lambda x: x, torch.ones(1, 3, 4), probes=0)
    with pytest.raises(LabError, match="not finite"):
        mixing_matrix(lambda x: x.sqrt(), torch.zeros(1, 3, 4))
