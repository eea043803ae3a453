"""Turns what a stream holds into what `engines.vit.spec` promises: numpy arrays and words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.core.errors import Message
from engines.core.protocol import Progress
from engines.vit.interventions import HeadsOff, Intervention, KeysRemoved, Temperature
from engines.vit.measures import cosine, entropy, fuse, mean_distance, principal_colors, spread
from engines.vit.preprocess import Prepared
from engines.vit.spec import (
    PCA,
    SIMILARITY,
    WEIGHTS_BUDGET,
    WHOLE_LAYER,
    ClassTokenMaps,
    Floats,
    HeadMaps,
    LayerWeights,
    Overlay,
    Prediction,
    ViTParams,
)
from engines.vit.spec import ROLLOUT as ROLLOUT_MODE
from engines.vit.stream import Stream

TOP = 5  # classes shown
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LayerView:
    """The weights (H, N, N) of one layer and what is said about each head (H,)."""

    weights: Tensor = field(repr=False)
    entropy: Floats
    distance: Floats


def interventions(params: ViTParams, layers: int, heads: int, patches: range = range(0)) -> tuple[Intervention, ...]:
    """Settings to interventions; () where they leave the model as it is. ``patches`` are the patches' tokens."""
    made: list[Intervention] = []
    if params.temperature != 1:
        layer, head = min(params.layer, layers) - 1, min(params.head, heads) - 1
        made.append(Temperature(layer, params.temperature, None if params.scope == WHOLE_LAYER else (head,)))
    off = switched_off(params, layers, heads)
    made += [HeadsOff(layer, tuple(np.flatnonzero(off[layer]).tolist())) for layer in range(layers) if off[layer].any()]
    painted = tuple(token for token in params.painted if token in patches)
    made += [KeysRemoved(layer, painted) for layer in range(layers) if painted]
    return tuple(made)


def switched_off(params: ViTParams, layers: int, heads: int) -> Mask:
    """Head mask (L, H), True = off; entries that the model does not have are ignored."""
    off = np.zeros((layers, heads), dtype=bool)
    for layer, head in params.heads_off:
        if 1 <= layer <= layers and 1 <= head <= heads:
            off[layer - 1, head - 1] = True
    return off


def array(tensor: Tensor) -> Floats:
    """A float32 array on the CPU; it may share memory with the tensor, so nobody writes into either."""
    found: Floats = tensor.float().contiguous().cpu().numpy()
    return found


@torch.inference_mode()
def layer_view(stream: Stream, layer: int, photo: Prepared) -> LayerView:
    """Whole weights of a layer, with the mean entropy and distance of each head."""
    weights = stream.weights(layer)
    return LayerView(
        weights,
        array(torch.stack([entropy(head).mean() for head in weights])),  # head by head: less memory at once
        array(torch.stack([mean_distance(head, photo.rows, photo.cols) for head in weights])),
    )


@torch.inference_mode()
def head_maps(view: LayerView, layer: int, pinned: int | None, off: Mask) -> HeadMaps:
    """Row and column of the pinned token in each head."""
    token = min(max(pinned or 0, 0), view.weights.shape[-1] - 1)
    looks_at, looked_at_by = view.weights[:, token].clone(), view.weights[:, :, token].clone()
    return HeadMaps(layer + 1, token, array(looks_at), array(looked_at_by), view.entropy, view.distance, off)


@torch.inference_mode()
def layer_weights(view: LayerView, layer: int, head: int) -> LayerWeights:
    """All heads, or the chosen one where all would be too much."""
    if view.weights.numel() <= WEIGHTS_BUDGET:
        return LayerWeights(layer + 1, tuple(range(1, len(view.weights) + 1)), array(view.weights))
    return LayerWeights(layer + 1, (head + 1,), array(view.weights[head : head + 1].clone()))


@torch.inference_mode()
def class_maps(stream: Stream, photo: Prepared, off: Mask) -> ClassTokenMaps:
    """The class token's rows of all layers."""
    rows = torch.stack(stream.rows)  # (L, H, N)
    return ClassTokenMaps(array(rows), array(entropy(rows)), array(spread(rows, photo.rows, photo.cols)), off)


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


def overlay(stream: Stream, params: ViTParams, layer: int, photo: Prepared, off: Mask) -> Iterator[Progress | Overlay]:
    """What is to lie on the photo besides attention: progress, then the overlay."""
    if params.overlay == SIMILARITY:
        yield _similar(stream, layer)
    elif params.overlay == PCA:
        yield _colored(stream, layer, photo)
    else:
        layers = len(stream.net.blocks)
        first = min(params.start_layer, layers) - 1
        product = _factor(stream, first, params, ~off[first])
        for index in range(first + 1, layers):
            yield Progress(index, layers, Message("Attention rollout"))
            product = _times(_factor(stream, index, params, ~off[index]), product)
        yield Overlay(ROLLOUT_MODE, layers, matrix=array(product))


@torch.inference_mode()
def _factor(stream: Stream, layer: int, params: ViTParams, on: Mask) -> Tensor:
    """One layer's part in the rollout; a head that is switched off has none."""
    weights = stream.weights(layer)
    if not on.any():
        return torch.eye(weights.shape[-1], device=weights.device)
    return fuse(weights[torch.from_numpy(on).to(weights.device)], params.fusion.lower(), params.discard)


@torch.inference_mode()
def _times(a: Tensor, b: Tensor) -> Tensor:
    return a @ b


@torch.inference_mode()
def _similar(stream: Stream, layer: int) -> Overlay:
    return Overlay(SIMILARITY, layer + 1, matrix=array(cosine(_output(stream, layer))))


@torch.inference_mode()
def _colored(stream: Stream, layer: int, photo: Prepared) -> Overlay:
    patches = _output(stream, layer)[stream.net.config.prefix :]
    rgb, explained = principal_colors(patches, photo.rows, photo.cols)
    return Overlay(PCA, layer + 1, rgb=array(rgb), explained=array(explained))


def _output(stream: Stream, layer: int) -> Tensor:
    """Tokens (N, D) that a layer leaves; the last layer's after the final norm, as such features are used."""
    if layer + 1 == len(stream.net.blocks):
        return stream.features()
    return stream.hidden[layer + 1][0]
