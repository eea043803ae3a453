"""Features in two dimensions: principal components, and t-SNE (van der Maaten & Hinton 2008) step by step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

EARLY, EXAGGERATION = 150, 12.0  # iterations in which neighbors are drawn together more strongly, and how much
ITERATIONS = 500
BLOCK = 128  # points whose neighborhoods are looked for in one go
SEARCHES = 40  # halvings when the width of each point's neighborhood is looked for


@dataclass(frozen=True, eq=False)
class Plane:
    """The plane of largest variance through features.

    Attributes
    ----------
    mean : Tensor (F,)
    axes : Tensor (2, F)
        Orthonormal; the largest entry of each is positive.
    explained : float
        Share of the variance that lies in the plane.
    """

    mean: Tensor
    axes: Tensor
    explained: float

    def project(self, features: Tensor) -> Tensor:
        """(..., F) -> (..., 2)."""
        return (features - self.mean) @ self.axes.T


@torch.no_grad()
def principal_plane(features: Tensor) -> Plane:
    """The plane of features (n, F)."""
    mean = features.mean(0)
    centered = (features - mean).double()
    _, sizes, axes = torch.linalg.svd(centered, full_matrices=False)
    axes = torch.cat([axes, torch.zeros(2, axes.shape[1], dtype=axes.dtype)])[:2]
    signs = axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()
    total = float((sizes**2).sum())
    share = float((sizes[:2] ** 2).sum()) / total if total > 0 else 0.0
    return Plane(mean, (axes * torch.where(signs == 0, 1.0, signs)).float(), share)


class Neighbors:
    """t-SNE, one step of gradient descent at a time, from the principal plane: no chance is in it.

    Parameters
    ----------
    features : Tensor (n, F)
        n is 2 or more.
    perplexity : float
        About how many neighbors a point has; at most (n − 1) / 3.
    """

    def __init__(self, features: Tensor, perplexity: float) -> None:
        count = len(features)
        self.step = 0
        self.likeness = torch.zeros(count, count)  # sums to 1 once all is begun
        self._perplexity = min(perplexity, max(1.0, (count - 1) / 3))
        start = principal_plane(features).project(features)
        self.points = start / start[:, 0].std().clamp(min=1e-12) * 1e-4
        self._moved, self._gain = torch.zeros_like(self.points), torch.ones_like(self.points)
        self._rate = max(count / EXAGGERATION / 4, 50.0)

        self._distances = squares(features.double())
        self._distances /= self._distances.mean().clamp(min=1e-300)
        self._distances.fill_diagonal_(torch.inf)
        self._begun = 0

    @property
    def begun(self) -> bool:
        """Whether the likeness of all features is known, so that `advance` may be called."""
        return self._begun >= len(self.likeness)

    def begin(self) -> None:
        """Find how like the next ``BLOCK`` features are to all others."""
        first, count = self._begun, len(self.likeness)
        self.likeness[first : first + BLOCK] = neighborhoods(self._distances[first : first + BLOCK], self._perplexity)
        self._begun = min(first + BLOCK, count)
        if self.begun:
            self.likeness = (self.likeness + self.likeness.T) / (2 * count)
            self._distances = self._distances[:0]

    @torch.no_grad()
    def advance(self) -> None:
        """One step, with momentum and a gain per coordinate (Jacobs 1988)."""
        early = self.step < EARLY
        gradient = self.gradient(EXAGGERATION if early else 1.0)
        same = (gradient > 0) == (self._moved > 0)
        self._gain = torch.where(same, self._gain * 0.8, self._gain + 0.2).clamp(min=0.01)
        self._moved = (0.5 if early else 0.8) * self._moved - self._rate * self._gain * gradient
        self.points = self.points + self._moved
        self.points = self.points - self.points.mean(0)
        self.step += 1

    def gradient(self, exaggeration: float = 1.0) -> Tensor:
        """Of the divergence with respect to the points, (n, 2)."""
        near = self._near()
        pull = (exaggeration * self.likeness - near / near.sum()) * near
        return 4 * (pull.sum(1, keepdim=True) * self.points - pull @ self.points)

    @torch.no_grad()
    def divergence(self) -> float:
        """Kullback-Leibler divergence of the likeness of the points from that of the features, in nat."""
        near = self._near()
        share = (near / near.sum()).clamp(min=1e-12)
        return float((self.likeness * (self.likeness.clamp(min=1e-12) / share).log()).sum())

    def _near(self) -> Tensor:
        """Student's t of all pairs, (n, n); 0 on the diagonal."""
        near = 1 / (1 + squares(self.points))
        return near.fill_diagonal_(0)


def squares(points: Tensor) -> Tensor:
    """Squared distances of all pairs (n, n)."""
    length = (points * points).sum(1)
    return (length[:, None] + length - 2 * points @ points.T).clamp_(min=0)


@torch.no_grad()
def neighborhoods(distances: Tensor, perplexity: float) -> Tensor:
    """Rows (m, n) that sum to 1, each a Gaussian of squared distances (m, n) with this perplexity."""
    low, high = torch.full((len(distances), 1), -30.0).double(), torch.full((len(distances), 1), 30.0).double()
    target = torch.tensor(perplexity).double().log()
    for _ in range(SEARCHES):  # low and high: logarithm of the precision
        rows = (-distances * ((low + high) / 2).exp()).softmax(1)
        wide = -(rows * rows.clamp(min=1e-300).log()).sum(1, keepdim=True) > target
        low, high = torch.where(wide, (low + high) / 2, low), torch.where(wide, high, (low + high) / 2)
    return (-distances * ((low + high) / 2).exp()).softmax(1).float()
