"""Tiny random Mambas made by transformers, saved as folders in both namings: the independent reference."""

from __future__ import annotations

import json
import warnings

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

SIZES = {
    "vocab_size": 300,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "state_size": 4,
    "conv_kernel": 4,
    "time_step_rank": 3,
    "use_mambapy": False,
}


def quiet():
    """transformers without its notes on kernels."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


def make(**changes):
    """One of transformers' Mambas with random values everywhere, also where they start at 0 or 1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        transformers = quiet()
        torch.manual_seed(3)
        net = transformers.MambaForCausalLM(transformers.MambaConfig(**(SIZES | changes))).eval()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.normal_(0.3 if parameter.dim() == 1 else 0.0, 0.3)
    return net.requires_grad_(False)


def save(net, folder, naming="transformers"):
    """Write a model with its tokenizer; ``mamba-ssm`` calls the embedding by another name and writes the head, too."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: value.contiguous() for key, value in net.state_dict().items() if key != "lm_head.weight"}
    if naming == "mamba-ssm":
        tensors["backbone.embedding.weight"] = tensors.pop("backbone.embeddings.weight")
        tensors["lm_head.weight"] = tensors["backbone.embedding.weight"].clone()
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(net.config.to_dict()))
    tokenizer().save(str(folder / "tokenizer.json"))


def tokenizer():
    """One of bytes, as GPT-NeoX has it, that has learned two words."""
    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e"), ("Ġ", "c"), ("Ġc", "a"), ("Ġca", "t")]
    names = [*signs, *("".join(pair) for pair in merges)]
    made = Tokenizer(models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return made
