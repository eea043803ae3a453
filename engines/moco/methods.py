"""Where the keys come from: a queue (MoCo), the same encoder (end-to-end), a memory bank, the batch (SimCLR).

Figure 2 of the MoCo paper compares the first three. All hold their keys in the same form, so that they can be looked at
alike: keys of length 1, ages in steps, the number of each key's picture, and the very view that it was made of.

In the two that take keys from the batch in hand, both views pass the encoder together: positives and negatives are
normalized by the same statistics, which therefore give nothing away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from engines.moco.model import UNKNOWN, MoCo, contrast_logits
from engines.moco.settings import BANK, END_TO_END, IN_BATCH, MOCO

KEEP = 0.5  # share of an old vector in a memory bank that stays (Wu et al. 2018)


@dataclass
class Contrast:
    """One batch's comparison.

    Attributes
    ----------
    logits : Tensor (R, C)
        Over the temperature.
    targets : Tensor of int (R,)
        The column of the own key.
    q, k : Tensor (B, dim)
        Queries and keys, of length 1.
    own : int
        Queries that have their own picture among the negatives.
    """

    logits: Tensor
    targets: Tensor
    q: Tensor
    k: Tensor
    own: int = 0

    @property
    def loss(self) -> Tensor:
        """Mean cross-entropy, (): InfoNCE."""
        return F.cross_entropy(self.logits, self.targets)


class Dictionary:
    """Base: the keys of the batch in hand.

    Parameters
    ----------
    moco : MoCo
        Both encoders, and the queue.
    count : int
        Pictures there are.
    batch : int
    generator : torch.Generator
    """

    def __init__(self, moco: MoCo, count: int, batch: int, generator: torch.Generator) -> None:
        self.moco, self.count, self.batch, self.generator = moco, count, batch, generator
        self.keys = F.normalize(torch.randn(batch, moco.queue.shape[0], generator=generator), dim=1)  # (N, dim)
        self.ages = torch.full((batch,), -1)
        self.pictures = torch.full((batch,), UNKNOWN)
        self.views = torch.zeros(batch, 3, 1, 1, dtype=torch.uint8)
        self.pointer = 0

    @property
    def choices(self) -> int:
        """Keys that a query chooses among."""
        return self.batch

    @property
    def chance(self) -> float:
        """The loss of a guess."""
        return math.log(max(1, self.choices))

    def contrast(self, one: Tensor, two: Tensor, pictures: Tensor) -> Contrast:
        """Compare normalized views (B, 3, H, W) of the pictures numbered (B,)."""
        q, k = self._together(one, two)
        return Contrast(q @ k.t() / self.moco.temperature, torch.arange(len(q)), q, k)

    def _together(self, one: Tensor, two: Tensor) -> tuple[Tensor, Tensor]:
        q, k = self.moco.encode_query(torch.cat([one, two])).chunk(2)
        return q, k

    @torch.no_grad()
    def learned(self, found: Contrast, pictures: Tensor, views: Tensor) -> None:
        """After the step: keep what the next one needs; ``views`` uint8 (B, 3, H, W) are what the keys are of."""
        self.keys, self.pictures, self.views = found.k.detach(), pictures, views
        self.ages = torch.zeros(len(pictures), dtype=torch.int64)
        self.moco.encoder_k.load_state_dict(self.moco.encoder_q.state_dict())

    def state(self) -> dict[str, Tensor]:
        """Everything a resumed run needs."""
        return {"keys": self.keys, "ages": self.ages, "pictures": self.pictures, "views": self.views}

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from a `state`."""
        self.keys, self.ages, self.pictures, self.views = (state[n] for n in ("keys", "ages", "pictures", "views"))


class InBatch(Dictionary):
    """SimCLR (Chen et al. 2020): each view is a query, and all other views of the batch are its negatives."""

    @property
    def choices(self) -> int:
        """Keys that a query is compared with, its positive included."""
        return 2 * self.batch - 1

    def contrast(self, one: Tensor, two: Tensor, pictures: Tensor) -> Contrast:
        """Logits of two views (B, C, H, W) of pictures (B,), with the keys of this method."""
        q, k = self._together(one, two)
        both, size = torch.cat([q, k]), len(q)
        logits = both @ both.t() / self.moco.temperature  # (2B, 2B)
        logits = logits.masked_fill(torch.eye(2 * size, dtype=torch.bool), -math.inf)  # a view is not its own key
        return Contrast(logits, torch.arange(2 * size).roll(size), q, k)


