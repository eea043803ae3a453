"""ViT and DETR as a picture whose blocks are doors."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtTest import QTest

from app import theme
from app.topics import topic, topics
from app.views.blocks import BlockView
from tests.app import reading

DRAWN = [one for one in topics() if one.architecture]


def test_vit_and_detr_have_one():
    assert {one.name for one in DRAWN} >= {"vit", "detr"}


@pytest.mark.parametrize("name", [one.name for one in DRAWN])
@pytest.mark.parametrize("size", [(1000, 640), (780, 430)])
def test_blocks_name_pages_and_stand_apart(name, size, qtbot):
    blocks = topic(name).architecture
    view = BlockView(blocks)
    qtbot.addWidget(view)
    view.resize(*size)
    pages = {kind.name() for kind in topic(name).page_classes()}
    assert {block.page for block in blocks} <= pages
    places = [view.place(i) for i in range(len(blocks))]
    for i, one in enumerate(places):
        assert QRectF(view.rect()).contains(one)
        assert not any(one.intersects(other) for other in places[:i])
    for block in blocks:
        assert all(0 <= to < len(blocks) for to in block.to)


def test_a_block_is_a_door_for_mouse_and_keys(qtbot):
    blocks = topic("vit").architecture
    view = BlockView(blocks)
    qtbot.addWidget(view)
    view.resize(900, 500)
    view.show()
    entered = []
    view.chosen.connect(entered.append)
    for i in range(len(blocks)):
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.place(i).center().toPoint())
    assert entered == [block.page for block in blocks]
    entered.clear()
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert entered == [next(b.page for b in blocks if (b.column, b.row) == (1, 0))]
    assert view.accessibleName()


def test_the_first_visit_begins_with_the_architecture_and_a_block_leads_on(open_window, qtbot):
    window = open_window()
    window.open_topic("detr")
    qtbot.waitUntil(lambda: window.tab is not None and window.tab.topic.name == "detr")
    tab = window.tab
    qtbot.waitUntil(tab.doors.isVisible)
    assert tab.doors.geometry() == tab.doors.parentWidget().rect()
    shown = tab.doors.grab().toImage()
    assert shown.pixelColor(2, shown.height() // 2).name().upper() == theme.code("surface").upper()  # opaque
    tab.doors.view.chosen.emit("matching")
    assert not tab.doors.isVisible()
    assert tab.now.name() == "matching"
    tab.doors.door.click()
    assert tab.doors.isVisible()
    QTest.keyClick(tab.doors.view, Qt.Key.Key_Escape)
    assert not tab.doors.isVisible()
    tab.doors.door.click()
    tab.show_page(0)
    assert not tab.doors.isVisible()  # another page is another page
    assert window.settings.visited("detr")
    window.open_topic("scoring")
    qtbot.waitUntil(lambda: window.tab.topic.name == "scoring")
    window.open_topic("detr")
    assert not tab.doors.isVisible()  # it was met before


def test_each_block_of_vit_says_its_sizes_and_all_parameters_are_in_them(open_window, qtbot, monkeypatch):
    tab = open_window(1024, 600).show_topic("vit")
    qtbot.waitUntil(lambda: bool(tab.doors.view.numbers()), timeout=60_000)
    info, grid = tab._info, tab._grid
    tab.doors.open_up()
    said = tab.doors.view.numbers()
    assert len(said) == len(topic("vit").architecture)
    counts = [int(re.search(r"Parameters: ([\d,]+)", one).group(1).replace(",", "")) for one in said[:5]]
    assert sum(counts) == info.parameters == int(re.search(r"all: ([\d,]+)", said[5]).group(1).replace(",", ""))
    assert counts[4] >= info.width * len(info.labels)
    assert f"({grid.rows * grid.cols}, {info.width})" in said[0]
    assert f"({grid.tokens}, {info.width}) → ({grid.tokens}, {info.width})" in said[2]
    drawn = " ".join(line.text for line in reading.painted(tab.doors.view))
    assert all(f"{count:,}" in drawn for count in counts)
