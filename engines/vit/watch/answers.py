"""Turns what a stream holds into what `engines.vit.watch.spec` promises: numpy arrays."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from engines.core.errors import Message
from engines.core.protocol import Progress
from engines.vit.asking import OfRollout
from engines.vit.events import Floats
from engines.vit.measures import cosine, entropy, fuse, mean_distance, principal_colors, spread
from engines.vit.preprocess import Prepared
from engines.vit.showing import array
from engines.vit.stream import Stream
from engines.vit.subject import Mask
from engines.vit.watch.spec import (
    PCA,
    ROLLOUT,
    SIMILARITY,
    WEIGHTS_BUDGET,
    ClassTokenMaps,
    HeadMaps,
    LayerWeights,
    Overlay,
    WatchParams,
)


@dataclass(frozen=True, eq=False)
class LayerView:
    """The weights (H, N, N) of one layer and what is said about each head (H,)."""

    weights: Tensor = field(repr=False)
    entropy: Floats
    distance: Floats


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
def head_maps(view: LayerView, layer: int, token: int | None, off: Mask) -> HeadMaps:
    """Row and column of a token in each head; None for the class token."""
    token = min(max(token or 0, 0), view.weights.shape[-1] - 1)
    attends_to, attended_by = view.weights[:, token].clone(), view.weights[:, :, token].clone()
    return HeadMaps(layer + 1, token, array(attends_to), array(attended_by), view.entropy, view.distance, off)


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


def overlay(
    stream: Stream, params: WatchParams, layer: int, photo: Prepared, off: Mask
) -> Generator[Progress, None, Overlay]:
    """What is to lie on the photo besides attention; returned."""
    if params.overlay == SIMILARITY:
        return _similar(stream, layer)
    if params.overlay == PCA:
        return _colored(stream, layer, photo)
    layers = len(stream.net.blocks)
    first = min(params.start_layer, layers) - 1
    product = _factor(stream, first, params, ~off[first])
    for index in range(first + 1, layers):
        yield Progress(index, layers, Message("Attention rollout"))
        product = _times(_factor(stream, index, params, ~off[index]), product)
    return Overlay(ROLLOUT, layers, matrix=array(product))


@torch.inference_mode()
def _factor(stream: Stream, layer: int, params: OfRollout, on: Mask) -> Tensor:
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
