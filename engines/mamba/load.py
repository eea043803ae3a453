"""Finds a Mamba's weights and reads them into `engines.mamba.model.Mamba`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from engines.blocks.unfilled import unfilled
from engines.checkpoints import apply, catalog
from engines.checkpoints.folder import Tensors, open_folder
from engines.checkpoints.known import OF_ANY, check_keys, check_only
from engines.checkpoints.sizes import agree, along, counted, real, shown, whole
from engines.core import limits
from engines.core.errors import LabError
from engines.mamba.model import Mamba, MambaConfig
from engines.mamba.text import read_speller
from engines.mamba.weights import FAMILIES

Shapes = Mapping[str, tuple[int, ...]]
HEAD = "lm_head.weight"
LAYERS = "backbone.layers."
_MIXER = LAYERS + "{i}.mixer."
#: Names in files to names here. mamba-ssm says ``embedding`` where transformers says ``embeddings``.
TABLE = {
    "backbone.embeddings.weight": "backbone.embeddings.weight",
    "backbone.embedding.weight": "backbone.embeddings.weight",
    "backbone.norm_f.weight": "backbone.norm_f.weight",
    LAYERS + "{i}.norm.weight": LAYERS + "{i}.norm.weight",
    HEAD: HEAD,
} | {
    _MIXER + name: _MIXER + name
    for name in (
        "in_proj.weight", "in_proj.bias", "conv1d.weight", "conv1d.bias", "x_proj.weight", "dt_proj.weight",
        "dt_proj.bias", "A_log", "D", "out_proj.weight", "out_proj.bias",
    )
}  # fmt: skip
_KNOWN = OF_ANY | {
    "vocab_size", "hidden_size", "d_model", "state_size", "num_hidden_layers", "n_layer", "layer_norm_epsilon",
    "expand", "conv_kernel", "use_bias", "use_conv_bias", "hidden_act", "time_step_rank", "intermediate_size",
    "d_inner", "rms_norm", "ssm_cfg",
    # of the start of a training, of how exactly or how fast it is computed, or following from the others
    "residual_in_fp32", "fused_add_norm", "pad_vocab_size_multiple", "time_step_scale", "time_step_min",
    "time_step_max", "time_step_init_scheme", "time_step_floor", "rescale_prenorm_residual", "use_mambapy",
    "use_associative_scan", "layer_types", "attn_layer_idx", "attn_cfg", "d_intermediate", "tie_embeddings",
}  # fmt: skip
_ONLY = {"hidden_act": "silu", "rms_norm": True, "d_intermediate": 0, "attn_layer_idx": [], "ssm_cfg": {}}


def load_checkpoint(source: str) -> Mamba:
    """Load a Mamba in eval mode, on the CPU.

    Parameters
    ----------
    source : str
        A bundled name (``mamba-induction``), a folder as transformers or mamba-ssm names its tensors, or the id of a
        hub model that has been downloaded.

    Raises
    ------
    LabError
        In words: not there, damaged, of another family, with missing, unknown or misshapen tensors.
    """
    found = catalog.locate(source)
    return _bundled(found) if found.kind == "bundled" else load_folder(found.path)


def load_folder(path: Path | str) -> Mamba:
    """Load a folder with its tokenizer, where it has one."""
    checkpoint = open_folder(path)
    family, name = checkpoint.family, checkpoint.name
    if family not in FAMILIES:
        raise LabError("{name}: a model of the family {family}. Here Mamba is read.", name=name, family=shown(family))
    tensors = checkpoint.tensors()
    net = _filled(read_config(checkpoint.config, tensors.shapes, name), tensors, TABLE, name)
    net.speller = read_speller(checkpoint.path, net.config.vocabulary)
    return net


def read_config(config: Mapping[str, Any], found: Shapes, name: str) -> MambaConfig:
    """Translate a ``config.json`` of transformers.

    Raises
    ------
    LabError
        For a variant that is not computed here, or numbers that contradict each other or the tensors.
    """
    check_keys(config, _KNOWN, name)
    check_only(config, _ONLY, name)
    width = whole(config, "hidden_size", whole(config, "d_model", 768, name, limits.WIDTH), name, limits.WIDTH)
    layers = whole(
        config, "num_hidden_layers", whole(config, "n_layer", 32, name, limits.LAYERS), name, limits.LAYERS
    )  # fmt: skip
    vocabulary = whole(config, "vocab_size", 50280, name, limits.VOCABULARY)
    state = whole(config, "state_size", 16, name, limits.WIDTH)
    kernel = whole(config, "conv_kernel", 4, name, limits.WINDOW)
    inner = whole(config, "expand", 2, name, limits.HEADS) * width
    said = config.get("time_step_rank", "auto")
    rank = -(-width // 16) if said == "auto" else whole(config, "time_step_rank", 1, name, limits.WIDTH)
    first = LAYERS + "0.mixer."
    agree(name, "num_hidden_layers", layers, counted(found, LAYERS))
    agree(name, "hidden_size", width, along(found, "backbone.norm_f.weight", 0))
    agree(name, "expand", inner, along(found, first + "A_log", 0))
    agree(name, "state_size", state, along(found, first + "A_log", 1))
    agree(name, "conv_kernel", kernel, along(found, first + "conv1d.weight", 2))
    agree(name, "time_step_rank", rank, along(found, first + "dt_proj.weight", 1))
    rows = along(found, "backbone.embeddings.weight", 0) or along(found, "backbone.embedding.weight", 0)
    agree(name, "vocab_size", vocabulary, rows)
    return MambaConfig(
        vocabulary=vocabulary,
        width=width,
        layers=layers,
        state=state,
        inner=inner,
        kernel=kernel,
        rank=rank,
        eps=real(config, "layer_norm_epsilon", 1e-5, name, 0, 1),
        bias=bool(config.get("use_bias", False)),
        conv_bias=bool(config.get("use_conv_bias", True)),
        tied=bool(config.get("tie_word_embeddings", True)),
        family="mamba",
    )


def _filled(config: MambaConfig, tensors: Mapping[str, Tensor], table: apply.Table, name: str) -> Mamba:
    """The model with these tensors; raises LabError if they are not its own."""
    with unfilled():
        net = Mamba(config)
    apply.apply(net, tensors, table, optional=(HEAD,) if config.tied else (), name=name)
    if config.tied:
        net.lm_head.weight = net.backbone.embeddings.weight
    return net.eval().requires_grad_(False)


def _bundled(found: catalog.Located) -> Mamba:
    """The Mamba of a race of this project: of its nets, the one whose tensors begin with ``mamba.``."""
    kept = found.card.get("config")
    if not isinstance(kept, dict) or not set(kept) <= set(vars(MambaConfig(1, 1, 1))):
        raise LabError("{name}: the card doesn't describe a Mamba.", name=found.name)
    tensors = Tensors([found.path])
    others = [key for key in tensors if not key.startswith("mamba.")]
    table = {f"mamba.{key}": value for key, value in TABLE.items()}
    config = MambaConfig(**kept)
    with unfilled():
        net = Mamba(config)
    apply.apply(net, tensors, table, skip=[re.sub(r"\d+", "*", key) for key in others], name=found.name)
    return net.eval().requires_grad_(False)
