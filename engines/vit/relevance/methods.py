"""Which patches a prediction rests on: four answers, and a test that tells which of them is right.

- Raw attention: the class token's row of one layer, mean over heads.
- Rollout (Abnar & Zuidema 2020): the rows of all layers multiplied, each with the residual stream.
- Gradient × attention: mean over heads of (∇A ⊙ A)⁺ in one layer, A the weights, ∇A the gradient of the class's
  logit. One layer of what the next one adds up.
- Chefer, Gur & Wolf 2021, "Generic Attention-model Explainability", the rule of self-attention (equations 5 and 6):
  R ← R + Ā R from the first layer to the last, R = 1 before it, Ā = mean over heads of (∇A ⊙ A)⁺.

All read the row of the token that the head reads (of a head that reads several: their mean). A row of such a product
is found from the last layer backwards, r ← r + r Ā, which is the way the gradients come: one layer is in memory at a
time, recomputed from the residual stream that enters it, and between two layers there is a place to stop.

The test is deletion and insertion (Petsiuk et al. 2018): patches are painted in the mean color (0 after normalizing)
in the order of relevance, most relevant first; or all are, and are uncovered in that order. A good map makes the
probability fall fast and rise fast. Random orders are the measure: a map that does no better explains nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.core.errors import Message
from engines.core.protocol import Progress
from engines.vit.measures import fuse
from engines.vit.model import ViT, ViTConfig
from engines.vit.passes import batch_size, finish, verdict
from engines.vit.relevance.spec import METHODS, RANDOM_ORDERS, RAW, ROLLED
from engines.vit.stream import Stream

Mask = npt.NDArray[np.bool_]
MOST_KEPT = 4096  # verdicts on covered photos that are remembered
TEXT = Message("Relevance")


def readout(config: ViTConfig, tokens: int) -> Tensor:
    """Share of each token (N,) in what the head reads; the class token alone for a model without a head."""
    share = torch.zeros(tokens)
    if config.pooled_head:
        share[0] = 0.5
        share[config.prefix :] = 0.5 / (tokens - config.prefix)
    elif config.distillation_head:
        share[:2] = 0.5
    else:
        share[0] = 1
    return share


# ------------------------------------------------------------------ gradients
@torch.enable_grad()
def head_gradient(stream: Stream, target: int) -> Tensor:
    """Gradient of a class's logit with respect to what the last layer leaves, same shape (1, N or prefix, D)."""
    x = stream.hidden[-1].clone().requires_grad_()  # a clone, since inference tensors know no gradient
    logits = stream.net.conclude(x)[1]
    assert logits is not None
    return torch.autograd.grad(logits[0, target], x)[0]


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer computed with all that a gradient needs on its way back."""

    entered: Tensor  # (1, N, D)
    weights: Tensor  # (1, H, Q, N)
    left: Tensor  # (1, Q, D)


@torch.enable_grad()
def computed(stream: Stream, index: int, tokens: int) -> Layer:
    """A layer, counted from 0, of which so many tokens go on."""
    x = stream.hidden[index].clone().requires_grad_()
    left, weights = stream.net.block(index).opened(x, stream.changes.get(index), tokens)
    return Layer(x, weights, left)


def layer_gradient(layer: Layer, above: Tensor, first: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Take a gradient through one layer.

    Parameters
    ----------
    above : Tensor (1, Q, D)
        Gradient with respect to what it leaves, for as many tokens as went on.
    first : bool
        Whether it is the model's first layer.

    Returns
    -------
    weights, gradient : Tensor (H, Q, N)
    below : Tensor (1, N, D)
        Gradient with respect to what enters; as it was for the first layer, under which there is none.
    """
    wanted = [layer.weights] if first else [layer.weights, layer.entered]
    gradient, *below = torch.autograd.grad(layer.left, wanted, above)
    return layer.weights[0].detach(), gradient[0], below[0] if below else above


@torch.no_grad()
def relevant(weights: Tensor, gradient: Tensor) -> Tensor:
    """Mean over heads of (∇A ⊙ A)⁺: (H, Q, N) twice -> (Q, N)."""
    return (weights * gradient).clamp_min(0).mean(0)


# ------------------------------------------------------------------ the four maps
@torch.inference_mode()
def _raw(stream: Stream, layer: int, share: Tensor) -> Tensor:
    return share @ stream.weights(layer).mean(0)


@torch.inference_mode()
def _rolled(stream: Stream, layer: int, row: Tensor, on: Mask, fusion: str, discard: float) -> Tensor:
    if not on.any():
        return row
    weights = stream.weights(layer)[torch.from_numpy(on).to(row.device)]
    return row @ fuse(weights, fusion.lower(), discard)


def raw(stream: Stream, layer: int) -> Tensor:
    """Raw attention (N,) of a layer, counted from 0."""
    share = readout(stream.net.config, stream.tokens).to(stream.hidden[0].device)
    return _raw(stream, layer, share)


def rolled(stream: Stream, on: Mask, fusion: str, discard: float, first: int) -> Generator[Progress, None, Tensor]:
    """Rollout's row (N,), returned; ``on`` (L, H) tells which heads count."""
    row = readout(stream.net.config, stream.tokens).to(stream.hidden[0].device)
    layers = stream.net.config.layers
    for index in reversed(range(first, layers)):
        row = _rolled(stream, index, row, on[index], fusion, discard)
        yield Progress(layers - index, layers, TEXT)
    return row


