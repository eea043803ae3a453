"""The README says what topics bring: it is not written by hand where a new topic would have to be added."""

from __future__ import annotations

import re

import pytest

from app.topics import topics
from engines.checkpoints import catalog
from tests import readme
from tests.pictures import shots

TEXT = readme.README.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", readme.DOCUMENTS, ids=lambda path: path.name)
def test_it_is_what_topics_bring(path):
    assert readme.renewed(path) == path.read_text(encoding="utf-8"), f"{path.name} is older than that: make readme"


def test_what_is_between_the_comments_is_written_anew(tmp_path, monkeypatch):
    path = tmp_path / "README.md"
    monkeypatch.setitem(readme.DOCUMENTS, path, lambda text: readme.PARTS)
    head, rest = TEXT.split("<!-- begin tabs -->\n")
    path.write_text(head + "<!-- begin tabs -->\nold\n" + rest[rest.index("<!-- end tabs -->") :], encoding="utf-8")
    assert readme.renewed(path) == TEXT
    path.write_text(TEXT.replace("<!-- end models -->", ""), encoding="utf-8")
    with pytest.raises(ValueError, match=r"README\.md: .*end models"):
        readme.renewed(path)


def test_the_house_is_drawn_as_it_stands():
    """Every room is in the drawing, and nothing that is not there."""
    guide = readme.GUIDE.read_text(encoding="utf-8")
    lines = guide[guide.index("<!-- begin house -->") : guide.index("<!-- end house -->")].splitlines()[2:-1]
    drawn, floor = set(), ""
    for line in lines:
        name = line.split()[0]
        floor = floor if line.startswith("  ") else name
        drawn.add(floor + name if line.startswith("  ") else name)
    names = {topic.name for topic in topics()}
    for place in drawn:
        for name in names if "<topic>" in place else {""}:
            assert (readme.ROOT / place.replace("<topic>", name)).exists(), place
    rooms = {path.parent for top in ("app", "engines") for path in readme.ROOT.glob(f"{top}/*/__init__.py")}
    rooms -= {readme.ROOT / "engines" / name for name in names}
    assert {f"{room.relative_to(readme.ROOT).as_posix()}/" for room in rooms} <= {
        place.replace("<topic>/", "") for place in drawn
    }
    folders = {path.name for path in (readme.ROOT / "assets").iterdir() if path.is_dir()}
    (about,) = [line for line in lines if line.startswith("assets/")]
    assert not [folder for folder in folders if folder not in about]


def test_the_guide_shows_the_toy():
    shown = readme.shown(readme.GUIDE.read_text(encoding="utf-8"))
    toy = {path.relative_to(readme.ROOT).as_posix() for path in (readme.ROOT / "tests/toy").rglob("*.py")}
    left = {path for path in toy - set(shown) if "/tests/toy/tests/" not in f"/{path}"}
    assert len(shown) > 10
    assert left == {f"tests/toy/engines/toy/{name}.py" for name in ("__init__", "backbone", "train")}


@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.name)
def test_a_topic_says_what_its_tab_shows(topic):
    place = f"app/tabs/{topic.name}/__init__.py"
    assert topic.tagline, f"{place}: no tagline"
    assert topic.about.endswith("."), f"{place}: no sentence in about"
    assert f"- **{topic.title}**: " in TEXT
    assert all(f"]({path})" in TEXT for path in shots(topic))


def test_every_picture_is_there():
    named = set(re.findall(r"\]\((assets/pictures/.*?)\)", TEXT))
    lost = sorted(path for path in named if not (readme.ROOT / path).is_file())
    assert not lost, f"make pictures: {lost}"
    left = {f"assets/pictures/{path.name}" for path in (readme.ROOT / "assets/pictures").iterdir()} - named
    assert not left, "pictures that no topic shows"


@pytest.mark.parametrize("name", catalog.cards())
def test_a_card_says_what_the_table_of_models_needs(name):
    card = catalog.cards()[name]
    names = {topic.name for topic in topics()} | {catalog.HEAD}
    assert card["topic"] in names, f"{name}.json: no topic {card['topic']!r}"
    for key in ("title", "note", "license", "sha256"):
        assert card.get(key), f"{name}.json: no {key}"
    assert card["training"]["command"].startswith("python -m engines."), f"{name}.json: trained by what?"
    assert card["title"] in TEXT


def test_each_model_of_others_is_in_the_table_with_its_license():
    for model in catalog.offered().values():
        assert model.license, model.name
        assert f"| {model.title} | {model.note} |" in TEXT
