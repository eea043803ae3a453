"""The bundled net on patches: its card, and who hears of whom in the topic "Mixing"."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engines.blocks.mixing import mixing_matrix
from engines.core.errors import LabError
from engines.data.samples import sample
from engines.gnn.load import load_checkpoint
from engines.gnn.mixing import load


def steps_apart(rows, cols):
    down, right = np.divmod(np.arange(rows * cols), cols)
    return np.maximum(abs(down[:, None] - down), abs(right[:, None] - right))


@pytest.mark.parametrize(("first", "last"), [(0, 0), (1, 2)])
def test_so_many_blocks_hear_of_so_many_steps(first, last):
    span = load("mini-gat").look(sample("cat").rgb).span(first, last)
    assert (span.before.rows, span.before.cols) == (8, 8)
    matrix = mixing_matrix(span.function, span.start, 1, torch.Generator().manual_seed(0))[0].numpy()
    far = steps_apart(8, 8)
    np.testing.assert_array_equal(matrix != 0, far <= last - first + 1)
    weights = span.attention().numpy()
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)
    assert not weights[far > last - first + 1].any()


def test_a_batch_is_each_picture_on_its_own():
    net = load_checkpoint("mini-gat")
    pixels = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(net(pixels)[1:2], net(pixels[1:2]), atol=1e-5, rtol=0)


def test_what_is_no_graph_network_is_refused():
    with pytest.raises(LabError):
        load_checkpoint("google/vit-base-patch16-224")


@pytest.mark.proof
def test_the_card_says_how_well_it_does():
    from pathlib import Path

    from engines.checkpoints import catalog
    from engines.checkpoints.bundling import CACHE
    from engines.data import cifar
    from engines.gnn.train_mini import accuracy

    folder = Path("../shared/data/cifar10")
    if not folder.is_dir():
        pytest.skip("no CIFAR-10 here")
    card = catalog.locate("mini-gat").card
    found = accuracy(load_checkpoint("mini-gat"), *cifar.load(folder, CACHE / "cifar10", "test"))
    assert found == pytest.approx(card["metric"]["value"], abs=2e-3)
