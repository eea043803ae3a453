"""Makes the fonts beside this file from Debian's Noto packages: ``make fonts``.

Five files under names of our own, so that a system's Noto of another version is never taken in their place. What
makes them fit for a window, and could not be had by copying:

- Signs that Noto Sans lacks (−, ≤, →, √, ●, ...) are grafted into it from its sister fonts: a number with a minus is
  written in one font.
- All have the same ascent and descent: a line is as high with Chinese in it as without, and no higher than in
  the common fonts of the systems (Noto's own lines are 1.36 and 1.45 em high).
- The Chinese font has no Latin letter, so that Latin names look the same in both languages.

The same packages and the same fonttools give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import fontTools
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGES = {"fonts-noto-core": "20201225-1", "fonts-noto-mono": "20201225-1", "fonts-noto-cjk": "1:20220127+repack1-1"}
SOURCES = {  # files in the packages, with their sha256; another Debian's are taken as well if they are the same
    "NotoSans-Regular.ttf": "89c3c497f618fdaa0b2d1e98fef93582f28c71debd2c4a8cdf41f190ced2909d",
    "NotoSans-Bold.ttf": "e83493c945848ecd4a9ad0f6d19164541a0d3e23a9c952304a00a46e00272ac5",
    "NotoSansMono-Regular.ttf": "6b692c4b6d15ccf59f1c1fe8d11cb8a92f51960f3e9f1f523781755a3af7e29f",
    "NotoSansMono-Bold.ttf": "b22563d5f03b345a62115e78d8789c9ed99c2cfa8059fad6e7a5c4ced288e21e",
    "NotoSansMath-Regular.ttf": "8242bd1e55368b27e32455260754cf9aa58f3ad7ea80664b66c21f1b09910d6c",
    "NotoSansSymbols-Regular.ttf": "24b615ceb7d50a2c09060664ca9e24a160c9beb6bfca0563e8359369a4bc0993",
    "NotoSansSymbols2-Regular.ttf": "876598db5f1e3bef2bc77c4d94c5b0d5d2c1620be4878a06f18fb5434e331688",
    "NotoSansCJK-Bold.ttc": "faa5f3656a78b2e2d450d27fe8382c778bc2b6bb5ea29c986664a6a435056ceb",
    "NotoSansCJK-Regular.ttc": "b76b0433203017ca80401b2ee0dd69350349871c4b19d504c34dbdd80541690a",
}
CHINESE = 2  # the face with the shapes of the mainland in the collection of all
ASCENT, DESCENT = 935, -240  # of 1000: a line of 13 px is 16 px high
VERSION = "1.0"

#: What a person may type or a file may be called, beyond the signs of our own texts.
LATIN = (
    (0x20, 0x7E), (0xA0, 0x24F), (0x2B0, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x1D2C, 0x1D6A), (0x1E00, 0x1EFF),
    (0x2000, 0x209F), (0x20A0, 0x20BF), (0x2100, 0x218F),
)  # fmt: skip
SIGNS = (
    "←↑→↓↔↕↖↗↘↙↩↪↺↻⇄⇐⇒⇔⇑⇓⇧⌃⌘⌥⌦⌫⎋⏎⏏⏩⏪⏭⏮⏯⏸⏹⏺␣"
    "∀∂∃∅∆∇∈∉∋∏∐∑−∓∗∘∙√∛∝∞∠∥∦∧∨∩∪∫∴∼≃≅≈≠≡≤≥≪≫⊂⊃⊆⊇⊕⊖⊗⊘⊙⊤⊥⋅⋆⋮⋯⌈⌉⌊⌋⟨⟩"
    "■□▢▪▫▬▮▯▲△▶▷►▼▽◀◁◆◇◉◊○◌●◐◑◯★☆⚠✓✔✕✖✗✘"
)
HAN = ((0x3000, 0x303F), (0xFF01, 0xFF5E), (0xFFE0, 0xFFE6))
FULL = "‘’“”—…・"  # a Chinese font draws these in a full square, as Chinese texts need


def chars(ranges: Iterable[tuple[int, int]]) -> set[int]:
    """All code points of some ranges, ends included."""
    return {code for low, high in ranges for code in range(low, high + 1)}


def common_han() -> set[int]:
    """The 6,763 characters of GB 2312: level 1, the 3,755 common ones, and level 2, where most animals are found."""
    pairs = (bytes((row, cell)) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    return {ord(sign) for pair in pairs if (sign := pair.decode("gb2312", errors="ignore"))}


def texts() -> set[int]:
    """Every character of what the program may say: sources and word files."""
    files = [ROOT / "main.py", *(ROOT / "app").rglob("*.py"), *(ROOT / "engines").rglob("*.py")]
    files += (ROOT / "assets").rglob("*.json")
    return {ord(sign) for path in files for sign in path.read_text(encoding="utf-8") if sign.isprintable()}


def is_han(code: int) -> bool:
    """Whether a character is drawn in the Chinese font."""
    return 0x3000 <= code <= 0x303F or 0x3400 <= code <= 0x9FFF or 0xFF00 <= code <= 0xFFEF


# ------------------------------------------------------------------ sources
def unpack(folder: Path) -> None:
    """Download the packages of the Debian in use and lay out what is in them under ``folder``."""
    subprocess.run(["apt-get", "-q", "download", *PACKAGES], cwd=folder, check=True)
    for package in sorted(folder.glob("*.deb")):
        subprocess.run(["dpkg", "-x", package, folder], check=True)


def opened(folder: Path, name: str) -> TTFont:
    """One of `SOURCES`; refuses bytes that are not those it was written for."""
    path = next(folder.rglob(name), None)
    if path is None:
        sys.exit(f"{name} is not in {', '.join(PACKAGES)}")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SOURCES[name]:
        sys.exit(f"{name} is another version (sha256 {found}); look at the result and write this down in SOURCES")
    return TTFont(path, fontNumber=CHINESE if name.endswith(".ttc") else -1, recalcTimestamp=False)


# ------------------------------------------------------------------ grafts
def graft(font: TTFont, donor: TTFont, codes: Iterable[int], stretch: float = 1.0, width: int = 0) -> None:
    """Add the glyphs of characters that ``font`` lacks; ``stretch`` across, or all to one ``width``."""
    has, gives, shapes = font.getBestCmap(), donor.getBestCmap(), donor.getGlyphSet()
    for code in sorted(set(codes) & set(gives) - set(has)):
        shape = shapes[gives[code]]
        across = min(stretch, width / shape.width) if width else stretch
        rest = (width - across * shape.width) / 2 if width else 0
        drawn = DecomposingRecordingPen(shapes)
        shape.draw(drawn)
        pen = TTGlyphPen(None)
        drawn.replay(TransformPen(pen, (across, 0, 0, across if width else 1, rest, 0)))
        add(font, code, pen, width or round(across * shape.width))


def add(font: TTFont, code: int, pen: TTGlyphPen, width: int) -> None:
    """Put what a pen drew under a character that the font lacks."""
    name, glyph = f"lab{code:04X}", pen.glyph()
    glyph.recalcBounds(font["glyf"])
    font["glyf"][name] = glyph  # also appends to the order of glyphs
    font["hmtx"][name] = (width, getattr(glyph, "xMin", 0))
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap[code] = name


def draw_minus(font: TTFont) -> None:
    """A minus as wide, thick and high as the bar of the plus."""
    name = font.getBestCmap()[ord("+")]
    corners = font["glyf"][name].getCoordinates(font["glyf"])[0]
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    low, high = sorted({y for _, y in corners})[1:3]
    pen = TTGlyphPen(None)
    pen.moveTo((left, low))
    for corner in ((left, high), (right, high), (right, low)):
        pen.lineTo(corner)
    pen.closePath()
    add(font, ord("−"), pen, font["hmtx"][name][0])


def fitting(font: TTFont, codes: Iterable[int], width: int = 600) -> Iterator[int]:
    """Those characters that a font of one width draws in one cell."""
    names = font.getBestCmap()
    return (code for code in codes if code in names and font["hmtx"][names[code]][0] == width)


# ------------------------------------------------------------------ finishing
def cut(font: TTFont, codes: set[int], features: bool = True) -> None:
    """Keep the glyphs of some characters only."""
    options = Options(
        name_IDs=["*"], notdef_outline=True, recalc_timestamp=False, drop_tables=["DSIG", "VORG", "vhea", "vmtx"]
    )
    if not features:
        options.layout_features = []
    cutter = Subsetter(options)
    cutter.populate(unicodes=codes)
    cutter.subset(font)


def rename(font: TTFont, family: str, style: str) -> None:
    """A name of our own, which the license asks of a changed font; copyright, designer and license text stay."""
    names, script = font["name"], f"{family}-{style}".replace(" ", "")
    kept = {key: names.getDebugName(key) for key in (0, 7, 8, 9, 13, 14)}
    names.names = []
    kept |= {1: family, 2: style, 3: f"{VERSION};{script}", 4: f"{family} {style}".removesuffix(" Regular")}
    kept |= {5: f"Version {VERSION}", 6: script}
    for key, text in sorted(kept.items()):
        if text:
            names.setName(text, key, 3, 1, 0x409)
    if "CFF " in font:
        inner = font["CFF "].cff
        inner.fontNames = [script]
        top = inner.topDictIndex[0]
        top.FullName, top.FamilyName = kept[4], family


def set_height(font: TTFont) -> None:
    """Ascent and descent as all of ours have them, in the three places where systems look."""
    head, more = font["hhea"], font["OS/2"]
    head.ascent, head.descent, head.lineGap = ASCENT, DESCENT, 0
    more.sTypoAscender, more.sTypoDescender, more.sTypoLineGap = ASCENT, DESCENT, 0
    more.usWinAscent, more.usWinDescent = ASCENT, -DESCENT


# ------------------------------------------------------------------ all
def build(sources: Path, target: Path) -> None:
    """Write the fonts and the card that says what they are made of."""
    said = texts()
    signs = {ord(sign) for sign in SIGNS} | {code for code in said if not is_han(code)}  # each must be there
    latin = signs | chars(LATIN)
    han = common_han() | {code for code in said if is_han(code)}  # so must these
    chinese = han | chars(HAN) | {ord(sign) for sign in FULL}
    math, more = opened(sources, "NotoSansMath-Regular.ttf"), opened(sources, "NotoSansSymbols2-Regular.ttf")
    some = opened(sources, "NotoSansSymbols-Regular.ttf")
    operators = chars([(0x2200, 0x22FF)]) & signs

    made = {}
    for style in ("Regular", "Bold"):
        sans, cells = opened(sources, f"NotoSans-{style}.ttf"), opened(sources, f"NotoSansMono-{style}.ttf")
        draw_minus(sans)
        if style == "Bold":  # of the mathematical signs only these are at hand in bold
            graft(sans, cells, fitting(cells, operators), stretch=572 / 600)  # as wide as the plus
        graft(sans, math, {code for code in signs if code < 0x2500})
        graft(sans, cells, fitting(cells, signs))
        for donor in (math, some, more):
            graft(sans, donor, signs)
        cut(sans, latin)
        rename(sans, "Attention Lab Sans", style)
        made[f"AttentionLabSans-{style}.ttf"] = sans
    mono = opened(sources, "NotoSansMono-Regular.ttf")
    for donor in (math, some, more):
        graft(mono, donor, signs, width=600)
    cut(mono, latin)
    rename(mono, "Attention Lab Mono", "Regular")
    made["AttentionLabMono-Regular.ttf"] = mono
    for style in ("Regular", "Bold"):
        sc = opened(sources, f"NotoSansCJK-{style}.ttc")
        cut(sc, chinese, features=False)
        rename(sc, "Attention Lab Sans SC", style)
        made[f"AttentionLabSansSC-{style}.otf"] = sc

    card: dict[str, object] = {
        "made by": f"assets/fonts/build.py with fonttools {fontTools.version}",
        "license": "SIL Open Font License 1.1, see OFL.txt",
        "packages": PACKAGES,
        "sources": SOURCES,
    }
    for name, font in made.items():
        set_height(font)
        font.save(target / name, reorderTables=True)
        data, covered = (target / name).read_bytes(), set(font.getBestCmap())
        if missing := (han if name.endswith(".otf") else signs) - covered:
            sys.exit(f"{name} lacks {''.join(map(chr, sorted(missing)))}")
        card[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "characters": len(covered)}
        print(f"{name}: {len(data):,} bytes, {len(covered):,} characters")
    (target / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Build from packages that lie unpacked in ``--sources FOLDER``, or from freshly downloaded ones."""
    parser = argparse.ArgumentParser(description="Makes the fonts that the program ships.")
    parser.add_argument("--sources", type=Path, metavar="FOLDER", help="where the packages lie unpacked")
    parser.add_argument("--target", type=Path, metavar="FOLDER", default=HERE, help="where to write to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.sources is None:
            unpack(Path(folder))
        build(options.sources or Path(folder), options.target)


if __name__ == "__main__":
    main()
