"""Names of weights in checkpoints of BERT, DistilBERT and GPT-2, each with its place in `LanguageModel`.

BERT has two spellings of its norms: ``gamma`` and ``beta`` come from TensorFlow. GPT-2 keeps its matrices the other way
round, and query, key and value in one.
"""

from __future__ import annotations

from torch import Tensor

from engines.checkpoints.apply import To
from engines.self_attention.language.model import BERT, DISTILBERT, GPT2

Table = dict[str, str | To]


def _both(table: dict[str, str]) -> Table:
    """Each entry once for the weight and once for the bias."""
    return {f"{key}.{part}": f"{place}.{part}" for key, place in table.items() for part in ("weight", "bias")}


def _turned(matrix: Tensor) -> Tensor:
    return matrix.T


_BERT = {
    "embeddings.LayerNorm": "norm",
    "encoder.layer.{i}.attention.self.query": "layers.{i}.q_proj",
    "encoder.layer.{i}.attention.self.key": "layers.{i}.k_proj",
    "encoder.layer.{i}.attention.self.value": "layers.{i}.v_proj",
    "encoder.layer.{i}.attention.output.dense": "layers.{i}.out_proj",
    "encoder.layer.{i}.attention.output.LayerNorm": "layers.{i}.norm1",
    "encoder.layer.{i}.intermediate.dense": "layers.{i}.fc1",
    "encoder.layer.{i}.output.dense": "layers.{i}.fc2",
    "encoder.layer.{i}.output.LayerNorm": "layers.{i}.norm2",
    "cls.predictions.transform.dense": "head.transform",
    "cls.predictions.transform.LayerNorm": "head.norm",
}

BERT_TABLE: Table = {
    **_both(_BERT),
    **{
        f"{key}.{part}": f"{place}.{name}"
        for key, place in _BERT.items()
        if key.endswith("LayerNorm")
        for part, name in (("gamma", "weight"), ("beta", "bias"))
    },
    "embeddings.word_embeddings.weight": "words.weight",
    "embeddings.position_embeddings.weight": "places.weight",
    "embeddings.token_type_embeddings.weight": "types.weight",
    "cls.predictions.bias": "head.bias",
}

DISTILBERT_TABLE: Table = {
    **_both(
        {
            "embeddings.LayerNorm": "norm",
            "transformer.layer.{i}.attention.q_lin": "layers.{i}.q_proj",
            "transformer.layer.{i}.attention.k_lin": "layers.{i}.k_proj",
            "transformer.layer.{i}.attention.v_lin": "layers.{i}.v_proj",
            "transformer.layer.{i}.attention.out_lin": "layers.{i}.out_proj",
            "transformer.layer.{i}.sa_layer_norm": "layers.{i}.norm1",
            "transformer.layer.{i}.ffn.lin1": "layers.{i}.fc1",
            "transformer.layer.{i}.ffn.lin2": "layers.{i}.fc2",
            "transformer.layer.{i}.output_layer_norm": "layers.{i}.norm2",
            "vocab_transform": "head.transform",
            "vocab_layer_norm": "head.norm",
        }
    ),
    "embeddings.word_embeddings.weight": "words.weight",
    "embeddings.position_embeddings.weight": "places.weight",
    "vocab_projector.bias": "head.bias",
}

GPT2_TABLE: Table = {
    **_both({"h.{i}.ln_1": "layers.{i}.norm1", "h.{i}.ln_2": "layers.{i}.norm2", "ln_f": "norm"}),
    "wte.weight": "words.weight",
    "wpe.weight": "places.weight",
    "h.{i}.attn.c_attn.weight": To(tuple(f"layers.{{i}}.{name}_proj.weight" for name in "qkv"), _turned),
    "h.{i}.attn.c_attn.bias": To(tuple(f"layers.{{i}}.{name}_proj.bias" for name in "qkv")),
    **{
        f"h.{{i}}.{key}.{part}": To((f"layers.{{i}}.{place}.{part}",), _turned if part == "weight" else None)
        for key, place in (("attn.c_proj", "out_proj"), ("mlp.c_fc", "fc1"), ("mlp.c_proj", "fc2"))
        for part in ("weight", "bias")
    },
}

TABLES: dict[str, Table] = {BERT: BERT_TABLE, DISTILBERT: DISTILBERT_TABLE, GPT2: GPT2_TABLE}
PREFIXES = {BERT: "bert.", DISTILBERT: "distilbert.", GPT2: "transformer."}

#: Known, and not needed: what follows from the sizes, decoders that are the embeddings once more, other heads.
SKIPPED: dict[str, tuple[str, ...]] = {
    BERT: ("embeddings.position_ids", "pooler.dense.*", "cls.seq_relationship.*", "cls.predictions.decoder.bias"),
    DISTILBERT: ("embeddings.position_ids",),
    GPT2: ("h.{i}.attn.bias", "h.{i}.attn.masked_bias"),
}
DECODERS = {
    BERT: "cls.predictions.decoder.weight",
    DISTILBERT: "vocab_projector.weight",
    GPT2: "lm_head.weight",
}
#: Says that there is a head for words.
HEAD_KEYS = {BERT: "cls.predictions.transform.dense.weight", DISTILBERT: "vocab_transform.weight"}
