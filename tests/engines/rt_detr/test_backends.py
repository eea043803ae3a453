"""The convolutions in bfloat16: what is found stays, the difference is told, and how a picture was computed is said."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engines.blocks import choosing
from engines.blocks.backends import BFLOAT16, FLOAT32, Computed
from engines.blocks.boxes import cxcywh_to_xyxy
from engines.checkpoints import catalog
from engines.core.pictures import Picture
from engines.core.protocol import Job
from engines.rt_detr import backends, load_checkpoint, subject
from engines.rt_detr.backends import Backends, Encoding, convolutions, difference
from engines.rt_detr.detect import engine as detect
from engines.rt_detr.detect.spec import DetectParams, Found
from engines.rt_detr.model import Memory, Proposals
from tests.benchmarks.models import make_rt_detr

SIZES = {
    "num_labels": 5, "num_queries": 9, "decoder_layers": 2, "encoder_hidden_dim": 32, "d_model": 32,
    "decoder_in_channels": [32] * 3, "encoder_in_channels": [16, 24, 32], "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 40, "decoder_ffn_dim": 48,
}  # fmt: skip
BACKBONE = {"layer_type": "basic", "depths": [1, 1, 1, 1], "hidden_sizes": [8, 16, 24, 32], "embedding_size": 8,
            "out_features": ["stage2", "stage3", "stage4"]}  # fmt: skip


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return make_rt_detr(tmp_path_factory.mktemp("rt-detr"), BACKBONE, **SIZES)


@pytest.fixture
def model(reference):
    return load_checkpoint(str(reference.folder))


def pixels(side=64):
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1))


def test_in_steps_it_is_what_the_model_gives_and_transformers_too(model, reference):
    encoding = Encoding(model, pixels())
    with torch.inference_mode():
        memory, proposals = encoding.finish()
        decoded = model.decode(memory, proposals.taken(model.select(proposals)))
        theirs = reference.net(pixel_values=pixels())
    assert encoding.done == encoding.total == 8
    torch.testing.assert_close(decoded.logits[-1], theirs.logits, atol=1e-4, rtol=0)
    torch.testing.assert_close(decoded.boxes[-1], theirs.pred_boxes, atol=1e-4, rtol=0)
    torch.testing.assert_close(memory.encoder[0].sum(-1), torch.ones(1, 4, 4))


def test_bfloat16_computes_the_convolutions_alone(model):
    half = convolutions(model, torch.bfloat16)
    assert {p.dtype for p in half.backbone.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in model.parameters()} == {torch.float32}  # the model itself is left as it is
    memory, proposals = Encoding(model, pixels(), half).finish()
    plain, _ = Encoding(model, pixels()).finish()
    assert memory.tokens.dtype == proposals.logits.dtype == memory.encoder[0].dtype == torch.float32
    apart = float((memory.tokens - plain.tokens).abs().max() / plain.tokens.abs().max())
    assert 0 < apart < 0.05


class Finished:
    """Stands for an encoding that was done elsewhere."""

    def __init__(self, memory, proposals):
        self.found = memory, proposals

    def finish(self):
        return self.found


def test_the_difference_is_that_of_what_is_found(model, monkeypatch):
    monkeypatch.setattr(backends, "SEEN", 0.0)
    encoding = Encoding(model, pixels())
    memory, proposals = encoding.finish()
    assert difference(model, encoding, encoding) == (0.0, 0.0, 0.0)
    half = Encoding(model, pixels(), convolutions(model, torch.bfloat16))
    found = [difference(model, *pair) for pair in ((half, encoding), (encoding, half))]
    assert found[0] == found[1]
    assert all(value > 0 for value in found[0])
    # another head of the last layer moves all boxes of one side: by how much is known
    with torch.inference_mode():
        chosen = model.select(proposals)
        boxes = model.decode(memory, proposals.taken(chosen)).boxes[-1, 0]
        other = model.decode(Memory(memory.tokens * 1.01, memory.shapes, []), proposals.taken(chosen)).boxes[-1, 0]
    moved = Finished(Memory(memory.tokens * 1.01, memory.shapes, []), proposals)
    assert difference(model, moved, encoding)[2] == pytest.approx(float((boxes - other).abs().max()), abs=1e-7)
    assert cxcywh_to_xyxy(boxes).shape == (9, 4)


def test_a_query_chosen_in_one_alone_is_held_against_the_nearest(model, monkeypatch):
    monkeypatch.setattr(backends, "SEEN", 0.0)
    encoding = Encoding(model, pixels())
    memory, proposals = encoding.finish()
    worst = int(model.select(proposals)[0, -1])
    logits = proposals.logits.clone()
    logits[0, worst] = -50.0  # on the other side another location takes its place
    other = Finished(memory, Proposals(proposals.content, logits, proposals.boxes))
    assert worst not in model.select(other.found[1])[0].tolist()
    logit, score, box = difference(model, other, encoding)
    assert score > 0
    assert box > 0
    assert score <= 1 >= box
    assert logit >= 0


def test_small_models_have_no_choice_and_real_ones_say_what_they_lack(model, monkeypatch):
    toy = Backends(load_checkpoint("toy-rt-detr"))
    assert toy.to_try() == []
    assert "always runs in float32" in str(toy.choose(BFLOAT16)[1])
    monkeypatch.setattr(choosing, "has_bfloat16", lambda device: False)
    used, why = Backends(model).choose(BFLOAT16)
    assert used == FLOAT32
    assert "not support bfloat16" in str(why)


# -- in the engine
@pytest.fixture
def engine(reference, monkeypatch):
    """Bfloat16 is there, and by the small picture the quicker one."""
    monkeypatch.setattr(catalog, "fingerprint", lambda source: source)
    monkeypatch.setattr(choosing, "has_bfloat16", lambda device: True)
    times = {FLOAT32: 9.0, BFLOAT16: 1.0}
    monkeypatch.setattr(Backends, "attempt", lambda self, way: self.tried.__setitem__(way, times[way]))
    monkeypatch.setattr(Computed, "slower", False)
    monkeypatch.setattr(subject, "_here", type(subject._here)())
    made = detect.Engine()
    return lambda **fields: list(
        made.run(Job(DetectParams(source=str(reference.folder), **fields), lambda: made, lambda event: None))
    )


def photo(seed):
    return Picture(f"noise {seed}", np.random.default_rng(seed).integers(0, 256, (40, 50, 3), np.uint8))


def used(events):
    return [event.used for event in events if isinstance(event, Computed)]


def test_the_first_picture_is_answered_in_float32_and_the_next_in_the_quickest_way(engine):
    first = engine(picture=photo(0))
    kinds = [type(event).__name__ for event in first]
    assert kinds.index("Found") < kinds.index("Computed")
    assert used(first) == [FLOAT32, FLOAT32]
    assert first[-1].why is not None
    second = engine(picture=photo(1))
    assert used(second) == [BFLOAT16]
    told = second[-1]
    assert told.compared
    assert told.name == "noise 0"
    assert told.same_box == pytest.approx(1 / 640)
    plain = engine(picture=photo(1), compute=FLOAT32)
    assert used(plain) == [FLOAT32]
    one, other = ([event for event in events if isinstance(event, Found)][-1] for events in (second, plain))
    np.testing.assert_allclose(one.weights.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(np.sort(one.scores), np.sort(other.scores), atol=0.05)


def test_a_way_that_answers_something_else_is_given_up(engine, monkeypatch):
    monkeypatch.setattr(backends, "difference", lambda *_: (1.0, 0.5, 0.0))
    engine(picture=photo(0))
    assert used(engine(picture=photo(1))) == [FLOAT32]
    assert used(engine(picture=photo(1), compute=BFLOAT16)) == [BFLOAT16]  # who asks for it gets it
