"""Pages of the DETR tab that have work of their own, and what all its pages write into exported files."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QKeyEvent

from app import words
from app.stream import Stream
from app.tab import Page, TopicTab
from app.tabs.detr.names import picture_name
from app.views.base import PixelView
from engines.checkpoints import catalog
from engines.core.errors import Message
from engines.core.lane import Lane
from engines.core.protocol import Ended, Engine, Event
from engines.detr.spec import Detections, DetrParams, ModelInfo, PictureShown

PAUSE = 400  #: ms without a request that count as rest
REAL = "facebook/detr-resnet-50"


class SidePage(QObject):
    """A page beside "Detect" and "Scene editor": it has its own stream or none, and the tab tells it what it knows.

    Parameters
    ----------
    tab : TopicTab
        Takes changes (`TopicTab.change`), says notes and errors.

    Signals
    -------
    rested
        Computations of its own are done, and the hand rests: what they displaced may go on.
    """

    rested = Signal()

    def __init__(self, tab: TopicTab) -> None:
        super().__init__(tab)
        self.tab = tab
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(self.rested)

    def watch(self, stream: Stream) -> None:
        """Tell `rested` once this stream of the page has been at rest for a while: a hand in mid-drag is not."""
        stream.busy.connect(lambda busy: self._pause.stop() if busy else self._pause.start())
        stream.arrived.connect(lambda event: self._ended(event, stream.is_busy))

    def _ended(self, event: Event, busy: bool) -> None:
        if not isinstance(event, Ended):
            return
        if event.error is not None:
            self.tab.complain(event.error)
            self.tab.shell.log(event)
        elif event.cancelled and not busy:
            self.displaced()

    def displaced(self) -> None:
        """Another request took the place of the page's own before it was served."""

    def page(self) -> Page:
        """Build it; called once."""
        raise LookupError(f"{type(self).__name__} builds no page")

    def show_params(self, params: DetrParams) -> None:
        """The settings have changed."""

    def show_model(self, info: ModelInfo, shown: PictureShown, found: Detections) -> None:
        """The newest answer of the model; told while the page is on screen, and again when it is turned to."""

    def turned_to(self) -> None:
        """It came on screen."""

    def picture_chosen(self) -> None:
        """Another picture is on its way to the model."""

    def left(self) -> None:
        """Another page is turned to."""

    def escape(self) -> bool:
        """Esc; False where there was nothing to let go."""
        return False

    def take_key(self, event: QKeyEvent) -> bool:
        """A key while the page is on screen; True where it was meant for it."""
        return False

    def takes_path(self, path: Path) -> bool:
        """Whether a file or folder dropped on the tab is for this page."""
        return False

    def take_paths(self, paths: Sequence[Path]) -> None:
        """Use what `takes_path` said yes to; the page is on screen."""

    def reworded(self) -> None:
        """The language was switched: make texts anew that were made from numbers."""

    def views(self) -> Sequence[PixelView]:
        """What can be exported, for the settings that go along."""
        return ()


def use_real(tab: TopicTab) -> None:
    """Use the real DETR, fetching it first where it is not at hand."""
    if catalog.describe(REAL).ready:
        tab.take_model(REAL)
    else:
        tab.shell.download(REAL)


def lab_stream(lane: Lane, parent: QObject) -> Stream:
    """A stream to the engine of the labs."""

    def make() -> Engine[Any]:
        made: Engine[Any] = importlib.import_module("engines.detr.lab_engine").LabEngine()
        return made

    return Stream(lane, make, parent=parent)


def export_settings(params: DetrParams, info: ModelInfo | None, found: Detections | None) -> dict[str, object]:
    """The settings that go into every exported file."""
    apart = ("picture", "drawing", "heads_off", "matching", "crowd", "training", "weights", "paint")
    drawing = params.drawing
    scene = params.picture is None or (info is not None and info.toy)
    shapes = {"background": drawing.background, "seed": drawing.seed, "shapes": [vars(s) for s in drawing.shapes]}
    return {
        **{name: value for name, value in vars(params).items() if name not in apart},
        "heads_off": [vars(one) for one in params.heads_off],
        "model": info.title if info else params.source,
        "picture": words.tr(picture_name(params.picture)),
        "query": 0 if found is None else found.query + 1,
        "painted": params.paint.painted,
        **({"drawing": shapes} if scene else {}),
    }


def cell_center(x: float, y: float, found: Detections) -> tuple[float, float]:
    """The middle of the feature map's cell under a point: moving within a cell asks for nothing new."""
    left, top, right, bottom = found.extent
    rows, cols = found.cross.shape[-2:]
    wide, high = (right - left) / cols, (bottom - top) / rows
    col, row = math.floor((x - left) / wide), math.floor((y - top) / high)
    return left + (min(max(col, 0), cols - 1) + 0.5) * wide, top + (min(max(row, 0), rows - 1) + 0.5) * high


def real_offer() -> Message:
    """What the button for the real model says."""
    known = catalog.describe(REAL)
    if known.ready:
        return Message("Use DETR-R50")
    return Message("Get DETR-R50 ({size} MB)", {"size": words.number(known.size_mb)})
