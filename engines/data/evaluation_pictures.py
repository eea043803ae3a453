"""The drawn pictures behind the sample of the evaluation tab: ordinary scenes and deliberately hard ones.

Half of them are like those that the toy DETR was trained on. The others hold more and smaller shapes than it ever saw,
some beside a twin that hardly leaves room for a second box, and two hold a crowd: a heap of one kind that is annotated
as one region. What the model says of them is kept in ``assets/results/toy-detr-predictions.json``, written by
``python -m engines.detr.predict_sample``, so that nothing has to be computed to look at it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from engines.core.assets import assets
from engines.data.scenes import (
    KINDS,
    Drawing,
    Shape,
    add_shapes,
    box_of,
    draw_background,
    random_background,
    random_drawing,
    render,
)
from engines.data.shapes import Canvas

RESULTS = assets("results") / "toy-detr-predictions.json"
COUNT = 40
SIDES = (384, 256, 128)  # pixels, in turn: shapes come in all three sizes of COCO
CROWDS = {13: "circle", 29: "star"}  # pictures with a heap of one kind
HEAP = 9  # shapes in it


@dataclass(frozen=True)
class EvaluationPicture:
    """One picture: a drawing, its side in pixels, and how many of its last shapes are one crowd."""

    index: int
    side: int
    drawing: Drawing
    heap: int = 0

    def picture(self, side: int | None = None) -> np.ndarray:
        """The pixels, uint8 (side, side, 3)."""
        side = side or self.side
        return render(self.drawing.shapes, draw_background(self.drawing, side), side)[0]

    def objects(self) -> dict[str, np.ndarray]:
        """What there is to find: ``boxes`` (N, 4) xyxy in pixels, ``labels`` (N,), ``iscrowd`` (N,)."""
        shapes = self.drawing.shapes
        boxes = np.array([box_of(shape) for shape in shapes], float).reshape(-1, 4) * self.side
        labels = np.array([KINDS.index(shape.kind) for shape in shapes], int)
        if self.heap:
            single, heap = boxes[: -self.heap], boxes[-self.heap :]
            boxes = np.concatenate([single, [[*heap[:, :2].min(axis=0), *heap[:, 2:].max(axis=0)]]])
            labels = labels[: len(boxes)]
        crowd = np.zeros(len(boxes), bool)
        crowd[len(crowd) - bool(self.heap) :] = bool(self.heap)
        return {"boxes": boxes.clip(0, self.side), "labels": labels, "iscrowd": crowd}


def evaluation_pictures() -> list[EvaluationPicture]:
    """All pictures of the sample; the same at each call."""
    return [_numbered(index) for index in range(COUNT)]


@cache  # placing shapes so that none hides another takes a fifth of a second in all
def _numbered(index: int) -> EvaluationPicture:
    side = SIDES[index % len(SIDES)]
    if index % 2 == 0:
        return EvaluationPicture(index, side, random_drawing(7_000 + index))
    drawing = hard_drawing(index)
    if index not in CROWDS:
        return EvaluationPicture(index, side, drawing)
    shapes = (*drawing.shapes[:3], *_heap(np.random.default_rng((8, index)), CROWDS[index]))
    return EvaluationPicture(index, side, replace(drawing, shapes=shapes), HEAP)


def hard_drawing(seed: int) -> Drawing:
    """More and smaller shapes than the toy model was trained on, on a restless background, some with a twin."""
    rng = np.random.default_rng((7, seed))
    kind = ("noisy", "photo")[int(rng.integers(2))]
    canvas = Canvas(random_background(np.random.default_rng(seed), 96, kind=kind))
    shapes = [replace(shape, size=0.62 * shape.size) for shape in add_shapes(rng, canvas, 12)]
    for shape in shapes[:2]:
        x, y = np.clip(np.array([shape.x, shape.y]) + rng.uniform(-0.22, 0.22, 2) * shape.size, 0.1, 0.9)
        shapes.append(replace(shape, x=float(x), y=float(y), angle=float(rng.uniform(0, 360))))
    return Drawing(tuple(shapes), kind, seed)


def _heap(rng: np.random.Generator, kind: str) -> list[Shape]:
    """Small shapes of one kind, close together."""
    places = np.array([0.68, 0.66]) + rng.normal(0, 0.085, (HEAP, 2))
    colors = rng.integers(60, 250, (HEAP, 3)).tolist()
    sizes = rng.uniform(0.07, 0.12, HEAP).tolist()
    return [
        Shape(kind, float(x), float(y), size, float(rng.uniform(0, 360)), (r, g, b))
        for (x, y), size, (r, g, b) in zip(places, sizes, colors, strict=True)
    ]
