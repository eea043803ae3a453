"""Answers the page "Ablation": every head is switched off once, the heads of a layer side by side.

Source: Michel et al. 2019. Each effect is that of an independent forward pass with the head off; what lies below its
layer is not computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engines.core.errors import LabError, Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Job, Progress
from engines.self_attention.ablation.spec import SIMILARITY, AblationAnswer, AblationParams
from engines.self_attention.language.changes import plan_of
from engines.self_attention.language.events import Floats
from engines.self_attention.language.measures import of_heads
from engines.self_attention.language.model import Change
from engines.self_attention.language.predicting import logits_at, question
from engines.self_attention.language.stream import Stream, pooled
from engines.self_attention.language.subject import Collection, Specimen, array, shared, written

AT_ONCE = 2_048  # tokens of variants that are computed together


@dataclass(frozen=True, eq=False)
class Asked:
    """What is measured, and on which texts.

    Attributes
    ----------
    texts : tuple of Specimen
    score : callable
        Of the last hidden states (V, N, d) of each text: numbers (V,).
    word : str
    """

    texts: tuple[Specimen, ...]
    score: Callable[[list[Tensor]], Tensor]
    word: str = ""


class Engine:
    """Yields an `AblationAnswer` after each layer; the last one holds all.

    Parameters
    ----------
    collection : Collection, optional
        What it shares with the other pages' engines; that of this thread if not given.
    """

    def __init__(self, collection: Collection | None = None) -> None:
        self._collection = collection or shared()
        self._maps: Memo[AblationAnswer] = self._collection.memo(4)

    def run(self, job: Job[AblationParams]) -> Iterator[Event]:
        """Switch each head off.

        Raises
        ------
        LabError
            There are not two sentences, or the model names no words.
        """
        params = job.params
        asked = yield from self._asked(params, job.device)
        key = tuple(one.changed for one in asked.texts), params.effect
        yield (yield from self._maps.get_in_steps(key, lambda: ablate(asked)))

    def _asked(self, params: AblationParams, device: str) -> Generator[Event, None, Asked]:
        here = self._collection
        loaded = yield from here.load(params.model, device)
        plan, first_token = plan_of(params, loaded.trained.net.config), loaded.trained.first_token
        if params.effect == SIMILARITY:
            if not params.first.strip() or not params.second.strip():
                raise LabError("Type two sentences to compare.")
            one = yield from here.specimen(loaded, here.tokens(loaded, params.first), plan)
            other = yield from here.specimen(loaded, here.tokens(loaded, params.second), plan)

            def alike(last: list[Tensor]) -> Tensor:
                a, b = (pooled(each, first_token=first_token) for each in last)
                return (a * b).sum(-1)

            return Asked((one, other), alike)
        gap = question(loaded, here.tokens(loaded, params.first), params.gap)
        if gap is None:
            raise LabError("{name} names no words. Choose BERT or GPT-2, or the similarity.", name=loaded.info.title)
        one = yield from here.specimen(loaded, gap.tokens, plan)
        net, place, piece = loaded.trained.net, gap.place, int(logits_at(one.stream, gap.place).argmax())

        def chance(last: list[Tensor]) -> Tensor:
            return net.logits(last[0][:, place]).float().softmax(-1)[:, piece]

        return Asked((one,), chance, loaded.trained.speller.name_of(piece))


def ablate(asked: Asked) -> Generator[Event, None, AblationAnswer]:
    """All heads, layer by layer."""
    streams = [one.stream for one in asked.texts]
    config = streams[0].net.config
    shape = config.layers, config.heads
    base = float(asked.score([stream.last()[None] for stream in streams]))
    effects, known = np.zeros(shape, np.float32), np.zeros(shape, bool)
    off = np.zeros(shape, bool)
    for layer, head in streams[0].plan.off:
        off[layer, head] = True
    bits, looks = focus(asked)
    longest = max(stream.entering[0].shape[1] for stream in streams)
    size = max(1, AT_ONCE // longest)
    for layer in range(config.layers):
        for start in range(0, config.heads, size):
            heads = range(start, min(config.heads, start + size))
            found = asked.score([without(stream, layer, heads) for stream in streams])
            effects[layer, start : start + len(heads)] = array(found) - base
            known[layer, start : start + len(heads)] = True
            effects[off] = 0
            yield Progress(int(known.sum()), known.size, Message("Switching heads off"))
        yield told(asked, base, effects.copy(), known.copy(), off, looks, 0.0)
    return told(asked, base, effects, known, off, looks, ranked(-bits, np.abs(effects)))


def told(
    asked: Asked, base: float, effects: Floats, known: np.ndarray, off: np.ndarray, looks: Floats, agreement: float
) -> AblationAnswer:
    """The answer so far; arrays (L, H)."""
    texts = tuple(written(one.tokens) for one in asked.texts)
    return AblationAnswer(texts, bool(asked.word), asked.word, base, effects, known, off, looks, agreement)


@torch.inference_mode()
def without(stream: Stream, layer: int, heads: range) -> Tensor:
    """Last hidden states (V, N, d) of a text, of each variant another head of a layer is switched off."""
    net, config = stream.net, stream.net.config
    changes = stream.plan.changes(config.heads, stream.entering[0].device)
    there = changes.get(layer, Change())
    gate = torch.ones(len(heads), config.heads, 1, 1, device=stream.entering[0].device)
    gate[range(len(heads)), heads] = 0
    changes[layer] = Change(there.temperature, gate if there.gate is None else gate * there.gate)
    x = stream.entering[layer].expand(len(heads), -1, -1)
    for step in net.steps(x, stream.allowed, changes, layer):
        x = step.after
    return net.concluded(x)


@torch.inference_mode()
def focus(asked: Asked) -> tuple[Floats, Floats]:
    """Mean entropy of each head in bits, and the share of its attention that falls on words, (L, H) each."""
    every = []
    for one in asked.texts:
        special = torch.tensor(one.tokens.special, device=one.stream.entering[0].device)
        layers = range(one.stream.net.config.layers)
        every.append(torch.stack([of_heads(one.stream.weights(layer), special) for layer in layers], 1))  # (3, L, H)
    mean = torch.stack(every).mean(0)
    return array(mean[0]), array(1 - mean[2])


def ranked(one: np.ndarray, other: np.ndarray) -> float:
    """Rank correlation (Spearman) of two arrays of the same shape; 0 where one of them is constant."""
    ranks = [each.ravel().argsort(kind="stable").argsort(kind="stable").astype(float) for each in (one, other)]
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
