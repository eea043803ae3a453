"""Loads an RT-DETR: the bundled one, a folder in Hugging Face layout, or a hub model that has been downloaded."""

from __future__ import annotations

from pathlib import Path

import torch

from engines.blocks.linears import quicken
from engines.blocks.resnet import for_inference
from engines.blocks.unfilled import unfilled
from engines.checkpoints import catalog, trained
from engines.checkpoints.apply import apply, choose, stored
from engines.checkpoints.folder import Checkpoint, Tensors, open_folder
from engines.core.errors import LabError
from engines.core.training import Weights
from engines.rt_detr import config as configs
from engines.rt_detr import hub_config, keys, preprocess, saved
from engines.rt_detr.encoder import RepBlock
from engines.rt_detr.model import RtDetr
from engines.rt_detr.training.spec import Made
from engines.rt_detr.weights import TRAINED_FAMILY


def load_checkpoint(source: str | Path) -> RtDetr:
    """Load a model for inference.

    Parameters
    ----------
    source : str or Path
        A bundled name (``toy-rt-detr``), a folder (``config.json`` and safetensors), or a hub id.

    Returns
    -------
    RtDetr
        In eval mode, norms folded into the convolutions and those that stand side by side merged, with ``.config``,
        ``.labels`` and ``.preprocess``.

    Raises
    ------
    LabError
        If there is no such model, it is no RT-DETR, or its tensors don't fit.
    """
    found = catalog.locate(str(source))
    if found.kind == "bundled":
        if found.card.get("topic") != "rt_detr":
            raise LabError("{name}: is not an RT-DETR.", name=found.name)
        return _bundled(found)
    if found.kind == "package":
        raise LabError("{name}: is not an RT-DETR.", name=found.name)
    return _folder(found.path, found.name)


def _bundled(found: catalog.Located) -> RtDetr:
    with unfilled():
        model = RtDetr(configs.from_card(found.card))
    names = {key: key for key in model.state_dict() if not key.endswith("num_batches_tracked")}
    apply(model, Tensors([found.path]), names, optional=["*num_batches_tracked"], name=found.name)
    model.labels, model.drawn = dict(enumerate(found.card["labels"])), True
    model.preprocess = preprocess.square(int(found.card["size"]))
    return ready(model)


def _folder(path: Path, name: str) -> RtDetr:
    checkpoint = open_folder(path)
    if checkpoint.family == TRAINED_FAMILY:
        return _trained_here(checkpoint, name)
    tensors = checkpoint.tensors()
    table = keys.TABLES[choose(tensors, keys.TABLES)]
    config = hub_config.from_hub(checkpoint.config, stored(tensors.shapes, table), name)
    prepared = preprocess.from_hub(checkpoint.preprocessor, name)
    with unfilled():
        model = RtDetr(config)
    apply(model, tensors, table, skip=keys.SKIP, optional=["*num_batches_tracked"], name=name)
    model.labels = hub_config.labels_of(checkpoint.config, config.num_classes)
    model.preprocess = prepared
    return ready(model)


def _trained_here(checkpoint: Checkpoint, name: str) -> RtDetr:
    """A model that the page Training has saved."""
    tensors, card = checkpoint.tensors(), checkpoint.config
    with unfilled():
        model = RtDetr(saved.config_of(card, tensors.shapes, name))
    names = {key: key for key in model.state_dict() if not key.endswith("num_batches_tracked")}
    apply(model, tensors, names, optional=["*num_batches_tracked"], name=name)
    model.labels, model.drawn = trained.labels_of(card), card.get("drawn") is True
    model.preprocess = preprocess.square(trained.side_of(card, name))
    return ready(model)


def from_weights(weights: Weights) -> RtDetr:
    """Build the model of a state that a live run has kept (`engines.rt_detr.training.trainer`), for inference."""
    made = weights.made_of
    if not isinstance(made, Made):
        raise TypeError(f"not the state of an RT-DETR: {made!r}")
    with unfilled():
        model = RtDetr(made.config)
    arrays = {**made.frozen, **weights.arrays}
    model.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()}, assign=True)
    model.labels, model.drawn = dict(enumerate(made.classes)), made.drawn
    model.preprocess = preprocess.square(made.size)
    return ready(model)


def ready(model: RtDetr) -> RtDetr:
    """Eval mode, nothing to train, and the form that convolutions and linear layers compute fastest in."""
    model.eval().requires_grad_(False)
    for_inference(model)
    quicken(model)
    for block in model.modules():
        if isinstance(block, RepBlock):
            block.merge()
            block.conv1.weight.data = block.conv1.weight.contiguous(memory_format=torch.channels_last)
    return model
