"""A Transformer of this tab on one input, as the page "Why" asks about it.

In double precision: what differs is then the claim's own, and not the rounding of two orders of the same sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from engines.blocks.attention import MultiHeadAttention
from engines.blocks.heads import Heads
from engines.blocks.naming import BIAS, EMBEDDING, POSITIONS, TOKENS
from engines.blocks.reasons import Parts
from engines.blocks.reasons import frozen as layer_frozen
from engines.transformer import proofs
from engines.transformer.model import EncoderLayer, Tape
from engines.transformer.norms import SequenceBatchNorm
from engines.transformer.subject import Specimen
from engines.transformer.switches import ATTENTIONS, CROSS, DECODER, DECODER_FFN, ENCODER, ENCODER_FFN, Place


class ReasonedText:
    """See `engines.blocks.reasons.Reasoned`.

    Parameters
    ----------
    specimen : Specimen
    """

    def __init__(self, specimen: Specimen) -> None:
        self._specimen = specimen
        self._model = proofs.exact(specimen.model).requires_grad_(False)
        self._tape: Tape = self._trace()
        kind = specimen.task
        self._source = tuple(kind.source.tokens[i] for i in specimen.source.tolist())
        self._target = tuple(kind.target.tokens[i] for i in specimen.target.tolist())
        self.answers, self.answered = tuple(kind.target.tokens), TOKENS
        self.said = self._target
        self.places = tuple(place for place in proofs.places(self._model) if place[0] in ATTENTIONS)
        self.positions = self._model.positions[: len(self._source)]
        self.sine = self.exact = True

    @torch.no_grad()
    def _trace(self) -> Tape:
        one = self._specimen
        return self._model.trace(one.source[None], one.target[None], switches=one.plain, tape=True).tape

    def names(self, place: Place) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Tokens that look and that are looked at."""
        kind, _ = place
        return self._source if kind == ENCODER else self._target, self._target if kind == DECODER else self._source

    def _module(self, place: Place) -> tuple[MultiHeadAttention, nn.Module]:
        module, norm = proofs.part(self._model, place)
        assert isinstance(module, MultiHeadAttention)
        return module, norm

    def heads(self, place: Place) -> Heads:
        """One attention."""
        (kind, i), (module, _) = place, self._module(place)
        name = f"{kind}.{i}"
        x = self._tape[f"{name}.normed" if f"{name}.normed" in self._tape else f"{name}.input"][0]
        mask = self._tape.get(f"{name}.mask")
        return Heads(
            x, self._tape["memory"][0] if kind == CROSS else x,
            module.q_proj.weight.T, module.k_proj.weight.T, module.v_proj.weight.T,
            module.q_proj.bias, module.k_proj.bias, module.v_proj.bias,
            module.out_proj.weight.T, module.out_proj.bias, module.num_heads,
            None if mask is None else mask[0, 0].bool(),
        )  # fmt: skip

    @torch.no_grad()
    def logits(self, place: Place, keys: Tensor | None = None, queries: Tensor | None = None) -> Tensor:
        """Logits (T, V) with something (E,) added to the biases of keys or queries at one place."""
        if keys is None and queries is None:
            return self._tape["logits"][0]
        one, (module, _) = self._specimen, self._module(place)
        with _added(module.k_proj, keys), _added(module.q_proj, queries):
            return self._model(one.source[None], one.target[None], switches=one.plain)[0]

    @torch.no_grad()
    def parts(self) -> Parts:
        """The logits taken apart: the target's embedding and positions, each head, each FFN, and all biases as one."""
        tape, model = self._tape, self._model
        embedded = tape["tgt.embedding"][0]
        names, vectors = [(EMBEDDING, -1, -1)], embedded[None]  # (P, T, E)
        if "tgt.positions" in tape:
            names, vectors = [*names, (POSITIONS, -1, -1)], torch.cat([vectors, tape["tgt.positions"][None]])
        constant = torch.zeros_like(embedded)
        for i in range(len(model.decoder)):
            for kind in (DECODER, CROSS, DECODER_FFN):
                module, norm = proofs.part(model, (kind, i))
                if isinstance(module, MultiHeadAttention):
                    mixed = tape[f"{kind}.{i}.heads"][0]  # (H, T, d)
                    out = module.out_proj.weight.T.unflatten(0, (module.num_heads, -1))  # (H, d, E)
                    vectors = torch.cat([vectors, mixed @ out])
                    names += [(kind, i, head) for head in range(module.num_heads)]
                    constant = constant + module.out_proj.bias
                else:
                    vectors = torch.cat([vectors, tape[f"{kind}.{i}.branch"]])
                    names.append((kind, i, -1))
                if not model.sizes["norm_first"]:
                    vectors, constant = frozen(norm, vectors, constant, tape[f"{kind}.{i}.sum"][0])
        if not isinstance(model.decoder_norm, nn.Identity):
            last = f"{DECODER_FFN}.{len(model.decoder) - 1}.output"
            vectors, constant = frozen(model.decoder_norm, vectors, constant, tape[last][0])
        out = model.unembed.weight.T  # (E, V)
        values = torch.cat([vectors @ out, (constant @ out + model.unembed.bias)[None]])
        return Parts((*names, (BIAS, -1, -1)), values, tape["logits"][0])

    @torch.no_grad()
    def through(self, depth: int, skips: bool, ffn: bool) -> Iterator[Tensor]:
        """Source tokens (S, E) before the first and after each of ``depth`` layers: the encoder's, over and over."""
        every = frozenset((kind, i) for i in range(len(self._model.encoder)) for kind in (ENCODER, ENCODER_FFN))
        off = frozenset() if ffn else frozenset(place for place in every if place[0] == ENCODER_FFN)
        cut = frozenset() if skips else every - off  # what is switched off has nothing but its skip
        go = self._model.begin(replace(self._specimen.plain, residuals_off=cut, sublayers_off=off))
        x = self._tape["src.embedded"]  # (1, S, E)
        yield x[0]
        for i in range(depth):
            layer = self._model.encoder[i % len(self._model.encoder)]
            assert isinstance(layer, EncoderLayer)
            x = layer(x, None, go)
            yield x[0]

    def normed(self, place: Place) -> tuple[Tensor, float]:
        """What the normalization at a place is given (N, E), and its ε."""
        _, norm = self._module(place)
        assert isinstance(norm, nn.LayerNorm | SequenceBatchNorm)
        name = f"{place[0]}.{place[1]}"
        return self._tape[f"{name}.input" if self._model.sizes["norm_first"] else f"{name}.sum"][0], norm.eps


def frozen(norm: nn.Module, vectors: Tensor, constant: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """As `engines.blocks.reasons.frozen`, of parts (P, T, E), for whichever normalization a model has.

    Returns
    -------
    vectors : Tensor (P, T, E)
    constant : Tensor (T, E)
    """
    if isinstance(norm, SequenceBatchNorm):
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        return vectors * scale, (constant - norm.running_mean) * scale + norm.bias
    assert isinstance(norm, nn.LayerNorm)
    return layer_frozen(norm, vectors, constant, x)


@contextmanager
def _added(linear: nn.Linear, to_bias: Tensor | None) -> Iterator[None]:
    """A linear map with another bias, for a pass."""
    if to_bias is None:
        yield
        return
    kept = linear.bias
    linear.bias = nn.Parameter(kept + to_bias, requires_grad=False)
    try:
        yield
    finally:
        linear.bias = kept
