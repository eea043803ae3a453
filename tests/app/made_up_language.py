"""Tiny language models with random weights and tokenizers of a few pieces, in the layout of the hub."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

_LINE = "the a cat dog mat rug sat on was it because tired sleepy kitten lying is not true that play walk eat"
WORDS = (*_LINE.split(), "##s", "##ing", "##ed", ".", ",", "?", "!", "'", "猫", "狗")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
PIECES = tuple(dict.fromkeys((*SPECIAL, *WORDS, *_LETTERS, *(f"##{sign}" for sign in _LETTERS))))
SIZES = {"layers": 2, "heads": 2, "width": 16, "inner": 32, "positions": 48}


def word_pieces() -> Tokenizer:
    """As BERT's: lower case, words cut into pieces, one text or two between special tokens."""
    vocabulary = {piece: number for number, piece in enumerate(PIECES)}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens(list(SPECIAL))
    ends = [(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", ends)
    made.enable_truncation(8)  # as real files do, which must not be obeyed
    made.enable_padding(length=8)
    return made


def byte_pieces() -> Tokenizer:
    """As GPT-2's: each byte a piece, and a few pairs."""
    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    pairs = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("c", "a"), ("ca", "t"), ("Ġ", "cat")]
    vocabulary = {piece: at for at, piece in enumerate([*signs, *("".join(pair) for pair in pairs), "<|endoftext|>"])}
    made = Tokenizer(models.BPE(vocabulary, pairs))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    return made


def tiny_bert(folder: Path, words: bool = True, seed: int = 0, **sizes: int) -> Path:
    """A BERT with or without its head for words."""
    size = SIZES | sizes
    config = {
        "model_type": "bert", "vocab_size": len(PIECES), "hidden_size": size["width"],
        "num_hidden_layers": size["layers"], "num_attention_heads": size["heads"],
        "intermediate_size": size["inner"], "max_position_embeddings": size["positions"], "hidden_act": "gelu",
    }  # fmt: skip
    width, inner = size["width"], size["inner"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings": (len(PIECES), width),
        "embeddings.position_embeddings": (size["positions"], width),
        "embeddings.token_type_embeddings": (2, width),
        "embeddings.LayerNorm": (width,),
    }
    for i in range(size["layers"]):
        at = f"encoder.layer.{i}"
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            shapes[f"{at}.{name}"] = (width, width)
        shapes[f"{at}.intermediate.dense"], shapes[f"{at}.output.dense"] = (inner, width), (width, inner)
        shapes[f"{at}.attention.output.LayerNorm"] = shapes[f"{at}.output.LayerNorm"] = (width,)
    shapes = {f"bert.{name}": shape for name, shape in shapes.items()}
    if words:
        shapes["cls.predictions.transform.dense"] = (width, width)
        shapes["cls.predictions.transform.LayerNorm"] = (width,)
    tensors = drawn(shapes, seed)
    if words:
        tensors["cls.predictions.bias"] = torch.zeros(len(PIECES))
    return saved(folder, config, tensors, word_pieces())


def tiny_gpt2(folder: Path, seed: int = 0, **sizes: int) -> Path:
    """A GPT-2, its matrices the other way round."""
    size = SIZES | sizes
    tokenizer = byte_pieces()
    width, pieces = size["width"], tokenizer.get_vocab_size()
    config = {
        "model_type": "gpt2", "vocab_size": pieces, "n_embd": width, "n_layer": size["layers"],
        "n_head": size["heads"], "n_inner": size["inner"], "n_positions": size["positions"],
    }  # fmt: skip
    shapes: dict[str, tuple[int, ...]] = {"wte": (pieces, width), "wpe": (size["positions"], width), "ln_f": (width,)}
    for i in range(size["layers"]):
        shapes[f"h.{i}.ln_1"] = shapes[f"h.{i}.ln_2"] = (width,)
        for name, wide, high in (
            ("attn.c_attn", width, 3 * width), ("attn.c_proj", width, width),
            ("mlp.c_fc", width, size["inner"]), ("mlp.c_proj", size["inner"], width),
        ):  # fmt: skip
            shapes[f"h.{i}.{name}"] = (wide, high)
    tensors = drawn(shapes, seed)
    for name, shape in shapes.items():
        if ".c_" in name:
            tensors[f"{name}.bias"] = torch.zeros(shape[1])
    return saved(folder, config, tensors, tokenizer)


def drawn(shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, torch.Tensor]:
    """Random weights with biases of zero; norms near 1."""
    generator, tensors = torch.Generator().manual_seed(seed), dict[str, torch.Tensor]()
    for name, shape in shapes.items():
        values = torch.randn(shape, generator=generator) * 0.3
        norm = len(shape) == 1
        tensors[f"{name}.weight"] = values + norm
        if norm or not name.split(".")[-1].endswith(("embeddings", "wte", "wpe")):
            tensors[f"{name}.bias"] = torch.zeros(shape[0])
    return tensors


def saved(folder: Path, config: dict[str, object], tensors: dict[str, torch.Tensor], tokenizer: Tokenizer) -> Path:
    """Write a folder of the hub's layout."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(tensors, folder / "model.safetensors")
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
