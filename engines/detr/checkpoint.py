"""Loads a DETR: the bundled one, a folder in Hugging Face layout, or a hub model that has been downloaded."""

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
from engines.detr import config as configs
from engines.detr import keys, preprocess, saved
from engines.detr.features import FrozenFeatures
from engines.detr.model import Detr
from engines.detr.training.spec import Made
from engines.detr.weights import TRAINED_FAMILY


def load_checkpoint(source: str | Path) -> Detr:
    """Load a model for inference.

    Parameters
    ----------
    source : str or Path
        A bundled name (``toy-detr``), a folder (``config.json`` and safetensors), or a hub id.

    Returns
    -------
    Detr
        In eval mode, batch norms folded into the convolutions, with ``.config``, ``.labels`` and ``.preprocess``.

    Raises
    ------
    LabError
        If there is no such model, it is no DETR, or its tensors don't fit.
    """
    found = catalog.locate(str(source))
    if found.kind == "bundled":
        if found.card.get("topic") != "detr":
            raise LabError("{name}: is not a DETR.", name=found.name)
        return _bundled(found)
    if found.kind == "package":
        raise LabError("{name}: is not a DETR.", name=found.name)
    return _folder(found.path, found.name)


def _bundled(found: catalog.Located) -> Detr:
    with unfilled():
        model = Detr(configs.from_card(found.card))
    tensors = Tensors([found.path])
    apply(model, tensors, {key: key for key in model.state_dict()}, name=found.name)
    model.labels, model.drawn = dict(enumerate(found.card["labels"])), True
    side = int(found.card["size"])
    model.preprocess = preprocess.Preprocess.square(side)
    return ready(model)


def _folder(path: Path, name: str) -> Detr:
    checkpoint = open_folder(path)
    if checkpoint.family == TRAINED_FAMILY:
        return _trained_here(checkpoint, name)
    tensors = checkpoint.tensors()
    table = keys.TABLES[choose(tensors, keys.TABLES, keys.SEGMENTATION)]
    found = stored({key.removeprefix(keys.SEGMENTATION): shape for key, shape in tensors.shapes.items()}, table)
    config = configs.from_hub(checkpoint.config, name, configs.classes_of(found))
    prepared = preprocess.from_hub(checkpoint.preprocessor, name)
    configs.check_stored(config, found, name)
    with unfilled():
        model = Detr(config)
    apply(model, tensors, table, skip=keys.SKIP, prefix=keys.SEGMENTATION, name=name)
    model.labels = configs.labels_of(checkpoint.config, name, config.num_classes)
    model.preprocess = prepared
    return ready(model)


def _trained_here(checkpoint: Checkpoint, name: str) -> Detr:
    """A model that the page Training has saved."""
    tensors, card = checkpoint.tensors(), checkpoint.config
    config = saved.config_of(card, tensors.shapes, name)
    with unfilled():
        model = Detr(config)
    apply(model, tensors, {key: key for key in model.state_dict()}, name=name)
    if isinstance(model.backbone, FrozenFeatures) and model.backbone.net.width != config.backbone.widths[0]:
        raise LabError("{name}: its backbone has another width.", name=name)
    model.labels, model.drawn = trained.labels_of(card), card.get("drawn") is True
    model.trained_on = str(card.get("data") or card.get("trained_on") or "")
    model.preprocess = preprocess.Preprocess.square(trained.side_of(card, name))
    return ready(model)


def from_weights(weights: Weights) -> Detr:
    """Build the model of a state that a live run has kept (`engines.detr.training.trainer`), for inference."""
    made = weights.made_of
    if not isinstance(made, Made):
        raise TypeError(f"not the state of a DETR: {made!r}")
    with unfilled():
        model = Detr(made.config)
    arrays = {**made.frozen, **weights.arrays}
    model.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()}, assign=True)
    model.labels, model.drawn = dict(enumerate(made.classes)), made.drawn
    model.preprocess = preprocess.Preprocess.square(made.size)
    return ready(model)


def ready(model: Detr) -> Detr:
    """Eval mode, nothing to train, and the form that convolutions and linear layers compute fastest in."""
    model.eval().requires_grad_(False)
    for_inference(model)
    quicken(model)
    return model
