"""What a side of a task of text is written with: characters or words, numbered from 3 on. Imports no torch."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Final

from engines.core.errors import LabError
from engines.data import numerals

PAD, BOS, EOS = 0, 1, 2  #: the same in every vocabulary
SPECIAL: Final = ("<pad>", "<s>", "</s>")
SPACE: Final = "␣"  #: how a space is shown
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
DIGITS: Final = "0123456789"


@dataclass(frozen=True)
class Vocabulary:
    """What one side of a task is written with.

    Attributes
    ----------
    symbols : tuple of str
        Characters, or words if ``words``; numbered from 3 on, after padding, start and end.
    words : bool
        A token is a word; otherwise a character.
    """

    symbols: tuple[str, ...]
    words: bool = False
    _number: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_number", {s: i + len(SPECIAL) for i, s in enumerate(self.symbols)})

    def __len__(self) -> int:
        return len(SPECIAL) + len(self.symbols)

    @property
    def tokens(self) -> tuple[str, ...]:
        """How each id is shown."""
        return (*SPECIAL, *(SPACE if s == " " else s for s in self.symbols))

    def pieces(self, text: str) -> list[str]:
        """A text cut into the pieces that are tokens, in one form (lower case, narrow)."""
        plain = " ".join(unicodedata.normalize("NFKC", text).lower().split())
        if self.words:
            return plain.replace("-", " ").replace(",", " ").split()
        return list(plain if " " in self._number else plain.replace(" ", ""))

    def ids(self, pieces: list[str]) -> list[int]:
        """Ids of pieces, without start and end.

        Raises
        ------
        LabError
            If a piece is not in the vocabulary.
        """
        try:
            return [self._number[p] for p in pieces]
        except KeyError:
            unknown = list(dict.fromkeys(p for p in pieces if p not in self._number))
            shown = " ".join(_readable(p[:20]) for p in unknown[:5]) + (" ..." if len(unknown) > 5 else "")
            if self.words:
                raise LabError(
                    "{pieces}: not in the vocabulary of this task, which is English number words.", pieces=shown
                ) from None
            raise LabError(
                "{pieces}: not in the vocabulary of this task, which is {known}", pieces=shown, known=self.known
            ) from None

    @property
    def known(self) -> str:
        """The characters, with ranges written short."""
        text = "".join(self.symbols)
        for whole, short in ((LETTERS, "a–z"), (DIGITS, "0–9")):
            text = text.replace(whole, f" {short} ")
        return " ".join(text.split())

    def text(self, ids: list[int]) -> str:
        """Ids as a text, up to the end; special ones are left out."""
        kept: list[str] = []
        for i in ids:
            if i == EOS:
                break
            if i >= len(SPECIAL):
                kept.append(self.symbols[i - len(SPECIAL)])
        if not self.words:
            return "".join(kept)
        joined = ""
        for word, before in zip(kept, ["", *kept], strict=False):
            hyphen = before in numerals.TENS and word in numerals.ONES[1:10]
            joined += ("-" if hyphen else " " if joined else "") + word
        return joined


def _readable(piece: str) -> str:
    """A piece as it can be seen: what has no sign of its own, such as a joiner of emoji, is told by its number."""
    return "".join(f"U+{ord(c):04X}" if unicodedata.category(c)[0] in "CM" else c for c in piece)
