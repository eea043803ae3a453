"""What is said of mini-vit, against its exact matrices: 128 backward passes for each of 65 tokens, so `make proofs`."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engines.blocks.mixing import Probing, Way
from engines.data.samples import sample
from engines.mixing import nets
from engines.mixing.measures import measures


def probed(way, probes, seed=0):
    found = Probing(way, torch.Generator().manual_seed(seed), most=128)
    while found.count < probes:
        found.advance()
    return found


@pytest.mark.proof
@pytest.mark.parametrize("block", [0, 2, 5])
def test_probes_are_as_near_as_they_say_on_a_trained_block(block):
    span = nets.load("mini-vit").look(sample("cat").rgb).span(block, block)
    way = Way(span.function, span.start)
    whole = probed(way, 128, seed=1)
    assert whole.exact
    exact = whole.norms()
    for probes, most in ((8, 0.12), (64, 0.05)):
        found = probed(way, probes)
        made = ((found.norms() - exact).abs() / exact).median()
        assert float(made) <= most, probes
        said = float(found.error().median())
        assert 0.6 < float(made) / (0.6745 * said) < 1.5, probes  # the median of a normal error is 0.6745 of its spread
    told = measures(exact.numpy(), span.before, span.after, span.attention().numpy(), 1)
    assert told.correlation > 0.9
    assert 40 < told.own_weighs < 90
    assert told.zeros == 0


@pytest.mark.proof
def test_five_probes_of_the_whole_net_are_within_a_tenth():
    """What the benchmark's row counts on."""
    span = nets.load("mini-vit").look(sample("cat").rgb).span(0, 5)
    way = Way(span.function, span.start)
    exact = probed(way, 128, seed=1).norms()
    errors = [float(((probed(way, 5, seed).norms() - exact).abs() / exact).median()) for seed in range(5)]
    assert np.max(errors) <= 0.10, errors
