"""The page "Scene editor": palette, canvas with truth and predictions, list of detections."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import words
from app.arranged import Folding
from app.cards import card
from app.controls import Check
from app.params_form import ParamsForm
from app.sections import section
from app.shell import Shell
from app.sliders import ParamRow, Scale
from app.tabs.detr.boxes import centered, iou
from app.tabs.detr.layergrid import LayerGrid
from app.tabs.detr.model import with_model, with_picture
from app.tabs.detr.names import caption, class_name, exported, scored
from app.tabs.detr.scene import editing
from app.tabs.detr.scene.canvas import SceneCanvas
from app.tabs.detr.scene.palette import BackgroundStrip, PaletteButton, Swatches
from app.theme import BODY, S1, S3, SMALL
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.views.boxes import Box
from app.widgets import MenuButton, box, button, col, label, quiet, row
from app.words import Text
from engines.core.errors import Message
from engines.core.pictures import Picture
from engines.core.protocol import Event
from engines.detr.relevance.spec import RelevanceParams
from engines.detr.spec import (
    BACKGROUNDS,
    KINDS,
    MOST,
    TEXTURES,
    Detections,
    DetrParams,
    Drawing,
    ModelInfo,
    PictureShown,
    Shape,
    draw_background,
    render,
)

NAMES = {"plain": "Plain", "gradient": "Color gradient", "noisy": "Noise", "photo": "Photo-like"}
SURFACES = {"plain": "Plain", "stripes": "Stripes", "checks": "Checks", "dots": "Dots", "noise": "Noise"}
THUMB = 64  #: px
SIZES = Scale(editing.LEAST, editing.GREATEST, 0.01, 0, percent=True)
ANGLES = Scale(-180, 180, 1, 0, "°")


class ScenePage(Page):
    """The cards of the page and the controls of the chosen shape."""

    title = "Scene editor"
    params_type = RelevanceParams
    engine = "engines.detr.engine:Engine"
    asks = DetrParams
    takes_pictures = takes_models = True

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.info: ModelInfo | None = None
        self.pictured: PictureShown | None = None
        self.found: Detections | None = None
        self._drawing, self._rolls = Drawing(), 0
        self._photo: Picture | None = None
        self.canvas, self.list, self.film = SceneCanvas(), Bars(pitch=38, widest="0.00", widest_note=""), LayerGrid()
        self.backgrounds = BackgroundStrip()
        self.swatches = Swatches(editing.COLORS)
        self.texture = MenuButton([SURFACES[name] for name in TEXTURES], tip="Texture")
        tip = "Diameter relative to the scene's side. Trained on 17 to 52 %."
        self.size_row = ParamRow("Size", SIZES, editing.NEW_SIZE, tip=tip)
        self.angle_row = ParamRow("Rotation", ANGLES, 0, tip="Clockwise.")
        self.seen = Check("As the model sees it", tip="The scene at 96 × 96 pixels, the toy model's input")
        self.kinds = [PaletteButton(kind) for kind in KINDS]
        self._copy = button("Duplicate", "copy", "boxed", "Duplicate (Ctrl+D)", clicked=lambda: self.duplicate())
        self._front = button("To front", "up", "boxed", "In front of the other shapes", clicked=lambda: self.to_front())
        self._delete = button("Delete", "trash", "boxed", "Delete (Del)", clicked=lambda: self.remove())
        for one in (self._copy, self._front, self._delete):
            one.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._hint = quiet("Click a shape to edit it.", wrap=True)
        self._foot = label("", SMALL)
        tools = [
            button("Random scene", "rotate", "boxed", px=SMALL, clicked=self.roll),
            button(
                "Clear", "trash", "boxed", px=SMALL, clicked=lambda: self._do(replace(self._drawing, shapes=()), -1)
            ),
        ]
        self._canvas_card = card("Scene", self.canvas, tools=tools, foot=col(row(self._foot, 1), self.backgrounds))
        self._list_card = card("Detections", self.list)
        self._film_card = card("Boxes by decoder layer", self.film)
        self._palette_card = card("Add", box(col(*((one, 1) for one in self.kinds), gap=S1)))
        cards = (self._palette_card, self._canvas_card, self._list_card, self._film_card)
        self._arranged = Folding(cards, self._places)
        form = ParamsForm(self.params, ("threshold", "rule"))
        self.lay(self._arranged, self._shape_box(), form, box(section("View", self.seen)))
        self._connect()
        self._keys()
        words.say(self.list, "setAccessibleName", "Detections")
        self.list.set_empty(Message("There is no result yet."))
        self._choose(-1)

    def _places(self, width: int, height: int) -> list[QRect]:
        places = scene_places(width, height)
        spare = height - places[1].width() - 152 + 2 * S3  # px of the card that the square leaves to the strip
        self.backgrounds.setFixedHeight(min(132, max(82, spare)))
        return places

    def _shape_box(self) -> QWidget:
        """The dock's section for the chosen shape."""
        return box(
            section(
                "Selected shape",
                self._hint,
                self.swatches,
                row(label("Texture", BODY), 1, self.texture),
                self.size_row,
                self.angle_row,
                row((self._copy, 1), (self._front, 1), gap=S1),
                self._delete,
            )
        )

    def _connect(self) -> None:
        canvas = self.canvas
        canvas.began.connect(lambda _i: self.settle())
        canvas.finished.connect(lambda _i: self.settle())
        canvas.edited.connect(self._edited)
        canvas.selected.connect(self._choose)
        canvas.removed.connect(lambda _i: self.remove())
        self.swatches.chosen.connect(lambda i: self._set(color=editing.COLORS[i]))
        self.texture.chosen.connect(lambda i: self._set(texture=TEXTURES[i]))
        for field, name in ((self.size_row, "size"), (self.angle_row, "angle")):
            field.changed.connect(lambda value, name=name: self._set(False, **{name: float(value)}))
            field.settled.connect(lambda _v: self.settle())
        self.seen.toggled.connect(canvas.set_seen)
        self.backgrounds.chosen.connect(self._set_background)
        for one in self.kinds:
            one.clicked.connect(lambda _c=False, kind=one.kind: self.add(kind))
            one.held.connect(lambda kind, at: canvas.place(kind, QPointF(canvas.mapFromGlobal(at))))
            one.dropped.connect(canvas.drop)
            one.dropped.connect(canvas.setFocus)

    def _keys(self) -> None:
        for keys, act in (("Del", self.remove), ("Ctrl+D", self.duplicate)):
            shortcut = QShortcut(QKeySequence(keys), self._arranged)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    # -- acts
    def add(self, kind: str) -> None:
        """One more shape where there is room."""
        if len(self._drawing.shapes) < editing.ROOM:
            self._do(editing.added(self._drawing, kind), len(self._drawing.shapes))
            self.canvas.setFocus()

    def remove(self) -> None:
        """Delete the chosen shape."""
        if self._at() >= 0:
            self._do(editing.removed(self._drawing, self._at()), -1)

    def duplicate(self) -> None:
        """A copy of the chosen shape, chosen."""
        if self._at() >= 0 and len(self._drawing.shapes) < editing.ROOM:
            self._do(editing.duplicated(self._drawing, self._at()), len(self._drawing.shapes))

    def to_front(self) -> None:
        """The chosen shape in front of the others."""
        if self._at() >= 0:
            self._do(editing.raised(self._drawing, self._at()), len(self._drawing.shapes) - 1)

    def roll(self) -> None:
        """Another random scene; on a photo its shapes alone."""
        self._rolls += 1
        seed = zlib.crc32(repr((self._drawing, self._rolls)).encode()) % 100_000
        self._do(editing.another(seed), -1)

    def _do(self, drawing: Drawing, chosen: int) -> None:
        """An undo step of its own."""
        self.step(drawing=drawing)
        self.canvas.select(chosen)

    def _set(self, step: bool = True, **fields: Any) -> None:
        """Change the chosen shape; without ``step`` the hand is still on a slider."""
        if self._at() < 0:
            return
        shape = replace(self._drawing.shapes[self._at()], **fields)
        (self.step if step else self.change)(drawing=editing.put(self._drawing, self._at(), shape))

    def _set_background(self, index: int) -> None:
        if index >= len(BACKGROUNDS):
            return  # the photo itself
        name = BACKGROUNDS[index]
        again = self._photo is None and name == self._drawing.background
        new = replace(self._drawing, background=name, seed=self._drawing.seed + again)  # the same again: another one
        self.step(drawing=new, picture=None)  # a drawn background takes the photo's place

    def _edited(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self.change(drawing=drawing)

    def _at(self) -> int:
        return self.canvas.at()

    def _choose(self, index: int) -> None:
        chosen = 0 <= index < len(self._drawing.shapes)
        for control in (
            self.swatches,
            self.texture,
            self.size_row,
            self.angle_row,
            self._copy,
            self._front,
            self._delete,
        ):
            control.setEnabled(chosen)
        words.say(
            self._hint,
            "setText",
            "Click a shape to edit it." if not chosen else "Drag it, its corners, or its handle.",
        )
        if chosen:
            shape = self._drawing.shapes[index]
            self.size_row.set_scale(SIZES, shape.size)  # what it was when it was chosen is what a double-click restores
            self.angle_row.set_scale(ANGLES, editing.wrapped(shape.angle))
            self._show_shape(shape)
        else:
            self.swatches.set_at(-1)

    def _show_shape(self, shape: Shape) -> None:
        self.swatches.set_at(editing.COLORS.index(shape.color) if shape.color in editing.COLORS else -1)
        self.texture.set_at(TEXTURES.index(shape.texture))
        self.size_row.set_number(min(editing.GREATEST, max(editing.LEAST, shape.size)))
        self.angle_row.set_number(editing.wrapped(shape.angle))

    # -- the contract
    @classmethod
    def name(cls) -> str:
        return "scene"

    def escape(self) -> None:
        self.canvas.select(-1)

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        return with_picture(picture)

    def model_chosen(self, source: str) -> dict[str, Any]:
        return with_model(source)

    def exported(self) -> dict[str, object]:
        return exported(self.params, self.info, self.found)

    def caption(self) -> Iterable[Text]:
        return caption(self.params)

    def show_params(self, params: RelevanceParams) -> None:
        self.show_drawing(params.drawing, params.picture)
        self._show_elsewhere()

    def on(self, event: Event) -> None:
        match event:
            case ModelInfo():
                self.info = event
                self._show_elsewhere()
            case PictureShown():
                self.pictured = event
            case Detections():
                self.found = event
                if self.info is not None and self.pictured is not None:
                    self.show_detections(self.info, self.pictured, event)

    # -- what is drawn
    def show_drawing(self, drawing: Drawing, photo: Picture | None) -> None:
        """The drawing as the settings have it."""
        fresh = (
            drawing.seed != self._drawing.seed
            or photo is not self._photo
            or not self.backgrounds.numbers()["captions"].size
        )
        self._drawing, self._photo = drawing, photo
        self.canvas.set_drawing(drawing, None if photo is None else photo.rgb)
        if fresh:
            self._show_backgrounds()
        self.backgrounds.set_at(len(BACKGROUNDS) if photo is not None else BACKGROUNDS.index(drawing.background))
        if 0 <= self._at() < len(drawing.shapes):
            self._show_shape(drawing.shapes[self._at()])
        for one in self.kinds:
            one.setEnabled(len(drawing.shapes) < editing.ROOM)

    def _show_backgrounds(self) -> None:
        seed = self._drawing.seed
        pictures = [draw_background(Drawing((), name, seed), THUMB) for name in BACKGROUNDS]
        captions = [Message(NAMES[name]) for name in BACKGROUNDS]
        if self._photo is not None:
            pictures.append(render((), self._photo.rgb, THUMB)[0])
            captions.append(Message("Your photo"))
        self.backgrounds.set_photos([np.ascontiguousarray(picture) for picture in pictures], captions)

    def _show_elsewhere(self) -> None:
        """A real model with a photo looks at the photo and not at the scene: say so and offer the way back."""
        away = self.info is not None and not self.info.toy and self.params.picture is not None
        self._palette_card.setEnabled(not away)
        if away:
            look = lambda: self.step(picture=None)  # noqa: E731
            self._canvas_card.set_empty("This model's input is the photo, not the scene.", "Use the scene", look)
        else:
            self._canvas_card.set_empty(None)

    def show_detections(self, info: ModelInfo, shown: PictureShown, found: Detections) -> None:
        """What the model finds: boxes on the canvas, a list, the layers."""
        height, width = shown.rgb.shape[:2]
        size = np.array([width, height, width, height], np.float32)
        passing = np.flatnonzero(found.passes)
        order = passing[np.argsort(-found.scores[passing], kind="stable")]
        boxes, scores = found.boxes[order] / size, found.scores[order]
        kinds = [KINDS.index(info.labels[i]) if info.labels[i] in KINDS else -1 for i in found.labels[order].tolist()]
        names = [class_name(info.labels[i]) for i in found.labels[order].tolist()]
        self.canvas.set_found(boxes, [scored(name, float(score)) for name, score in zip(names, scores, strict=True)])
        hits = editing.found(boxes, np.array(kinds, np.int64), shown.true_boxes / size, shown.true_labels)
        true, overlap = len(shown.true_boxes), iou(boxes, shown.true_boxes / size)
        bars = [
            Bar(
                name,
                ((float(score), "pred"),),
                words.number(float(score), 2),
                f"IoU {words.number(float(overlap[i, hits[i]]), 2)}" if hits[i] >= 0 else words.tr("no match"),
            )
            for i, (name, score) in enumerate(zip(names, scores, strict=True))
        ]
        self.list.set_empty(Message("No detection passes the threshold."))
        self.list.set_bars(bars, top=1.0)
        right = sum(hit >= 0 for hit in hits)
        self._list_card.set_note("{right} of {true} found" if true else "", right=right, true=true)
        over = len(self._drawing.shapes) > MOST
        crowd = "Trained on up to {n} shapes; this scene has {count}." if over else "Green: drawn. Orange: detected."
        words.say(self._foot, "setText", crowd, n=MOST, count=len(self._drawing.shapes))
        self._show_film(shown, found, size)

    def _show_film(self, shown: PictureShown, found: Detections, size: np.ndarray) -> None:
        frames = [
            [Box(*centered(found.layer_boxes[i, q] / size), token="pred") for q in np.flatnonzero(passes).tolist()]
            for i, passes in enumerate(found.layer_passes)
        ]
        name = "Layer {n}" if len(frames) <= 3 else "L{n}"
        captions = [Message(name, {"n": i + 1}) for i in range(len(frames))]
        self.film.set_frames(shown.rgb, frames, captions, [str(len(frame)) for frame in frames])


def scene_places(width: int, height: int) -> list[QRect]:
    """Places of palette, canvas, detections, film."""
    palette, least_list, around = 92, 256, (2 * S3, 176)
    side = min(height - around[1], width - palette - least_list - 2 * S3 - around[0])
    canvas = side + around[0]
    left = palette + S3
    right = left + canvas + S3
    upper = round(0.54 * (height - S3))
    return [
        QRect(0, 0, palette, height),
        QRect(left, 0, canvas, height),
        QRect(right, 0, width - right, upper),
        QRect(right, upper + S3, width - right, height - upper - S3),
    ]
