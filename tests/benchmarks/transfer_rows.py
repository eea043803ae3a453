"""Rows of the Transfer tab: features of pictures beside transformers doing the same."""

from __future__ import annotations

import statistics
from typing import Any

from tests.benchmarks.table import Measured, Row, interleaved, versus

THREADS = 1  # the machine's cores but one, as in the app on two cores
SIDE, COUNT = 112, 32
SIZE = {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6, "intermediate_size": 1536}
WITHIN = 1e-3  # of the largest feature


def rows() -> list[Row]:
    """What this topic adds to the table."""
    what = f"ViT-S at {SIDE} px: features of {COUNT} pictures, in pieces that can be stopped between"
    return [Row("features", what, features, most_ratio=1.1)]


def features(reference: Any = None, repeats: int = 7) -> Measured:
    """Piece by piece, as the tab does, beside transformers in the batch that suits it best of three."""
    import numpy as np
    import torch

    from engines.checkpoints import backbones
    from engines.transfer.library import Loaded, embed
    from tests.benchmarks.models import make_vit, scratch

    torch.set_num_threads(THREADS)
    reference = reference or make_vit(scratch() / "vit-s", image_size=SIDE, patch_size=14, **SIZE)
    net = backbones.load(str(reference.folder))
    loaded = Loaded("", "", net, "", torch.device("cpu"))
    side = net.side
    pictures = np.random.default_rng(0).integers(0, 256, (COUNT, side, side, 3), dtype=np.uint8)

    def ours() -> Any:
        return embed(loaded, pictures)

    @torch.inference_mode()
    def theirs(batch: int) -> Any:
        found = []
        for first in range(0, COUNT, batch):
            pixels = net.normalize(torch.from_numpy(pictures[first : first + batch]))
            found.append(reference.net.vit(pixel_values=pixels).last_hidden_state[:, 0])
        return torch.cat(found).numpy()

    mine, yours = ours(), theirs(8)
    apart = float(abs(mine - yours).max() / abs(yours).max())
    works = [ours, *(lambda batch=batch: theirs(batch) for batch in (4, 8, 32))]
    spent, *others = interleaved(*works, repeats=repeats, warm_up=1)
    best = min(others, key=statistics.median)
    rates = [COUNT / statistics.median(each) for each in (spent, best)]
    return versus(
        spent,
        best,
        sound=apart <= WITHIN,
        note=f"{rates[0]:.1f} pictures/s, transformers {rates[1]:.1f}; features apart by at most {apart:.1e}",
    )
