"""Finds out on the machine itself which of the ways to compute a model is quickest and gives the same answer.

Which is quickest depends on the processor: bfloat16 pays where matrix units have it and costs where it is only known.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from engines.blocks.backends import (
    BFLOAT16,
    FASTEST,
    FLOAT32,
    ONNX,
    OPENVINO,
    OPENVINO_BF16,
    SAME_BOX,
    Computed,
)
from engines.core.errors import Message
from engines.core.protocol import Event, Progress


class Timed(Protocol):
    """A picture as a way has computed it."""

    @property
    def seconds(self) -> float:
        """What it took."""


W = TypeVar("W")
R = TypeVar("R", bound=Timed)

PACKAGES = {ONNX: "onnxruntime", OPENVINO: "openvino", OPENVINO_BF16: "openvino"}
SMALL = Message("This model is small and always runs in float32.")
FIRST = Message("This picture was processed first; the other backends were timed after it.")


def has_bfloat16(device: torch.device) -> bool:
    """Whether the processor computes in bfloat16 by itself."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return device.type == "cpu" and torch.backends.mkldnn.is_available() and known is not None and bool(known())


def missing(backend: str, device: torch.device) -> Message | None:
    """What a backend lacks on this machine, whatever the model; None if nothing."""
    if backend in PACKAGES and device.type != "cpu":
        return Message("{backend} runs on the CPU only.", {"backend": Message(backend)})
    if backend in PACKAGES and importlib.util.find_spec(PACKAGES[backend]) is None:
        return Message(
            '{backend} is not installed; the optional extra "fast" includes it.', {"backend": Message(backend)}
        )
    if backend in (BFLOAT16, OPENVINO_BF16) and not has_bfloat16(device):
        return Message("This CPU does not support bfloat16.")
    return None


class Choosing(Generic[W, R]):
    """The ways to compute one model, each made when first used.

    Only one is kept: the one chosen, or while they are timed the quickest so far (to make it once more would take
    seconds, with no place to stop).

    Parameters
    ----------
    plain : W
        The way in float32.
    backends : sequence of str
        Which there may be.
    same_box : float
        What boxes may differ by, in shares of the sides.
    """

    def __init__(self, plain: W, backends: Sequence[str], same_box: float = SAME_BOX) -> None:
        self.backends, self.plain, self.same_box = backends, plain, same_box
        self.tried: dict[str, float] = {}  # milliseconds
        self.compared: dict[str, Computed] = {}
        self._made: tuple[str, W | None] = (FLOAT32, None)

    # -- what a subclass says
    def obstacle(self, backend: str) -> Message | None:
        """Why a backend is not to be had for this model on this machine; None if it is."""
        raise NotImplementedError

    def make(self, backend: str) -> W:
        """The way on this backend."""
        raise NotImplementedError

    def go(self, way: W) -> Tensor:
        """Compute a small picture: what comes out, of any shape (...)."""
        raise NotImplementedError

    def difference(self, fast: R, plain: R) -> tuple[float, float, float]:
        """Largest difference of logits, probabilities and boxes (shares of the sides; −1 where there are none)."""
        raise NotImplementedError

    # -- what all have
    def to_try(self) -> list[str]:
        """What is still to be tried before the fastest is known; nothing where there is no choice."""
        there = [backend for backend in self.backends if self.obstacle(backend) is None]
        return [backend for backend in there if backend not in self.tried] if len(there) > 1 else []

    def choose(self, asked: str) -> tuple[str, Message | None]:
        """The backend to use, and why if it is another one than asked for."""
        if asked == FASTEST:
            good = [backend for backend in self.tried if backend not in self.compared or self.compared[backend].good]
            return min(good, key=self.tried.__getitem__, default=FLOAT32), None
        why = self.obstacle(asked)
        return (asked, None) if why is None else (FLOAT32, why)

    def way(self, backend: str) -> W:
        """How this backend computes."""
        if backend == FLOAT32:
            return self.plain
        known, made = self._made
        if known != backend or made is None:
            self._made = (FLOAT32, None)  # gone before the new one is made
            made = self.make(backend)
            self._made = (backend, made)
        return made

    @torch.inference_mode()
    def attempt(self, backend: str) -> float:
        """Milliseconds for a small picture: the better of two goes after one that does not count."""
        known, kept = self._made
        way = self.plain if backend == FLOAT32 else kept if known == backend and kept is not None else None
        made, spent = self.make(backend) if way is None else way, []
        for _ in range(3):
            began = time.perf_counter()
            self.go(made).sum().item()  # waits for a device that works on by itself
            spent.append(time.perf_counter() - began)
        self.tried[backend] = 1000 * min(spent[1:])
        if backend != FLOAT32 and self.choose(FASTEST)[0] == backend:
            self._made = (backend, made)
        return self.tried[backend]

    def trials(self) -> Iterator[Event]:
        """Try all that there are with a small picture, with a place to stop after each."""
        waiting = self.to_try()
        for done, backend in enumerate(waiting):
            yield Progress(done, len(waiting), Message("Timing {backend}", {"backend": Message(backend)}))
            self.attempt(backend)

    def computed(self, asked: str, used: str, why: Message | None, seconds: float) -> Computed:
        """What is told of a picture that was computed."""
        order = tuple(sorted(((backend, round(ms, 1)) for backend, ms in self.tried.items()), key=lambda pair: pair[1]))
        known = self.compared.get(used, Computed(asked, used))
        return replace(known, asked=asked, used=used, why=why, tried=order, milliseconds=1000 * seconds)

    def compare(self, backend: str, fast: R, plain: R, name: str) -> None:
        """Keep how far a picture, named ``name``, computed on this backend is from the same in float32."""
        self.compared[backend] = Computed(
            backend, backend, None, (), 1000 * fast.seconds, 1000 * plain.seconds, *self.difference(fast, plain), name,
            self.same_box,
        )  # fmt: skip

    def settle(
        self,
        asked: str,
        used: str,
        why: Message | None,
        made: R,
        name: str,
        again: Callable[[str], Generator[Event, None, R]],
    ) -> Generator[Event, None, bool]:
        """Say how a picture was computed; once, find out which backend is quickest, and how far from float32 it is.

        Parameters
        ----------
        asked, used : str
        why : Message or None
        made : R
            The picture, computed on ``used``.
        name : str
        again : callable
            Computes it on another backend.

        Returns
        -------
        bool
            Whether the picture is to be answered anew: the backend that was held for the fastest is not.
        """
        yield self.computed(asked, used, why, made.seconds)
        if asked == FASTEST and self.to_try():
            yield from self.trials()
            best = self.choose(FASTEST)[0]
            if best != FLOAT32:
                fast = yield from again(best)
                self.compare(best, fast, made, name)
            yield self.computed(asked, used, why, made.seconds)
        elif used != FLOAT32 and used not in self.compared:
            plain = yield from again(FLOAT32)
            self.compare(used, made, plain, name)
            if asked == FASTEST and not self.compared[used].good:
                return True
            yield self.computed(asked, used, why, made.seconds)
        return False
