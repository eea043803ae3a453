"""What a view may ask of its window: to be pinned as A, and to be compared with that.

The window opens without the plots that a comparison draws with, so they are imported when the first is asked for.
"""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


class Pinning:
    """Of one window; its pins are in its session."""

    def is_pinned(self, view: QWidget) -> bool:
        """Whether there is an A of this view."""
        from app import comparing

        return comparing.pinned(view) is not None

    def pin(self, view: QWidget) -> None:
        """Keep a view as A."""
        from app import comparing

        comparing.pin(view)

    def compare(self, view: QWidget) -> None:
        """A, now and the difference side by side."""
        from app import comparing

        comparing.compare(view)
