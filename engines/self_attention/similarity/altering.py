"""Sentences altered as a hand would: words in another order, and a negation."""

from __future__ import annotations

import random
import re

from engines.self_attention.language.text import Tokens

AUXILIARIES = (
    "is", "are", "was", "were", "am", "can", "could", "will", "would", "shall", "should", "may", "might", "must", "has",
    "have", "had", "do", "does", "did",
)  # fmt: skip
_VERB = re.compile(rf"\b({'|'.join(AUXILIARIES)})\b", re.IGNORECASE)
_HAN = re.compile("[\u3400-\u9fff]")
_NOT = re.compile(r"\s+not\b", re.IGNORECASE)
_SHORT = re.compile(r"\b(\w+)n[’']t\b", re.IGNORECASE)
_STEMS = {"ca": "can", "wo": "will", "sha": "shall"}


def negated(text: str) -> str:
    """A sentence that says the opposite; one that is negated already loses its "not"."""
    if _HAN.search(text):
        return text[2:] if text.startswith("并非") else f"并非{text}"
    if found := _SHORT.search(text):
        stem = found[1]
        return text[: found.start()] + _STEMS.get(stem.lower(), stem) + text[found.end() :]
    found = _VERB.search(text)
    if found is None:
        return f"It is not true that {text[:1].lower()}{text[1:]}" if text.strip() else text
    rest = text[found.end() :]
    taken = _NOT.match(rest)
    return text[: found.end()] + (rest[taken.end() :] if taken else f" not{rest}")


def shuffled(tokens: Tokens, seed: int) -> Tokens:
    """The words of one sentence in a random order, each with all of its tokens; what the model puts in stays.

    If there are two words or more, they are not left as they were.
    """
    places: dict[int, list[int]] = {}
    for at, word in enumerate(tokens.words):
        if word >= 0:
            places.setdefault(word, []).append(at)
    names = sorted(places)
    order = names.copy()
    draw = random.Random(seed)
    while len(names) > 1 and order == names:
        draw.shuffle(order)
    moved = iter([at for word in order for at in places[word]])
    return tokens.reordered(tuple(next(moved) if word >= 0 else at for at, word in enumerate(tokens.words)))
