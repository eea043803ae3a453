"""What the app says, in English or Simplified Chinese.

The English text is the key. Translations lie in ``assets/words/*.zh.json`` as ``{"English {n}": "中文 {n}"}``;
all files are read at the first use, and those of ``assets/lessons``. A noun's two forms stand in the English text
itself, ``"{n} {n:key|keys}"`` (`engines.core.errors.filled`). A text said through `say` is remembered, so that
`retranslate` can say it again after the language was switched, without a restart.
"""

from __future__ import annotations

import json
import re
import weakref
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import TypeAlias

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app import qtwords
from app.pieces import pieces
from engines.core.assets import assets
from engines.core.errors import Message, filled

LANGUAGES = ("en", "zh")
FOLDER = assets("words")
LESSONS = assets("lessons")  #: their texts stand there in both languages
PLACEHOLDER = re.compile(r"\{([^{}|]*)\}")  # a number and its unit; not one with two forms of a word

Text: TypeAlias = str | Message
"""A sentence: for `say` and `tr` a plain string is a key; for views a plain string is drawn as it is."""


class _State:
    """The chosen language, what was asked for in vain, and what each widget says."""

    def __init__(self) -> None:
        self.language = "en"
        self.missing: set[str] = set()
        self.said: weakref.WeakKeyDictionary[QObject, dict[str, Message]] = weakref.WeakKeyDictionary()


_state = _State()


@cache
def translations() -> Mapping[str, str]:
    """All Chinese entries, keyed by the English text."""
    merged: dict[str, str] = {}
    for path in sorted(FOLDER.glob("*.zh.json")):
        merged.update(json.loads(path.read_text(encoding="utf-8")))
    for path in sorted(LESSONS.glob("*.json")):
        merged.update(_pairs(json.loads(path.read_text(encoding="utf-8"))))
    return merged


def _pairs(found: object) -> Iterator[tuple[str, str]]:
    """All ``{"en": …, "zh": …}`` within what a file holds."""
    if isinstance(found, dict) and set(found) == set(LANGUAGES):
        yield found["en"], found["zh"]
    elif isinstance(found, dict | list):
        for inner in found.values() if isinstance(found, dict) else found:
            yield from _pairs(inner)


def language() -> str:
    """``"en"`` or ``"zh"``."""
    return _state.language


def set_language(name: str) -> None:
    """Choose the language of everything said from now on; `retranslate` renews what is on screen."""
    if name not in LANGUAGES:
        raise ValueError(f"language {name!r} is none of {LANGUAGES}")
    _state.language = name
    qtwords.speak(name)


def missing() -> frozenset[str]:
    """English texts for which Chinese was wanted and not found."""
    return frozenset(_state.missing)


def forget_missing() -> None:
    """Start the list of `missing` texts anew."""
    _state.missing.clear()


@lru_cache(maxsize=8192)  # views say the same templates at each painting
def needs_translation(text: str) -> bool:
    """Whether a template holds a word of its own: numbers, signs and bare placeholders are the same everywhere."""
    return bool(re.search("[A-Za-z]", PLACEHOLDER.sub("", text)))


def tr(text: Text, **values: object) -> str:
    """Say a text in the chosen language.

    Parameters
    ----------
    text : str or Message
        English template, the key of its translation, or a whole `Message`.
    **values
        Values of the placeholders; a value that is itself a `Message` is said too.
    """
    if isinstance(text, Message):
        values = {**text.values, **values}
        text = text.text
    template = text
    if _state.language == "zh":
        known = translations().get(text)  # signs between values may differ, too
        if known is not None:
            template = known
        elif needs_translation(text):
            _state.missing.add(text)
    if not values:
        return template
    return filled(template, {k: tr(v) if isinstance(v, Message) else v for k, v in values.items()})


def plain(text: str) -> Message:
    """A text that is the same in every language: a file name, a model's own class name, a number."""
    return Message("{text}", {"text": text})


def known(name: str) -> Text:
    """A name that comes from outside: said in Chinese where there is an entry for it, else as it is."""
    return name if name in translations() else plain(name)


def listed(names: Sequence[Text]) -> Message:
    """Names in a row, with the commas of the language; plain ones stand as they are."""
    made, *rest = (name if isinstance(name, Message) else plain(name) for name in names)
    for name in rest:
        made = Message("{first}, {second}", {"first": made, "second": name})
    return made


def drawn(text: Text) -> str:
    """What a view draws: a plain string as it is, a `Message` in the chosen language."""
    return tr(text) if isinstance(text, Message) else text


def say(target: QObject, setter: str, text: Text, **values: object) -> None:
    """Call ``target.<setter>`` with the text in the chosen language, now and at each `retranslate`."""
    message = text if isinstance(text, Message) else Message(text, values)
    _state.said.setdefault(target, {})[setter] = message
    getattr(target, setter)(_fit(target, setter, tr(message)))


def said(target: QObject, setter: str) -> Message | None:
    """The message last said through ``setter``; None where nothing was."""
    return _state.said.get(target, {}).get(setter)


def retranslate(root: QWidget) -> None:
    """Say everything under ``root`` again; objects with a method ``retranslated`` are told afterwards."""
    for _ in retranslation(root):
        pass


def retranslation(root: QWidget) -> Iterator[None]:
    """Do what `retranslate` does; each ``yield`` is a place where the event loop may have a turn."""
    everything: list[QObject] = [root, *root.findChildren(QObject)]
    yield from pieces(everything, _say_again)
    yield from pieces(everything, _tell)


def _say_again(item: QObject) -> None:
    for setter, message in _state.said.get(item, {}).items():
        getattr(item, setter)(_fit(item, setter, tr(message)))


def _tell(item: QObject) -> None:
    told = getattr(item, "retranslated", None)
    if callable(told):
        told()


def _fit(target: QObject, setter: str, text: str) -> str:
    """Double the ``&`` where Qt would take it for a mnemonic."""
    if setter == "setText" and hasattr(target, "setShortcut"):  # buttons and actions, not labels
        return text.replace("&", "&&")
    return text


def number(value: float, digits: int = 0, signed: bool = False) -> str:
    """A number as the app writes it: thousands ``2,190``, minus U+2212, a sign in front if asked for."""
    rounded = round(float(value), digits) + 0.0  # no "-0"
    return f"{rounded:{'+' if signed else ''},.{digits}f}".replace("-", "−")


def percent(share: float, digits: int = 1) -> str:
    """A share (0..1) as ``52.2 %``."""
    return number(100 * share, digits) + " %"
