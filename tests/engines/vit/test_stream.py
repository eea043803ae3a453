"""A branch takes the last layer for the prefix tokens alone, and says the same as the whole model."""

from __future__ import annotations

import pytest
import torch

from engines.vit.interventions import HeadsOff, KeysRemoved, Temperature, plan
from engines.vit.model import ViT, ViTConfig
from engines.vit.stream import Stream
from tests.closeness import close

CHANGES = [Temperature(1, 2.0), HeadsOff(2, (1,)), KeysRemoved(2, (3,))]


@pytest.mark.parametrize("kind", [{}, {"distilled": True, "distillation_head": True}, {"pooled_head": True}])
@pytest.mark.parametrize("changes", [CHANGES, CHANGES[1:]])
def test_a_branch_says_what_the_whole_model_says(kind, changes):
    torch.manual_seed(0)
    size = {"image_size": 32, "patch_size": 8, "width": 24, "layers": 3, "heads": 3, "mlp_size": 40, "classes": 5}
    net = ViT(ViTConfig(**size, **kind)).eval().requires_grad_(False)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, 0, 0.3)
    pixels = torch.randn(1, 3, 32, 32)
    plain = Stream.of(net, pixels)
    while not plain.complete:
        plain.advance()
    branch = plain.branch(plan(changes, 3, plain.tokens, pixels.device))
    while not branch.complete:
        branch.advance()
    whole = net.trace(pixels, interventions=changes)
    close(branch.conclusion().logits, whole.logits[0])
    close(torch.stack(branch.rows), whole.cls_attention[0])
    close(branch.features(), net.conclude(whole.hidden[-1])[0][0])
    assert torch.equal(plain.conclusion().logits, net(pixels)[0])
    assert torch.equal(plain.features()[: net.config.prefix], plain.conclusion().tokens)
    tokens = branch.hidden[-1].shape[1]
    assert tokens == (branch.tokens if kind.get("pooled_head") else net.config.prefix)
    first = min(branch.changes)
    close(branch.weights(first), whole.attention[first][0])
    close(plain.weights(first), net.trace(pixels).attention[first][0])


def test_queries_and_keys_belong_to_their_photo_and_layer():
    torch.manual_seed(0)
    net = ViT(ViTConfig(image_size=32, patch_size=8, width=24, layers=3, heads=3, mlp_size=40, classes=5)).eval()
    for photo in torch.randn(2, 1, 3, 32, 32):
        plain = Stream.of(net, photo)
        while not plain.complete:
            plain.advance()
        for layer in (1, 2, 1):
            change = [Temperature(layer, 0.5)]
            branch = plain.branch(plan(change, 3, plain.tokens, photo.device))
            while not branch.complete:
                branch.advance()
            with torch.inference_mode():
                whole = net.trace(photo, interventions=change)
            close(branch.conclusion().logits, whole.logits[0])
            close(branch.weights(layer), whole.attention[layer][0])
