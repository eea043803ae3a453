"""Mamba as a language model (Gu and Dao 2023, 3.4): embedding, layers of norm, block and skip, norm, head.

Modules bear the names of the files on the hub (``backbone.layers.0.mixer.in_proj.weight`` and so on).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from engines.mamba.block import PLAIN, Changes, Held, Inside, MambaBlock, steps_before_softplus

if TYPE_CHECKING:
    from engines.mamba.text import Speller


@dataclass(frozen=True)
class MambaConfig:
    """Sizes of a model.

    Attributes
    ----------
    vocabulary, width, layers, state, inner, kernel, rank : int
        Tokens; numbers per token; blocks; N, D, K and R of a block.
    eps : float
        Of the norms.
    bias, conv_bias : bool
        Of the projections and of the convolution.
    tied : bool
        The head is the embedding.
    family : str
        ``model_type`` of the file; empty for one of this project.
    """

    vocabulary: int
    width: int
    layers: int
    state: int = 16
    inner: int = 0
    kernel: int = 4
    rank: int = 0
    eps: float = 1e-5
    bias: bool = False
    conv_bias: bool = True
    tied: bool = True
    family: str = ""


@dataclass(frozen=True, eq=False)
class Trace:
    """What a model computes for ids (B, L).

    Attributes
    ----------
    logits : Tensor (B, L, V)
    layers : list of Inside
        Of the layers asked for, first to last.
    hidden : list of Tensor (B, L, width)
        What enters each layer, and what leaves the last.
    """

    logits: Tensor
    layers: list[Inside] = field(default_factory=list)
    hidden: list[Tensor] = field(default_factory=list)


class Layer(nn.Module):
    """Norm, block, skip connection."""

    def __init__(self, width: int, eps: float, mixer: nn.Module) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width, eps)
        self.mixer = mixer

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, width) -> (B, L, width)."""
        mixed: Tensor = self.mixer(self.norm(x))
        return x + mixed


class Backbone(nn.Module):
    """Everything but the head."""

    def __init__(self, vocabulary: int, width: int, layers: int, eps: float, make: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList(Layer(width, eps, make()) for _ in range(layers))
        self.norm_f = nn.RMSNorm(width, eps)

    def forward(self, ids: Tensor) -> Tensor:
        """(B, L) -> (B, L, width)."""
        x: Tensor = self.embeddings(ids)
        for layer in self.layers:
            x = layer(x)
        normed: Tensor = self.norm_f(x)
        return normed


class Mamba(nn.Module):
    """The model; next tokens from tokens.

    Parameters
    ----------
    config : MambaConfig

    Attributes
    ----------
    speller : Speller, optional
        Its tokenizer; None for one of this project, which knows no words.
    """

    def __init__(self, config: MambaConfig) -> None:
        super().__init__()
        self.config = config
        self.speller: Speller | None = None
        self.backbone = Backbone(config.vocabulary, config.width, config.layers, config.eps, self._block)
        self.lm_head = nn.Linear(config.width, config.vocabulary, bias=False)
        if config.tied:
            self.lm_head.weight = self.backbone.embeddings.weight

    def _block(self) -> MambaBlock:
        c = self.config
        inner, rank = c.inner or None, c.rank or None
        return MambaBlock(
            c.width, c.state, 2, c.kernel, rank, bias=c.bias, conv_bias=c.conv_bias, inner=inner
        )  # fmt: skip

    def layer(self, index: int) -> Layer:
        """One of the layers, counted from 0."""
        found = self.backbone.layers[index]
        assert isinstance(found, Layer)
        return found

    def mixer(self, index: int) -> MambaBlock:
        """The block of a layer, counted from 0."""
        found = self.layer(index).mixer
        assert isinstance(found, MambaBlock)
        return found

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (B, L) -> logits (B, L, V)."""
        logits: Tensor = self.lm_head(self.backbone(ids))
        return logits

    def embed(self, ids: Tensor) -> Tensor:
        """Ids (B, L) -> (B, L, width)."""
        x: Tensor = self.backbone.embeddings(ids)
        return x

    def steps(
        self, x: Tensor, changes: Mapping[int, Changes] | None = None, states: bool = False
    ) -> Iterator[tuple[Tensor, Inside]]:
        """Layer after layer: what enters it, (B, L, width), and all that is computed in it.

        The last pair repeats the last layer's inside with what leaves the model's last layer.
        """
        inside = None
        for index in range(self.config.layers):
            layer = self.layer(index)
            inside = self.mixer(index).look(layer.norm(x), (changes or {}).get(index, PLAIN), states)
            yield x, inside
            x = x + inside.out
        assert inside is not None
        yield x, inside

    def head(self, x: Tensor) -> Tensor:
        """What leaves the last layer (B, L, width) -> logits (B, L, V)."""
        logits: Tensor = self.lm_head(self.backbone.norm_f(x))
        return logits

    def trace(self, ids: Tensor, changes: Mapping[int, Changes] | None = None, states: bool = False) -> Trace:
        """All that is computed for ids (B, L), with some blocks changed, by their numbers."""
        every = list(self.steps(self.embed(ids), changes, states))
        return Trace(self.head(every[-1][0]), [inside for _, inside in every[:-1]], [x for x, _ in every])

    def begin(self, batch: int = 1) -> list[Held]:
        """What each layer keeps before the first token."""
        return [self.mixer(index).begin(batch) for index in range(self.config.layers)]

    def step(self, ids: Tensor, held: list[Held]) -> tuple[Tensor, list[Held]]:
        """One token more: ids (B,) -> logits (B, V), and what each layer keeps then."""
        x, kept = self.embed(ids), []
        for index, before in enumerate(held):
            out, after = self.mixer(index).step(self.layer(index).norm(x), before)
            x = x + out
            kept.append(after)
        return self.head(x), kept


def start(net: nn.Module, generator: torch.Generator) -> None:
    """Fill the matrices of a net for training; what a block says of itself at the start stays, but for chance."""
    with torch.no_grad():
        for name, p in net.named_parameters():
            if name.endswith(("dt_proj.bias", "steps")):
                p.copy_(steps_before_softplus(torch.rand(p.shape, generator=generator)))
            elif name.endswith("dt_proj.weight"):
                nn.init.uniform_(p, -(p.shape[1] ** -0.5), p.shape[1] ** -0.5, generator=generator)
            elif name.endswith("embeddings.weight"):
                nn.init.normal_(p, generator=generator)
            elif name.endswith("bias"):
                nn.init.zeros_(p)
            elif name.endswith("A_log") or p.dim() < 2:
                continue
            else:
                fan_in = p[0].numel()
                nn.init.normal_(p, std=fan_in**-0.5, generator=generator)
