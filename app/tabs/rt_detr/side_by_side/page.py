"""The page "Side by side": DETR, RT-DETR, and RT-DETR's dense boxes after NMS on one picture; precision of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app import words
from app.cards import Card, card
from app.params_form import ParamsForm
from app.rows import Rows
from app.shell import Shell
from app.tabs.rt_detr.names import class_name, scored
from app.tabs.rt_detr.page import PicturePage
from app.topic.feed import Feed
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.views.boxes import Box, detection, truth
from app.views.boxview import BoxView
from app.widgets import quiet
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.data.boxes_folder import is_boxes_folder
from engines.rt_detr.events import ModelInfo
from engines.rt_detr.side_by_side.spec import NAMES, Beside, Compared, Side, SideParams
from engines.rt_detr.spec import RtDetrParams

FIELDS = ("scene", "threshold", "nms_iou")


def precision(value: float) -> str:
    """An average precision in words: a dash where there was nothing to find yet."""
    return words.number(float(value), 3) if value >= 0 else "–"


class SideBySidePage(PicturePage):
    """Three photos, and bars of precision below."""

    title = "Side by side"
    params_type = RtDetrParams
    engine = "engines.rt_detr.side_by_side.engine:Engine"
    asks = SideParams
    params: RtDetrParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.answer: Beside | None = None
        self.compared: Compared | None = None
        self.photos = [BoxView() for _ in NAMES]
        self.cards = []
        for name, view in zip(NAMES, self.photos, strict=True):
            view.export_name = name.lower().replace(" ", "-").replace("'", "")
            words.say(view, "setAccessibleName", name)
            self.cards.append(card(name, view))
        self.bars = Bars(pitch=30, widest="0.000", widest_note="0.000, 000 ms", least=120)
        words.say(self.bars, "setAccessibleName", "Precision of each")
        self._told = quiet("", wrap=True)
        self.bars_card = card("Precision of each", self.bars, foot=self._told)
        for one in self.waiting():
            one.set_empty("Reading model and photo" if one is self.cards[0] else "Waiting for the model")
        self.form = ParamsForm(self.params, FIELDS)
        photos = [(one, 1) for one in self.cards]
        self.lay(Rows((photos, [(self.bars_card, 1)]), (1, 0)), self.form)

    def waiting(self) -> Sequence[Card]:
        return *self.cards, self.bars_card

    # -- the contract
    @classmethod
    def accepts(cls, path: Path) -> bool:
        return path.is_dir() and is_boxes_folder(path)

    def take(self, paths: Sequence[Path]) -> None:
        if self.info is not None and self.info.toy:
            self.complain("This model sees drawn scenes only; it finds nothing in photos.")
        else:
            self.change(folder=str(paths[0]))

    def model_known(self, info: ModelInfo) -> None:
        self.answer = self.compared = None
        self.show_scene(self.form)
        self.bars_card.set_empty(
            "Waiting for the model"
            if info.toy
            else "Drop a folder of pictures with boxes (COCO, Pascal VOC or YOLO) to measure precision."
        )

    def show_params(self, _params: RtDetrParams) -> None:
        self.show_scene(self.form)
        self._draw_boxes()

    def draw(self, event: Event) -> None:
        if isinstance(event, Compared):
            self.compared = event
            self._draw_bars(event)
        if not isinstance(event, Beside) or self.info is None or self.shown is None:
            return
        self.answer = event
        for one, view, found in zip(self.cards, self.photos, event.sides, strict=True):
            one.set_empty(found.why)
            view.set_photo(self.shown.rgb)
        self._draw_boxes()

    # -- drawing
    def boxes_of(self, found: Side) -> list[Box]:
        """Those that pass the threshold; the worst at the bottom, below the true ones of a drawn scene."""
        assert self.info is not None
        assert self.shown is not None
        boxes = []
        if self.info.toy:
            for one, label in zip(self.shown.true_boxes.tolist(), self.shown.true_labels.tolist(), strict=True):
                boxes.append(truth(one, class_name(self.info.labels[label])))
        for at in np.flatnonzero(found.scores >= self.params.threshold)[::-1].tolist():
            label = int(found.labels[at])
            name = scored(class_name(found.classes[label]), float(found.scores[at]))
            boxes.append(detection(found.boxes[at].tolist(), name, label))
        return boxes

    def _draw_boxes(self) -> None:
        if self.answer is None:
            return
        for one, view, found in zip(self.cards, self.photos, self.answer.sides, strict=True):
            view.set_boxes(self.boxes_of(found))
            if found.why is not None:
                one.set_note("")
                continue
            passing = int((found.scores >= self.params.threshold).sum())
            one.set_note(
                Message(
                    "{n} {n:box|boxes}, {ms} ms",
                    {"n": passing, "ms": words.number(found.milliseconds, 0 if found.milliseconds >= 100 else 1)},
                )
            )

    def _draw_bars(self, found: Compared) -> None:
        if not len(found.ap):
            self.bars_card.set_empty("None of its pictures can be read.")
            return
        self.bars_card.set_empty(None)
        self.bars.set_bars(
            [
                Bar(Message(name), ((max(0.0, float(ap50)), "accent"),), precision(ap50),
                    f"{precision(ap)}, {words.number(float(ms), 0)} ms")
                for name, ap, ap50, ms in zip(found.names, found.ap, found.ap50, found.milliseconds, strict=True)
            ],
            1.0,
        )  # fmt: skip
        values = {"n": found.pictures - found.skipped, "all": found.of, "folder": found.folder}
        text = "AP50, AP and time for a picture, on {n} of {all} drawn scenes. Green above: objects."
        if found.folder:
            text = "AP50, AP and time for a picture, on {n} of {all} pictures of {folder}."
        told = Message(text, values)
        if found.left_out:
            left: dict[str, object] = {"told": told, "n": found.left_out, "first": found.first}
            told = Message("{told} {n} {n:annotation was|annotations were} left out. {first}", left)
        words.say(self._told, "setText", told)
