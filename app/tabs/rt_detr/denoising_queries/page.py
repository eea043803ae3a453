"""The page "Denoising queries": noised copies of the objects, and the mask that keeps their groups apart."""

from __future__ import annotations

from PySide6.QtGui import QMouseEvent

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.shell import Shell
from app.tabs.rt_detr.names import class_name, placed
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.boxes import Box, truth
from app.views.boxview import BoxView
from app.views.maskmap import MaskMap
from app.widgets import box, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.data.detector_training import object_name
from engines.rt_detr.denoising_queries.spec import NoisedScene, NoiseParams

GOOD, BAD = range(2)
SIGNS = ("+", "−")


class GroupMask(MaskMap):
    """Which query may see which; a click chooses one, and paints nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.export_name = "denoising-mask"

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.under(event.position())
        if cell is not None:
            self._choose(cell)

    def enter(self) -> bool:
        return False

    def written(self, value: float) -> str:
        return words.tr("is seen" if value else "is not seen")


class DenoisingPage(Page):
    """The scene with its copies, and the mask."""

    title = "Denoising queries"
    params_type = NoiseParams
    engine = "engines.rt_detr.denoising_queries.engine:Engine"
    params: NoiseParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.answer: NoisedScene | None = None
        self.scene, self.grid = BoxView(), GroupMask()
        self.scene.export_name = "noised-copies"
        self._said, self._told = quiet("", wrap=True), quiet("", wrap=True)
        words.say(self.scene, "setAccessibleName", "Noised copies of the objects")
        words.say(self.grid, "setAccessibleName", "Which query may see which")
        self.scene_card = card("Noised copies of the objects", self.scene, foot=self._said)
        self.grid_card = card("Which query may see which", self.grid, "row sees column", foot=self._told)
        self._copies: list[int] = []  # the denoising query of each box that is drawn; -1 for an object
        self.scene.clicked.connect(self._box_clicked)
        self.grid.clicked.connect(self._cell_clicked)
        self.form = ParamsForm(self.params, ("scene", "group", "groups", "box_noise", "label_noise", "seed"))
        cards = row((self.scene_card, 1), (self.grid_card, 1), gap=S3)
        self.lay(box(cards), self.form, resets=False)

    # -- the contract
    def show_params(self, params: NoiseParams) -> None:
        self.form.set_limits("group", 1, params.groups)
        self._draw_scene()

    def on(self, event: Event) -> None:
        if isinstance(event, NoisedScene):
            self.answer = event
            self.scene.set_photo(event.rgb)
            self._draw_scene()
            self._draw_mask(event)

    def retranslated(self) -> None:
        super().retranslated()
        self._draw_scene()

    # -- drawing
    @property
    def group(self) -> int:
        """The group whose copies are drawn, from 0."""
        return min(self.params.group, self.params.groups) - 1

    def _draw_scene(self) -> None:
        answer = self.answer
        if answer is None or self.group >= len(answer.boxes):
            return
        boxes: list[Box] = []
        self._copies = []
        links: list[tuple[int, int]] = []
        count = len(answer.true_labels)
        for at in range(count):
            name = {"letter": object_name(at), "name": class_name(answer.classes[int(answer.true_labels[at])])}
            boxes.append(truth(answer.true_boxes[at].tolist(), Message("{letter} {name}", name)))
            self._copies.append(-1)
        for kind in (BAD, GOOD):
            for at in range(count):
                label = class_name(answer.classes[int(answer.labels[self.group, kind, at])])
                tag = Message("{copy} {name}", {"copy": f"{SIGNS[kind]}{object_name(at)}", "name": label})
                token = "pred" if kind == GOOD else "text2"
                if kind == GOOD:
                    links.append((len(boxes), at))
                boxes.append(Box(*placed(answer.boxes[self.group, kind, at]), tag, token, False, kind == BAD))
                self._copies.append((2 * self.group + kind) * count + at)
        self.scene.set_boxes(boxes, links)
        words.say(
            self.scene_card, "set_note", Message("group {n} of {all}", {"n": self.group + 1, "all": len(answer.boxes)})
        )
        self._say(answer)

    def _say(self, answer: NoisedScene) -> None:
        if not len(answer.true_labels):
            words.say(self._said, "setText", "Without an object there are no copies.")
            return
        figures = {
            "good": words.number(float(answer.ious[:, GOOD].mean()), 2),
            "bad": words.number(float(answer.ious[:, BAD].mean()), 2),
            "n": int((answer.labels != answer.true_labels).sum()),
            "all": answer.labels.size,
        }
        words.say(self._said, "setText", Message(
            "Green: objects. Orange: good copies, each to find its object again; dashed: bad ones, to find nothing. "
            "IoU with the object: {good} and {bad} on average. Another class: {n} of {all} copies.",
            figures))  # fmt: skip

    def _draw_mask(self, answer: NoisedScene) -> None:
        size, count = len(answer.mask), len(answer.true_labels)
        copies = answer.labels.size
        names: list[str] = [
            f"{group + 1}{SIGNS[kind]}{object_name(at)}"
            for group in range(len(answer.boxes))
            for kind in (GOOD, BAD)
            for at in range(count)
        ] + [str(number + 1) for number in range(size - copies)]
        self.grid.set_values(answer.mask.astype(float), 2.0, 0.0)
        self.grid.set_tokens(names, names)
        blocked = (~answer.mask).nonzero()
        self.grid.set_blocked(list(zip(blocked[0].tolist(), blocked[1].tolist(), strict=True)))
        words.say(self._told, "setText", Message(
            "{copies} denoising queries, then {queries} queries. Hatched: never seen. A group sees itself and the "
            "queries; queries see no copy, for it would tell them the answer.",
            {"copies": copies, "queries": size - copies}))  # fmt: skip

    # -- hand
    def _box_clicked(self, index: object) -> None:
        copy = self._copies[index] if isinstance(index, int) and index < len(self._copies) else -1
        self.grid.set_at((copy, copy) if copy >= 0 else None)
        self.scene.set_at(index if isinstance(index, int) and copy >= 0 else -1)

    def _cell_clicked(self, cell: object) -> None:
        answer = self.answer
        if answer is None or not isinstance(cell, tuple):
            return
        row_at = int(cell[0])
        if row_at < answer.labels.size:
            group = row_at // (2 * len(answer.true_labels))
            if group != self.group:
                self.change(group=group + 1)
        self.scene.set_at(self._copies.index(row_at) if row_at in self._copies else -1)
