"""What the page "Matching" matches: scenes of objects and predictions, and those that it begins with. Imports no torch.

Boxes are cxcywh as shares of the scene. Objects are named A, B, …, predictions 1, 2, ….
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from engines.data.scenes import KINDS
from engines.detr.objects import Box4, Thing

LEAST_P = 1e-4  #: least class probability that the hand can set, so that no logit becomes infinite


@dataclass(frozen=True)
class Guess:
    """A prediction: box and the logits of all classes, "no object" last."""

    box: Box4
    logits: tuple[float, ...]


@dataclass(frozen=True)
class MatchingScene:
    """What is matched.

    Attributes
    ----------
    things, guesses : tuple of Thing, of Guess
    labels : tuple of str
        Names of the real classes.
    name : str
        Which of ``SCENES`` it began as; ``FROM_MODEL`` for a model's answer, which lies on the model's picture.
    """

    things: tuple[Thing, ...]
    guesses: tuple[Guess, ...]
    labels: tuple[str, ...] = KINDS
    name: str = ""


FOUR, CROWD, NOTHING, TOO_MANY, NO_AREA, UNDEFINED, INFINITE = SCENES = (
    "Four shapes",
    "100 × 20",
    "No objects",
    "Too many objects",
    "Box without area",
    "NaN logits",
    "Infinite logits",
)
FROM_MODEL = "The model's predictions"


def logits_of(probabilities: npt.ArrayLike) -> tuple[float, ...]:
    """Logits (C+1) whose softmax gives these probabilities; what is undefined stays so."""
    p = np.asarray(probabilities, np.float64)
    return tuple(np.log(np.maximum(p, 1e-9)).tolist())


def probabilities_of(logits: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """Softmax (C+1,); NaN where it is undefined."""
    values = np.asarray(logits, np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        e = np.exp(values - values.max())
        return np.asarray(e / e.sum())


def with_probability(guess: Guess, label: int, value: float) -> Guess:
    """The same prediction with another probability of one class; the others keep their proportions."""
    p = probabilities_of(guess.logits)
    if not np.isfinite(p).all():
        p = np.full(len(p), 1 / len(p))
    room = LEAST_P * (len(p) - 1)
    value = min(1 - room, max(LEAST_P, value))
    rest = np.delete(np.maximum(p, LEAST_P), label)
    p = np.insert(rest * ((1 - value) / rest.sum()), label, value)
    return replace(guess, logits=logits_of(p))


@cache
def scene_of(name: str) -> MatchingScene:
    """One of ``SCENES``."""
    four = four_shapes()
    match name:
        case "100 × 20":
            return crowd_scene()
        case "No objects":
            return replace(four, things=(), name=name)
        case "Too many objects":
            return replace(four, guesses=four.guesses[:2], name=name)
        case "Box without area":
            first, *rest = four.things
            return replace(four, things=(replace(first, box=(*first.box[:2], 0.0, 0.0)), *rest), name=name)
        case "NaN logits" | "Infinite logits":
            which, value = (2, float("nan")) if name == UNDEFINED else (1, float("inf"))
            bad = replace(four.guesses[which], logits=(value, *four.guesses[which].logits[1:]))
            return replace(four, guesses=(*four.guesses[:which], bad, *four.guesses[which + 1 :]), name=name)
    return four


def four_shapes() -> MatchingScene:
    """Four objects and seven predictions; prediction 1 lies between A and B, so that greedy gives it away wrongly."""
    square, circle, triangle, ring = (KINDS.index(kind) for kind in ("square", "circle", "triangle", "ring"))
    things = (
        Thing((0.24, 0.40, 0.26, 0.40), square),
        Thing((0.42, 0.52, 0.24, 0.36), circle),
        Thing((0.76, 0.34, 0.22, 0.34), triangle),
        Thing((0.70, 0.80, 0.20, 0.26), ring),
    )
    predicted: tuple[tuple[Box4, dict[int, float]], ...] = (
        ((0.385, 0.485, 0.25, 0.37), {square: 0.36, circle: 0.48}),
        ((0.485, 0.585, 0.22, 0.34), {square: 0.09, circle: 0.60, triangle: 0.10}),
        ((0.775, 0.355, 0.25, 0.32), {triangle: 0.80, ring: 0.04}),
        ((0.73, 0.82, 0.17, 0.22), {ring: 0.78, circle: 0.07}),
        ((0.90, 0.86, 0.13, 0.18), {ring: 0.12}),
        ((0.10, 0.82, 0.14, 0.22), {circle: 0.10}),
        ((0.72, 0.30, 0.20, 0.40), {triangle: 0.40, square: 0.06}),
    )
    sure = (0.06, 0.10, 0.08, 0.08, 0.74, 0.78, 0.40)  # of "no object"
    guesses = tuple(
        Guess(box, logits_of(spread(named, none))) for (box, named), none in zip(predicted, sure, strict=True)
    )
    return MatchingScene(things, guesses, KINDS, FOUR)


def spread(named: dict[int, float], none: float) -> list[float]:
    """Probabilities (C+1): those named, that of "no object", and what is left in equal shares."""
    others = [i for i in range(len(KINDS)) if i not in named]
    left = (1 - none - sum(named.values())) / len(others)
    return [named.get(i, left) for i in range(len(KINDS))] + [none]


def crowd_scene(guesses: int = 100, things: int = 20) -> MatchingScene:
    """Many of both: about one prediction near each object, the others anywhere."""
    dice = np.random.default_rng(4)
    size = dice.uniform(0.08, 0.2, (things, 2))
    pair = np.arange(things) // 2  # two by two beside each other, so that predictions lie between them
    place = np.stack([(pair % 4 + 0.5) / 4, (pair // 4 + 0.5) / -(-(things // 2) // 4)], 1)
    place += np.where(np.arange(things)[:, None] % 2 == 0, -0.045, 0.045) + dice.uniform(-0.02, 0.02, (things, 2))
    true = np.concatenate([place, size], 1)
    true[:, :2] = true[:, :2].clip(0.01 + size / 2, 0.99 - size / 2)
    labels = dice.integers(0, len(KINDS), things)
    at = np.arange(guesses) % things
    near = np.arange(guesses) < things + 4
    boxes = np.where(
        near[:, None],
        true[at] + dice.normal(0, 0.06, (guesses, 4)),
        np.concatenate([dice.uniform(0.1, 0.9, (guesses, 2)), dice.uniform(0.06, 0.25, (guesses, 2))], 1),
    )
    boxes[:, 2:] = boxes[:, 2:].clip(0.02)
    logits = dice.normal(0, 0.5, (guesses, len(KINDS) + 1))
    logits[near, labels[at[near]]] += 2.0
    logits[~near, -1] += 3
    order = dice.permutation(guesses)
    as_box = [tuple(row) for row in boxes[order].round(4).tolist()]
    return MatchingScene(
        tuple(Thing(tuple(box), int(label)) for box, label in zip(true.round(4).tolist(), labels, strict=True)),
        tuple(Guess(box, tuple(row)) for box, row in zip(as_box, logits[order].tolist(), strict=True)),
        KINDS,
        CROWD,
    )
