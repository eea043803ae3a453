"""The README says what topics bring: it is not written by hand where a new topic would have to be added."""

from __future__ import annotations

import re

import pytest

from app.topics import topics
from engines.checkpoints import catalog
from tests import readme
from tests.pictures import shots

TEXT = readme.README.read_text(encoding="utf-8")


def test_it_is_what_topics_bring():
    assert readme.renewed(TEXT) == TEXT, "README.md is older than what topics bring: make readme"


def test_what_is_between_the_comments_is_written_anew():
    name, *rest = TEXT.split("<!-- begin tabs -->\n")
    old = name + "<!-- begin tabs -->\nold\n" + rest[0][rest[0].index("<!-- end tabs -->") :]
    assert readme.renewed(old) == TEXT
    with pytest.raises(ValueError, match="end models"):
        readme.renewed(TEXT.replace("<!-- end models -->", ""))


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
