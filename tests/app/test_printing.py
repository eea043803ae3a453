"""A page as a sheet of paper."""

from __future__ import annotations

import io
import re
import zlib

import pytest

from app import pageexport, theme, words
from app.figure import caption_of
from app.printing import sheet
from tests.app import tabs

A4 = {"842 595", "595 842"}  #: points, lying and standing


@pytest.fixture
def window(open_window, qtbot):
    made = open_window()
    tab = made.show_topic("scoring")
    qtbot.waitUntil(lambda: tabs.rests(tab))
    return made


def written(fill) -> bytes:
    out = io.BytesIO()
    fill(out)
    return out.getvalue()


def pages_of(pdf: bytes) -> list[bytes]:
    """What is packed in a PDF."""
    begins = [one.end() for one in re.finditer(rb"stream\r?\n", pdf)]
    return [zlib.decompressobj().decompress(pdf[at:]) for at in begins if pdf[at] == 0x78]  # so begins what is packed


def test_a_page_becomes_one_sheet_with_its_name_and_settings(window, monkeypatch):
    said = []

    def listening(centre):
        said.append(caption_of(centre))
        return said[-1]

    monkeypatch.setattr("app.printing.caption_of", listening)
    what = pageexport.shown(window)
    pdf = written(pageexport.taken(what, ".pdf"))
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    width, height = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf).groups()
    assert f"{float(width):.0f} {float(height):.0f}" in A4
    assert float(width) > float(height)
    assert what.title == "Attention scoring · Compare" or " · " in what.title
    title = re.search(rb"/Title \(?(.*)", pdf)
    assert title is not None
    assert "Temperature 1" in said[0]
    assert b"/Font" in pdf  # words, not a picture of them


def test_a_high_page_stands_upright(window):
    centre = window.tab.now.centre
    centre.resize(400, 900)
    pdf = written(sheet(centre, words.tr("Compare")))
    width, height = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf).groups()
    assert float(width) < float(height)


@pytest.mark.parametrize("topic", ["attention_pooling", "scoring"])
def test_paper_is_light_in_the_dark_theme_and_the_screen_stays_as_it_is(topic, window, qtbot):
    tab = window.show_topic(topic)
    qtbot.waitUntil(lambda: tabs.rests(tab))
    sheets = {}
    for look in ("light", "dark"):
        theme.switch(window, look)
        before = window.grab().toImage()
        sheets[look] = pages_of(written(pageexport.taken(pageexport.shown(window), ".pdf")))
        assert window.grab().toImage() == before
    assert sheets["dark"] == sheets["light"]


def test_other_settings_make_another_sheet(window, qtbot):
    what = pageexport.shown(window)
    before = written(pageexport.taken(what, ".pdf"))
    window.tab.now.change(temperature=4.0)
    qtbot.waitUntil(lambda: tabs.rests(window.tab))
    assert written(pageexport.taken(pageexport.shown(window), ".pdf")) != before
    assert ".pdf" in pageexport.Copies(what, window).kinds


def test_lines_of_plots_are_seen_on_paper(window):
    """Their width is in dots of the paper, whatever the painter's scale; of 1200 to an inch none is seen."""
    pdf = written(pageexport.taken(pageexport.shown(window), ".pdf"))
    (dot,) = (
        float(found[1]) for one in pages_of(pdf) if (found := re.match(rb"/GSa gs .*\n([\d.]+) 0 0 -\1 .* cm\n", one))
    )
    assert dot > 0.5  # points
