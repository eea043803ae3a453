"""The three ways to learn from few labels: a linear probe, fine-tuning, and from scratch.

The probe learns on features that were computed once (Alain & Bengio 2016); the backbone it stands on is never touched.
The other two learn a backbone of their own and its head together.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.backbone import Backbone
from engines.blocks.optimizers import Adam, clipped
from engines.blocks.states import as_arrays, copied, tensors
from engines.transfer.events import Bytes, Floats, Ints

HELD_BACK = 1e-3  #: how strongly the probe's weights are held back (L2)
DECAY = 0.05  #: decoupled weight decay of the others' matrices
CLIP = 1.0  #: largest norm of the others' gradients
WARM = 10  #: steps in which their rate rises

Pixels = Callable[[Ints], Bytes]


class LinearProbe:
    """Softmax regression on features, all labels at each step.

    Parameters
    ----------
    features : ndarray (n, F)
        Of the labeled pictures.
    labels : ndarray (n,)
    classes : int
    """

    def __init__(self, features: Floats, labels: Ints, classes: int) -> None:
        self.mean = features.mean(0)  # (F,)
        self.scale = float((features - self.mean).std()) or 1.0
        self._x = torch.from_numpy((features - self.mean) / self.scale)
        self._y = torch.from_numpy(labels)
        weight, bias = torch.zeros(classes, features.shape[1]), torch.zeros(classes)
        self._values = [weight.requires_grad_(), bias.requires_grad_()]
        self._adam = Adam(self._values)
        self.steps, self.loss = 0, float(np.log(classes))

    def state(self) -> dict[str, Any]:
        """All that is learned, as copies."""
        weight, bias = (value.detach().numpy().copy() for value in self._values)
        return {"weight": weight, "bias": bias, "adam": as_arrays(self._adam.state()), "steps": self.steps,
                "loss": self.loss}  # fmt: skip

    @torch.no_grad()
    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        for value, name in zip(self._values, ("weight", "bias"), strict=True):
            value.copy_(torch.from_numpy(state[name]))
        self._adam.load(tensors(state["adam"]))
        self.steps, self.loss = state["steps"], state["loss"]

    def advance(self, rate: float) -> None:
        """One step; `loss` is that before it."""
        self.steps += 1
        weight, bias = self._values
        fit = F.cross_entropy(self._x @ weight.T + bias, self._y)
        gradients = torch.autograd.grad(fit + HELD_BACK / 2 * (weight * weight).sum(), self._values)
        self._adam.step(gradients, rate)
        self.loss = float(fit.detach())

    def parts(self) -> tuple[Floats, Floats]:
        """Weight (C, F) and bias (C,) for features as the backbone gives them."""
        weight, bias = (value.detach().numpy().copy() for value in self._values)
        weight /= self.scale
        return weight, bias - weight @ self.mean


class WholeModel:
    """A backbone and a head that learn together, in batches.

    Parameters
    ----------
    net : Backbone
        Its own: it is changed.
    classes : int
    indices, labels : ndarray (n,)
        Labeled pictures.
    pixels : callable
        Indices (B,) -> pictures (B, side, side, 3).
    batch, seed : int
    device : torch.device
    """

    def __init__(
        self, net: Backbone, classes: int, indices: Ints, labels: Ints, pixels: Pixels, batch: int, seed: int,
        device: torch.device,
    ) -> None:  # fmt: skip
        self.net = net.to(device).requires_grad_(True)
        self.head = nn.Linear(net.width, classes).to(device)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self._indices, self._labels, self._pixels = indices, labels, pixels
        self._batch, self._random = min(batch, len(indices)), np.random.default_rng((seed, 1))
        self._left = np.zeros(0, np.int64)
        self._device = device
        self._values = [*self.net.parameters(), *self.head.parameters()]
        self._adam = Adam(self._values, weight_decay=[DECAY if value.ndim > 1 else 0.0 for value in self._values])
        self.steps = 0
        self.loss = float(np.log(classes))
        #: What was to come when the step in hand began, and the running statistics then.
        self._before: tuple[Ints, Any, dict[str, Tensor]] | None = None

    def state(self) -> dict[str, Any]:
        """All that is learned, as copies; of a step in hand nothing."""
        left, random, buffers = self._before or (self._left, self._random.bit_generator.state, {})
        return {
            "net": copied(self.net.state_dict()) | copied(buffers), "head": copied(self.head.state_dict()),
            "adam": as_arrays(self._adam.state()), "left": left, "random": random, "steps": self.steps,
            "loss": self.loss,
        }  # fmt: skip

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.net.load_state_dict(tensors(state["net"]))
        self.head.load_state_dict(tensors(state["head"]))
        self._adam.load(tensors(state["adam"]))
        self._left, self._random.bit_generator.state = state["left"], state["random"]
        self.steps, self.loss = state["steps"], state["loss"]

    def logits(self, pictures: Bytes) -> Tensor:
        """(B, side, side, 3) -> (B, C)."""
        found: Tensor = self.head(self.net(self.net.normalize(torch.from_numpy(pictures).to(self._device))))
        return found

    def advance(self, rate: Callable[[], float], size: int) -> Iterator[int]:
        """One step, its batch cut into pieces of ``size`` pictures; places to stop are between all that takes long."""
        buffers = {name: value.clone() for name, value in self.net.named_buffers()}
        self._before = self._left, self._random.bit_generator.state, buffers
        while len(self._left) < self._batch:
            self._left = np.concatenate([self._left, self._random.permutation(len(self._indices))])
        chosen, self._left = self._left[: self._batch], self._left[self._batch :]
        self.net.train()
        total: list[Tensor] = []
        loss, done = 0.0, 0
        while done < len(chosen):
            piece = chosen[done : done + size]
            logits = self.logits(self._pixels(self._indices[piece]))
            yield 0
            labels = torch.from_numpy(self._labels[piece]).to(self._device)
            part = F.cross_entropy(logits, labels, reduction="sum") / len(chosen)
            gradients = torch.autograd.grad(part, self._values, allow_unused=True, materialize_grads=True)
            total = [a + b for a, b in zip(total, gradients, strict=True)] if total else list(gradients)
            loss, done = loss + float(part.detach()), done + len(piece)
            yield len(piece)
        total = clipped(total, CLIP)[0]
        yield 0
        self.steps += 1
        self._adam.step(total, rate() * min(1.0, self.steps / WARM))
        self.loss, self._before = loss, None
        yield 0

    @torch.no_grad()
    def said(self, pictures: Bytes) -> Ints:
        """Classes (B,) of pictures (B, side, side, 3)."""
        self.net.eval()
        found: Ints = self.logits(pictures).argmax(-1).cpu().numpy()
        return found


def tuned(net: Backbone) -> Backbone:
    """A copy of a pretrained backbone that may learn."""
    return copy.deepcopy(net)
