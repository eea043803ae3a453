"""DETR's relevance against the rules as they are printed, on all of transformers' maps at once; paint against a cut."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from engines.detr import load_checkpoint
from engines.detr.interventions import CROSS, DECODER_SELF, ENCODER_SELF, HeadChange, Interventions
from engines.detr.relevance.maps import Scene, encode, relevance, remembered, stops
from tests.closeness import close

transformers = pytest.importorskip("transformers")
CHANGES = Interventions(
    (
        (ENCODER_SELF, 1, HeadChange((2.0, 1.0, 1.0, 0.5), (True, True, False, True))),
        (CROSS, 0, HeadChange((1.0, 3.0), (True, True))),
        (DECODER_SELF, 1, HeadChange((1.0, 1.0), (False, True))),
    ),
    (1, 4),
)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A small DETR of transformers with random weights, and ours read from its folder."""
    torch.manual_seed(0)
    backbone = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1], out_features=["stage4"]
    )
    config = transformers.DetrConfig(
        use_timm_backbone=False, backbone=None, backbone_config=backbone, d_model=32, num_queries=7, num_labels=5,
        encoder_layers=3, decoder_layers=3, encoder_attention_heads=4, decoder_attention_heads=2,
        encoder_ffn_dim=48, decoder_ffn_dim=40,
    )  # fmt: skip
    theirs = transformers.DetrForObjectDetection(config).eval()
    theirs.set_attn_implementation("eager")
    with torch.no_grad():
        for name, tensor in theirs.state_dict().items():
            if "query_position" in name:
                tensor.normal_()
            elif tensor.dim() == 1 and not name.endswith("running_var"):
                tensor.add_(torch.randn_like(tensor) * 0.1)
            elif tensor.dim() == 2 or "input_projection" in name:
                tensor.mul_(3 if tensor.dim() == 2 else 20)  # sharper, so that a mistake would show
    folder = tmp_path_factory.mktemp("detr")
    theirs.save_pretrained(folder)
    ours = load_checkpoint(str(folder)).requires_grad_(False)
    theirs.requires_grad_(False)
    theirs.model.query_position_embeddings.weight.requires_grad_()  # puts the first decoder layer in the graph
    return theirs, ours


@pytest.fixture(scope="module")
def pixels():
    return torch.randn(1, 3, 128, 160, generator=torch.Generator().manual_seed(2))


def scene_of(model, pixels, **more):
    with torch.inference_mode():
        memory = model.embed(model.backbone(pixels))
    return Scene(model, memory.tokens, memory, **more)


def run(steps):
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def normed(matrix):
    """Equations 8 and 9."""
    rest = matrix - torch.eye(len(matrix))
    total = rest.sum(-1, keepdim=True)
    return torch.where(total > 0, rest / total, 0) + torch.eye(len(matrix))


def by_the_rules(logit, encoder, among, across, query):
    """Equations 5 to 10 with whole matrices."""
    maps = [*encoder, *among, *across]
    gradients = torch.autograd.grad(logit, maps, allow_unused=True)
    gradients = [torch.zeros_like(a) if g is None else g for a, g in zip(maps, gradients, strict=True)]
    bars = [(a * g).clamp_min(0).mean(1)[0].detach() for a, g in zip(maps, gradients, strict=True)]
    first, second = len(encoder), len(encoder) + len(among)
    picture = torch.eye(len(bars[0]))
    for bar in bars[:first]:
        picture = picture + bar @ picture
    own, found = torch.eye(len(bars[first])), torch.zeros(len(bars[first]), len(picture))
    for self_bar, cross_bar in zip(bars[first:second], bars[second:], strict=True):
        found = found + self_bar @ found
        own = own + self_bar @ own
        found = found + normed(own).T @ cross_bar @ normed(picture)
    return found[query]


@pytest.mark.parametrize(("query", "label"), [(0, 1), (5, 3)])
def test_relevance_equals_the_rules_on_transformers(both, pixels, query, label):
    theirs, ours = both
    out = theirs(pixel_values=pixels.clone().requires_grad_(), output_attentions=True)
    expected = by_the_rules(
        out.logits[0, query, label], out.encoder_attentions, out.decoder_attentions, out.cross_attentions, query
    )
    scene = scene_of(ours, pixels)
    inputs = run(encode(scene))
    *before, found = relevance(scene, inputs, query, label)
    assert before == [None] * stops(ours)  # places to stop: each layer on its own, there and back
    assert len(before) == 2 + 2 * len(ours.encoder) + len(ours.decoder) - 1
    torch.testing.assert_close(found, expected, atol=1e-5 * float(expected.max()), rtol=1e-3)
    assert expected.std() > 0.05 * expected.mean()
    assert torch.is_grad_enabled()


