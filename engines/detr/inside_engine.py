"""The engine of the page "Relevance" in the DETR tab. It works on the picture that the tab's own engine has encoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.core.errors import Message
from engines.core.protocol import Event, Job, Progress
from engines.detr.engine import Engine, changes, extent_of, passing, switched_on
from engines.detr.interventions import Interventions
from engines.detr.paint import InsideAsk, QueryRelevance
from engines.detr.relevance import Scene, encode, relevance, remembered, stops
from engines.detr.spec import ENCODER_SELF, DetrParams
from engines.detr.stages import Answer, Encoding, decode


class InsideEngine:
    """Takes `InsideAsk`, yields `QueryRelevance` twice: with what is detected, then with the relevance as well.

    Parameters
    ----------
    main : Engine
        The tab's engine, on the same thread; a question before it has encoded a picture is not answered.
    """

    def __init__(self, main: Engine) -> None:
        self._main = main
        self._key: object = None
        self._inputs: list[Tensor] = []
        self._answer: Answer | None = None
        self._found: dict[tuple[int, int], np.ndarray] = {}

    def run(self, job: Job[InsideAsk]) -> Iterator[Event]:
        """Detect without the painted places, then follow the query's class back to the picture."""
        ask = job.params
        look, there = ask.look, self._main.encoded()
        if there is None or not isinstance(look, DetrParams):
            return
        encoding, picture = there
        model, memory = encoding.model, encoding.memory
        chosen = changes(look, model)
        gone = cells(look, memory.height, memory.width).to(memory.tokens.device)
        scene = Scene(model, encoding.inputs[0], memory, chosen, gone, look.paint.decoder_too)
        key = (id(encoding), chosen, look.paint)
        if self._key != key:
            self._inputs, self._answer, self._found = [], None, {}
            steps = encode(scene) if _encoder_changed(chosen, gone) else _last_layer(scene, encoding)
            done, count = 0, len(model.encoder)
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    self._inputs = end.value
                    break
                done += 1
                yield Progress(done, count, Message("Encoding without the painted places"))
            self._answer = decode(model, remembered(scene, self._inputs[-1]), chosen)
            self._key = key
        assert self._answer is not None
        frame = self._framed(ask, look, chosen, encoding, picture, self._answer, int(gone.sum()))
        wanted = ask.query, ask.label
        if wanted not in self._found:
            yield frame(None)
            count = stops(model)
            for done, row in enumerate(relevance(scene, self._inputs, *wanted)):
                if row is None:
                    yield Progress(done + 1, count, Message("Relevance"))
                else:
                    self._found[wanted] = shares(row, memory.height, memory.width)
        yield frame(self._found[wanted])

    @staticmethod
    def _framed(
        ask: InsideAsk,
        look: DetrParams,
        chosen: Interventions,
        encoding: Encoding,
        picture: Any,
        answer: Answer,
        painted: int,
    ) -> Any:
        """Makes the frame once the relevance is known, or before."""
        height, width = picture.rgb.shape[:2]
        size = np.array([width, height, width, height], np.float32)
        passes = (passing(look, answer) & switched_on(answer, chosen))[-1]

        def made(found: np.ndarray | None) -> QueryRelevance:
            return QueryRelevance(
                ask.query,
                ask.label,
                answer.boxes[-1] * size,
                answer.scores[-1],
                answer.labels[-1],
                passes,
                float(answer.probabilities[ask.query, ask.label]),
                found,
                encoding.grid,
                extent_of(picture, encoding),
                painted,
            )

        return made


def cells(look: DetrParams, height: int, width: int) -> Tensor:
    """The painted places as a mask (N,)."""
    gone = torch.zeros(height, width, dtype=torch.bool)
    for row, col in look.paint.painted:
        if 0 <= row < height and 0 <= col < width:
            gone[row, col] = True
    return gone.flatten()


def _encoder_changed(chosen: Interventions, gone: Tensor) -> bool:
    return bool(gone.any()) or bool(chosen.only(ENCODER_SELF).changes)


def _last_layer(scene: Scene, encoding: Encoding) -> Any:
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
