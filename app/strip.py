"""The film strip under the header: the pictures that came in together, to choose from."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from app import theme

THUMB, SMALL = QSize(84, 56), QSize(42, 28)
AROUND = 8  #: px around a thumbnail


class PictureStrip(QListWidget):
    """Thumbnails in a row; arrows walk, a click chooses. Thumbnails arrive when they have been read.

    Signals
    -------
    chosen : Path
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "strip")
        self.setFlow(QListWidget.Flow.LeftToRight)
        self.setWrapping(False)
        self._size = THUMB
        self.setSpacing(2)
        self.setUniformItemSizes(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QListWidget.Shape.NoFrame)
        self.paths: list[Path] = []
        self.currentRowChanged.connect(self._changed)
        self._fit()

    def set_small(self, small: bool) -> None:
        """Thumbnails of half the size, where there is little height."""
        if small != (self._size == SMALL):
            self._size = SMALL if small else THUMB
            self._fit()

    def _fit(self) -> None:
        self.setIconSize(self._size)
        for at in range(self.count()):
            self.item(at).setSizeHint(self._size + QSize(AROUND, AROUND))
        self.setFixedHeight(self._size.height() + (3 if self._size == THUMB else 2) * AROUND)

    def fill(self, paths: list[Path]) -> None:
        """Show these files, the first of them chosen; nothing is emitted."""
        self.blockSignals(True)
        self.clear()
        self.paths = list(paths)
        for path in paths:
            item = QListWidgetItem()
            item.setToolTip(path.name)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, path.name)
            item.setSizeHint(self._size + QSize(AROUND, AROUND))
            empty = QPixmap(THUMB)
            empty.fill(theme.color("sunken"))
            item.setIcon(QIcon(empty))
            self.addItem(item)
        self.setCurrentRow(0)
        self.blockSignals(False)

    def put(self, path: Path, image: object) -> None:
        """Show a thumbnail."""
        if not isinstance(image, QImage) or path not in self.paths:
            return
        scaled = QPixmap.fromImage(image).scaled(
            THUMB, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
        )
        left, top = (scaled.width() - THUMB.width()) // 2, (scaled.height() - THUMB.height()) // 2
        self.item(self.paths.index(path)).setIcon(QIcon(scaled.copy(left, top, THUMB.width(), THUMB.height())))

    def remove(self, path: Path) -> None:
        """Take out a file that can't be read; what is marked stays so, and nothing is emitted."""
        if path in self.paths:
            self.blockSignals(True)
            self.takeItem(self.paths.index(path))
            self.blockSignals(False)
            self.paths.remove(path)

    def mark(self, path: Path | None) -> None:
        """Mark the picture that is shown without telling anybody; none, where it is not among these."""
        self.blockSignals(True)
        self.setCurrentRow(self.paths.index(path) if path in self.paths else -1)
        self.blockSignals(False)

    def _changed(self, row: int) -> None:
        if 0 <= row < len(self.paths):
            self.chosen.emit(self.paths[row])
