"""What the matching lab and "Without NMS" can ask for and what they are told. Imports no torch.

Boxes are cxcywh as shares of the scene unless a name ends in ``xyxy``. Objects are named A, B, …, predictions 1, 2, ….
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.params import Choice, Params, Range, Switch, setting
from engines.core.protocol import Frame
from engines.data.scenes import KINDS

Box4 = tuple[float, float, float, float]
Floats = npt.NDArray[np.float32]
Pairs = npt.NDArray[np.int64]

LEAST_P = 1e-4  #: least class probability that the hand can set, so that no logit becomes infinite
DETR, RT_DETR = (False, 1.0, 5.0, 2.0), (True, 2.0, 5.0, 2.0)  #: presets: focal, class, L1, GIoU


@dataclass(frozen=True)
class Thing:
    """A true object: box and class."""

    box: Box4
    label: int


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


FOUR, CROWD, NOTHING, TOO_MANY, NO_AREA, UNDEFINED = SCENES = (
    "Four shapes",
    "100 × 20",
    "No objects",
    "Too many objects",
    "Box without area",
    "NaN logits",
)
FROM_MODEL = "The model's predictions"


def logits_of(probabilities: npt.ArrayLike) -> tuple[float, ...]:
    """Logits (C+1) whose softmax gives these probabilities; what is undefined stays so."""
    p = np.asarray(probabilities, np.float64)
    return tuple(np.log(np.maximum(p, 1e-9)).tolist())


def probabilities_of(logits: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """Softmax (C+1); NaN where it is undefined."""
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


def object_name(index: int) -> str:
    """A, B, …, Z, AA, AB, …"""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = chr(65 + letter) + name
    return name


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
        case "NaN logits":
            bad = replace(four.guesses[2], logits=(float("nan"), *four.guesses[2].logits[1:]))
            return replace(four, guesses=(*four.guesses[:2], bad, *four.guesses[3:]), name=name)
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
    said: tuple[tuple[Box4, dict[int, float]], ...] = (
        ((0.385, 0.485, 0.25, 0.37), {square: 0.36, circle: 0.48}),
        ((0.485, 0.585, 0.22, 0.34), {square: 0.09, circle: 0.60, triangle: 0.10}),
        ((0.775, 0.355, 0.25, 0.32), {triangle: 0.80, ring: 0.04}),
        ((0.73, 0.82, 0.17, 0.22), {ring: 0.78, circle: 0.07}),
        ((0.90, 0.86, 0.13, 0.18), {ring: 0.12}),
        ((0.10, 0.82, 0.14, 0.22), {circle: 0.10}),
        ((0.72, 0.30, 0.20, 0.40), {triangle: 0.40, square: 0.06}),
    )
    sure = (0.06, 0.10, 0.08, 0.08, 0.74, 0.78, 0.40)  # of "no object"
    guesses = tuple(Guess(box, logits_of(spread(named, none))) for (box, named), none in zip(said, sure, strict=True))
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


COSTS, LOSS = "Cost weights", "Loss"


@dataclass(frozen=True)
class MatchingParams(Params):
    """Settings of the matching lab.

    Attributes without a slider
    ---------------------------
    scene : MatchingScene
    """

    scene: MatchingScene = field(default_factory=lambda: scene_of(FOUR), repr=False)

    class_cost: float = setting(
        1.0,
        Range(0, 10, 0.1, "Class", group=COSTS, tip="Weight of −p(class of the object). (Carion et al. 2020, eq. 1)"),
    )
    bbox_cost: float = setting(
        5.0,
        Range(0, 10, 0.1, "L1", group=COSTS, tip="Weight of |Δcx| + |Δcy| + |Δw| + |Δh|, in shares of the picture."),
    )
    giou_cost: float = setting(
        2.0,
        Range(
            0,
            10,
            0.1,
            "GIoU",
            group=COSTS,
            tip="Weight of −GIoU: IoU minus the share of the hull in neither box. (Rezatofighi et al. 2019)",
        ),
    )
    focal: bool = setting(
        False,
        Switch(
            "Focal class cost",
            group=COSTS,
            tip="RT-DETR's: each class probability is read as a sigmoid of its own and costs focal loss of yes minus "
            "focal loss of no, α = 0.25, γ = 2. (Zhao et al. 2024)",
        ),
    )
    eos_coef: float = setting(
        0.1,
        Range(
            0,
            1,
            0.01,
            "No-object weight",
            group=LOSS,
            tip='Weight of "no object" in the cross-entropy, since most predictions are unmatched. (A.4: 0.1)',
        ),
    )

    @property
    def weights(self) -> tuple[bool, float, float, float]:
        """Focal or not, and the three weights: what a preset sets."""
        return self.focal, self.class_cost, self.bbox_cost, self.giou_cost


@dataclass(frozen=True, eq=False)
class Matched(Frame):
    """Costs, assignments and losses, all of one scene. Q predictions, T objects, M = min(Q, T) pairs.

    Attributes
    ----------
    params : MatchingParams
        What all of this belongs to.
    class_cost, bbox_cost, giou_cost, total : ndarray float32 (Q, T)
        The terms without their weights, and the weighted sum.
    pairs, greedy : ndarray int64 (M, 2)
        (prediction, object), by object: the optimum of ``total``, and smallest cost first.
    order : ndarray int64 (M,)
        Rows of ``greedy`` as they were taken.
    cost, greedy_cost : float
        Sums of ``total`` over them.
    loss : ndarray float64 (M, 3)
        What each pair adds to the set loss: cross-entropy, L1 and GIoU with their weights.
    none : ndarray float64 (Q,)
        What each unmatched prediction adds as "no object"; 0 for the matched ones.
    notes : tuple of Message
        What is special about this scene.
    error : Message or None
        Why it can't be matched; then all arrays are empty.
    seconds : float
        Taken for costs and assignment.
    """

    params: MatchingParams = field(repr=False)
    class_cost: Floats = field(repr=False)
    bbox_cost: Floats = field(repr=False)
    giou_cost: Floats = field(repr=False)
    total: Floats = field(repr=False)
    pairs: Pairs = field(repr=False)
    greedy: Pairs = field(repr=False)
    order: Pairs = field(repr=False)
    cost: float
    greedy_cost: float
    loss: npt.NDArray[np.float64] = field(repr=False)
    none: npt.NDArray[np.float64] = field(repr=False)
    notes: tuple[Message, ...] = ()
    error: Message | None = None
    seconds: float = 0.0

    @property
    def total_loss(self) -> float:
        """CE + weighted L1 + weighted GIoU of the whole set."""
        return float(self.loss.sum() + self.none.sum())


# ------------------------------------------------------------------ without NMS
GAUSSIAN, LINEAR = "Gaussian decay", "Linear decay"
RESULT, SOFT = "Suppression", "Soft-NMS"


def shifted(box: Box4, iou: float) -> Box4:
    """A box of the same size beside this one, with which it has this IoU."""
    return box[0] + box[2] * (1 - iou) / (1 + iou), *box[1:]


LEFT: Box4 = (0.43, 0.5, 0.40, 0.62)


@dataclass(frozen=True)
class RawBoxes:
    """A detector's boxes before anything is dropped.

    Attributes
    ----------
    boxes, scores, labels : tuple
    kept : tuple of int
        Those the model itself counts as objects: its own set prediction.
    """

    boxes: tuple[Box4, ...]
    scores: tuple[float, ...]
    labels: tuple[int, ...]
    kept: tuple[int, ...]


@dataclass(frozen=True)
class CrowdParams(Params):
    """Settings of "Without NMS".

    Attributes without a slider
    ---------------------------
    things : tuple of boxes
        The true objects, all of one class.
    raw : RawBoxes or None
        A real model's boxes; None: boxes are made from anchors near the objects.
    """

    things: tuple[Box4, ...] = (LEFT, shifted(LEFT, 0.7))
    raw: RawBoxes | None = None

    nms_iou: float = setting(
        0.5,
        Range(
            0.05,
            0.95,
            0.01,
            "IoU threshold",
            group=RESULT,
            tip="Of two boxes that overlap more than this, the one with the lower score goes.",
        ),
    )
    score: float = setting(
        0.3,
        Range(
            0, 1, 0.01, "Score threshold", group=RESULT, tip="Boxes with a lower score are left out, soft-NMS's last."
        ),
    )
    decay: str = setting(
        GAUSSIAN,
        Choice(
            (GAUSSIAN, LINEAR), "Score falls", group=SOFT, tip="How a score falls with the overlap. (Bodla et al. 2017)"
        ),
    )
    sigma: float = setting(
        0.5,
        Range(0.05, 2, 0.05, "Decay σ", group=SOFT, tip="Gaussian: score × exp(−IoU² / σ). Small is strict."),
    )


@dataclass(frozen=True)
class Outcome:
    """What one way keeps of the raw boxes.

    Attributes
    ----------
    kept : ndarray int64 (K,), scores : ndarray float32 (K,)
        Best first.
    found : ndarray int64 (K,)
        The object that each finds (IoU at least 0.5, each object once), or −1: a duplicate or nothing.
    """

    kept: Pairs = field(repr=False)
    scores: Floats = field(repr=False)
    found: Pairs = field(repr=False)

    @property
    def hits(self) -> int:
        """Objects found."""
        return int((self.found >= 0).sum())


@dataclass(frozen=True, eq=False)
class Suppressed(Frame):
    """The same raw boxes, taken three ways.

    Attributes
    ----------
    params : CrowdParams
    anchors : ndarray float32 (A, 4)
        cxcywh; empty for a real model's boxes.
    boxes : ndarray float32 (N, 4), scores : ndarray float32 (N,)
    greedy, soft, matched : Outcome
    iou : float
        Of the first two objects; 0 if there are fewer.
    error : Message or None
    """

    params: CrowdParams = field(repr=False)
    anchors: Floats = field(repr=False)
    boxes: Floats = field(repr=False)
    scores: Floats = field(repr=False)
    greedy: Outcome
    soft: Outcome
    matched: Outcome
    iou: float
    error: Message | None = None
