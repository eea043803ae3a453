"""Reads the bundled weights into `engines.gnn.patchnet.PatchNet`."""

from __future__ import annotations

from typing import Any

from engines.checkpoints import catalog
from engines.checkpoints.apply import apply
from engines.checkpoints.folder import Tensors
from engines.core.errors import LabError
from engines.gnn.patchnet import PatchConfig, PatchNet


def load_checkpoint(source: str) -> PatchNet:
    """Load a graph network on patches in eval mode, on the CPU.

    Parameters
    ----------
    source : str
        A bundled name (``mini-gat``).

    Raises
    ------
    LabError
        In words: not there, damaged, of another kind, with missing, unknown or misshapen tensors.
    """
    found = catalog.locate(source)
    if found.kind != "bundled":
        raise LabError("{name}: no graph network of this program.", name=found.name)
    card: dict[str, Any] = found.card["config"]
    config = PatchConfig(
        **{key: int(card[key]) for key in ("image_size", "patch_size", "width", "layers", "heads")},
        labels=dict(enumerate(found.card["labels"])),
        mean=tuple(card["mean"]),
        std=tuple(card["std"]),
    )
    net = PatchNet(config)
    apply(net, Tensors([found.path]), {name: name for name in net.state_dict()}, name=found.name)
    return net.eval().requires_grad_(False)
