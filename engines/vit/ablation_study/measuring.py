"""What a model still says when one head is switched off (Michel et al. 2019), on pictures that a seed draws."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from engines.core.errors import LabError
from engines.core.reading import finish
from engines.data import pictures
from engines.studies.parts import Part
from engines.vit import passes
from engines.vit.ablation_study.study import Ablated
from engines.vit.interventions import HeadsOff, plan
from engines.vit.load import load_checkpoint
from engines.vit.model import ViT

KEPT = 2_000  #: pictures whose untouched answer is kept from run to run


@lru_cache(1)
def _net(source: str) -> ViT:
    return load_checkpoint(source)


@lru_cache(KEPT)
def _untouched(source: str, part: str, index: int) -> list[passes.Said]:
    """Where the answer to a picture is kept: empty before it was computed."""
    return []


def measured(params: Ablated, seed: int, part: Part) -> dict[str, float]:
    """Switch off what ``params`` say.

    Returns
    -------
    dict of str to float
        ``readable``, how many could be read. Of a model with a head: ``same_answer``, the share of them whose first
        class stays, and ``probability``, the mean change of that class's probability. Of one without: ``cosine``, the
        mean cosine of the class token with the untouched one.

    Raises
    ------
    LabError
        There is no such layer or head, or no picture can be read.
    """
    net = _net(params.model)
    config = net.config
    if params.layer > config.layers or params.head > config.heads:
        raise LabError("This model has {layers} layers with {heads} heads each.", layers=config.layers,
                       heads=config.heads)  # fmt: skip
    heads = tuple(range(config.heads)) if params.head == 0 else (params.head - 1,)
    drawn = np.sort(np.random.default_rng(seed).permutation(len(part))[: params.count])
    changes: list[tuple[float, float]] = []
    first: LabError | None = None
    for index in drawn.tolist():
        content = part.content(index)  # what has changed ends the run
        try:
            rgb = pictures.decode(content, part.names[index])
        except LabError as error:
            first = first or error
            continue
        with torch.inference_mode():
            x = net.embed(net.preprocess(rgb))  # (1, N, D)
        off = plan([HeadsOff(params.layer - 1, heads)], config.heads, x.shape[1], x.device)
        kept = _untouched(params.model, part.key, index)
        if not kept:
            kept.append(finish(passes.finish(net, x, 0, {})))
        changes.append(_change(kept[0], finish(passes.finish(net, x, 0, off))))
    if not changes:
        raise first or LabError("There are no pictures.")
    one, two = np.mean(changes, 0).tolist()
    found = {"readable": float(len(changes))}
    return found | ({"cosine": two} if config.classes == 0 else {"same_answer": one, "probability": two})


@torch.inference_mode()
def _change(before: passes.Said, after: passes.Said) -> tuple[float, float]:
    """Whether the first class stays, and what became of its probability; without a head 0 and the cosine."""
    if before[1] is None:
        return 0.0, float(passes.verdict(after, before[0][0])[0, 0])
    was, now = (_probabilities(said[1]) for said in (before, after))
    top = int(was.argmax())
    return float(int(now.argmax()) == top), float(now[top] - was[top])


def _probabilities(logits: Tensor | None) -> Tensor:
    assert logits is not None
    return logits[0].softmax(-1)
