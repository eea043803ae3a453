"""How good a representation is: nearest neighbors, a linear probe, alignment, uniformity. Labels are used only here."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.blocks.optimizers import Adam

NEIGHBORS, SHARPNESS = 20, 10.0  # k and 1/τ of the weighted vote (Wu et al. 2018 use 200 and 1/0.07 on 1.3 M pictures)

Labels = npt.NDArray[np.integer]


@torch.no_grad()
def knn_accuracy(train: Tensor, labels: Labels, test: Tensor, test_labels: Labels, k: int = NEIGHBORS) -> float:
    """Share of test pictures whose nearest training pictures, by cosine, vote for the right class.

    Parameters
    ----------
    train, test : Tensor (n, d), (t, d)
        Features.
    labels, test_labels : ndarray of int (n,), (t,)
    k : int
        Neighbors that vote, each with the weight exp(cosine / 0.1) (Wu et al. 2018, section 3.4).
    """
    train, test = F.normalize(train, dim=1), F.normalize(test, dim=1)
    of = torch.from_numpy(labels.astype(np.int64))
    truth = torch.from_numpy(test_labels.astype(np.int64))
    classes = int(max(of.max(), truth.max())) + 1
    right = 0
    for first in range(0, len(test), 500):
        near, index = (test[first : first + 500] @ train.t()).topk(min(k, len(train)), dim=1)  # (b, k)
        votes = torch.zeros(len(near), classes).scatter_add_(1, of[index], torch.exp((near - 1) * SHARPNESS))
        right += int((votes.argmax(1) == truth[first : first + 500]).sum())
    return right / len(test)


class Probe:
    """A linear classifier on features that stay as they are: softmax regression, trained with Adam in small batches.

    Parameters
    ----------
    train : Tensor (n, d)
        Features; each is brought to mean 0 and deviation 1 over the training pictures.
    labels : ndarray of int (n,)
    steps : int
        Of training; the rate falls to 0 over them.
    seed : int
        Of the order of the pictures.
    """

    BATCH, RATE, DECAY = 512, 0.01, 1e-4

    def __init__(self, train: Tensor, labels: Labels, steps: int = 300, seed: int = 0) -> None:
        self.mean, self.std = train.mean(0), train.std(0, correction=0) + 1e-4
        self.data = (train - self.mean) / self.std
        self.labels = torch.from_numpy(labels.astype(np.int64))
        self.classes = int(self.labels.max()) + 1
        self.values = [torch.zeros(train.shape[1], self.classes), torch.zeros(self.classes)]
        self.steps, self.done = steps, 0
        self._adam = Adam(self.values, weight_decay=[self.DECAY, 0.0])
        self._generator = torch.Generator().manual_seed(seed)
        self._order = torch.empty(0, dtype=torch.int64)

    def advance(self, steps: int) -> None:
        """Make some steps; the gradient of softmax regression is written out."""
        for _ in range(min(steps, self.steps - self.done)):
            if len(self._order) == 0:
                self._order = torch.randperm(len(self.data), generator=self._generator)
            index, self._order = self._order[: self.BATCH], self._order[self.BATCH :]
            x, y = self.data[index], self.labels[index]
            error = torch.softmax(x @ self.values[0] + self.values[1], 1)  # (b, classes)
            error[torch.arange(len(y)), y] -= 1
            lr = self.RATE * 0.5 * (1 + math.cos(math.pi * self.done / self.steps))
            self._adam.step([x.t() @ error / len(y), error.mean(0)], lr)
            self.done += 1

    def answers(self, features: Tensor) -> Tensor:
        """Logits (t, classes) for features (t, d)."""
        return (features - self.mean) / self.std @ self.values[0] + self.values[1]

    def accuracy(self, features: Tensor, labels: Labels) -> float:
        """Share of right answers on features (t, d) with labels (t,)."""
        found = self.answers(features).argmax(1)
        return float((found == torch.from_numpy(labels.astype(np.int64))).float().mean())


@torch.no_grad()
def probe_accuracy(train: Tensor, labels: Labels, test: Tensor, test_labels: Labels, steps: int = 300) -> float:
    """Accuracy on test features (m, F) with labels (m,) of a `Probe` trained on features (n, F) with labels (n,)."""
    probe = Probe(train, labels, steps)
    probe.advance(steps)
    return probe.accuracy(test, test_labels)


@torch.no_grad()
def alignment(a: Tensor, b: Tensor) -> float:
    """Mean squared distance of the two views of a picture, both (n, d) of length 1 (Wang & Isola 2020, 4.1)."""
    return float((a - b).square().sum(1).mean())


@torch.no_grad()
def uniformity(x: Tensor) -> float:
    """The log of the mean of exp(−2 d²) over pairs of (n, d), of length 1 (Wang & Isola 2020, 4.1): low is wide."""
    i, j = torch.triu_indices(len(x), len(x), offset=1)
    squares = (2 - 2 * (x @ x.t()))[i, j].clamp(min=0)
    return float(torch.logsumexp(-2 * squares, 0) - math.log(max(1, len(squares))))
