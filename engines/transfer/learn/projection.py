"""Features in two dimensions: principal components, and t-SNE (van der Maaten & Hinton 2008) some steps at a time.

t-SNE is openTSNE's (Poličar, Stražar & Zupan 2024). It is imported when it is first asked for, which takes a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.transfer.events import Floats

EARLY, EXAGGERATION = 150, 12.0  # iterations in which neighbors are drawn together more strongly, and how much
ITERATIONS = 500
BEGIN = 1e-4  # deviation of the points at the start, along the first axis
SLOWEST = 200.0  # learning rate of few points; of more it is n / exaggeration (Belkina et al. 2019)


@dataclass(frozen=True, eq=False)
class Plane:
    """The plane of largest variance through features.

    Attributes
    ----------
    mean : ndarray (F,)
    axes : ndarray (2, F)
        Orthonormal; the largest entry of each is positive. An axis that the features do not have is 0.
    explained : float
        Share of the variance that lies in the plane.
    """

    mean: Floats
    axes: Floats
    explained: float

    def project(self, features: Floats) -> Floats:
        """(..., F) -> (..., 2)."""
        return np.asarray((features - self.mean) @ self.axes.T, np.float32)


def principal_plane(features: Floats) -> Plane:
    """The plane of features (n, F)."""
    mean = features.mean(0)
    centered = (features - mean).astype(np.float64)
    count, width = centered.shape
    if count < width:
        _, sizes, found = np.linalg.svd(centered, full_matrices=False)  # (n,), (n, F), largest first
        spread = sizes**2
    else:  # the covariance is the smaller matrix: several times quicker
        spread, columns = np.linalg.eigh(centered.T @ centered)  # (F,), (F, F), smallest first
        spread, found = spread[::-1].clip(min=0), columns.T[::-1]
    axes = np.zeros((2, width))
    axes[: len(found)] = found[:2]
    signs = np.sign(np.take_along_axis(axes, np.abs(axes).argmax(1, keepdims=True), 1))  # (2, 1)
    axes *= np.where(signs == 0, 1, signs)
    total = float(spread.sum())
    return Plane(mean, axes.astype(np.float32), float(spread[:2].sum()) / total if total > 0 else 0.0)


class Neighbors:
    """t-SNE, some steps of gradient descent at a time, from the principal plane: no chance is in it.

    Gradients are Barnes and Hut's (van der Maaten 2014), which are quicker than interpolated ones below 10,000 points.
    Their tree loses points that lie at one place, so features that are there twice are one point of it.

    Parameters
    ----------
    features : ndarray (n, F)
        n is 2 or more.
    perplexity : float
        About how many neighbors a point has; at most (n − 1) / 3.
    """

    def __init__(self, features: Floats, perplexity: float) -> None:
        from openTSNE import TSNEEmbedding
        from openTSNE.affinity import PerplexityBasedNN

        self.step = 0
        once, self._place = np.unique(features, axis=0, return_inverse=True)  # (m, F), (n,): which of the m each is
        start = principal_plane(once).project(once)
        start *= BEGIN / max(float(start[:, 0].std()), 1e-12)
        self._points: Any = start  # (m, 2)
        if len(once) == 1:
            return
        wanted = min(perplexity * len(once) / len(features), (len(once) - 1) / 3)
        likeness = PerplexityBasedNN(once, max(wanted, 1.0), method="exact", n_jobs=1)
        self._points = TSNEEmbedding(start, likeness, negative_gradient_method="bh", n_jobs=1, random_state=0)

    @property
    def points(self) -> Floats:
        """Where the points are now, (n, 2); a copy."""
        return np.asarray(self._points, np.float32)[self._place.reshape(-1)]

    def advance(self, steps: int) -> None:
        """Some steps, with momentum and a gain per coordinate (Jacobs 1988); ``EARLY`` is a multiple of them."""
        stronger = EXAGGERATION if self.step < EARLY else 1.0
        if len(self._points) > 1:
            rate = max(len(self._points) / stronger, SLOWEST)
            self._points.optimize(steps, inplace=True, exaggeration=stronger, learning_rate=rate, momentum=0.8)
        self.step += steps
