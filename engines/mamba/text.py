"""From typed characters to a model's tokens and back, by the `tokenizers` library; nothing is cut or joined here."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tokenizers import Tokenizer

from engines.checkpoints.layout import TOKENIZER, folder_name
from engines.core import limits
from engines.core.errors import LabError
from engines.core.reading import check_pointer, read_bytes

_SEEN = {" ": "␣", chr(0x2581): "␣", "\n": "\\n", "\t": "\\t", "\r": "\\r"}  # 2581 is SentencePiece's space
_PRINTED = (*range(33, 127), *range(161, 173), *range(174, 256))  # bytes that GPT-2's vocabulary writes as they are


class Speller:
    """The tokenizer that belongs to a model.

    Parameters
    ----------
    tokenizer : Tokenizer
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()  # a file may ask for it
        tokenizer.no_padding()
        self._tokenizer = tokenizer

    def read(self, text: str, most: int) -> tuple[tuple[int, ...], int]:
        """The first tokens of a text, and how many more there are."""
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        return tuple(ids[:most]), max(0, len(ids) - most)

    def name_of(self, token: int) -> str:
        """A token as it is shown: spaces and ends of lines as signs, what is no whole character as its bytes."""
        found = self._tokenizer.id_to_token(token)
        return f"#{token}" if found is None else shown_piece(found)

    def write(self, ids: tuple[int, ...]) -> str:
        """The text of tokens."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=False)


@cache
def _bytes_of_signs() -> dict[str, int]:
    """The vocabulary writes each byte as a sign that can be printed: from that sign to the byte."""
    others = [byte for byte in range(256) if byte not in _PRINTED]
    return {chr(byte): byte for byte in _PRINTED} | {chr(256 + at): byte for at, byte in enumerate(others)}


def shown_piece(piece: str) -> str:
    """A piece of a vocabulary of bytes as it is shown; what is not made of their signs stands as it is."""
    signs = _bytes_of_signs()
    if all(sign in signs for sign in piece):
        raw = bytes(signs[sign] for sign in piece)
        try:
            piece = raw.decode("utf-8")
        except UnicodeDecodeError:
            return f"⟨{raw.hex(' ').upper()}⟩"
    return "".join(_SEEN.get(sign, sign if sign.isprintable() else f"⟨{ord(sign):02X}⟩") for sign in piece)


def read_speller(folder: Path, vocabulary: int) -> Speller:
    """The tokenizer of a model's folder.

    Raises
    ------
    LabError
        It is missing, damaged, or knows more tokens than the model.
    """
    name = folder_name(folder)
    path = folder / TOKENIZER
    if not path.is_file():
        raise LabError(
            "{name}: has no {file}, which says how the model cuts a text into tokens.", name=name, file=TOKENIZER
        )
    data = read_bytes(path, limits.TOKENIZER_FILE, f"{name}/{TOKENIZER}")
    check_pointer(data, f"{name}/{TOKENIZER}")
    try:
        tokenizer = Tokenizer.from_str(data.decode("utf-8"))
    except Exception as error:
        if type(error) is not Exception and not isinstance(error, UnicodeDecodeError):
            raise  # the library raises a bare one for a file that is none of its own
        raise LabError("{name}: can't be read ({reason}).", name=f"{name}/{TOKENIZER}", reason=str(error)) from error
    pieces = 1 + max(tokenizer.get_vocab().values(), default=-1)  # there may be gaps, which the library doesn't count
    if pieces > vocabulary:
        raise LabError(
            "{name}: its {file} knows {said} pieces, the weights hold {found}.", name=name, file=TOKENIZER,
            said=pieces, found=vocabulary,
        )  # fmt: skip
    return Speller(tokenizer)