def class_specific(stream: Stream, target: int) -> Generator[Progress, None, tuple[Tensor, Tensor]]:
    """Gradient × attention of every layer (L, N) and Chefer's relevance (N,), returned."""
    layers = stream.net.config.layers
    share = readout(stream.net.config, stream.tokens).to(stream.hidden[0].device)
    row, rows = share, []
    above = head_gradient(stream, target)
    yield Progress(0, layers, TEXT)
    for index in reversed(range(layers)):
        layer = computed(stream, index, above.shape[1])
        yield Progress(layers - index - 0.5, layers, TEXT)
        weights, gradient, above = layer_gradient(layer, above, index == 0)
        del layer  # before the next one is computed
        found = relevant(weights, gradient)  # (Q, N); tokens that do not go on have no gradient
        rows.append(share[: len(found)] @ found)
        row = row + row[: len(found)] @ found
        yield Progress(layers - index, layers, TEXT)
    return torch.stack(rows[::-1]), row


def shares(row: Tensor, prefix: int, rows: int, cols: int) -> npt.NDArray[np.float32]:
    """What a row (N,) gives the patches, as shares of their sum (rows, cols); all 0 where it gives nothing."""
    patches = row[prefix:].cpu().double().numpy()
    total = patches.sum()
    made: npt.NDArray[np.float32] = (patches / total if total > 0 else 0 * patches).reshape(rows, cols)
    return made.astype(np.float32)


# ------------------------------------------------------------------ deletion and insertion
def orders(patches: int, count: int = RANDOM_ORDERS) -> list[npt.NDArray[np.int64]]:
    """Random orders (patches,), always the same ones."""
    generator = np.random.default_rng(0)
    return [generator.permutation(patches) for _ in range(count)]


def ranked(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Patches (h·w,) of a map (h, w), most relevant first; equal ones in reading order."""
    return np.argsort(-values.ravel(), kind="stable")


def points(patches: int, steps: int) -> list[int]:
    """How many patches are gone at each point of a curve: from none to all in equal steps."""
    return sorted({round(at * patches / steps) for at in range(steps + 1)})


def covered(order: npt.NDArray[np.int64], count: int) -> Mask:
    """The first ``count`` patches of an order, bool (P,)."""
    mask = np.zeros(len(order), bool)
    mask[order[:count]] = True
    return mask


@dataclass(frozen=True, eq=False)
class Curves:
    """Verdicts at the points measured so far, (n, K) each; see `engines.vit.relevance.spec.Relevance`."""

    removed: npt.NDArray[np.float32]
    deletion: npt.NDArray[np.float32]
    insertion: npt.NDArray[np.float32]
    random: npt.NDArray[np.float32]


class Perturbation:
    """What the model says of one photo with patches covered. Verdicts are kept, for every class at once.

    Parameters
    ----------
    stream : Stream
        Complete; its changes hold for the covered photos as well.
    untouched : Tensor (D,)
        Normed class token that a model without a head is compared with.
    """

    def __init__(self, stream: Stream, pixels: Tensor, untouched: Tensor) -> None:
        self._net, self._changes, self._untouched = stream.net, stream.changes, untouched
        self._real, self._blank = stream.hidden[0], _blank(stream.net, pixels)
        self._prefix = stream.net.config.prefix
        self._known: dict[bytes, npt.NDArray[np.float32]] = {}

    def ask(self, masks: Sequence[Mask]) -> Iterator[None]:
        """Find the verdicts on some masks (P,), True = covered; yields often, remembers each batch."""
        if len(self._known) > MOST_KEPT:
            self._known.clear()
        new = list({mask.tobytes(): mask for mask in masks if mask.tobytes() not in self._known}.values())
        size = batch_size(self._net, self._real.shape[1])
        for start in range(0, len(new), size):
            some = new[start : start + size]
            said = yield from finish(self._net, self._copies(some), 0, self._changes)
            for mask, found in zip(some, verdict(said, self._untouched).cpu().numpy(), strict=True):
                self._known[mask.tobytes()] = found

    def told(self, mask: Mask, target: int) -> float:
        """The verdict on a mask that was asked for."""
        return float(self._known[mask.tobytes()][max(0, target)])

    @torch.inference_mode()
    def _copies(self, masks: Sequence[Mask]) -> Tensor:
        gone = torch.from_numpy(np.stack(masks)).to(self._real.device)  # (B, P)
        whole = torch.cat([gone.new_zeros(len(masks), self._prefix), gone], 1)
        return torch.where(whole[..., None], self._blank, self._real)  # (B, N, D)

    def curves(self, ranks: Sequence[npt.NDArray[np.int64]], target: int, steps: int) -> Iterator[Progress | Curves]:
        """Deletion and insertion of each order (N,), and the random orders; `Curves` after each point."""
        patches = self._real.shape[1] - self._prefix
        counts, random = points(patches, steps), orders(patches)
        text = Message("Covering patches")
        told: list[list[float]] = []  # at each point: deletion of all orders, insertion of all, the random ones
        for at, count in enumerate(counts):
            wanted = [covered(order, count) for order in ranks]
            wanted += [~mask for mask in wanted]
            wanted += [covered(order, count) for order in random]
            for _ in self.ask(wanted):
                yield Progress(at, len(counts), text)
            told.append([self.told(mask, target) for mask in wanted])
            removed = (np.array(counts[: at + 1]) / patches).astype(np.float32)
            values = np.array(told, np.float32).T  # (2 M + R, K)
            yield Curves(removed, *np.split(values, [len(ranks), 2 * len(ranks)]))


@torch.inference_mode()
def _blank(net: ViT, pixels: Tensor) -> Tensor:
    """Tokens (1, N, D) of a photo that is the mean color everywhere."""
    return net.embed(torch.zeros_like(pixels))


def methods(config: ViTConfig) -> tuple[str, ...]:
    """What can be said of a model."""
    return METHODS if config.classes else (RAW, ROLLED)
