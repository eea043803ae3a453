"""What the weights of a ResNeSt say as a whole."""

from __future__ import annotations

import torch
from torch import Tensor


def entropy(weights: Tensor) -> Tensor:
    """Entropy in bits of the weights (B, R, C) over the splits, mean over the channels: (B,); 0 with one split."""
    if weights.shape[1] < 2:
        return weights.new_zeros(len(weights))
    logs = weights.clamp_min(torch.finfo(weights.dtype).tiny).log2()
    return (weights * logs).sum(1).abs().mean(-1)


def over_photos(weights: Tensor) -> float:
    """Standard deviation over the photos of weights (B, R, C), mean over splits and channels."""
    return float(weights.std(0, correction=0).mean())


def over_channels(weights: Tensor) -> float:
    """Standard deviation over the channels of weights (B, R, C), mean over photos and splits."""
    return float(weights.std(-1, correction=0).mean())
