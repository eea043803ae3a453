"""What the model would say if it ended earlier.

Logit lens (nostalgebraist 2020, "interpreting GPT: the logit lens"): the final norm and the head on the residual
stream after each layer. Read from a patch token instead of the class token it says what stands there, as far as
the stream has it in the head's terms (Vilas et al. 2023, "Analyzing Vision Transformers for Image Classification in
Class Embedding Space"). The head was never trained on either: early layers and patches are a reading, no measurement.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from engines.vit.model import ViT
from engines.vit.stream import Stream

TOP = 5  # classes of a depth that are named


@dataclass(frozen=True, eq=False)
class Depth:
    """One depth of the stream, read with the head.

    Attributes
    ----------
    token : Tensor (classes,)
        Probabilities for the class token; without a head (1,), the cosine with the class token at the end.
    patches : Tensor (P, classes) or (P, 1)
        The same read from each patch token.
    """

    token: Tensor
    patches: Tensor


@torch.inference_mode()
def read(stream: Stream, depth: int) -> Depth:
    """Read a complete stream after ``depth`` layers (0: the embeddings)."""
    net, config = stream.net, stream.net.config
    x = stream.hidden[depth]
    if x.shape[1] < stream.tokens:  # a branch takes its last layer for the prefix tokens alone
        x = net.block(depth - 1)(stream.hidden[depth - 1], stream.changes.get(depth - 1))[0]
    tokens, logits = net.conclude(x)
    if logits is None:
        end = stream.conclusion().tokens[:1]
        similar = F.cosine_similarity(tokens[0], end, dim=-1).clamp(-1, 1)[:, None]  # (N, 1)
        return Depth(similar[0], similar[config.prefix :])
    return Depth(logits[0].softmax(-1), _of_patches(net, tokens[0, config.prefix :]).softmax(-1))


def _of_patches(net: ViT, patches: Tensor) -> Tensor:
    """The head on each patch token (P, D), put where the class token stands: (P, classes)."""
    assert net.head is not None
    if net.config.pooled_head:
        mean = patches.mean(0, keepdim=True).expand_as(patches)
        pooled: Tensor = net.head(torch.cat([patches, mean], -1))
        return pooled
    logits: Tensor = net.head(patches)
    if net.distillation_head is not None:
        logits = (logits + net.distillation_head(patches)) / 2
    return logits
