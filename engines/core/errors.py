"""Errors a person is meant to read: an English template and the values that go into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter

from engines.core.limits import TEXT

#: weights may be finite, and what they make of a picture may not
NOT_FINITE = "Layer {n} outputs values that are not finite: the weights of this model are damaged or too large."


class _Numbered(Formatter):
    """Knows two forms of a word, with a bar between them."""

    def format_field(self, value: object, format_spec: str) -> str:
        one, bar, many = format_spec.partition("|")
        if bar:
            return one if str(value) == "1" else many
        return str(super().format_field(value, format_spec))


_numbered = _Numbered()


def filled(template: str, values: Mapping[str, object]) -> str:
    """Put values into a template.

    Parameters
    ----------
    template : str
        ``{n}`` is a value, ``{n:object|objects}`` the first form of a word where that value is 1 (a number or a text),
        otherwise the second.
    values : Mapping[str, object]
        One for each placeholder.

    Raises
    ------
    KeyError
        A placeholder has no value.
    """
    return _numbered.vformat(template, (), values) if "|" in template else template.format_map(values)


@dataclass(frozen=True)
class Message:
    """A sentence that can be said in any language.

    Attributes
    ----------
    text : str
        The English sentence with ``{name}`` placeholders, as `filled` takes them; it is also the key of its
        translation.
    values : Mapping[str, object]
        What the placeholders stand for. Builtins only, so that a message crosses threads and pickles. Texts are cut
        to a length that can be shown: names come from files.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(isinstance(value, str) and len(value) > TEXT for value in self.values.values()):
            cut = {
                name: value[: TEXT - 1] + "…" if isinstance(value, str) and len(value) > TEXT else value
                for name, value in self.values.items()
            }
            object.__setattr__(self, "values", cut)

    def __str__(self) -> str:
        return filled(self.text, self.values)


def joined(messages: Sequence[Message]) -> Message:
    """Several sentences, one after the other, as one; there must be one at least."""
    told = messages[0]
    for message in messages[1:]:
        told = Message("{first} {second}", {"first": told, "second": message})
    return told


class LabError(Exception):
    """Raised where the user can do something about it; carries a `Message` instead of a plain string.

    Parameters
    ----------
    text : str
        English template, for example ``"{name}: not an image."``.
    **values
        Values of the placeholders.
    """

    def __init__(self, text: str, **values: object) -> None:
        self.message = Message(text, values)
        super().__init__(str(self.message))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.message,)


def _rebuild(message: Message) -> LabError:
    return LabError(message.text, **message.values)