class MemoryBank(Dictionary):
    """Instance discrimination with stored vectors (Wu et al. 2018): one a picture, renewed when its turn comes.

    Negatives are drawn from the bank at random; a vector is as old as the last time its picture was seen.
    """

    def __init__(self, moco: MoCo, count: int, batch: int, generator: torch.Generator) -> None:
        super().__init__(moco, count, batch, generator)
        self.keys = F.normalize(torch.randn(count, moco.queue.shape[0], generator=generator), dim=1)
        self.ages = torch.full((count,), -1)
        self.pictures = torch.arange(count)

    @property
    def choices(self) -> int:
        """Keys that a query is compared with, its positive included."""
        return 1 + self.moco.queue.shape[1]

    def contrast(self, one: Tensor, two: Tensor, pictures: Tensor) -> Contrast:
        """Logits of two views (B, C, H, W) of pictures (B,), with the keys of this method."""
        q, k = self.moco.encode_query(one), self.keys[pictures]
        drawn = torch.randint(self.count, (self.choices - 1,), generator=self.generator)
        logits = contrast_logits(q, k, self.keys[drawn].t(), self.moco.temperature)
        own = int(torch.isin(pictures, drawn).sum())
        return Contrast(logits, torch.zeros(len(q), dtype=torch.int64), q, k, own)

    @torch.no_grad()
    def learned(self, found: Contrast, pictures: Tensor, views: Tensor) -> None:
        """Store the keys of a step, and the views (B, ...) they were made of."""
        if self.views.shape[1:] != views.shape[1:]:
            self.views = torch.zeros(self.count, *views.shape[1:], dtype=torch.uint8)
        known = (self.ages[pictures] >= 0)[:, None]
        mixed = torch.where(known, KEEP * self.keys[pictures], torch.zeros(())) + (1 - KEEP) * found.q.detach()
        self.keys[pictures] = F.normalize(mixed, dim=1)
        self.ages += (self.ages >= 0).long()
        self.ages[pictures] = 0
        self.views[pictures] = views
        self.moco.encoder_k.load_state_dict(self.moco.encoder_q.state_dict())


class MomentumQueue(Dictionary):
    """MoCo: keys of earlier batches in a queue, made by an encoder that follows slowly."""

    def __init__(self, moco: MoCo, count: int, batch: int, generator: torch.Generator) -> None:
        super().__init__(moco, count, batch, generator)
        self._show()

    def _show(self) -> None:
        moco = self.moco
        self.keys, self.ages, self.pictures = moco.queue.t(), moco.queue_age, moco.queue_picture
        self.pointer = int(moco.pointer)

    @property
    def choices(self) -> int:
        """Keys that a query is compared with, its positive included."""
        return 1 + self.moco.queue.shape[1]

    def contrast(self, one: Tensor, two: Tensor, pictures: Tensor) -> Contrast:
        """Logits of two views (B, C, H, W) of pictures (B,), with the keys of this method."""
        self.moco.momentum_update()
        k = self.moco.encode_key(two)
        q = self.moco.encode_query(one)
        logits = contrast_logits(q, k, self.moco.queue, self.moco.temperature)
        own = int(torch.isin(pictures, self.moco.queue_picture).sum())
        return Contrast(logits, torch.zeros(len(q), dtype=torch.int64), q, k, own)

    @torch.no_grad()
    def learned(self, found: Contrast, pictures: Tensor, views: Tensor) -> None:
        """Store the keys of a step, and the views (B, ...) they were made of."""
        size, count = self.moco.queue.shape[1], len(views)
        if self.views.shape != (size, *views.shape[1:]):
            self.views = torch.zeros(size, *views.shape[1:], dtype=torch.uint8)
        first = max(0, count - size)
        self.views[(self.moco.pointer + torch.arange(first, count)) % size] = views[first:]
        self.moco.enqueue(found.k, pictures)
        self._show()

    def state(self) -> dict[str, Tensor]:
        """What a saved run holds beside the module."""
        return {"views": self.views}  # the rest is the MoCo module's own

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over what `state` gave."""
        self.views = state["views"]
        self._show()


KINDS: dict[str, type[Dictionary]] = {
    MOCO: MomentumQueue,
    END_TO_END: Dictionary,
    BANK: MemoryBank,
    IN_BATCH: InBatch,
}
