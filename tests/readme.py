"""Renews what README and CONTRIBUTING say of topics and their models, from what they bring: ``make readme``.

What stands between two comments, ``<!-- begin NAME -->`` and ``<!-- end NAME -->``, is written here; the rest by hand.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from app import words
from app.topics import GROUPS, Topic, topics
from engines.checkpoints import catalog
from engines.checkpoints.catalog import KnownModel
from engines.core import files
from tests.pictures import shots

ROOT = Path(__file__).parents[1]
README, GUIDE = ROOT / "README.md", ROOT / "CONTRIBUTING.md"
WIDTH = 138


def main() -> int:
    """Write both anew."""
    for path in DOCUMENTS:
        files.write(path, renewed(path))
    return 0


def renewed(path: Path) -> str:
    """A document with every part between two comments written anew.

    Raises
    ------
    ValueError
        If the comments of a part are missing.
    """
    text = path.read_text(encoding="utf-8")
    for name, write in DOCUMENTS[path](text).items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        head, opened, rest = text.partition(begin)
        _, closed, tail = rest.partition(end)
        if not opened or not closed:
            raise ValueError(f"{path.name}: {begin.strip()} and {end} after it are needed")
        text = head + begin + write() + "\n" + end + tail
    return text


def shown(text: str) -> dict[str, Callable[[], str]]:
    """The files that a document shows: parts that bear the name of one."""
    return {name: partial(code, ROOT / name) for name in re.findall(r"<!-- begin (\S+/\S+) -->", text)}


def code(path: Path) -> str:
    """A file as it is, fenced."""
    return f"```{path.suffix[1:]}\n{path.read_text(encoding='utf-8').rstrip()}\n```"


def in_order() -> list[Topic]:
    """All topics; the group that leads to the others comes last, and of a group first what takes one's own pictures."""
    return sorted(topics(), key=lambda topic: (GROUPS.index(topic.group) or len(GROUPS), not topic.pictures))


def pictures() -> str:
    """A row for each topic and for what it shows besides: a light English picture and a dark Chinese one."""
    lines = ["| | |", "|---|---|"]
    for topic in in_order():
        title, chinese = topic.title, words.translations().get(topic.title, topic.title)
        said = [(topic.tagline, f"The tab {title}", f"标签页：{chinese}")]
        said += [(s.caption, f"{title}, page {s.light}", f"{chinese}，第 {s.dark} 页") for s in topic.shots]
        places = shots(topic)
        for (caption, english, other), light, dark in zip(said, places[::2], places[1::2], strict=True):
            lines.append(f"| **{title}**: {caption} ![{english}]({light}) | ![{other}]({dark}) |")
    return "\n".join(lines)


def tabs() -> str:
    """What each tab shows."""
    return "\n".join(
        textwrap.fill(
            f"- **{topic.title}**: {topic.about}",
            WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False,
        )
        for topic in in_order()
    )  # fmt: skip


def models() -> str:
    """Every model there is, where it comes from, and how large it is."""
    lines = ["| model | knows | from | license | size |", "|---|---|---|---|---|"]
    for topic in in_order():
        lines += ["| " + " | ".join(row) + " |" for row in (*_bundled(topic), *_offered(topic), *_heads(topic))]
    lines.append("| your own | | a folder with `config.json` and `*.safetensors`, dropped on the window | | |")
    return "\n".join(lines)


def _bundled(topic: Topic) -> Iterator[tuple[str, ...]]:
    """The bundled models of a topic; those that one program trained are one row."""
    rows: dict[str, list[tuple[KnownModel, dict[str, Any]]]] = {}
    for name, card in catalog.cards().items():
        if card["topic"] == topic.name:
            rows.setdefault(_trainer(card), []).append((catalog.describe(name), card))
    for trainer, found in rows.items():
        first, size = found[0][0], max(model.size_mb for model, _ in found)
        what, knows = first.title, first.note
        if len(found) > 1:
            what, knows = f"{topic.title}, {len(found)} models", ", ".join(model.title for model, _ in found)
        yield what, knows, trainer, first.license, _size(size) + (" each" if len(found) > 1 else "")


def _offered(topic: Topic) -> Iterator[tuple[str, ...]]:
    """The models of others that a topic reads."""
    for model in catalog.offered().values():
        if model.topic == topic.name:
            place = "the Hugging Face hub, on a click only" if model.kind == "hub" else f"the package {model.name}"
            yield model.title, model.note, place, model.license, _size(model.size_mb)


def _heads(topic: Topic) -> Iterator[tuple[str, ...]]:
    """The bundled heads that sit on a model of the topic."""
    for name, card in catalog.cards().items():
        if card["topic"] == catalog.HEAD and catalog.describe(card["backbone"]).topic == topic.name:
            size = (catalog.WEIGHTS / f"{name}.safetensors").stat().st_size / 1e6
            yield card["title"], card["note"], _trainer(card), card["license"], _size(size)


def _trainer(card: dict[str, Any]) -> str:
    """The program that trained a bundled model, without its arguments."""
    return f"bundled, trained by `{' '.join(card['training']['command'].split()[:3])}`"


def _size(mb: float) -> str:
    """Megabytes, with a digit or in a smaller unit where that says more."""
    return f"{1000 * mb:.0f} kB" if mb < 0.1 else f"{mb:.0f} MB" if mb >= 10 else f"{mb:.1f} MB"


PARTS: dict[str, Callable[[], str]] = {"pictures": pictures, "tabs": tabs, "models": models}
DOCUMENTS: dict[Path, Callable[[str], dict[str, Callable[[], str]]]] = {README: lambda _text: PARTS, GUIDE: shown}

if __name__ == "__main__":
    sys.exit(main())
