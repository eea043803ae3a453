"""How far two results of the same sum may lie apart: what rounding explains, and no more.

Rounding is measured in steps of the number format (eps: 1.2e-7 for float32) at the size of the values: a logit of 32
is rounded 32 times as coarsely as a probability, and an element near 0 as coarsely as the largest it was added up with.
Processors add in another order, each with its own rounding; one that has no vector unit adds in a single chain, which
loses more.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

SINGLE_CHAIN = 4  #: how much more is lost without a vector unit, as `ATEN_CPU_CAPABILITY=default` computes
FEW, SOME, MANY = 10, 100, 1000  #: steps: of one operation, of a layer, of a whole model


def processor() -> int:
    """By how much this processor's sums are coarser than those of AVX2 and later."""
    return SINGLE_CHAIN if torch.backends.cpu.get_cpu_capability() == "DEFAULT" else 1


def as_array(values) -> np.ndarray:
    """Any of what is compared, as float64 or complex128 of the same values."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = values.double() if values.dtype.is_floating_point else values
    values = np.asarray(values)
    return values.astype(np.result_type(values, np.float64))


def eps(values) -> float:
    """One step at 1 of the format of ``values``; integers have none, and numbers of Python are float64."""
    if isinstance(values, torch.Tensor):
        return torch.finfo(values.dtype).eps if values.dtype.is_floating_point else 0.0
    kind = np.asarray(values).dtype
    return float(np.finfo(kind).eps) if kind.kind in "fc" else 0.0


def size(*arrays: np.ndarray) -> float:
    """The largest finite value, at least 1: what is smaller came from sums about 1 (probabilities, cosines)."""
    finite = [np.abs(a[np.isfinite(a)]).max(initial=0) for a in arrays]
    return float(max(1.0, *finite))


def close(got, wanted, steps: float = SOME, *, dtype=None, name: str = "") -> None:
    """Fail unless two arrays have one shape and differ by at most ``steps`` roundings at the size of their values.

    Parameters
    ----------
    got, wanted : Tensor, array or number
        ``wanted`` may be broadcast to the shape of ``got``; inf and NaN must stand at the same places.
    steps : float
        Roundings allowed; see `FEW`, `SOME`, `MANY`.
    dtype : numpy dtype, optional
        In which it was computed, if what is compared was widened since; else the coarsest of both is taken.
    """
    a, b = as_array(got), as_array(wanted)
    try:
        b = np.broadcast_to(b, a.shape)
    except ValueError:
        raise AssertionError(f"{name} shape {a.shape} against {b.shape}") from None
    unit = float(np.finfo(dtype).eps) if dtype is not None else max(eps(got), eps(wanted))
    allowed = steps * unit * size(a, b) * processor()
    np.testing.assert_allclose(a, b, rtol=0, atol=allowed, err_msg=name)


def about(wanted, steps: float = SOME, *, dtype=np.float32):
    """As `close`, for numbers of Python: ``assert loss == about(0.25)``; they were computed in ``dtype``."""
    values = list(wanted.values()) if isinstance(wanted, dict) else wanted
    allowed = steps * float(np.finfo(dtype).eps) * size(as_array(values)) * processor()
    return pytest.approx(wanted, rel=0, abs=allowed)
