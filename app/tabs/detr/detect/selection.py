"""Where the page looks from: a query, or a place of the photo that is pointed at or pinned."""

from __future__ import annotations

from typing import TypeAlias

from PySide6.QtCore import QObject, QPointF, Signal

from app import words
from app.views.boxview import BoxView
from app.widgets import Segments

Place: TypeAlias = tuple[float, float]
QUERY, PLACE = range(2)
EDGE = 0.999  #: a place as far right or down as one can be


class AttendedPhoto(BoxView):
    """A photo with boxes whose pixels can be pinned too.

    Signals
    -------
    pinned : (x, y)
        A place was clicked, as shares of the photo, while places are what is looked at.
    """

    pinned = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.pins = False
        words.say(self, "setAccessibleName", "Photo, boxes, scores")

    def click_at(self, point: QPointF) -> None:
        if not self.pins:
            super().click_at(point)
            return
        at, (width, height) = self.to_photo(point), self.photo_size()
        if 0 <= at.x() < width and 0 <= at.y() < height:
            self.pinned.emit((at.x() / width, at.y() / height))


class Selection(QObject):
    """Follows the pointer over the photo, and goes back to the pinned place.

    Attributes
    ----------
    look : Segments
        Cross-attention of a query, or encoder self-attention of a place.
    pin : (x, y) or None
        Place of the photo, as shares, while places are looked at.

    Signals
    -------
    moved : (x, y) or None
        The place that is looked from; None for the query.
    """

    moved = Signal(object)

    def __init__(self, photo: AttendedPhoto) -> None:
        super().__init__(photo)
        self._photo = photo
        self._middle: Place = (0.5, 0.5)
        self.pin: Place | None = None
        self.look = Segments(
            ("Cross-attention", "Encoder"),
            tips=(
                "Where the selected query attends on the photo",
                "Encoder attention of the position under the pointer",
            ),
        )
        photo.pointed.connect(self._pointed)
        photo.pinned.connect(self._pinned)
        self.look.chosen.connect(lambda _i: self._changed())

    @property
    def at_places(self) -> bool:
        """Whether places are looked at."""
        return self.look.at() == PLACE

    def aim(self, x: float, y: float) -> None:
        """The middle of the query's box, as shares of the photo: where looking at places begins."""
        self._middle = min(EDGE, max(0.0, x)), min(EDGE, max(0.0, y))

    def let_go(self) -> bool:
        """Back to the query; False if it is the query already."""
        if not self.at_places:
            return False
        self.look.set_at(QUERY)
        self._changed()
        return True

    def forget(self) -> None:
        """Another picture or model: a pinned place belongs to the old one."""
        self.pin = None
        self._middle = (0.5, 0.5)
        self.look.set_at(QUERY)
        self._photo.pins = False
        self._photo.set_cross(None)

    def _changed(self) -> None:
        self.pin = self._middle if self.at_places else None
        self._look_from(self.pin)

    def _pointed(self, place: Place | None) -> None:
        if self.at_places:
            self._look_from(place or self.pin)

    def _pinned(self, place: Place) -> None:
        self.pin = place
        self._look_from(place)

    def _look_from(self, place: Place | None) -> None:
        self._photo.pins = self.at_places
        self._photo.set_cross(self.pin)
        self.moved.emit(place)
