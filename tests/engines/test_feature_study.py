"""Features of a folder, part by part, against the backbone itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from engines.checkpoints import backbones
from engines.studies.local import Local
from engines.studies.parts import list_of, parted
from engines.studies.spec import Row
from engines.transfer.feature_study.measuring import measured
from engines.transfer.feature_study.study import KINDS, Featured

(KIND,) = KINDS


@pytest.fixture
def folder(tmp_path):
    drawn = np.random.default_rng(1)
    for index in range(20):
        Image.fromarray(drawn.integers(0, 256, (32, 32, 3), np.uint8)).save(tmp_path / f"{index:02}.png")
    (tmp_path / "07.png").write_bytes(b"no picture")
    return tmp_path


def test_features_are_the_backbones(folder, one_thread):
    """Bit for bit whatever part they are in, and whoever computes them."""
    listed = list_of(folder, {})
    (whole,) = parted(folder, listed, KIND.part)
    found = measured(Featured(side=32), 0, whole)
    assert found.numbers == {"readable": 19, "unreadable": 1}
    features = found.arrays["features"]
    assert np.flatnonzero(np.isnan(features).any(1)).tolist() == [7]
    net = backbones.load("mini-vit")
    good = [index for index in range(20) if index != 7]
    pixels = []
    for index in good:
        with Image.open(folder / f"{index:02}.png") as image:
            pixels.append(np.array(image))
    with torch.no_grad():
        wanted = net(net.normalize(torch.from_numpy(np.stack(pixels)))).numpy()
    np.testing.assert_allclose(features[good], wanted, atol=1e-5)
    parts = {part.key: part for part in parted(folder, listed, 9)}
    rows = [Row(KIND, Featured(pictures=key, side=32), 0) for key in parts]
    outcomes = {o.row.params.pictures: o for o in Local(KIND, 1, parts=parts).run(rows)}
    several = np.concatenate([outcomes[key].arrays["features"] for key in parts])
    assert several.tobytes() == features.tobytes()
