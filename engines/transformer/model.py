"""The Transformer, encoder and decoder, readable alone.

Paper: Vaswani et al. 2017, "Attention Is All You Need", sections 3.1 to 3.5 (post-norm); pre-norm as in Xiong et al.
2020, "On Layer Normalization in the Transformer Architecture".
Shapes: B batch, S source tokens, T target tokens, N either, E embedding width, H heads, V words, F inside the FFN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.attention import MultiHeadAttention
from engines.blocks.positions import sinusoidal
from engines.core.errors import LabError
from engines.transformer.norms import NORMS, normalized
from engines.transformer.passing import Pass as Pass
from engines.transformer.passing import Tape as Tape
from engines.transformer.switches import (
    CROSS,
    DECODER,
    DECODER_FFN,
    ENCODER,
    ENCODER_FFN,
    UNTOUCHED,
    Switches,
)


class FeedForward(nn.Module):
    """``W₂ relu(W₁ x + b₁) + b₂`` at each position by itself (section 3.3)."""

    def __init__(self, embed_dim: int, ffn_dim: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(embed_dim, ffn_dim), nn.Linear(ffn_dim, embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, E) -> (B, N, E), through (B, N, F)."""
        return self.fc2(F.relu(self.fc1(x)))


class Layer(nn.Module):
    """What encoder and decoder layers share: sublayers with a residual connection and a normalization around each."""

    ffn: FeedForward
    ffn_norm: nn.Module

    def __init__(self, index: int, norm_first: bool) -> None:
        super().__init__()
        self.index, self.norm_first = index, norm_first

    def around(
        self, branch: Callable[[Tensor], Tensor], norm: nn.Module, x: Tensor, kind: str, valid: Tensor | None, go: Pass
    ) -> Tensor:
        """``norm(x + branch(x))``, or ``x + branch(norm(x))`` with pre-norm; x (B, N, E)."""
        name, place = f"{kind}.{self.index}", (kind, self.index)
        x = go.keep(f"{name}.input", x)
        y = go.keep(f"{name}.normed", self.norm(norm, x, valid, go)) if self.norm_first else x
        out = go.keep(f"{name}.branch", go.drop(branch(y)))
        if place in go.switches.sublayers_off:
            out = torch.zeros_like(out)
        x = go.keep(f"{name}.sum", out if place in go.switches.residuals_off else x + out)
        return go.keep(f"{name}.output", x if self.norm_first else self.norm(norm, x, valid, go))

    def norm(self, norm: nn.Module, x: Tensor, valid: Tensor | None, go: Pass) -> Tensor:
        """Normalize x (B, N, E); only batch normalization asks which positions count, ``valid`` (B, N)."""
        return normalized(norm, x, None if go.switches.norm_counts_padding else valid)

    def attend(
        self, module: MultiHeadAttention, kind: str, x: Tensor, memory: Tensor, mask: Tensor | None, go: Pass
    ) -> Tensor:
        """Queries from x (B, Q, E), keys and values from memory (B, K, E)."""
        off = go.switches.off(kind, self.index)
        name = f"{kind}.{self.index}"
        queries, keys, values = module.project(x, memory, memory)  # (B, H, Q, d), (B, H, K, d), (B, H, K, d)
        if not (off or go.need_weights or go.tape is not None):
            return module.join(F.scaled_dot_product_attention(queries, keys, values, mask))
        heads, weights = go.attention(name, queries, keys, values, mask)  # (B, H, Q, d), (B, H, Q, K)
        if off:
            on = torch.ones(module.num_heads, 1, 1, device=x.device)
            on[list(off)] = 0.0
            heads, weights = heads * on, weights * on
        if go.tape is not None:
            for part, value in (("queries", queries), ("keys", keys), ("values", values)):
                go.keep(f"{name}.{part}", value)
            scores = queries @ keys.transpose(-2, -1) / math.sqrt(module.head_dim)  # (B, H, Q, K)
            go.keep(f"{name}.scores", scores)
            if mask is not None:
                go.keep(f"{name}.mask", mask.expand(scores.shape))
            go.keep(f"{name}.weights", weights)
            go.keep(f"{name}.heads", heads)
        go.weights[kind].append(weights)
        return module.join(heads)

    def feed(self, x: Tensor, kind: str, valid: Tensor | None, go: Pass) -> Tensor:
        """The FFN with what is around it, on x (B, N, E); its hidden activations (B, N, F) are written down."""

        def branch(y: Tensor) -> Tensor:
            return self.ffn.fc2(go.keep(f"{kind}.{self.index}.hidden", F.relu(self.ffn.fc1(y))))

        return self.around(branch, self.ffn_norm, x, kind, valid, go)


