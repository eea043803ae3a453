"""Names of ViT, DeiT and DINOv2 weights in checkpoints, each with its place in `engines.vit.model.ViT`.

Two spellings: that of the hub (also what transformers writes to disk) and that of transformers' modules in memory
since version 5. A spelling is chosen by which table knows more of a checkpoint's names.
"""

from __future__ import annotations

from engines.checkpoints.apply import To


def _both(table: dict[str, str]) -> dict[str, str]:
    """Each entry once for the weight and once for the bias."""
    return {f"{key}.{part}": f"{place}.{part}" for key, place in table.items() for part in ("weight", "bias")}


_EMBEDDINGS: dict[str, str | To] = {
    "embeddings.cls_token": "class_token",
    "embeddings.distillation_token": "distillation_token",
    "embeddings.position_embeddings": "position_embedding",
    **_both({"embeddings.patch_embeddings.projection": "patch_embedding"}),
}
_HEADS: dict[str, str | To] = {
    **_both(
        {
            "layernorm": "norm",
            "classifier": "head",
            "cls_classifier": "head",  # DeiT with its teacher's head beside it
            "distillation_classifier": "distillation_head",
        }
    )
}

#: ViT, DeiT and DINO as on the hub.
VIT_HUB: dict[str, str | To] = {
    **_EMBEDDINGS,
    **_both(
        {
            "encoder.layer.{i}.layernorm_before": "blocks.{i}.norm1",
            "encoder.layer.{i}.attention.attention.query": "blocks.{i}.attention.q_proj",
            "encoder.layer.{i}.attention.attention.key": "blocks.{i}.attention.k_proj",
            "encoder.layer.{i}.attention.attention.value": "blocks.{i}.attention.v_proj",
            "encoder.layer.{i}.attention.output.dense": "blocks.{i}.attention.out_proj",
            "encoder.layer.{i}.layernorm_after": "blocks.{i}.norm2",
            "encoder.layer.{i}.intermediate.dense": "blocks.{i}.fc1",
            "encoder.layer.{i}.output.dense": "blocks.{i}.fc2",
        }
    ),
    **_HEADS,
}

#: The same in transformers 5.
VIT_MODULES: dict[str, str | To] = {
    **_EMBEDDINGS,
    **_both(
        {
            "layers.{i}.layernorm_before": "blocks.{i}.norm1",
            "layers.{i}.attention.q_proj": "blocks.{i}.attention.q_proj",
            "layers.{i}.attention.k_proj": "blocks.{i}.attention.k_proj",
            "layers.{i}.attention.v_proj": "blocks.{i}.attention.v_proj",
            "layers.{i}.attention.o_proj": "blocks.{i}.attention.out_proj",
            "layers.{i}.layernorm_after": "blocks.{i}.norm2",
            "layers.{i}.mlp.fc1": "blocks.{i}.fc1",
            "layers.{i}.mlp.fc2": "blocks.{i}.fc2",
        }
    ),
    **_HEADS,
}

_DINOV2_LAYER: dict[str, str | To] = {
    **_both(
        {
            "encoder.layer.{i}.norm1": "blocks.{i}.norm1",
            "encoder.layer.{i}.norm2": "blocks.{i}.norm2",
            "encoder.layer.{i}.mlp.fc1": "blocks.{i}.fc1",
            "encoder.layer.{i}.mlp.fc2": "blocks.{i}.fc2",
        }
    ),
    "encoder.layer.{i}.layer_scale1.lambda1": "blocks.{i}.scale1",
    "encoder.layer.{i}.layer_scale2.lambda1": "blocks.{i}.scale2",
}

#: DINOv2 as on the hub.
DINOV2_HUB: dict[str, str | To] = {
    **_EMBEDDINGS,
    **_DINOV2_LAYER,
    **_both(
        {
            "encoder.layer.{i}.attention.attention.query": "blocks.{i}.attention.q_proj",
            "encoder.layer.{i}.attention.attention.key": "blocks.{i}.attention.k_proj",
            "encoder.layer.{i}.attention.attention.value": "blocks.{i}.attention.v_proj",
            "encoder.layer.{i}.attention.output.dense": "blocks.{i}.attention.out_proj",
        }
    ),
    **_HEADS,
}

#: The same in transformers 5.
DINOV2_MODULES: dict[str, str | To] = {
    **_EMBEDDINGS,
    **_DINOV2_LAYER,
    **_both(
        {
            "encoder.layer.{i}.attention.q_proj": "blocks.{i}.attention.q_proj",
            "encoder.layer.{i}.attention.k_proj": "blocks.{i}.attention.k_proj",
            "encoder.layer.{i}.attention.v_proj": "blocks.{i}.attention.v_proj",
            "encoder.layer.{i}.attention.o_proj": "blocks.{i}.attention.out_proj",
        }
    ),
    **_HEADS,
}

#: Tables of each ``model_type``, by spelling.
TABLES: dict[str, dict[str, dict[str, str | To]]] = {
    "vit": {"hub": VIT_HUB, "modules": VIT_MODULES},
    "deit": {"hub": VIT_HUB, "modules": VIT_MODULES},
    "dinov2": {"hub": DINOV2_HUB, "modules": DINOV2_MODULES},
}

#: Known, and not needed to look at attention: the pooler feeds no head, the mask token only masked pretraining.
SKIPPED = ("pooler.dense.weight", "pooler.dense.bias", "embeddings.mask_token")
