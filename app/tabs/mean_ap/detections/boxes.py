"""The boxes of a picture: objects green, right detections blue, wrong ones red and dotted, all with their letters."""

from __future__ import annotations

from app.tabs.mean_ap.messages import MARKS, class_name, tag
from app.views.boxes import Box
from app.words import Text
from engines.core.errors import Message
from engines.mean_ap.spec import DataShown, PictureSeen

Held = tuple[bool, int]  #: an object (True) or a detection, and its place in the image


def box_of(seen: PictureSeen, data: DataShown, one: Held, passes: bool, label: int, at: bool) -> Box:
    """One box; those of the class on screen say their name, the others their letters alone.

    Parameters
    ----------
    seen : PictureSeen
    data : DataShown
    one : (bool, int)
    passes : bool
        A detection passes the score threshold.
    label : int
        The class on screen.
    at : bool
        It is marked.
    """
    is_truth, i = one
    corners = (seen.truths if is_truth else seen.boxes)[i] / [seen.width, seen.height, seen.width, seen.height]
    cx, cy, w, h = (float(v) for v in (*((corners[:2] + corners[2:]) / 2), *(corners[2:] - corners[:2])))
    mine = int((seen.truth_labels if is_truth else seen.labels)[i])
    name, loud = class_name(data.classes[mine]), at or mine == label
    said: Text
    if is_truth:
        if seen.crowd[i]:
            return Box(cx, cy, w, h, Message("crowd: {name}", {"name": name}), "truth", dashed=True)
        if seen.aside[i]:  # of another size than asked for
            return Box(cx, cy, w, h, "", "text2")
        if seen.found[i] and not at:
            return Box(cx, cy, w, h, "", "truth")
        mark = "" if seen.found[i] else "FN"
        said = (tag(mark, name) if loud else mark) if mark else name
        return Box(cx, cy, w, h, said, "truth", dashed=bool(mark))
    mark, token = MARKS[int(seen.verdicts[i])]
    said = tag(mark, name, float(seen.scores[i])) if loud else mark
    if not passes:
        return Box(cx, cy, w, h, said, "text2", above=False, dashed=True)
    return Box(cx, cy, w, h, said, token, above=False, dotted=mark == "FP")
