"""Names of Swin weights in checkpoints, each with its place in `engines.swin.model.Swin`.

Four spellings: that of the hub's microsoft/swin-* (also what transformers writes to disk), that of transformers'
modules in memory since version 5, timm's, and Microsoft's own. The last two differ in the head and in where a merging
stands: at the start of a stage, or at the end of the one before. A spelling is chosen by which table knows more of a
checkpoint's names.
"""

from __future__ import annotations

from engines.checkpoints.apply import To
from engines.core.limits import STAGES

Table = dict[str, str | To]
PREFIX = "swin."


def _both(table: dict[str, str]) -> Table:
    """Each entry once for the weight and once for the bias."""
    return {f"{key}.{part}": f"{place}.{part}" for key, place in table.items() for part in ("weight", "bias")}


_BLOCK = "stages.{i}.blocks.{j}."
_TABLE = f"{_BLOCK}relative_position_bias_table"


def _transformers(names: dict[str, str], bias_table: str) -> Table:
    there = "encoder.layers.{i}.blocks.{j}."
    return {
        **_both(
            {
                "embeddings.patch_embeddings.projection": "patch_embedding",
                "embeddings.norm": "patch_norm",
                f"{there}layernorm_before": f"{_BLOCK}norm1",
                f"{there}layernorm_after": f"{_BLOCK}norm2",
                **{there + key: _BLOCK + place for key, place in names.items()},
                "encoder.layers.{i}.downsample.norm": "stages.{i}.merging.norm",
                "layernorm": "norm",
                "classifier": "head",
            }
        ),
        "encoder.layers.{i}.downsample.reduction.weight": "stages.{i}.merging.reduction.weight",
        there + bias_table: _TABLE,
    }


#: microsoft/swin-* as on the hub.
HUB = _transformers(
    {
        "attention.self.query": "q_proj",
        "attention.self.key": "k_proj",
        "attention.self.value": "v_proj",
        "attention.output.dense": "out_proj",
        "intermediate.dense": "fc1",
        "output.dense": "fc2",
    },
    "attention.self.relative_position_bias_table",
)

#: The same in transformers 5.
MODULES = _transformers(
    {
        "attention.q_proj": "q_proj",
        "attention.k_proj": "k_proj",
        "attention.v_proj": "v_proj",
        "attention.o_proj": "out_proj",
        "mlp.fc1": "fc1",
        "mlp.fc2": "fc2",
    },
    "attention.relative_position_bias.relative_position_bias_table",
)


def _fused(head: str, later: int) -> Table:
    """Spellings with one matrix for query, key and value; a merging stands ``later`` stages after its own."""
    there = "layers.{i}.blocks.{j}."
    made: Table = {
        **_both(
            {
                "patch_embed.proj": "patch_embedding",
                "patch_embed.norm": "patch_norm",
                **{f"{there}norm{n}": f"{_BLOCK}norm{n}" for n in (1, 2)},
                f"{there}attn.proj": f"{_BLOCK}out_proj",
                **{f"{there}mlp.fc{n}": f"{_BLOCK}fc{n}" for n in (1, 2)},
                "norm": "norm",
                head: "head",
            }
        ),
        f"{there}attn.relative_position_bias_table": _TABLE,
    }
    for part in ("weight", "bias"):
        made[f"{there}attn.qkv.{part}"] = To(tuple(f"{_BLOCK}{name}_proj.{part}" for name in "qkv"))
    for stage in range(STAGES - 1):
        for name in ("norm.weight", "norm.bias", "reduction.weight"):
            made[f"layers.{stage + later}.downsample.{name}"] = f"stages.{stage}.merging.{name}"
    return made


TIMM = _fused("head.fc", 1)
MICROSOFT = _fused("head", 0)

TABLES: dict[str, Table] = {"hub": HUB, "modules": MODULES, "timm": TIMM, "microsoft": MICROSOFT}

#: Known, and not needed: what follows from the sizes, and the token that only masked pretraining shows.
SKIPPED = ("*relative_position_index", "*attn_mask", "embeddings.mask_token")
