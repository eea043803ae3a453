"""From typed characters to a model's tokens and back, by the `tokenizers` library; nothing is cut or joined here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unicodedata import category

from tokenizers import Encoding, Tokenizer

from engines.checkpoints.layout import TOKENIZER, check_tokenizer, folder_name
from engines.core import limits
from engines.core.errors import LabError
from engines.core.reading import check_pointer, read_bytes
from engines.self_attention.language.model import GPT2, LanguageConfig

MASK = "[MASK]"
NOTHING = "There is no token in this text. Type a word."
_SEEN = {" ": "␣", "\u2581": "␣", "\n": "¶", "\t": "→", "\r": "¶"}  # the second is how SentencePiece writes a blank
_PRINTED = (*range(33, 127), *range(161, 173), *range(174, 256))  # bytes that GPT-2 writes as they are


@dataclass(frozen=True)
class Tokens:
    """A text, or two, as a model reads them. N tokens.

    Attributes
    ----------
    ids, types : tuple of int
        Pieces of the vocabulary, and the segment of each.
    names : tuple of str
        As they are shown; of a piece that is no whole character its bytes.
    sentence : tuple of int
        0 and 1; −1 for what the model puts in itself, such as [CLS].
    spans : tuple of (int, int)
        The typed characters that each stands for, within its own sentence; (0, 0) for none.
    words : tuple of int
        Which word of its sentence each is a part of, −1 for none.
    cut : int
        Tokens that were left out, since the model takes no more.
    """

    ids: tuple[int, ...]
    types: tuple[int, ...]
    names: tuple[str, ...]
    sentence: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    words: tuple[int, ...]
    cut: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def special(self) -> tuple[bool, ...]:
        """Which ones the model has put in itself."""
        return tuple(at < 0 for at in self.sentence)

    def reordered(self, order: tuple[int, ...]) -> Tokens:
        """The same tokens in another order; their segments stay where they are."""

        def of(values: tuple) -> tuple:
            return tuple(values[i] for i in order)

        return Tokens(
            of(self.ids), self.types, of(self.names), of(self.sentence), of(self.spans), of(self.words), self.cut
        )

    def grown(self, piece: int, name: str) -> Tokens:
        """The same with one more piece at its end, which nobody has typed."""
        return Tokens(
            (*self.ids, piece), (*self.types, 0), (*self.names, name), (*self.sentence, 0), (*self.spans, (0, 0)),
            (*self.words, -1), self.cut,
        )  # fmt: skip

    def replaced(self, at: int, piece: int, name: str) -> Tokens:
        """The same with another piece at one place."""
        ids, names = list(self.ids), list(self.names)
        ids[at], names[at] = piece, name
        return Tokens(tuple(ids), self.types, tuple(names), self.sentence, self.spans, self.words, self.cut)


@cache
def _bytes_of_signs() -> dict[str, int]:
    """GPT-2's vocabulary writes each byte as a sign that can be printed: from that sign to the byte."""
    others = [byte for byte in range(256) if byte not in _PRINTED]
    return {chr(byte): byte for byte in _PRINTED} | {chr(256 + at): byte for at, byte in enumerate(others)}


def shown_piece(piece: str, of_bytes: bool) -> str:
    """A piece of a vocabulary as it is shown; ``of_bytes`` for GPT-2's way of writing bytes."""
    if of_bytes:
        signs = _bytes_of_signs()
        if all(sign in signs for sign in piece):
            raw = bytes(signs[sign] for sign in piece)
            try:
                piece = raw.decode("utf-8")
            except UnicodeDecodeError:
                return f"⟨{raw.hex(' ').upper()}⟩"
    return "".join(_SEEN.get(sign, sign if category(sign) != "Cc" else f"⟨{ord(sign):02X}⟩") for sign in piece)


