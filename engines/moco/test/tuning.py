"""Fine-tuning on a few labels per class, from a run's encoder and, for comparison, from random weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.optimizers import Adam
from engines.core.errors import LabError
from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.moco.model import Encoder
from engines.moco.parts import FEATURES, normalize, restored, warm
from engines.moco.parts import encoder as fresh
from engines.moco.pictures import PictureSet, Wanted, kept
from engines.moco.test.spec import Tuned, TuneParams

STEPS, BATCH, RATE = 60, 32, 2e-3
TESTED, EVERY = 384, 6  # test pictures, steps between two tests


class Learner:
    """An encoder and a linear classifier, both trained; batch norm's statistics stay as they were."""

    def __init__(self, encoder: Encoder, classes: int) -> None:
        self.encoder, self.classifier = encoder.eval(), nn.Linear(FEATURES, classes)
        nn.init.zeros_(self.classifier.weight)
        parts = [p for name, p in encoder.named_parameters() if not name.startswith("head")]
        self.values = [p.requires_grad_() for p in (*parts, *self.classifier.parameters())]
        self.adam = Adam(self.values, weight_decay=1e-3)

    def step(self, pixels: Tensor, labels: Tensor) -> None:
        """One step on uint8 pixels (B, 3, 32, 32)."""
        logits = self.classifier(self.encoder.features(normalize(pixels.float() / 255)))
        self.adam.step(torch.autograd.grad(F.cross_entropy(logits, labels), self.values), RATE)

    @torch.no_grad()
    def right(self, pixels: Tensor, labels: Tensor) -> int:
        """How many of uint8 pixels (B, 3, 32, 32) with labels (B,) are answered right."""
        logits = self.classifier(self.encoder.features(normalize(pixels.float() / 255)))
        return int((logits.argmax(1) == labels).sum())


class Tuner:
    """The engine behind the button "Fine-tune"."""

    def __init__(self) -> None:
        self._sets: Memo[PictureSet] = Memo()

    def run(self, job: Job[TuneParams]) -> Iterator[Event]:
        """A `Tuned` for every sixth step.

        Raises
        ------
        LabError
            If there is no run yet, or the pictures have no labels.
        """
        params = job.params
        if params.weights is None:
            raise LabError("Pre-train for some steps first.")
        found = yield from kept(self._sets, Wanted(params.data, params.paths))
        if found.labels is None or found.test_labels is None:
            raise LabError("These pictures have no labels: put them in one folder per class.")
        labeled = chosen(found.labels, params.shots)
        pixels = torch.from_numpy(found.pixels[labeled]).permute(0, 3, 1, 2)
        labels = torch.from_numpy(found.labels[labeled])
        test = torch.from_numpy(found.test_pixels[:TESTED]).permute(0, 3, 1, 2)
        truth = torch.from_numpy(found.test_labels[:TESTED])
        generator = torch.Generator().manual_seed(params.number)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(params.number)
            random = fresh(params.weights.made_of.mlp)
            warm(random, pixels)
            learners = [Learner(restored(params.weights)[0], len(found.names)), Learner(random, len(found.names))]
        for step in range(STEPS + 1):
            if step % EVERY == 0:
                right = [0, 0]
                for first in range(0, len(test), 128):
                    for i, learner in enumerate(learners):
                        right[i] += learner.right(test[first : first + 128], truth[first : first + 128])
                yield Tuned(params.shots, step, STEPS, right[0] / len(test), right[1] / len(test))
            if step < STEPS:
                index = torch.randint(len(labeled), (min(BATCH, len(labeled)),), generator=generator)
                mirrored = torch.where(torch.rand(1, generator=generator) < 0.5, 1, 0)
                taken = pixels[index].flip(3) if bool(mirrored) and params.data != "Digits" else pixels[index]
                for learner in learners:
                    learner.step(taken, labels[index])


def chosen(labels: np.ndarray, shots: int) -> np.ndarray:
    """Indices of the first ``shots`` pictures of each class, of labels (n,)."""
    return np.concatenate([np.flatnonzero(labels == label)[:shots] for label in np.unique(labels)])
