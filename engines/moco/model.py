"""MoCo, momentum contrast (He et al. 2020, arXiv:1911.05722; v2: Chen et al. 2020, arXiv:2003.04297), written anew.

A query is to find the key of the same picture among the keys of a queue. The queue is filled by an encoder that follows
the query encoder slowly, so that keys of different age can be compared.

**Batch norm.** When a query and its key are normalized by statistics of the same batch, the network can find the key by
these statistics instead of by the picture; the paper shuffles the pictures between processors against that. Here the
key encoder never looks at a batch: it normalizes with running statistics, which follow the query encoder's like its
weights do (Cai et al. 2021, "Exponential moving average normalization"). So there is nothing to shuffle.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from engines.blocks.convnet import ConvNet

UNKNOWN = -1  # picture number of a key that belongs to none: the initial noise


def contrast_logits(q: Tensor, k: Tensor, queue: Tensor, temperature: float) -> Tensor:
    """Logits (B, 1 + K): the similarity to the own key first, then to each key of the queue, over the temperature.

    Parameters
    ----------
    q, k : Tensor (B, dim)
        Queries and their positive keys, of length 1.
    queue : Tensor (dim, K)
        Negative keys, a column each.
    temperature : float
        τ.
    """
    positive = (q * k).sum(-1, keepdim=True)  # (B, 1)
    if not temperature > 0:
        raise ValueError(f"temperature {temperature!r} is not above 0")
    return torch.cat([positive, q @ queue], dim=-1) / temperature


def info_nce(q: Tensor, k: Tensor, queue: Tensor, temperature: float) -> Tensor:
    """InfoNCE (van den Oord et al. 2018; MoCo, eq. 1), averaged over the batch: −log softmax of the positive's logit.

    Parameters
    ----------
    q, k : Tensor (B, dim)
    queue : Tensor (dim, K)
    temperature : float

    Returns
    -------
    Tensor
        A scalar.
    """
    logits = contrast_logits(q, k, queue, temperature)
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64, device=logits.device))


class Encoder(nn.Module):
    """A small convolutional network and, on top, the head whose output is compared.

    Parameters
    ----------
    widths, blocks : sequence of int
        See `ConvNet`.
    features : int
        Size of what is handed on after training; a 1 × 1 convolution leads there.
    dim : int
        Size of the compared vectors.
    mlp : bool
        Two linear maps with a ReLU between them (v2), or one (v1).
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 96, 192),
        blocks: Sequence[int] = (1, 1, 1),
        features: int = 384,
        dim: int = 128,
        mlp: bool = True,
    ) -> None:
        super().__init__()
        self.backbone = ConvNet(widths, blocks)
        self.lift = nn.Sequential(
            nn.Conv2d(widths[-1], features, 1, bias=False), nn.BatchNorm2d(features), nn.ReLU(inplace=True)
        )
        hidden: list[nn.Module] = [nn.Linear(features, features), nn.ReLU(inplace=True)] if mlp else []
        self.head = nn.Sequential(*hidden, nn.Linear(features, dim))
        self.out_features, self.dim = features, dim

    def features(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, H, W) -> what a probe or another task uses, (B, features)."""
        found: Tensor = self.lift(self.backbone(pixels)).mean((2, 3))
        return found

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, H, W) -> vectors (B, dim), not yet of length 1."""
        found: Tensor = self.head(self.features(pixels))
        return found


