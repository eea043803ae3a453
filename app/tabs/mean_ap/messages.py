"""What the tab says of detections, objects, classes and numbers."""

from __future__ import annotations

import numpy as np

from app import words
from app.choosers import shortened
from app.words import Text
from engines.core.errors import Message
from engines.mean_ap.spec import ASIDE, BACKGROUND, BOTH, DUPLICATE, LOW_IOU, RIGHT, WRONG_CLASS, CurveSeen

#: letters and color of each verdict
MARKS = {
    RIGHT: ("TP", "cat0"),
    DUPLICATE: ("FP", "danger"),
    WRONG_CLASS: ("FP", "danger"),
    LOW_IOU: ("FP", "danger"),
    BACKGROUND: ("FP", "danger"),
    BOTH: ("FP", "danger"),
    ASIDE: ("–", "control"),
}
REASONS = {
    RIGHT: "correct, IoU {iou}",
    DUPLICATE: "duplicate, IoU {iou}",
    WRONG_CLASS: "wrong class: {other}, IoU {iou}",
    LOW_IOU: "IoU too low: {iou}",
    BACKGROUND: "background",
    BOTH: "wrong class, low IoU: {other}, {iou}",
    ASIDE: "ignored",
}
LONG = {
    RIGHT: "Correct: IoU {iou} with an object that no higher-scoring detection is matched to. {then}",
    DUPLICATE: "Wrong: a duplicate. IoU {iou}, but the object is matched to a higher-scoring detection. {then}",
    WRONG_CLASS: "Wrong class: there is an object at IoU {iou}, but it is of another class: {other}. {then}",
    LOW_IOU: "Wrong: the nearest object of the class overlaps at IoU {iou} only. {then}",
    BACKGROUND: "Wrong: there is no object here. {then}",
    BOTH: "Wrong in both: the nearest object is of another class, {other}, and overlaps at IoU {iou} only. {then}",
    ASIDE: "Ignored: in a crowd region, of another size, or beyond the top 100. The curve is unchanged.",
}

#: where VOC and COCO part: COCO's matching goes on to the next object
LONG_VOC = LONG | {
    DUPLICATE: "Wrong: a duplicate. IoU {iou}, but one higher up in the list has taken the object. COCO would look for "
    "another one near. {then}",
}

#: why an object was missed: nobody near, too far off, its detection went elsewhere or is below the threshold
FAR, LOW, ELSEWHERE, BELOW = range(4)
MISSED = ("missed", "missed, best IoU {iou}", "missed, IoU {iou} matched elsewhere", "below the threshold: {score}")
LONG_MISSED = (
    "Missed: no detection of the class overlaps it. The curve ends before recall 1.",
    "Missed: the best detection of its class reaches only IoU {iou}. The curve ends before recall 1.",
    "Missed: the detection at IoU {iou} is matched to another object. The curve ends before recall 1.",
    "Missed at this threshold: its detection has a score of {score}.",
)

SAME = 1e-9  #: precisions that differ by less are one


def class_name(label: str, longest: int = 0) -> Message:
    """A class in the chosen language, or as the file calls it where there is no translation.

    With a ``longest`` it is shortened to so many letters.
    """
    if label in words.translations():
        return Message(label)
    return words.plain(shortened(label, longest) if longest else label)


def how_many(detections: int, objects: int) -> Message:
    """Counts of both."""
    text = "{detections} {detections:detection|detections}, {objects} {objects:object|objects}"
    return Message(text, {"detections": words.number(detections), "objects": words.number(objects)})


def brief(name: str, longest: int = 10) -> str:
    """A picture's name below a small picture: numbers differ in their last digits."""
    stem = name if len(name) <= longest else name.rpartition(".")[0] or name
    return stem if len(stem) <= longest else f"...{stem[3 - longest :]}"


def share(value: float, digits: int = 3) -> str:
    """``0.448``; a line for what is not there."""
    return "–" if value < 0 else words.number(value, digits)


def verdict(seen: CurveSeen, at: int, classes: tuple[str, ...], texts: dict[int, str]) -> Message:
    """Why a detection of the curve is right or wrong."""
    other = int(seen.partner_label[at])
    values: dict[str, object] = {"iou": words.number(float(seen.overlap[at]), 2)}
    values["other"] = class_name(classes[other]) if other >= 0 else ""
    text = texts[int(seen.verdicts[at])]
    if "{then}" in text:
        values["then"] = consequence(seen, at)
    return Message(text, values)


def consequence(seen: CurveSeen, at: int) -> Message:
    """What a detection of the curve that counts does to recall and precision."""
    before, right = np.flatnonzero(seen.verdicts[:at] != ASIDE), seen.verdicts[at] == RIGHT
    if not len(before):
        return Message("The curve begins with precision {value}.", {"value": int(right)})
    old, new = float(seen.precision[before[-1]]), float(seen.precision[at])
    if abs(new - old) < SAME:
        return Message("Recall goes up, precision stays at 1." if right else "Precision stays at 0.")
    return Message("Recall and precision go up." if right else "Precision falls.")


def missing(seen: CurveSeen, at: int, texts: tuple[str, ...]) -> Message:
    """Why an object was missed."""
    by, iou = int(seen.missed_by[at]), float(seen.missed_overlap[at])
    if by >= 0:
        return Message(texts[BELOW], {"score": words.number(float(seen.scores[by]), 2)})
    reason = ELSEWHERE if iou >= seen.iou else LOW if iou > 0 else FAR
    return Message(texts[reason], {"iou": words.number(iou, 2)})


def tag(mark: str, name: Text, score: float | None = None) -> Message:
    """Words in a box's label."""
    if score is None:
        return Message("{mark} {name}", {"mark": mark, "name": name})
    return Message("{mark} {name} {score}", {"mark": mark, "name": name, "score": words.number(score, 2)})