class Speller:
    """The tokenizer that belongs to a model.

    Parameters
    ----------
    tokenizer : Tokenizer
    config : LanguageConfig
        Its model: how long a text may be, how many pieces it knows.
    name : str
        What to call it.
    """

    def __init__(self, tokenizer: Tokenizer, config: LanguageConfig, name: str) -> None:
        tokenizer.no_truncation()  # a file may ask for 128 tokens, and for as many in any case
        tokenizer.no_padding()
        pieces = 1 + max(tokenizer.get_vocab().values(), default=-1)  # there may be holes
        if pieces > config.vocabulary:
            raise LabError(
                "{name}: its {file} knows {said} pieces, the weights hold {found}.", name=name, file=TOKENIZER,
                said=pieces, found=config.vocabulary,
            )  # fmt: skip
        self._tokenizer, self._config = tokenizer, config
        self._of_bytes = config.family == GPT2
        self.mask: int | None = None if config.causal else tokenizer.token_to_id(MASK)

    def name_of(self, piece: int) -> str:
        """A piece as it is shown."""
        found = self._tokenizer.id_to_token(piece)
        return f"#{piece}" if found is None else shown_piece(found, self._of_bytes)

    def read(self, first: str, second: str = "") -> Tokens:
        """The tokens of a text, or of two that the model reads together.

        Raises
        ------
        LabError
            There is not one token but those that the model puts in itself.
        """
        if not first.strip():
            first, second, swapped = second, "", True
        else:
            swapped = False
        pair = second if second.strip() else None
        gap = 1 if pair is not None and self._config.causal else 0  # GPT-2 knows no second sentence: it goes on
        if pair is not None and gap:
            pair = f" {pair}"
        whole = self._encode(first, pair)
        cut = len(whole.ids) - self._config.positions
        if cut > 0:
            self._tokenizer.enable_truncation(self._config.positions, strategy="longest_first")
            try:
                whole = self._encode(first, pair)
            finally:
                self._tokenizer.no_truncation()
        return self._tokens(whole, max(0, cut), gap, swapped)

    def _encode(self, first: str, pair: str | None) -> Encoding:
        return self._tokenizer.encode(first) if pair is None else self._tokenizer.encode(first, pair)

    def _tokens(self, found: Encoding, cut: int, gap: int, swapped: bool) -> Tokens:
        sentence, spans, words = list[int](), list[tuple[int, int]](), list[int]()
        special = found.special_tokens_mask
        for i, (start, end) in enumerate(found.offsets):
            number = found.sequence_ids[i]
            own = number is not None and not special[i]
            back = gap if number == 1 else 0
            sentence.append((1 if swapped else number or 0) if own else -1)
            spans.append((max(0, start - back), max(0, end - back)) if own else (0, 0))
            word = found.word_ids[i]
            words.append(word if own and word is not None else -1)
        if all(at < 0 for at in sentence):
            raise LabError(NOTHING)
        names = tuple(shown_piece(piece, self._of_bytes) for piece in found.tokens)
        types = tuple(0 for _ in found.ids) if not self._config.types else tuple(found.type_ids)
        return Tokens(tuple(found.ids), types, names, tuple(sentence), tuple(spans), tuple(words), cut)


def read_speller(folder: Path, config: LanguageConfig) -> Speller:
    """The tokenizer of a model's folder.

    Raises
    ------
    LabError
        It is missing, damaged or another model's.
    """
    name = folder_name(folder)
    path = folder / TOKENIZER
    check_tokenizer(folder, name)
    data = read_bytes(path, limits.TOKENIZER_FILE, f"{name}/{TOKENIZER}")
    check_pointer(data, f"{name}/{TOKENIZER}")
    try:
        tokenizer = Tokenizer.from_str(data.decode("utf-8"))
    except Exception as error:
        if type(error) is not Exception:  # what the library raises for a file that is none of its own
            raise
        raise LabError("{name}: can't be read ({reason}).", name=f"{name}/{TOKENIZER}", reason=str(error)) from error
    return Speller(tokenizer, config, name)
