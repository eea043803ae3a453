"""The stage behind the page "Relevance": it goes on from the picture that the model has encoded."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engines.core.errors import Message
from engines.core.memo import Memo
from engines.core.protocol import Event, Progress
from engines.detr.asked import changes, passing, switched_on
from engines.detr.interventions import ENCODER_SELF, Interventions
from engines.detr.relevance.maps import Scene, encode, relevance, remembered, stops
from engines.detr.relevance.spec import QueryRelevance, RelevanceParams
from engines.detr.spec import Detections, PictureShown
from engines.detr.stages import Answer, Encoding, decode, extent_of


@dataclass(frozen=True, eq=False)
class Masked:
    """What the model says without the masked patches, and what the encoder's layers were given meanwhile."""

    inputs: list[Tensor]
    answer: Answer


class Explainer:
    """Yields `QueryRelevance` twice: with what is detected, then with the relevance as well."""

    def __init__(self) -> None:
        self._masked: Memo[Masked] = Memo()
        self._relevance: dict[tuple[int, int], np.ndarray] = {}
        self._of: object = None  # what these were computed from

    def explain(
        self, params: RelevanceParams, key: object, encoding: Encoding, picture: PictureShown, found: Detections
    ) -> Iterator[Event]:
        """Detect without the masked patches, then follow the query's class back to the picture.

        Parameters
        ----------
        params : RelevanceParams
        key : hashable
            Of the encoded picture.
        encoding : Encoding
        picture : PictureShown
        found : Detections
            What the model says with nothing masked: the class that is followed is the one it gives the query.
        """
        model, memory = encoding.model, encoding.memory
        query = params.explained if 0 <= params.explained < len(found.scores) else found.query
        label = int(found.labels[query])
        chosen = changes(params, model.config)
        gone = mask_of(params, memory.height, memory.width).to(memory.tokens.device)
        scene = Scene(model, encoding.inputs[0], memory, chosen, gone, params.decoder_too)
        asked = (key, chosen, params.masked_patches, params.decoder_too)
        if asked not in self._masked:
            self._relevance = {}
        masked = yield from self._masked.get_in_steps(asked, lambda: detect(scene, encoding, chosen, gone))
        passes = (passing(params, masked.answer) & switched_on(masked.answer, chosen))[-1]
        height, width = picture.rgb.shape[:2]
        answer, size = masked.answer, np.array([width, height, width, height], np.float32)

        def frame(shares_: np.ndarray | None) -> QueryRelevance:
            return QueryRelevance(
                query,
                label,
                answer.boxes[-1] * size,
                answer.scores[-1],
                answer.labels[-1],
                passes,
                float(answer.probabilities[query, label]),
                shares_,
                encoding.grid,
                extent_of(picture.rgb.shape[:2], encoding),
                int(gone.sum()),
            )

        wanted = query, label
        if wanted not in self._relevance:
            yield frame(None)
            count = stops(model)
            for done, row in enumerate(relevance(scene, masked.inputs, *wanted)):
                if row is None:
                    yield Progress(done + 1, count, Message("Relevance"))
                else:
                    self._relevance[wanted] = shares(row, memory.height, memory.width)
        yield frame(self._relevance[wanted])


def detect(scene: Scene, encoding: Encoding, chosen: Interventions, gone: Tensor) -> Generator[Event, None, Masked]:
    """Encode and decode without the masked patches (bool (N,)), with a place to stop after each layer."""
    changed = bool(gone.any()) or bool(chosen.only(ENCODER_SELF).changes)
    steps = encode(scene) if changed else _last_layer(scene, encoding)
    done, count = 0, len(scene.model.encoder)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            inputs: list[Tensor] = end.value
            return Masked(inputs, decode(scene.model, remembered(scene, inputs[-1]), chosen))
        done += 1
        yield Progress(done, count, Message("Encoding without the masked positions"))


def mask_of(params: RelevanceParams, height: int, width: int) -> Tensor:
    """The masked patches, bool (N,)."""
    gone = torch.zeros(height, width, dtype=torch.bool)
    for row, col in params.masked_patches:
        if 0 <= row < height and 0 <= col < width:
            gone[row, col] = True
    return gone.flatten()


def _last_layer(scene: Scene, encoding: Encoding) -> Generator[None, None, list[Tensor]]:
    """As `encode` on an untouched encoder, whose layers' inputs are there already."""
    inputs = list(encoding.inputs)
    inputs.append(_step(scene, inputs[-1]))
    yield
    return inputs


@torch.inference_mode()
def _step(scene: Scene, x: Tensor) -> Tensor:
    out: Tensor = scene.model.encoder[-1](x, scene.memory.position)[0]
    return out


def shares(row: Tensor, height: int, width: int) -> np.ndarray:
    """A row (N,) as a map (h, w) that sums to 1; all 0 where it holds nothing."""
    values = row.cpu().double().numpy()
    total = values.sum()
    return (values / total if total > 0 else 0 * values).reshape(height, width).astype(np.float32)
