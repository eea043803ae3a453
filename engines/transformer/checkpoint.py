"""Models from their weights: bundled ones, kept states of a run, new ones; and the way back."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from engines.checkpoints import catalog
from engines.core.errors import LabError
from engines.core.training import Weights
from engines.data import sequences
from engines.transformer.model import Transformer
from engines.transformer.recipe import PREFIX, Shape
from engines.transformer.switches import UNTOUCHED, Switches

FROM_FILE = -1  #: the step of weights that came from a file


def build(shape: Shape, generator: torch.Generator | None = None, dropout: float = 0.0) -> Transformer:
    """A new model with random weights."""
    task = sequences.task(shape.task)
    return Transformer(
        len(task.source),
        len(task.target),
        shape.width,
        shape.heads,
        shape.layers,
        shape.layers,
        shape.ffn,
        max_len=max(task.max_source_len, task.max_target_len),
        norm=shape.norm,
        norm_first=shape.norm_first,
        final_norm=shape.final_norm,
        dropout=dropout,
        generator=generator,
    )


def switches(shape: Shape) -> Switches:
    """What the model was trained without."""
    return UNTOUCHED if shape.positions else Switches(positions=False)


def taken(model: Transformer, step: int, shape: Shape) -> Weights:
    """A copy of a model's numbers."""
    return Weights(step, {k: v.detach().cpu().numpy().copy() for k, v in model.state_dict().items()}, shape)


@torch.no_grad()
def put(model: Transformer, weights: Weights) -> None:
    """Fill a model with kept numbers."""
    model.load_state_dict({k: torch.from_numpy(v) for k, v in weights.arrays.items()})


def load(weights: Weights) -> Transformer:
    """The model of kept weights, in eval mode; its numbers are a copy."""
    assert isinstance(weights.made_of, Shape)
    model = build(weights.made_of)
    put(model, weights)
    return model.eval().requires_grad_(False)


@lru_cache(maxsize=len(sequences.TASKS))
def bundled(task: str) -> tuple[Weights, dict[str, Any]]:
    """The bundled weights of a task, and their card.

    Raises
    ------
    LabError
        If the file is missing, damaged or not what its card says.
    """
    name = PREFIX + sequences.task(task).slug
    found = catalog.locate(name)
    try:
        shape = Shape(**found.card["shape"])
        arrays = {k: v.float().numpy() for k, v in load_file(found.path).items()}
    except (KeyError, TypeError, OSError) as error:
        raise LabError("{name}: the file is not the one its card describes (wrong hash).", name=name) from error
    return Weights(FROM_FILE, arrays, shape), found.card


def load_bundled(task: str) -> Transformer:
    """The bundled model of a task, in eval mode."""
    return load(bundled(task)[0])


def stored(model: Transformer) -> dict[str, Tensor]:
    """A model's numbers as they are bundled: float16."""
    return {k: v.detach().half().contiguous() for k, v in model.state_dict().items()}


def card_shape(shape: Shape) -> dict[str, Any]:
    """A shape as it stands in a card."""
    return asdict(shape)
