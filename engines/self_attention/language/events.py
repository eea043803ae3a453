"""What all pages on a language model are told: the model, and the text as it reads it. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Event, Subject

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LanguageInfo(Subject):
    """The model that answers.

    Attributes
    ----------
    source, title : str
        What it was loaded from (the engine's choice, where ``OfText.model`` is empty), and its name.
    family : str
        ``bert``, ``distilbert`` or ``gpt2``.
    layers, heads, width, positions, parameters : int
        Heads of each layer; the longest text; numbers learned.
    words : str
        ``masked`` or ``next`` where it can name words, else empty.
    for_sentences : bool
        It was trained to compare sentences.
    sha256 : str
        Of its weights' file, see `engines.checkpoints.catalog.fingerprint`.
    """

    source: str
    title: str
    family: str
    layers: int
    heads: int
    width: int
    positions: int
    parameters: int
    words: str
    for_sentences: bool
    sha256: str = ""

    @property
    def causal(self) -> bool:
        """Whether a token sees only those before it."""
        return self.words == "next"


@dataclass(frozen=True)
class Written(Event):
    """A text, or two, as the model reads them. N tokens.

    Attributes
    ----------
    names : tuple of str (N,)
    sentence : tuple of int (N,)
        0 and 1; −1 for what the model puts in itself.
    spans : tuple of (int, int)
        The typed characters that each stands for, within its own sentence.
    words : tuple of int (N,)
        Which word of its sentence each is a part of, −1 for none.
    cut : int
        Tokens that were left out, since the model takes no more.
    """

    names: tuple[str, ...]
    sentence: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    words: tuple[int, ...]
    cut: int = 0

    def __len__(self) -> int:
        return len(self.names)
