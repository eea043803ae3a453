"""Random language models of transformers, to be read and held against."""

from __future__ import annotations

import warnings

import torch

from tests.app.made_up_language import byte_pieces, word_pieces


def reference(family, folder, **more):
    """A random model of transformers in the folder, with a tokenizer beside it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers
    torch.manual_seed(3)
    eager = {"attn_implementation": "eager"}
    if family == "bert":
        sizes = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 64}
        config = transformers.BertConfig(vocab_size=90, max_position_embeddings=40, **sizes, **eager, **more)
        net = transformers.BertForMaskedLM(config)
    elif family == "distilbert":
        config = transformers.DistilBertConfig(
            vocab_size=90, max_position_embeddings=40, dim=48, n_layers=3, n_heads=4, hidden_dim=80, **eager, **more
        )
        net = transformers.DistilBertForMaskedLM(config)
    else:
        config = transformers.GPT2Config(
            vocab_size=263, n_positions=40, n_embd=48, n_layer=2, n_head=4, **eager, **more
        )
        net = transformers.GPT2LMHeadModel(config)
    for parameter in net.parameters():  # what begins as zeros and ones is tried, too
        parameter.data += 0.05 * torch.randn_like(parameter)
    net.eval().save_pretrained(folder)
    (byte_pieces() if family == "gpt2" else word_pieces()).save(str(folder / "tokenizer.json"))
    return net