class MoCo(nn.Module):
    """Momentum contrast: query encoder, key encoder, queue.

    Parameters
    ----------
    encoder : nn.Module
        Maps views (B, ...) to vectors (B, dim). It becomes the query encoder; the key encoder starts as its copy.
    dim : int
        Size of the compared vectors.
    queue_size : int
        K.
    momentum : float
        m of ``θ_k = m θ_k + (1 − m) θ_q``.
    temperature : float
        τ.

    Attributes
    ----------
    queue : Tensor (dim, K)
        Keys of length 1, a column each. It starts as random directions.
    queue_age : Tensor of int64 (K,)
        Enqueues since the key came: 0 = just put in, −1 = initial noise.
    queue_picture : Tensor of int64 (K,)
        Number of the picture that each key is of, as `enqueue` was told; −1 = not told.
    """

    def __init__(
        self,
        encoder: nn.Module,
        dim: int = 128,
        queue_size: int = 4096,
        momentum: float = 0.999,
        temperature: float = 0.2,
    ) -> None:
        super().__init__()
        if queue_size < 1:
            raise ValueError(f"queue_size {queue_size}: at least one key is needed")
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum {momentum!r} is not in 0..1")
        if not temperature > 0:
            raise ValueError(f"temperature {temperature!r} is not above 0")
        self.momentum, self.temperature = momentum, temperature
        self.encoder_q = encoder
        self.encoder_k = copy.deepcopy(encoder).requires_grad_(False).eval()
        self.queue: Tensor
        self.queue_age: Tensor
        self.queue_picture: Tensor
        self.pointer: Tensor
        self.register_buffer("queue", F.normalize(torch.randn(dim, queue_size), dim=0))
        self.register_buffer("queue_age", torch.full((queue_size,), -1))
        self.register_buffer("queue_picture", torch.full((queue_size,), UNKNOWN))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))  # the oldest place, next to be replaced

    def train(self, mode: bool = True) -> MoCo:
        """As `nn.Module.train`; the key encoder stays in eval mode."""
        super().train(mode)
        self.encoder_k.eval()
        return self

    def encode_query(self, view: Tensor) -> Tensor:
        """Views (B, ...) -> queries (B, dim) of length 1. In training mode batch norm's running statistics move on."""
        return F.normalize(self.encoder_q(view), dim=-1)

    @torch.no_grad()
    def encode_key(self, view: Tensor) -> Tensor:
        """Views (B, ...) -> keys (B, dim) of length 1, without gradient."""
        return F.normalize(self.encoder_k(view), dim=-1)

    def forward(self, view_q: Tensor, view_k: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compare two views of the same pictures. Nothing is changed: neither queue nor weights nor statistics.

        Parameters
        ----------
        view_q, view_k : Tensor (B, ...)

        Returns
        -------
        logits : Tensor (B, 1 + K)
            Over the temperature already; the right answer is column 0.
        q, k : Tensor (B, dim)
            Of length 1.
        """
        buffers = {name: value.clone() for name, value in self.encoder_q.named_buffers()}
        q = F.normalize(cast(Tensor, functional_call(self.encoder_q, buffers, (view_q,))), dim=-1)
        k = self.encode_key(view_k)
        # a copy of the queue: what is enqueued before the backward pass must not change what it needs
        return contrast_logits(q, k, self.queue.clone(), self.temperature), q, k

    @torch.no_grad()
    def enqueue(self, k: Tensor, pictures: Tensor | None = None) -> None:
        """Put keys in the places of the oldest; of more than K the last K stay.

        Parameters
        ----------
        k : Tensor (B, dim)
            Of length 1.
        pictures : Tensor of int (B,), optional
            Which pictures they are of.
        """
        size, count = self.queue.shape[1], len(k)
        if count == 0:
            return
        first = max(0, count - size)
        places = (self.pointer + torch.arange(first, count, device=k.device)) % size
        self.queue_age += (self.queue_age >= 0).long()
        self.queue[:, places] = k[first:].detach().t().to(self.queue.dtype)
        self.queue_age[places] = 0
        self.queue_picture[places] = UNKNOWN if pictures is None else pictures[first:]
        self.pointer.copy_((self.pointer + count) % size)

    @torch.no_grad()
    def momentum_update(self) -> None:
        """θ_k = m θ_k + (1 − m) θ_q, for weights and running statistics; counters are copied."""
        slow, fast = [], []
        pairs = zip(self.encoder_k.state_dict().values(), self.encoder_q.state_dict().values(), strict=True)
        for old, new in pairs:
            if old.is_floating_point():
                slow.append(old)
                fast.append(new)
            else:
                old.copy_(new)
        torch._foreach_lerp_(slow, fast, 1 - self.momentum)

    @torch.no_grad()
    def momentum_distance(self) -> float:
        """How far the key encoder is behind: ‖θ_q − θ_k‖ ÷ ‖θ_q‖, over all learned weights."""
        fast: list[Tensor] = [*self.encoder_q.parameters()]
        slow: list[Tensor] = [*self.encoder_k.parameters()]
        gaps = torch._foreach_sub(fast, slow)
        far = torch.stack(torch._foreach_norm(gaps)).norm()
        return float(far / torch.stack(torch._foreach_norm(fast)).norm())