def test_the_layers_in_the_graph_are_the_model_s_own(both, pixels):
    """Relevance of a changed model is that of the model on screen: its logit is what `decode` says."""
    from engines.detr.relevance import maps as module

    _, ours = both
    plain = scene_of(ours, pixels)
    gone = torch.zeros(plain.tokens.shape[1], dtype=torch.bool)
    gone[[0, 7, 8]] = True
    for changed in (plain, dataclasses.replace(plain, changes=CHANGES, gone=gone)):
        inputs = run(encode(changed))
        with torch.inference_mode():
            states = ours.decode(remembered(changed, inputs[-1]), True, changed.changes).states[-1]
            expected = ours.class_head(states)[0, 2, 3]
        seen = []
        head = ours.class_head
        hook = head.register_forward_hook(lambda _m, _i, out: seen.append(out[0, 2, 3].detach()))  # noqa: B023
        module.decoder_forward(changed, inputs[-1], 2, 3)
        hook.remove()
        close(seen[0], expected)
        x = inputs[1].clone()
        change = changed.changes.of(ENCODER_SELF, 1)
        again, _ = module._encoder_layer(ours.encoder[1], x, changed.memory.position, changed.mask, change)
        close(again, inputs[2])
        *_, found = relevance(changed, inputs, 2, 3)
        assert torch.isfinite(found).all()


@pytest.mark.parametrize("decoder_too", [False, True])
def test_painted_places_are_cut_out_as_keys(both, pixels, decoder_too):
    _, ours = both
    plain = scene_of(ours, pixels)
    count = plain.tokens.shape[1]
    gone = torch.zeros(count, dtype=torch.bool)
    gone[[1, 6, 11, 12]] = True
    painted = dataclasses.replace(plain, gone=gone, decoder_too=decoder_too)
    inputs = run(encode(painted))
    with torch.inference_mode():
        states = ours.decode(remembered(painted, inputs[-1])).states[-1]
        logits, boxes = ours.class_head(states), ours.box_head(states)
        expected = cut(ours, plain, gone, decoder_too)
    close(logits, expected[0], 20)
    close(boxes, expected[1], 20)
    with torch.inference_mode():
        untouched = ours(pixels)
    assert (logits - untouched.logits).abs().max() > 5e-5  # and that is not nothing


def cut(model, scene, gone, decoder_too):
    """The same by taking keys and values out instead of masking them."""
    x, position, kept = scene.tokens, scene.memory.position, (~gone).nonzero()[:, 0]

    def look(module, q, k, v):
        queries, keys, values = module.project(q, k, v)
        weights = (queries @ keys.transpose(-1, -2) / queries.shape[-1] ** 0.5).softmax(-1)
        return module.join(weights @ values)

    for layer in model.encoder:
        at = x + position
        x = layer.attention_norm(x + look(layer.self_attention, at, at[:, kept], x[:, kept]))
        x = layer.ffn_norm(x + layer.feed_forward(x))
    seen = kept if decoder_too else torch.arange(len(gone))
    memory, keys = x[:, seen], (x + position)[:, seen]
    at = model.query_positions.weight[None]
    y = torch.zeros_like(at)
    for layer in model.decoder:
        y = layer.self_norm(y + look(layer.self_attention, y + at, y + at, y))
        y = layer.cross_norm(y + look(layer.cross_attention, y + at, keys, memory))
        y = layer.ffn_norm(y + layer.feed_forward(y))
    y = model.decoder_norm(y)
    return model.class_head(y), model.box_head(y)


def test_nothing_painted_is_the_untouched_model_bit_for_bit(both, pixels):
    _, ours = both
    plain = scene_of(ours, pixels)
    none = dataclasses.replace(plain, gone=torch.zeros(plain.tokens.shape[1], dtype=torch.bool))
    with torch.inference_mode():
        expected = ours(pixels)
        for scene in (plain, none):
            state = ours.decode(remembered(scene, run(encode(scene))[-1])).states[-1]
            assert torch.equal(ours.class_head(state), expected.logits)
            assert torch.equal(ours.box_head(state), expected.boxes)