class EncoderLayer(Layer):
    """Self-attention between the source tokens, then the FFN (section 3.1)."""

    def __init__(self, index: int, embed_dim: int, num_heads: int, ffn_dim: int, norm: str, norm_first: bool) -> None:
        super().__init__(index, norm_first)
        self.self_attention = MultiHeadAttention(embed_dim, num_heads)
        self.self_norm = NORMS[norm](embed_dim)
        self.ffn = FeedForward(embed_dim, ffn_dim)
        self.ffn_norm = NORMS[norm](embed_dim)

    def forward(self, x: Tensor, mask: Tensor | None, go: Pass) -> Tensor:
        """Source (B, S, E) -> (B, S, E)."""

        def look(y: Tensor) -> Tensor:
            return self.attend(self.self_attention, ENCODER, y, y, mask, go)

        x = self.around(look, self.self_norm, x, ENCODER, go.src_valid, go)
        return self.feed(x, ENCODER_FFN, go.src_valid, go)


class DecoderLayer(Layer):
    """Causal self-attention of the target, attention across to the source, then the FFN (section 3.1)."""

    def __init__(self, index: int, embed_dim: int, num_heads: int, ffn_dim: int, norm: str, norm_first: bool) -> None:
        super().__init__(index, norm_first)
        self.self_attention = MultiHeadAttention(embed_dim, num_heads)
        self.self_norm = NORMS[norm](embed_dim)
        self.cross_attention = MultiHeadAttention(embed_dim, num_heads)
        self.cross_norm = NORMS[norm](embed_dim)
        self.ffn = FeedForward(embed_dim, ffn_dim)
        self.ffn_norm = NORMS[norm](embed_dim)

    def forward(
        self, x: Tensor, memory: Tensor, self_mask: Tensor | None, memory_mask: Tensor | None, go: Pass
    ) -> Tensor:
        """Target (B, T, E) and what the encoder made of the source (B, S, E) -> (B, T, E)."""

        def look_back(y: Tensor) -> Tensor:
            return self.attend(self.self_attention, DECODER, y, y, self_mask, go)

        def look_across(y: Tensor) -> Tensor:  # keys and values come from the encoder
            return self.attend(self.cross_attention, CROSS, y, memory, memory_mask, go)

        x = self.around(look_back, self.self_norm, x, DECODER, go.tgt_valid, go)
        x = self.around(look_across, self.cross_norm, x, CROSS, go.tgt_valid, go)
        return self.feed(x, DECODER_FFN, go.tgt_valid, go)


@dataclass(frozen=True)
class Trace:
    """What a pass looked at.

    Attributes
    ----------
    logits : Tensor (B, T, tgt_vocab)
    encoder : list of Tensor (B, H, S, S)
        Self-attention weights of each encoder layer.
    decoder : list of Tensor (B, H, T, T)
        Causal self-attention weights of each decoder layer.
    cross : list of Tensor (B, H, T, S)
        Weights of each decoder layer on the source.
    memory : Tensor (B, S, E)
        What the encoder made of the source.
    tape : dict of str to Tensor
        Intermediate results, if they were asked for.
    """

    logits: Tensor
    encoder: list[Tensor]
    decoder: list[Tensor]
    cross: list[Tensor]
    memory: Tensor
    tape: Tape = field(default_factory=dict, repr=False)


