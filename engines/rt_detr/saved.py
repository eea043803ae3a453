"""An RT-DETR trained here, as a folder that is opened like any model; see `engines.checkpoints.trained`. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engines.checkpoints import layout, trained
from engines.checkpoints.sizes import agree, along, beyond, counted, real, shown, whole, wholes
from engines.core import limits
from engines.core.errors import LabError
from engines.core.training import Weights
from engines.rt_detr.config import CONVNET, LEVELS, BackboneConfig, RtDetrConfig
from engines.rt_detr.training.spec import Made
from engines.rt_detr.weights import TRAINED_FAMILY

#: Whole numbers of a configuration, and the most that each may be
WHOLE = {
    "num_queries": limits.QUERIES, "encoder_dim": limits.WIDTH, "dim": limits.WIDTH, "encoder_layers": limits.LAYERS,
    "decoder_layers": limits.LAYERS, "encoder_heads": limits.HEADS, "decoder_heads": limits.HEADS,
    "encoder_ffn": limits.FFN, "decoder_ffn": limits.FFN, "points": limits.HEADS,
}  # fmt: skip


def save_model(weights: Weights, place: Path, about: Mapping[str, object]) -> Path:
    """Write the state of a run as a folder that is not there yet.

    Parameters
    ----------
    weights : Weights
        Made of `Made`.
    place : Path
    about : mapping
        What else the card says: ``settings`` and what was ``measured``.

    Raises
    ------
    WriteError
        Naming folder and reason.
    """
    made = weights.made_of
    if not isinstance(made, Made):
        raise TypeError(f"not the state of an RT-DETR: {made!r}")
    card = {
        "model_type": TRAINED_FAMILY, "rt_detr": asdict(made.config), "labels": list(made.classes),
        "drawn": made.drawn, "size": made.size, "step": weights.step, "trained_on": Path(made.folder).name, **about,
    }  # fmt: skip
    return trained.write(place, card, {**made.frozen, **weights.arrays})


def config_of(card: Mapping[str, Any], stored: Mapping[str, tuple[int, ...]], name: str) -> RtDetrConfig:
    """The sizes that a card says, held against the tensors that are there.

    Raises
    ------
    LabError
        If they are no such sizes, or others than the tensors have.
    """
    sizes, classes = trained.sizes_in(card, "rt_detr", name)
    found = {key: whole(sizes, key, 0, name, most, 0 if key == "encoder_layers" else 1) for key, most in WHOLE.items()}
    for width, heads in (("encoder_dim", "encoder_heads"), ("dim", "decoder_heads")):
        if found[width] % found[heads] or found[width] % 4:
            raise beyond(name, heads, found[heads], 1, found[width])
    config = RtDetrConfig(
        classes, **found, expansion=real(sizes, "expansion", 1.0, name, 0.01, 10.0),
        anchor=real(sizes, "anchor", 0.05, name, 0.001, 0.5), positions=sizes.get("positions") is not False,
        backbone=_backbone(sizes["backbone"], name),
    )  # fmt: skip
    agree(name, "labels", classes, along(stored, "score_head.weight", 0))
    for key, said, there in (
        ("encoder_layers", config.encoder_layers, counted(stored, "encoder.aifi.")),
        ("decoder_layers", config.decoder_layers, counted(stored, "decoder.layers.")),
        ("dim", config.dim, along(stored, "memory_fc.weight", 0)),
        ("encoder_dim", config.encoder_dim, along(stored, "input_projection.0.0.weight", 0)),
    ):
        agree(name, key, said, there)
    return config


def _backbone(said: Mapping[str, Any], name: str) -> BackboneConfig:
    kind = said.get("kind")
    if kind != CONVNET:
        raise LabError("{name}: {key} in {file} is {value}, which is not known here.",
                       name=name, key="backbone", file=layout.CONFIG, value=shown(kind))  # fmt: skip
    widths = wholes(said, "widths", (), name, limits.WIDTH)
    blocks = wholes(said, "blocks", (), name, limits.LAYERS, least=0)
    if len(widths) != len(blocks) or not LEVELS <= len(widths) <= limits.STAGES:
        raise beyond(name, "blocks", list(blocks), LEVELS, limits.STAGES)
    return BackboneConfig(CONVNET, widths, blocks, whole(said, "stem", 64, name, limits.WIDTH))
