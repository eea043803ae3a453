"""Long sums in live numbers: as many terms as there is room for, the largest ones, in their order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from app.words import number

REST = "..."  #: stands for the terms that are left out


def two(value: float) -> str:
    """Two digits."""
    return number(value, 2)


def signed(value: float, write: Callable[[float], str] = two) -> str:
    """A number inside a product or a difference: negative ones in brackets."""
    text = write(float(value))
    return f"({text})" if text.startswith("−") else text


def largest(sizes: npt.ArrayLike, most: int) -> list[int]:
    """The places of the ``most`` largest sizes, rising; all of them where only one would be left out."""
    found = np.abs(np.asarray(sizes, float))
    if len(found) <= most + 1:
        return list(range(len(found)))
    return sorted(np.argsort(-found, kind="stable")[:most].tolist())


def products(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    most: int = 4,
    write: Callable[[float], str] = two,
    write_a: Callable[[float], str] | None = None,
) -> str:
    """a1×b1 + a2×b2 and so on: the terms that make the sum what it is.

    Parameters
    ----------
    a, b : array_like (n,)
    most : int
        Products that are written out; dots stand for the others.
    write, write_a : callable
        How the numbers are written, those of ``a`` where they are written in another way.
    """
    left, right = np.asarray(a, float), np.asarray(b, float)
    shown = largest(left * right, most)
    terms = [f"{signed(left[n], write_a or write)}×{signed(right[n], write)}" for n in shown]
    return " + ".join([*terms, REST] if len(shown) < len(left) else terms)


def total(values: npt.ArrayLike, most: int = 4, write: Callable[[float], str] = two) -> str:
    """v1 + v2 and so on, as `products`."""
    every = np.asarray(values, float)
    shown = largest(every, most)
    terms = [signed(every[n], write) for n in shown]
    return " + ".join([*terms, REST] if len(shown) < len(every) else terms)
