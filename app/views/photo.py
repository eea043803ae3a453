"""A photo that zooms at the pointer or into a rectangle and pans by drag; base of the views that draw on one."""

from __future__ import annotations

import numpy as np
from PIL import Image
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QApplication, QGraphicsItem, QGraphicsRectItem, QWidget

from app import theme
from app.plots.mapimage import MapImage, PhotoImage
from app.views.base import PixelView, pen, rgb_image

WORKING = 1600  # px, longest side of the copy that is painted
MAX_ZOOM = 32.0
LEAST_CELL = 4  # px, so that a patch of a very thin picture can be hit

PANS = (
    Qt.MouseButton.LeftButton | Qt.MouseButton.MiddleButton
)  #: the middle one where the left one means something else


def dimmed(rgb: np.ndarray, brightness: float = 0.88, saturation: float = 0.30) -> np.ndarray:
    """The photo under a map: darker and grayer. uint8 (h, w, 3) in and out."""
    keep, mix = brightness * saturation, brightness * (1 - saturation)
    gray = np.array([0.299, 0.587, 0.114])
    matrix = np.column_stack([keep * np.eye(3) + mix * gray, np.zeros(3)])
    return np.asarray(Image.fromarray(rgb).convert("RGB", tuple(matrix.ravel())))


def working_copy(rgb: np.ndarray, longest: int = WORKING) -> np.ndarray:
    """At most ``longest`` pixels a side, smoothly scaled; a picture of 100 megapixels is thinned first."""
    height, width = rgb.shape[:2]
    step = max(1, max(height, width) // (3 * longest))
    rgb = np.ascontiguousarray(rgb[::step, ::step])
    if max(height, width) <= longest:
        return rgb
    scaled = rgb_image(rgb).scaled(
        max(1, round(width * longest / max(height, width))),
        max(1, round(height * longest / max(height, width))),
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    scaled = scaled.convertToFormat(QImage.Format.Format_RGB888)
    flat = np.frombuffer(scaled.constBits(), np.uint8).reshape(scaled.height(), scaled.bytesPerLine())
    return flat[:, : 3 * scaled.width()].reshape(scaled.height(), scaled.width(), 3).copy()


def overlay_ramp(name: str, opacity: float) -> np.ndarray:
    """A ramp to lay over a photo, uint8 (256, 4): low weight leaves the photo clear."""
    share = np.arange(256) / 255
    strength = np.abs(2 * share - 1) if name == "diff" else share
    alpha = np.rint(255 * opacity * np.minimum(1, 1.3 * strength)).astype(np.uint8)
    return np.ascontiguousarray(np.concatenate([theme.ramp(name), alpha[:, None]], 1))


class PhotoView(PixelView):
    """Holds a photo and the way from its pixels to the screen's.

    A grid of cells may lie over a rectangle of the photo; then cells take whole screen pixels, all of one size,
    and the photo's scale follows from that (it may differ from true by less than half a pixel per cell).

    The photo is one picture, and a map over it another; the rest is painted above both.
    """

    DIM = False  #: the photo is darker and grayer, for there is a map over it

    def __init__(self, low: tuple[int, int] = (240, 160)) -> None:
        super().__init__(low)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._rgb = np.zeros((1, 1, 3), np.uint8)
        self._bright = self._dim = rgb_image(self._rgb)
        self._scaled: dict[tuple[int, int, int], QImage] = {}
        self._sight = QGraphicsRectItem()  # nothing is seen beyond
        self._sight.setPen(Qt.PenStyle.NoPen)
        self._sight.setFlag(QGraphicsItem.GraphicsItemFlag.ItemClipsChildrenToShape)
        self._photo_image, self._map_image = PhotoImage(), MapImage()
        for item in (self._photo_image, self._map_image):
            item.setParentItem(self._sight)
        self._map_image.hide()
        self.put_below(self._sight)
        self._corner: QPointF | None = None  # of the rectangle to zoom into
        self.rubber_band = QGraphicsRectItem()
        self.rubber_band.setZValue(self.painting.zValue() + 1)
        self.rubber_band.hide()
        self.scene().addItem(self.rubber_band)
        self._grid = (0, 0)  # rows, cols; (0, 0) = none
        self._area = QRectF(0, 0, 1, 1)  # of the grid, photo pixels
        self._top_band = 0  # px kept free above the photo
        self.zoom = 1.0
        self._base = (1.0, 1.0)  # screen pixels per photo pixel at zoom 1
        self._origin = QPointF(0, 0)  # of the photo on the screen
        self._middle: QPointF | None = None  # photo point kept in the middle while zoomed
        self._press: QPointF | None = None
        self._panning = False
        self.reserve = 0  # px of the window's height that the picture leaves to its neighbors; 0 = no say

    # -- content
    def set_photo(self, rgb: np.ndarray) -> None:
        """Show a photo, uint8 (h, w, 3). The view goes back to the whole picture."""
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
            raise ValueError(f"photo must be uint8 (h, w, 3), not {rgb.dtype} {rgb.shape}")
        if rgb is self._rgb:
            return
        self._rgb = rgb
        copy = working_copy(rgb)
        self._bright, self._dim = rgb_image(copy), rgb_image(dimmed(copy))
        self._scaled.clear()
        self.zoom, self._middle = 1.0, None
        self._area = QRectF(0, 0, rgb.shape[1], rgb.shape[0])
        self.updateGeometry()
        self.renew()

    def photo_size(self) -> tuple[int, int]:
        """Width and height of the photo in its own pixels."""
        return self._rgb.shape[1], self._rgb.shape[0]

    # -- places
    def _scales(self, width: float, height: float) -> tuple[float, float]:
        """Screen pixels per photo pixel at zoom 1."""
        wide, high = self.photo_size()
        scale = min(width / wide, height / high)
        rows, cols = self._grid
        if not rows or not cols:
            return max(scale, min(width, 8) / wide), max(scale, min(height, 8) / high)
        cell_w, cell_h = self._area.width() / cols, self._area.height() / rows
        k_x = int(scale * cell_w + 1e-6)
        k_y = round(k_x * cell_h / cell_w)
        while k_x > 1 and k_y * high / cell_h > height + 1e-6:
            k_x -= 1
            k_y = round(k_x * cell_h / cell_w)
        k_x = max(k_x, min(LEAST_CELL, int(width * cell_w / wide)))
        k_y = max(k_y, min(LEAST_CELL, int(height * cell_h / high)))
        return (k_x / cell_w if k_x else scale), (k_y / cell_h if k_y else scale)

    def arrange(self, width: int, height: int) -> None:
        self._place(width, height)

    def _place(self, width: int, height: int) -> None:
        room_w, room_h = max(1, width), max(1, height - self._top_band)
        self._base = self._scales(room_w, room_h)
        wide, high = self.photo_size()
        s_x, s_y = self.scales()
        whole_w, whole_h = wide * s_x, high * s_y
        middle = self._middle or QPointF(wide / 2, high / 2)
        x = (room_w - whole_w) / 2 if whole_w <= room_w else room_w / 2 - middle.x() * s_x
        y = (room_h - whole_h) / 2 if whole_h <= room_h else room_h / 2 - middle.y() * s_y
        if whole_w > room_w:
            x = min(0.0, max(room_w - whole_w, x))
        if whole_h > room_h:
            y = min(0.0, max(room_h - whole_h, y))
        # The grid's corner, not the photo's, stands on a whole pixel.
        x = round(x + self._area.x() * s_x) - self._area.x() * s_x
        y = round(y + self._area.y() * s_y) - self._area.y() * s_y
        self._origin = QPointF(x, y + self._top_band)

    def scales(self) -> tuple[float, float]:
        """Screen pixels per photo pixel now."""
        return self._base[0] * self.zoom, self._base[1] * self.zoom

    def to_screen(self, place: QRectF) -> QRectF:
        """Photo pixels to screen pixels."""
        s_x, s_y = self.scales()
        return QRectF(
            self._origin.x() + place.x() * s_x,
            self._origin.y() + place.y() * s_y,
            place.width() * s_x,
            place.height() * s_y,
        )

    def to_photo(self, point: QPointF) -> QPointF:
        """A screen point in photo pixels."""
        s_x, s_y = self.scales()
        return QPointF((point.x() - self._origin.x()) / s_x, (point.y() - self._origin.y()) / s_y)

    def photo_rect(self) -> QRectF:
        """Where the whole photo stands on the screen."""
        self.arranged()
        return self.to_screen(QRectF(0, 0, *self.photo_size()))

    def shown_rect(self) -> QRectF:
        """The part of it that is within the widget."""
        return self.photo_rect().intersected(QRectF(0, self._top_band, self.width(), self.height() - self._top_band))

    # -- painting
    def dims(self) -> bool:
        """Whether the photo is darker and grayer now."""
        return self.DIM

    def seen_rect(self) -> QRectF:
        """Where photo and map are seen."""
        return QRectF(0, self._top_band, self.width(), self.height() - self._top_band)

    def lay(self) -> None:
        """Put the photo, and the map over it, where they belong."""
        if self._sight.rect() != self.seen_rect():
            self._sight.setRect(self.seen_rect())
        place = self.photo_rect()
        self._photo_image.show_photo(self._fitted(self._dim if self.dims() else self._bright, place), place)
        if self._map_image.isVisible():
            self._map_image.stand(self.to_screen(self._area))

    def prepare(self) -> None:
        self.arranged()
        self.lay()
        super().prepare()

    def _fitted(self, image: QImage, place: QRectF) -> QImage:
        """The photo as it is painted: no larger than its copy it is scaled and converted once and kept."""
        ratio = self.devicePixelRatioF()
        wide, high = round(place.width() * ratio), round(place.height() * ratio)
        if not (0 < wide <= image.width() and 0 < high <= image.height()):
            return image
        key = (image.cacheKey(), wide, high)
        if key not in self._scaled:
            if len(self._scaled) > 3:
                self._scaled.clear()
            self._scaled[key] = image.scaled(
                wide, high, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            ).convertToFormat(QImage.Format.Format_RGB32)  # as the window has it: painted by copying
        return self._scaled[key]

    def draw(self, painter: QPainter) -> None:
        self.draw_photo(painter, self.dims())

    def draw_photo(self, painter: QPainter, dim: bool) -> None:
        """What a subclass paints over the photo, below all else."""

    # -- zoom and pan
    def fit(self) -> None:
        """Whole picture."""
        self.zoom, self._middle = 1.0, None
        self.renew()

    def set_zoom(self, zoom: float, at: QPointF) -> None:
        """Zoom so that the photo point under ``at`` (screen) stays there; cells keep whole pixels."""
        self.arranged()
        zoom = min(MAX_ZOOM, max(1.0, zoom))
        rows, cols = self._grid
        if rows and cols and zoom > 1:
            cell = self._base[0] * self._area.width() / cols
            if cell >= 1:
                zoom = max(1.0, round(cell * zoom) / cell)
        fixed = self.to_photo(at)
        self.zoom = zoom
        s_x, s_y = self.scales()
        room_h = self.height() - self._top_band
        self._middle = QPointF(
            fixed.x() + (self.width() / 2 - at.x()) / s_x,
            fixed.y() + (room_h / 2 + self._top_band - at.y()) / s_y,
        )
        if zoom == 1:
            self._middle = None
        self.renew()

    def zoom_into(self, place: QRectF) -> None:
        """Bring a rectangle of the screen as near as all of it fits."""
        self.arranged()
        middle = self.to_photo(place.center())
        factors = self.width() / max(1.0, place.width()), (self.height() - self._top_band) / max(1.0, place.height())
        self.set_zoom(self.zoom * min(factors), place.center())
        if self.zoom > 1:
            self._middle = middle
        self.renew()

    def _stretch_to(self, point: QPointF) -> bool:
        """Draw the rectangle to zoom into, from where the button went down; False while it is none yet."""
        if self._corner is None:
            return False
        moved = point - self._corner
        if not self.rubber_band.isVisible() and moved.manhattanLength() < QApplication.startDragDistance():
            return False
        self.rubber_band.setPen(pen(theme.color("accent")))
        self.rubber_band.setBrush(theme.color("accent", 40))
        self.rubber_band.setRect(QRectF(self._corner, point).normalized())
        self.rubber_band.show()
        return True

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / 120
        if steps:
            self.set_zoom(self.zoom * 1.25**steps, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left, right = (event.button() == each for each in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton))
        if right or (left and event.modifiers() & Qt.KeyboardModifier.ShiftModifier):
            self._corner = event.position()
        if left or event.button() == Qt.MouseButton.MiddleButton:
            self._press, self._panning = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not event.buttons():
            self._corner = None  # let go elsewhere
        if self._stretch_to(event.position()):
            return
        if self._press is not None and event.buttons() & PANS:
            moved = event.position() - self._press
            far = moved.manhattanLength() >= QApplication.startDragDistance()
            if self.zoom > 1 and (self._panning or far):
                self._panning = True
                s_x, s_y = self.scales()
                self.arranged()
                middle = self.to_photo(QPointF(self.width() / 2, (self.height() + self._top_band) / 2))
                self._middle = QPointF(middle.x() - moved.x() / s_x, middle.y() - moved.y() / s_y)
                self._press = event.position()
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
                self.renew()
                return
        self.point_at(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._corner = None
        if self.rubber_band.isVisible():
            self.rubber_band.hide()
            self._press = None
            self.zoom_into(self.rubber_band.rect())
        elif event.button() & PANS and self._press is not None:
            if self._panning:
                self.unsetCursor()
            elif event.button() == Qt.MouseButton.LeftButton:
                self.click_at(event.position())
            self._press, self._panning = None, False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.zoom > 1:
            self.fit()
        else:
            self.mousePressEvent(event)

    def leaveEvent(self, _event: object) -> None:
        self.point_at(None)

    # -- for subclasses
    def point_at(self, point: QPointF | None) -> None:
        """The pointer is at a screen point, or gone."""

    def click_at(self, point: QPointF) -> None:
        """A click that was no drag."""

    # -- size
    def window_height(self) -> int:
        """Of the window, without what a bar or a film strip above the cards takes of it."""
        above: QWidget | None = self.parentWidget()
        while above is not None and not hasattr(above, "lost"):
            above = above.parentWidget()
        return self.window().height() - (0 if above is None else above.lost)

    def hasHeightForWidth(self) -> bool:
        return self.reserve > 0

    def heightForWidth(self, width: int) -> int:
        if not self.reserve:
            return -1  # a stacked layout asks all the same
        _wide, high = self.photo_size()
        room = max(self.minimumHeight(), self.window_height() - self.reserve)
        _, s_y = self._scales(width, room - self._top_band)
        return max(self.minimumHeight(), int(high * s_y) + self._top_band)
