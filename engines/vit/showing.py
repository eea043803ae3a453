"""What is shown of a stream on several pages: arrays of numpy, and the prediction."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.vit.events import Floats, Prediction
from engines.vit.stream import Stream

TOP = 5  # classes shown


def array(tensor: Tensor) -> Floats:
    """A float32 array on the CPU, of the same shape.

    It may share memory with the tensor, so nobody writes into either.
    """
    found: Floats = tensor.float().contiguous().cpu().numpy()
    return found


@torch.inference_mode()
def prediction(plain: Stream, stream: Stream, labels: tuple[str, ...]) -> Prediction:
    """Likeliest classes beside the untouched model's, and how far the class token has moved."""
    before, now = plain.conclusion(), stream.conclusion()
    tokens = [(a[0, 0], b[0, 0]) for a, b in zip(plain.hidden[1:-1], stream.hidden[1:-1], strict=True)]
    tokens.append((before.tokens[0], now.tokens[0]))
    similarity = array(torch.stack([F.cosine_similarity(a, b, dim=0) for a, b in tokens]).clamp(-1, 1))
    if stream is plain:
        similarity = np.ones_like(similarity)  # it is itself, whatever rounding says
    if before.logits is None or now.logits is None:
        none = np.zeros(0, np.float32)
        return Prediction(stream is not plain, (), none, none, "", similarity)
    untouched, present = before.logits.softmax(-1), now.logits.softmax(-1)
    order = present.topk(min(TOP, len(present))).indices
    return Prediction(
        stream is not plain,
        tuple(labels[index] for index in order.tolist()),
        array(present[order]),
        array(untouched[order]),
        labels[int(untouched.argmax())],
        similarity,
    )