class Transformer(nn.Module):
    """Encoder, decoder and the linear map to logits (Vaswani et al. 2017, figure 1).

    Parameters
    ----------
    src_vocab, tgt_vocab : int
        Words of source and target.
    embed_dim, num_heads : int
        Width E and heads H; H divides E.
    num_encoder_layers, num_decoder_layers : int
        N of each stack.
    ffn_dim : int
        Width inside the feed-forward networks.
    max_len : int
        Longest source and longest target.
    norm : str
        ``layer``, as in the paper, or ``batch``: over the batch and all positions that are not padding.
    norm_first : bool
        Normalize before each sublayer (pre-norm) instead of after its sum (post-norm, the paper).
    final_norm : bool
        One more normalization on top of each stack, as torch.nn.Transformer has it; the paper has none.
    dropout : float
        On each sublayer's output and on the embeddings (section 5.4), in training mode only.
    generator : torch.Generator, optional
        Where the first weights come from; one with seed 0 if not given.

    Attributes
    ----------
    sizes : dict
        The arguments it was built with, so that another one can be built like it.
    """

    def __init__(
        self,
        src_vocab: int,
        tgt_vocab: int,
        embed_dim: int,
        num_heads: int,
        num_encoder_layers: int,
        num_decoder_layers: int,
        ffn_dim: int,
        max_len: int,
        norm: str = "layer",
        norm_first: bool = False,
        final_norm: bool = False,
        dropout: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if norm not in NORMS:
            raise ValueError(f"norm {norm!r} is none of {tuple(NORMS)}")
        self.embed_dim, self.num_heads, self.max_len, self.dropout = embed_dim, num_heads, max_len, dropout
        self.sizes: dict[str, Any] = {
            "src_vocab": src_vocab, "tgt_vocab": tgt_vocab, "embed_dim": embed_dim, "num_heads": num_heads,
            "num_encoder_layers": num_encoder_layers, "num_decoder_layers": num_decoder_layers, "ffn_dim": ffn_dim,
            "max_len": max_len, "norm": norm, "norm_first": norm_first, "final_norm": final_norm,
        }  # fmt: skip
        self.src_embedding = nn.Embedding(src_vocab, embed_dim)
        self.tgt_embedding = nn.Embedding(tgt_vocab, embed_dim)
        self.positions: Tensor
        self.register_buffer("positions", sinusoidal(max_len, embed_dim), persistent=False)  # (max_len, E)
        made = (embed_dim, num_heads, ffn_dim, norm, norm_first)
        self.encoder = nn.ModuleList(EncoderLayer(i, *made) for i in range(num_encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(i, *made) for i in range(num_decoder_layers))
        self.encoder_norm = NORMS[norm](embed_dim) if final_norm else nn.Identity()
        self.decoder_norm = NORMS[norm](embed_dim) if final_norm else nn.Identity()
        self.unembed = nn.Linear(embed_dim, tgt_vocab)
        self.draw_weights(generator or torch.Generator().manual_seed(0))

    @torch.no_grad()
    def draw_weights(self, generator: torch.Generator) -> None:
        """Xavier-uniform matrices (Glorot & Bengio 2010), biases 0, embeddings of variance 1/E."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight, generator=generator)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=self.embed_dim**-0.5, generator=generator)

    def embed(self, table: nn.Embedding, tokens: Tensor, name: str, go: Pass) -> Tensor:
        """Tokens (B, N) -> ``√E · embedding + position`` (B, N, E) (sections 3.4 and 3.5)."""
        length = tokens.shape[1]
        if length > self.max_len:
            raise LabError("{n} tokens exceed the maximum of {most} of this model.", n=length, most=self.max_len)
        x = go.keep(f"{name}.embedding", table(tokens) * math.sqrt(self.embed_dim))  # (B, N, E)
        if go.switches.positions:
            x = x + go.keep(f"{name}.positions", self.positions[:length])
        return go.keep(f"{name}.embedded", go.drop(x))

    def encode(self, src: Tensor, src_valid_lens: Tensor | None = None, go: Pass | None = None) -> Tensor:
        """What the encoder makes of the source: (B, S) and (B,) -> (B, S, E)."""
        go = go or self.begin()
        go.src_valid = valid_positions(src, src_valid_lens)
        mask = None if go.src_valid is None else go.src_valid[:, None, None]  # (B, 1, 1, S)
        x = self.embed(self.src_embedding, src, "src", go)
        for i, layer in enumerate(self.encoder):
            x = x if (ENCODER, i) in go.switches.layers_off else layer(x, mask, go)
        return go.keep("memory", normalized(self.encoder_norm, x, go.src_valid))

    def decode(
        self,
        tgt: Tensor,
        memory: Tensor,
        src_valid_lens: Tensor | None = None,
        causal: bool = True,
        tgt_valid_lens: Tensor | None = None,
        go: Pass | None = None,
    ) -> Tensor:
        """Logits (B, T, tgt_vocab) of target tokens (B, T), given ``encode``'s answer (B, S, E)."""
        go = go or self.begin()
        go.src_valid = valid_positions(memory, src_valid_lens)
        go.tgt_valid = valid_positions(tgt, tgt_valid_lens)
        memory_mask = None if go.src_valid is None else go.src_valid[:, None, None]  # (B, 1, 1, S)
        self_mask = None if go.tgt_valid is None else go.tgt_valid[:, None, None]  # (B, 1, 1, T)
        if causal:
            past = torch.ones(tgt.shape[1], tgt.shape[1], dtype=torch.bool, device=tgt.device).tril()  # (T, T)
            # padding lies behind the last token, so the causal mask hides it from every token that counts
            self_mask = past
        x = self.embed(self.tgt_embedding, tgt, "tgt", go)
        for i, layer in enumerate(self.decoder):
            x = x if (DECODER, i) in go.switches.layers_off else layer(x, memory, self_mask, memory_mask, go)
        x = go.keep("decoded", normalized(self.decoder_norm, x, go.tgt_valid))
        return go.keep("logits", self.unembed(x))

    def begin(self, switches: Switches = UNTOUCHED, generator: torch.Generator | None = None) -> Pass:
        """What one pass carries along: dropout only in training mode."""
        return Pass(switches, self.dropout if self.training else 0.0, generator)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_valid_lens: Tensor | None = None,
        causal: bool = True,
        tgt_valid_lens: Tensor | None = None,
        switches: Switches = UNTOUCHED,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Logits of the next token at each place of the target.

        Parameters
        ----------
        src : Tensor int64 (B, S)
        tgt : Tensor int64 (B, T)
        src_valid_lens : Tensor int64 (B,), optional
            Source tokens that count; what follows is padding, to which nothing attends. A source of nothing but
            padding gives weights that are all 0 and attentions that add nothing but their output's bias.
        causal : bool
            Whether a target token sees only itself and what is before it (section 3.2.3).
        tgt_valid_lens : Tensor int64 (B,), optional
            Target tokens that count: batch normalization takes its statistics over them, and without the causal
            mask nothing attends to the others.
        switches : Switches
            Parts to switch off.
        generator : torch.Generator, optional
            Where dropout draws from.

        Returns
        -------
        Tensor (B, T, tgt_vocab)
        """
        go = self.begin(switches, generator)
        memory = self.encode(src, src_valid_lens, go)
        return self.decode(tgt, memory, src_valid_lens, causal, tgt_valid_lens, go)

    def trace(
        self,
        src: Tensor,
        tgt: Tensor,
        src_valid_lens: Tensor | None = None,
        causal: bool = True,
        tgt_valid_lens: Tensor | None = None,
        switches: Switches = UNTOUCHED,
        generator: torch.Generator | None = None,
        tape: bool = False,
    ) -> Trace:
        """`forward` with the weights (B, H, Q, K) of each attention; with ``tape`` all intermediate results by name."""
        go = self.begin(switches, generator)
        go.need_weights, go.tape = True, {} if tape else None
        memory = self.encode(src, src_valid_lens, go)
        logits = self.decode(tgt, memory, src_valid_lens, causal, tgt_valid_lens, go)
        return Trace(logits, go.weights[ENCODER], go.weights[DECODER], go.weights[CROSS], memory, go.tape or {})


def valid_positions(tokens: Tensor, valid_lens: Tensor | None) -> Tensor | None:
    """(B, N, ...) and (B,) -> (B, N), True where a token counts; None if all do."""
    if valid_lens is None:
        return None
    return torch.arange(tokens.shape[1], device=tokens.device) < valid_lens[:, None]
