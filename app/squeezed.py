"""How low cards can be made."""

from __future__ import annotations

from typing import cast

from PySide6.QtWidgets import QBoxLayout, QGridLayout, QLayout, QLayoutItem, QStackedLayout

BESIDE = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.RightToLeft


def least_height(layout: QLayout, width: int) -> int:
    """Height in px, at a width, down to which a layout can be squeezed with nothing in it below its least size.

    Where words wrap, Qt takes the height that a widget with a layout would like for the least that it needs, and so
    asks for up to half more than that. Rows that get less than they ask for are made smaller by Qt from the highest on,
    until they are as high as each other; so each is given the height of the one that needs most.
    """
    margins = layout.contentsMargins()
    inner = width - margins.left() - margins.right()
    around = margins.top() + margins.bottom()
    items = [item for i in range(layout.count()) if (item := layout.itemAt(i)) is not None and not item.isEmpty()]
    beside = layout.direction() in BESIDE if isinstance(layout, QBoxLayout) else isinstance(layout, QStackedLayout)
    if beside:
        whole = isinstance(layout, QStackedLayout)
        return around + max((_need(item, inner if whole else item.geometry().width())[0] for item in items), default=0)
    if isinstance(layout, QGridLayout):
        rows: dict[int, list[tuple[int, int]]] = {}
        for i in range(layout.count()):
            item, place = layout.itemAt(i), cast(tuple[int, int, int, int], layout.getItemPosition(i))
            if item is not None and not item.isEmpty():
                rows.setdefault(place[0], []).append(_need(item, item.geometry().width()))
        found = [(max(one[0] for one in row), max(one[1] for one in row)) for row in rows.values()]
        gap = layout.verticalSpacing()
    elif isinstance(layout, QBoxLayout):
        found, gap = [_need(item, inner) for item in items], layout.spacing()
    else:
        return layout.totalMinimumHeightForWidth(width)
    level = max((need for need, _ in found), default=0)
    return around + max(0, len(found) - 1) * gap + sum(max(need, min(asked, level)) for need, asked in found)


def _need(item: QLayoutItem, width: int) -> tuple[int, int]:
    """The height that an item needs at a width, and the height that Qt takes for it."""
    if not item.hasHeightForWidth():
        least = item.minimumSize().height()
        return least, least
    widget, asked = item.widget(), item.minimumHeightForWidth(width)
    inner = item.layout() if widget is None else widget.layout()
    if inner is None:
        return asked, asked
    return max(0 if widget is None else widget.minimumHeight(), least_height(inner, width)), asked
