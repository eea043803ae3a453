"""Proofs on real photos, which are not part of this project: a DETR on a ViT learns one kind of animal.

``TEACH_FOLDER`` names a folder of photos with boxes, for example github.com/datitran/raccoon_dataset (200 photos of
raccoons, Pascal VOC), ``CELLS_FOLDER`` one of many objects a picture, for example github.com/Shenggan/BCCD_Dataset.
Minutes are of this process on the processor, so that they are the same on a machine that does other things as well.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.data.detector_pictures import own_data
from engines.detr.training.featured import Features
from engines.detr.training.run import Run
from engines.detr.training.spec import ON_VIT, DetrTraining

MINUTES = 15.0


def folder_in(name: str) -> str:
    """The folder that a variable names."""
    place = os.environ.get(name, "")
    if not place or not Path(place).is_dir():
        pytest.skip(f"{name} names no folder")
    return place


def read(params: DetrTraining, side: int = 0):
    steps = own_data(params, np.random.default_rng((0, params.seed)), side)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def best_ap50(run: Run, params: DetrTraining, wanted: float) -> float:
    """Train until the AP50 is there or the minutes are over."""
    began, best = time.process_time(), 0.0
    while best < wanted and time.process_time() - began < 60 * MINUTES:
        run.advance(params)
        assert run.measured is not None
        best = max(best, run.measured.ap50)
    print(f"AP50 {best:.3f} after {run.step} steps, {time.process_time() - began:.0f} s of the processor")
    return best


@pytest.mark.proof
def test_an_animal_is_learned_on_the_features_of_a_vit():
    plain = DetrTraining(folder=folder_in("TEACH_FOLDER"))
    params = DetrTraining(folder=plain.folder, model=ON_VIT).following(plain)
    vit = Features("")
    data = read(params, vit.side)
    began = time.process_time()
    for _ in vit.fill(data, torch.device("cpu")):
        pass
    print(f"{vit.title}: {len(data.training)} + {len(data.validation)} photos in {time.process_time() - began:.0f} s")
    params = params.fitted(max(len(sample.labels) for sample in (*data.training, *data.validation)))
    assert best_ap50(Run(params, data, None, vit), params, 0.6) >= 0.6


@pytest.mark.proof
def test_cells_are_learned_with_the_defaults():
    params = DetrTraining(folder=folder_in("CELLS_FOLDER"))
    data = read(params)
    params = params.fitted(max(len(sample.labels) for sample in (*data.training, *data.validation)))
    assert best_ap50(Run(params, data), params, 0.3) >= 0.3
