"""Linear layers on oneDNN say what torch's own say, and leave to those what they can't do."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from engines.blocks.half import with_half_linears
from engines.blocks.linears import LEAST, THERE, QuickLinear, quicken

pytestmark = pytest.mark.skipif(not THERE, reason="oneDNN's linear layers are not here")


@pytest.fixture
def net():
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Linear(160, 128, bias=False))
    return nn.Sequential(nn.Linear(128, 160), nn.GELU(), inner, nn.Linear(128, 3))


@pytest.fixture
def called(monkeypatch):
    """The layers that were asked the usual way."""
    asked = []
    plain = nn.Linear.forward
    monkeypatch.setattr(nn.Linear, "forward", lambda self, x: asked.append(self) or plain(self, x))
    return asked


@pytest.mark.parametrize("shape", [(1, 197, 128), (5, 128), (2, 3, 4, 128), (1, 1, 128)])
def test_the_same_is_said(net, shape):
    x = torch.randn(shape)
    quick = quicken(copy.deepcopy(net).requires_grad_(False))
    assert list(quick.state_dict()) == list(net.state_dict())
    torch.testing.assert_close(quick(x), net(x), atol=1e-5, rtol=1e-5)


def test_large_layers_alone_are_others(net, called):
    quick = quicken(net.requires_grad_(False))
    linears = [each for each in quick.modules() if isinstance(each, nn.Linear)]
    assert [type(each) for each in linears] == [QuickLinear, QuickLinear, nn.Linear]
    assert quick[3].weight.numel() < LEAST
    quick(torch.randn(2, 7, 128))
    assert called == [quick[3]]


def test_gradients_and_what_has_no_quick_way_go_the_usual_one(net, called):
    quick, x = quicken(net), torch.randn(4, 128, requires_grad=True)
    quick(x).sum().backward()  # weights that learn
    assert len(called) == 3
    assert quick[0].weight.grad is not None
    with torch.no_grad():
        quick(x)
    assert len(called) == 4
    (found,) = torch.autograd.grad(quick.requires_grad_(False)(x).sum(), x)  # weights that don't, and yet gradients
    inner = F.linear(F.gelu(F.linear(x, quick[0].weight, quick[0].bias)), quick[2][0].weight)
    (wanted,) = torch.autograd.grad(F.linear(inner, quick[3].weight, quick[3].bias).sum(), x)
    torch.testing.assert_close(found, wanted)
    assert quick[0](torch.zeros(0, 128)).shape == (0, 160)
    assert quick[0](torch.zeros(128)).shape == (160,)
    assert quick[0].double()(torch.zeros(2, 128, dtype=torch.float64)).dtype == torch.float64


def test_half_layers_take_their_place(net):
    halved = with_half_linears(quicken(net.requires_grad_(False)))
    assert not any(isinstance(each, nn.Linear) for each in halved.modules())
