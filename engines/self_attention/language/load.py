"""Finds a language model's weights and tokenizer, and reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.blocks.unfilled import unfilled
from engines.checkpoints import apply, catalog, layout
from engines.checkpoints.folder import open_folder
from engines.checkpoints.known import OF_ANY, check_keys, check_only
from engines.checkpoints.sizes import agree, along, counted, real, shown, whole
from engines.core import limits
from engines.core.errors import LabError
from engines.self_attention.language.keys import DECODERS, HEAD_KEYS, PREFIXES, SKIPPED, TABLES
from engines.self_attention.language.model import (
    BERT,
    DISTILBERT,
    GELU,
    GELU_TANH,
    GPT2,
    MASKED_WORD,
    NEXT_WORD,
    RELU,
    LanguageConfig,
    LanguageModel,
)
from engines.self_attention.language.text import Speller, read_speller
from engines.self_attention.language.weights import FAMILIES

MODULES, POOLING = "modules.json", "1_Pooling/config.json"  # of sentence-transformers
_ACTIVATIONS = {"gelu": GELU, "gelu_new": GELU_TANH, "gelu_pytorch_tanh": GELU_TANH, "relu": RELU}

_KNOWN = {
    BERT: OF_ANY | {
        "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
        "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "position_embedding_type",
        "directionality", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers",
        "pooler_size_per_head", "pooler_type",
    },
    DISTILBERT: OF_ANY | {
        "vocab_size", "dim", "n_layers", "n_heads", "hidden_dim", "activation", "max_position_embeddings",
        "sinusoidal_pos_embds",  # the weights hold them in any case
        "qa_dropout", "seq_classif_dropout", "tie_weights_", "output_past",
    },
    GPT2: OF_ANY | {
        "vocab_size", "n_embd", "n_layer", "n_head", "n_inner", "n_positions", "n_ctx", "activation_function",
        "layer_norm_epsilon", "scale_attn_weights", "scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn",
        "attn_pdrop", "embd_pdrop", "resid_pdrop", "summary_activation", "summary_first_dropout",
        "summary_proj_to_labels", "summary_type", "summary_use_proj",
    },
}  # fmt: skip
_ONLY: dict[str, dict[str, object]] = {
    BERT: {"is_decoder": False, "add_cross_attention": False, "position_embedding_type": "absolute",
           "tie_word_embeddings": True},
    DISTILBERT: {"tie_word_embeddings": True},
    GPT2: {"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False, "reorder_and_upcast_attn": False,
           "add_cross_attention": False, "tie_word_embeddings": True},
}  # fmt: skip
#: Of each family the keys of layers, heads, width, inner width, positions and activation.
_SIZES = {
    BERT: ("num_hidden_layers", "num_attention_heads", "hidden_size", "intermediate_size", "max_position_embeddings",
           "hidden_act"),
    DISTILBERT: ("n_layers", "n_heads", "dim", "hidden_dim", "max_position_embeddings", "activation"),
    GPT2: ("n_layer", "n_head", "n_embd", "n_inner", "n_positions", "activation_function"),
}  # fmt: skip
_DEFAULTS = {
    BERT: (12, 12, 768, 3072, 512, "gelu"),
    DISTILBERT: (6, 12, 768, 3072, 512, "gelu"),
    GPT2: (12, 12, 768, 0, 1024, "gelu_new"),  # an inner width of null is four times the width
}


@dataclass(frozen=True, eq=False)
class Trained:
    """A language model as it is used.

    Attributes
    ----------
    net : LanguageModel
        In eval mode, on the CPU.
    speller : Speller
    first_token : bool
        A sentence is its first token, [CLS], instead of the mean of all.
    for_sentences : bool
        It was trained to compare sentences (sentence-transformers).
    """

    net: LanguageModel
    speller: Speller
    first_token: bool = False
    for_sentences: bool = False


def load_checkpoint(source: str) -> Trained:
    """Load a language model with its tokenizer.

    Parameters
    ----------
    source : str
        The name of a model in an installed package, a folder as transformers writes it, or the id of a hub model that
        has been downloaded.

    Raises
    ------
    LabError
        In words: not there, damaged, of another family, with missing, unknown or misshapen tensors.
    """
    found = catalog.locate(source)
    return load_folder(found.path.parent if found.path.is_file() else found.path)


def load_folder(path: Path | str) -> Trained:
    """Load a folder as transformers writes it, with its ``tokenizer.json``."""
    checkpoint = open_folder(path)
    family, name = checkpoint.family, checkpoint.name
    if family not in FAMILIES:
        raise LabError(
            "{name}: a model of the family {family}. Here BERT, DistilBERT and GPT-2 are read.",
            name=name, family=shown(family),
        )  # fmt: skip
    tensors = checkpoint.tensors()
    prefix = PREFIXES[family]
    bare = {key.removeprefix(prefix): shape for key, shape in tensors.shapes.items()}
    config = read_config(family, checkpoint.config, bare, name)
    with unfilled():
        net = LanguageModel(config)
    table, skip = TABLES[family], (*SKIPPED[family], DECODERS[family])
    if config.words != MASKED_WORD:
        skip = (*skip, "cls.*", "classifier.*", "pre_classifier.*", "qa_outputs.*", "vocab_projector.*")
        table = {key: to for key, to in table.items() if not str(to).startswith("head.")}
    apply.apply(net, tensors, table, skip=skip, prefix=prefix, name=name)
    speller = read_speller(Path(path), config)
    first, for_sentences = _pooling(Path(path))
    return Trained(net.eval().requires_grad_(False), speller, first, for_sentences)


def read_config(
    family: str, config: Mapping[str, Any], found: Mapping[str, tuple[int, ...]], name: str
) -> LanguageConfig:
    """Translate a ``config.json``; whether there is a head for words is told by the tensors, named without prefix.

    Raises
    ------
    LabError
        For a variant that this project's module does not cover, or numbers that contradict each other.
    """
    check_keys(config, _KNOWN[family], name)
    check_only(config, _ONLY[family], name)
    keys = dict(zip(("layers", "heads", "width", "inner", "positions", "activation"), _SIZES[family], strict=True))
    plain: dict[str, Any] = dict(zip(keys, _DEFAULTS[family], strict=True))
    most = {"layers": limits.LAYERS, "heads": limits.HEADS, "width": limits.WIDTH, "positions": limits.TOKENS}
    sizes = {key: whole(config, keys[key], int(plain[key]), name, most[key]) for key in most}
    width = sizes["width"]
    inner = 4 * width
    if config.get(keys["inner"]) is not None or plain["inner"]:
        inner = whole(config, keys["inner"], int(plain["inner"]), name, limits.FFN)
    if width % sizes["heads"]:
        raise LabError("{name}: config.json contradicts itself.", name=name)
    kind = config.get(keys["activation"], plain["activation"])
    if kind not in _ACTIVATIONS:
        raise LabError("{name}: the activation {kind} is not supported.", name=name, kind=shown(kind))
    vocabulary = whole(config, "vocab_size", 50257 if family == GPT2 else 30522, name, limits.VOCABULARY)
    types = whole(config, "type_vocab_size", 2, name, 16) if family == BERT else 0
    table = apply.stored(found, TABLES[family])
    agree(name, "vocab_size", vocabulary, along(table, "words.weight", 0))
    agree(name, keys["width"], width, along(table, "words.weight", 1))
    agree(name, keys["positions"], sizes["positions"], along(table, "places.weight", 0))
    agree(name, keys["layers"], sizes["layers"], counted(table, "layers."))
    words = NEXT_WORD if family == GPT2 else MASKED_WORD if HEAD_KEYS[family] in found else ""
    eps = 1e-12
    if family != DISTILBERT:
        key, default = ("layer_norm_eps", 1e-12) if family == BERT else ("layer_norm_epsilon", 1e-5)
        eps = real(config, key, default, name, 0, 1)
    return LanguageConfig(
        family, vocabulary, width, sizes["layers"], sizes["heads"], inner, sizes["positions"], types,
        _ACTIVATIONS[kind], eps, words,
    )  # fmt: skip


def _pooling(folder: Path) -> tuple[bool, bool]:
    """Whether a sentence is its first token, and whether the model was trained to compare sentences."""
    for_sentences = (folder / MODULES).is_file() or "sentence-transformers" in layout.folder_name(folder)
    first = False
    if (folder / POOLING).is_file():
        said = layout.read_json(folder / POOLING)
        first = bool(said.get("pooling_mode_cls_token")) and not said.get("pooling_mode_mean_tokens")
    return first, for_sentences
