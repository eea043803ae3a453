"""What a live run is put together from.

The small encoder and how it takes pictures, its supervised baseline, views, and a check of the pictures.
"""

from __future__ import annotations

import zlib
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.optimizers import Adam
from engines.core.errors import LabError, Message
from engines.core.training import Weights
from engines.moco.augment import Recipe
from engines.moco.model import Encoder, MoCo
from engines.moco.pictures import PictureSet
from engines.moco.settings import MOCO, STRENGTHS, Learning
from engines.moco.spec import RunParams

DIM, FEATURES = 64, 128
WIDTHS, BLOCKS = (16, 32, 64), (0, 1, 1)


def encoder(mlp: bool) -> Encoder:
    """The small encoder of the live runs, with random weights."""
    return Encoder(WIDTHS, BLOCKS, FEATURES, DIM, mlp)


def normalize(pixels: Tensor) -> Tensor:
    """(B, 3, H, W) in 0..1 -> as the run's encoders take it, channels last in memory."""
    return ((pixels - 0.5) / 0.25).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def encode(encoder: Encoder, pixels: Tensor, head: bool) -> Tensor:
    """uint8 pixels (n, 3, H, W), with running statistics -> vectors of length 1 (``head``), or features."""
    training = encoder.training
    if training:
        encoder.eval()
    scaled = normalize(pixels.float() / 255)
    found = torch.nn.functional.normalize(encoder(scaled), dim=1) if head else encoder.features(scaled)
    if training:
        encoder.train()
    return found


def recipe(params: Learning, view: int) -> Recipe:
    """How views of the one or other kind are made."""
    return Recipe(**{name: getattr(params, f"{name}_{view}") for name in STRENGTHS})


class Twin:
    """The same network with a linear classifier, which learns the labels: what supervision makes of it."""

    def __init__(self, mlp: bool, classes: int) -> None:
        self.encoder = encoder(mlp)
        self.classifier = nn.Linear(FEATURES, classes)
        parts = [p for name, p in self.encoder.named_parameters() if not name.startswith("head")]
        self.values = [*parts, *self.classifier.parameters()]
        self.adam = Adam(self.values)

    def step(self, view: Tensor, labels: Tensor, lr: float) -> None:
        """One step on normalized views (B, 3, H, W)."""
        self.encoder.train()
        loss = F.cross_entropy(self.classifier(self.encoder.features(view)), labels)
        self.adam.step(torch.autograd.grad(loss, self.values), lr)

    def state(self) -> dict[str, Any]:
        """Everything a resumed run needs."""
        parts = {"encoder": self.encoder, "classifier": self.classifier}
        return {"adam": self.adam.state(), **{name: part.state_dict() for name, part in parts.items()}}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.encoder.load_state_dict(state["encoder"])
        self.classifier.load_state_dict(state["classifier"])
        self.adam.load(state["adam"])


def checked(found: PictureSet, params: RunParams) -> tuple[Message, ...]:
    """What has to be said of the pictures before a run.

    Raises
    ------
    LabError
        If nothing can be learned from them.
    """
    count, notes = len(found.pixels), list(found.notes)
    if count < params.batch:
        raise LabError("{n} pictures are fewer than the batch of {batch}. Make the batch smaller.",
                       n=count, batch=params.batch)  # fmt: skip
    different = len({zlib.crc32(picture.tobytes()) for picture in found.pixels})
    if different == 1:
        raise LabError("All {n} pictures are identical: there is nothing to tell apart.", n=count)
    if different < count:
        notes.append(Message("Copies of other pictures: {n}. They will be each other's negatives.",
                             {"n": count - different}))  # fmt: skip
    if params.method == MOCO and params.queue_size > count:
        notes.append(Message("The queue is larger than the {n} pictures: each one is its own negative.", {"n": count}))
    return tuple(notes)


def restored(state: Weights) -> tuple[Encoder, Encoder]:
    """Both encoders of a run's state, in eval mode."""
    settings: Learning = state.made_of
    pair = []
    for name in ("encoder_q", "encoder_k"):
        made = encoder(settings.mlp).eval()
        own = {k[len(name) + 1 :]: torch.from_numpy(v) for k, v in state.arrays.items() if k.startswith(f"{name}.")}
        made.load_state_dict(own)
        pair.append(made)
    return pair[0], pair[1]


@torch.no_grad()
def warm(encoder: Encoder, pixels: Tensor) -> None:
    """Give an encoder batch norm's statistics of uint8 pixels (B, 3, 32, 32); it is left in training mode."""
    norms = [m for m in encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    encoder.train()
    encoder.features(normalize(pixels.float() / 255))
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum


def settle(moco: MoCo, made: Encoder, pixels: Tensor) -> None:
    """Warm the query encoder ``made`` with views (B, 3, 32, 32), and let the key encoder start from it."""
    moco.train()
    warm(made, pixels)
    moco.encoder_k.load_state_dict(made.state_dict())
