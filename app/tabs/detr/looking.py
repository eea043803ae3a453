"""Where the Detect page looks from: a query, or a place of the picture that is pointed at or pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.tabs.detr.pages import cell_center

if TYPE_CHECKING:
    from app.tabs.detr.tab import DetrTab

Place = tuple[float, float]
QUERY, PLACE = range(2)
EDGE = 0.999  #: a place as far right or down as one can be


class Looking:
    """Brings the pointer's place into the settings, and gives it back to the pinned one.

    Attributes
    ----------
    pin : (x, y) or None
        Place of the picture, as shares, while places are looked at.
    """

    def __init__(self, tab: DetrTab) -> None:
        self._tab = tab
        self.pin: Place | None = None
        page = tab.detect
        page.photo.pointed.connect(self._pointed)
        page.photo.pinned.connect(self._pinned)
        page.look.chosen.connect(lambda _i: self._changed())

    @property
    def at_places(self) -> bool:
        """Whether places are looked at."""
        return self._tab.detect.look.at() == PLACE

    def let_go(self) -> bool:
        """Back to the query; False if it is the query already."""
        if not self.at_places:
            return False
        self._tab.detect.look.set_at(QUERY)
        self._changed()
        return True

    def forget(self) -> None:
        """Another picture or model: a pinned place belongs to the old one."""
        page = self._tab.detect
        self.pin = None
        page.look.set_at(QUERY)
        page.photo.pins = False
        page.photo.set_cross(None)

    def _changed(self) -> None:
        self.pin = self._middle() if self.at_places else None
        self._look_from(self.pin)

    def _middle(self) -> Place:
        """The middle of the query's box."""
        found, shown = self._tab.found, self._tab.pictured
        if found is None or shown is None:
            return 0.5, 0.5
        x0, y0, x1, y1 = found.boxes[found.query].tolist()
        height, width = shown.rgb.shape[:2]
        return min(EDGE, max(0.0, (x0 + x1) / 2 / width)), min(EDGE, max(0.0, (y0 + y1) / 2 / height))

    def _pointed(self, place: Place | None) -> None:
        if self.at_places:
            self._look_from(place or self.pin)

    def _pinned(self, place: Place) -> None:
        self.pin = place
        self._look_from(place)

    def _look_from(self, place: Place | None) -> None:
        tab = self._tab
        tab.detect.photo.pins = self.at_places
        tab.detect.photo.set_cross(self.pin)
        if tab.pictured is None or tab.found is None:
            return
        height, width = tab.pictured.rgb.shape[:2]
        pixel = None if place is None else cell_center(place[0] * width, place[1] * height, tab.found)
        tab.change(undoable=False, pixel=pixel)
        tab.draw_again()
