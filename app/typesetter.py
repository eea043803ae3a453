"""LaTeX to outlines, by ziamath; slow (a tenth of a second and more a formula, in pure Python): see `app.formulas`.

ziamath (C. Delker, MIT license) brings STIX Two Math (SIL Open Font License) in its wheel and needs no network.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

SIZE = 40.0  #: px that all is typeset for; it is drawn at any other size
GLYPH = 12.0  #: px that the outlines of a glyph are made for
WIDEST = "−0.000"  #: of a slot that says nothing else
SIGNS = "0123456789.,()−+·×%⁰¹²³⁴⁵⁶⁷⁸⁹⁻∞–<≤ "  #: what numbers are written with
TALLEST = 8.0  #: times SIZE
SLOT = re.compile(r"\[\[(\w+)(?:\|([^\]]*))?\]\]")
SVG = "{http://www.w3.org/2000/svg}"


class FormulaError(ValueError):
    """A formula that can't be typeset as it is written."""


def typeset(tex: str) -> tuple[dict[str, str], dict[str, Any]]:
    r"""Typeset LaTeX with slots for numbers, ``[[name]]`` or ``[[name|widest text]]``.

    Returns
    -------
    outlines : dict of str to str
        Paths of the glyphs that are new or not, in px of `GLYPH`, by id.
    formula : dict
        In px of `SIZE`, y downwards from the baseline: ``width``, ``glyphs`` (id, x, y, scale),
        ``bars`` (x, y, width, height), ``slots`` (name, x, y, width, scale over the formula's size).

    Raises
    ------
    FormulaError
        If ziamath can't read it, or what comes out is taller than any formula: a fence of ``\left`` and ``\right``
        around a sum comes out fifty times as tall as what it holds.
    """
    names, plain = dict[str, str](), tex
    for number, slot in enumerate(SLOT.finditer(tex)):
        color = f"#0000{number + 1:02x}"
        names[color] = slot.group(1)
        widest = (slot.group(2) or WIDEST).replace("−", "-")
        plain = plain.replace(slot.group(0), rf"{{\color{{{color}}}{{{widest}}}}}", 1)
    try:
        ziamath = importlib.import_module("ziamath")
    except ImportError as error:
        raise FormulaError(f"{tex}: {error}") from error
    try:
        picture = ElementTree.fromstring(ziamath.Latex(plain, size=SIZE, margin=0).svg())
    except refusals() as error:
        raise FormulaError(f"{tex}: {type(error).__name__} {error}") from error
    left, _, width, height = (float(part) for part in picture.attrib["viewBox"].split())
    if height > TALLEST * SIZE:
        raise FormulaError(f"{tex}: {height / SIZE:.0f} times as tall as a line")
    outlines, placed = _drawn(picture)
    wide: dict[str, Any] = {"width": round(width + left, 2), "glyphs": [], "bars": []}
    of_slots: dict[str, list[tuple[float, float, float, float]]] = {color: [] for color in names}
    used: dict[str, str] = {}
    for name, color, place in placed:
        if color in of_slots:
            of_slots[color].append(place)
        elif name is None:
            wide["bars"].append([round(part, 2) for part in place])
        else:
            if not outlines[name]:  # a space
                continue
            called = _named(outlines[name])
            used[called] = outlines[name]
            wide["glyphs"].append([called, *(round(part, 4) for part in place[:3])])
    wide["slots"] = [_slot(names[color], places, tex) for color, places in of_slots.items()]
    return used, wide


def refusals() -> tuple[type[Exception], ...]:
    """What is raised of LaTeX that can't be read; latex2mathml's own errors have no base of their own."""
    own = vars(importlib.import_module("latex2mathml.exceptions")).values()
    found = tuple(one for one in own if isinstance(one, type) and issubclass(one, Exception))
    return (*found, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def _slot(name: str, places: list[tuple[float, float, float, float]], tex: str) -> list[Any]:
    """A slot from where its widest text stands: of each sign x, y, scale and advance."""
    if not places:
        raise FormulaError(f"{tex}: the number {name} is not drawn")
    x, y, scale, _ = places[0]
    last, _, _, advance = places[-1]
    return [name, round(x, 2), round(y, 2), round(last + advance - x, 2), round(scale * GLYPH / SIZE, 4)]


def _drawn(
    picture: ElementTree.Element,
) -> tuple[dict[str, str], Iterator[tuple[str | None, str, tuple[float, float, float, float]]]]:
    """Outlines by id; then what stands where: id (None for a bar), color, and x, y, scale, width or a bar's place."""
    symbols, outlines = dict[str, tuple[float, float, float]](), dict[str, str]()
    for symbol in picture.iter(f"{SVG}symbol"):
        name = symbol.attrib["id"]
        left, top, _, high = (float(part) for part in symbol.attrib["viewBox"].split())
        symbols[name] = left, top, high
        outlines[name] = _outline(symbol)
    return outlines, _placed(picture, symbols)


def _outline(symbol: ElementTree.Element) -> str:
    """All paths of a glyph as one; a fence is put together of several."""
    return " ".join(word for path in symbol.iter(f"{SVG}path") for word in path.attrib["d"].split())


def _named(outline: str) -> str:
    """What an outline is called: ziamath gives the same one other names from run to run."""
    return hashlib.sha1(outline.encode(), usedforsecurity=False).hexdigest()[:8]


def _placed(
    picture: ElementTree.Element, symbols: Mapping[str, tuple[float, float, float]]
) -> Iterator[tuple[str | None, str, tuple[float, float, float, float]]]:
    for part in picture:
        color = part.attrib.get("fill", "")
        match part.tag.removeprefix(SVG):
            case "use":
                name = part.attrib["href"].removeprefix("#")
                left, top, high = symbols[name]
                x, y, width, height = (float(part.attrib[key]) for key in ("x", "y", "width", "height"))
                scale = height / high
                yield name, color, (x - left * scale, y - top * scale, scale, width)
            case "rect":
                x, y, width, height = (float(part.attrib[key]) for key in ("x", "y", "width", "height"))
                yield None, color, (x, y, width, height)
            case "symbol":
                pass
            case other:
                raise FormulaError(f"an element {other} of the picture has no outline")


def signs() -> tuple[dict[str, str], dict[str, tuple[str, float]]]:
    """Outlines of all signs that numbers are written with; of each sign its outline and its advance in px of `SIZE`."""
    ziamath = importlib.import_module("ziamath")
    font = ziamath.Latex("0").font
    outlines, found = dict[str, str](), dict[str, tuple[str, float]]()
    for sign in SIGNS:
        glyph = font.glyph(sign)
        path = glyph.svgpath()
        outline = "" if path is None else " ".join(path.attrib["d"].split())
        name = _named(outline)
        outlines[name] = outline
        found[sign] = name, round(glyph.advance() * SIZE / font.info.layout.unitsperem, 3)
    return outlines, found
