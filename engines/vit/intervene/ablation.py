"""What each single head is worth: every one switched off in turn, all others left as they are (Michel et al. 2019).

Switched off means: its slice is 0 before the output projection, as `engines.vit.interventions.HeadsOff` does it. The
copies of a layer share everything up to its attention, which is taken from the untouched stream, and only what comes
after is computed for each of them, a batch of heads at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.vit.interventions import Change
from engines.vit.passes import batch_size, finish
from engines.vit.stream import Stream


class Scan:
    """The untouched model's answers with one head off, for every class at once; goes on where it was stopped.

    Parameters
    ----------
    stream : Stream
        Untouched and complete.

    Attributes
    ----------
    done : ndarray of bool (L, H)
    """

    def __init__(self, stream: Stream) -> None:
        config = stream.net.config
        self._stream = stream
        self.done = np.zeros((config.layers, config.heads), bool)
        self._said = torch.zeros(config.layers, config.heads, max(1, config.classes))  # logits, or one cosine

    def run(self) -> Iterator[None]:
        """Try the heads that are left, last layer first; yields after each layer of a batch and at its end."""
        stream, heads = self._stream, self.done.shape[1]
        size = batch_size(stream.net, stream.tokens)
        for layer in reversed(range(len(self.done))):
            left = np.flatnonzero(~self.done[layer])
            for start in range(0, len(left), size):
                some = left[start : start + size]
                keep = torch.ones(len(some), heads, 1, 1, device=stream.net.device)
                keep[torch.arange(len(some)), torch.from_numpy(some)] = 0  # (B, H, 1, 1)
                token, logits = yield from finish(
                    stream.net, self._stream.hidden[layer], layer, {layer: Change(keep=keep)}
                )
                self._said[layer, torch.from_numpy(some)] = self._kept(token, logits)
                self.done[layer, some] = True
                yield

    @torch.inference_mode()
    def _kept(self, token: Tensor, logits: Tensor | None) -> Tensor:
        if logits is not None:
            return logits.float().cpu()
        untouched = self._stream.conclusion().tokens[:1]
        return torch.nn.functional.cosine_similarity(token, untouched, dim=-1)[:, None].clamp(-1, 1).cpu()

    @torch.inference_mode()
    def effects(self, target: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Change of a class's probability and logit (L, H) each; 0 where not tried. See `Ablation` without a head."""
        logits = self._stream.conclusion().logits
        if logits is None:
            change = self._masked(self._said[..., 0] - 1)
            return change, change
        base = logits.cpu()
        probability = self._said.softmax(-1)[..., target] - base.softmax(-1)[target]
        return self._masked(probability), self._masked(self._said[..., target] - base[target])

    def _masked(self, values: Tensor) -> npt.NDArray[np.float32]:
        return np.where(self.done, values.numpy(), 0).astype(np.float32)
