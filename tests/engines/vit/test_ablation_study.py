"""Heads switched off on a folder of pictures: against a forward pass that is looked into, head by head."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from engines.core.errors import LabError
from engines.studies.local import Local
from engines.studies.parts import list_of, parted
from engines.studies.spec import Row
from engines.vit.ablation_study import measuring
from engines.vit.ablation_study.measuring import measured
from engines.vit.ablation_study.study import KINDS, Ablated
from engines.vit.interventions import HeadsOff
from engines.vit.load import load_checkpoint

(KIND,) = KINDS


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    drawn = np.random.default_rng(0)
    for index in range(5):
        coarse = Image.fromarray(drawn.integers(0, 256, (6, 6, 3), np.uint8))
        coarse.resize((40 + index, 32)).save(folder / f"{index}.png")
    (folder / "5.jpg").write_bytes(b"no picture")
    (found,) = parted(folder, list_of(folder, {}), KIND.part)
    return found


def reference(net, part, indices, layer, heads):
    """As `ViT.trace` says it, with all weights worked out."""
    same, change = [], []
    for index in indices:
        with Image.open(f"{part.root}/{part.names[index]}") as image, torch.no_grad():
            pixels = net.preprocess(np.array(image))
            was = net.trace(pixels).logits[0].softmax(-1)
            now = net.trace(pixels, (), [HeadsOff(layer, heads)]).logits[0].softmax(-1)
        same.append(was.argmax() == now.argmax())
        change.append((now[was.argmax()] - was.max()).item())
    return float(np.mean(same)), float(np.mean(change))


@pytest.mark.parametrize(("layer", "head"), [(1, 2), (2, 0)])
def test_what_a_head_is_worth(part, layer, head):
    net = load_checkpoint("mini-vit")
    found = measured(Ablated(layer=layer, head=head, count=100), 0, part)
    heads = (head - 1,) if head else tuple(range(net.config.heads))
    same, change = reference(net, part, range(5), layer - 1, heads)
    assert found["readable"] == 5
    assert found["same_answer"] == same
    assert found["probability"] == pytest.approx(change, abs=1e-5)
    assert abs(change) > 1e-3  # else it could not be told from nothing


def test_a_seed_draws_the_pictures(part):
    several = [measured(Ablated(count=3), seed, part) for seed in (0, 0, 1, 2)]
    assert several[0] == several[1]
    assert len({one["probability"] for one in several}) > 1
    assert max(one["readable"] for one in several) <= 3


def test_a_model_without_a_head_has_a_cosine(part, monkeypatch):
    net = load_checkpoint("mini-vit")
    bare = type(net)(net.config.__class__(**{**vars(net.config), "classes": 0}))
    bare.load_state_dict({name: one for name, one in net.state_dict().items() if name in bare.state_dict()})
    monkeypatch.setattr(measuring, "_net", lambda source: bare.eval())
    found = measured(Ablated(model="bare", layer=1, count=100), 0, part)
    assert found.keys() == {"readable", "cosine"}
    with torch.no_grad():
        wanted = []
        for index in range(5):
            with Image.open(f"{part.root}/{part.names[index]}") as image:
                pixels = bare.preprocess(np.array(image))
            off = [HeadsOff(0, tuple(range(net.config.heads)))]
            tokens = [bare.norm(bare.trace(pixels, (), change).hidden[-1])[0, 0] for change in ((), off)]
            wanted.append(torch.cosine_similarity(*tokens, dim=0).item())
    assert found["cosine"] == pytest.approx(np.mean(wanted), abs=1e-5)


def test_what_is_not_there_is_said(part):
    with pytest.raises(LabError, match="This model has"):
        measured(Ablated(layer=60), 0, part)
    with pytest.raises(LabError, match="This model has"):
        measured(Ablated(head=60), 0, part)


def test_a_process_finds_the_same_bits(part, one_thread):
    row = Row(KIND, Ablated(pictures=part.key, layer=2, head=1, count=4), 1)
    (outcome,) = Local(KIND, 1, parts={part.key: part}).run([row])
    assert outcome.error is None
    assert dict(outcome.found) == measured(row.params, 1, part)
