"""Answers the page "Arrows": one query arrow among key arrows in the plane."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from engines.core.errors import LabError
from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.scoring.arrows.spec import Pulled
from engines.scoring.model import attend, entropy_bits
from engines.scoring.numbers import Numbers, additive, all_scores, numbers_of
from engines.scoring.spec import FIELD, FUNCTIONS, REACH, Place, ScoringParams


class Engine:
    """Yields one `Pulled`."""

    def __init__(self) -> None:
        self._pulled: Memo[Pulled] = Memo()

    def run(self, job: Job[ScoringParams]) -> Iterator[Event]:
        """Score as ``job.params`` ask for.

        Raises
        ------
        LabError
            There is no key, or an arrow is no point of the plane.
        """
        params = job.params
        yield self._pulled.get(pulled_key(params), lambda: pulled(params, numbers_of(params.seed)))


def pulled_key(params: ScoringParams) -> tuple[object, ...]:
    """What `pulled` depends on."""
    return (
        params.arrow_query, params.arrow_keys, params.arrow_values, params.own_values, params.temperature,
        params.hidden, params.seed, (params.function, params.arrow_at) if params.field else None,
    )  # fmt: skip


@torch.no_grad()
def pulled(params: ScoringParams, numbers: Numbers) -> Pulled:
    """The page "Arrows".

    Raises
    ------
    LabError
        There is no key, or an arrow is no point of the plane.
    """
    keys = params.arrow_keys
    values = params.arrow_values[: len(keys)] if params.own_values else keys
    if not keys or len(values) != len(keys):
        raise LabError("There is no key to attend to.")
    k, v = plane(keys), plane(values)  # (K, 2)
    q = plane((params.arrow_query,))  # (1, 2)
    attention = additive(numbers, 2, 2, params.hidden)
    each = all_scores(attention, q, k)  # (F, 1, K)
    output, weights = attend(each, v, None, params.temperature)
    at = min(params.arrow_at, len(keys) - 1)
    field = np.zeros((0, 0), np.float32)
    if params.field:
        side = (torch.arange(FIELD) + 0.5) * (2 * REACH / FIELD) - REACH  # middles of the cells
        places = torch.cartesian_prod(side.flip(0), side).flip(1)  # (n², 2): y falls row by row, x grows
        scores = all_scores(attention, places, k)[FUNCTIONS.index(params.function)]  # (n², K)
        field = (scores / params.temperature).softmax(-1)[:, at].reshape(FIELD, FIELD).contiguous().numpy()
    return Pulled(
        query=params.arrow_query,
        keys=keys,
        values=values,
        scores=each[:, 0].numpy(),
        weights=weights[:, 0].numpy(),
        output=output[:, 0].numpy(),
        entropy=entropy_bits(weights[:, 0]).numpy(),
        at=at,
        field=field,
    )


def plane(places: tuple[Place, ...]) -> Tensor:
    """Points as (N, 2).

    Raises
    ------
    LabError
        If one is not finite or lies outside of the plane that is shown.
    """
    made = torch.tensor(places, dtype=torch.float32)
    if not bool(torch.isfinite(made).all()) or float(made.abs().max()) > REACH:
        raise LabError("An arrow must end at two numbers between −{reach} and {reach}.", reach=f"{REACH:g}")
    return made
