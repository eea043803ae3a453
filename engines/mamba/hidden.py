"""The attention that a selective scan does without saying so.

Source: Ali, Zimerman and Wolf 2024, "The Hidden Attention of Mamba Models".
y_t = Σ_s α_ts u_s with α_ts = Σ_n C_tn exp(A_n (Δ_(s+1) + … + Δ_t)) Δ_s B_sn: weights of any sign, whose rows don't
sum to 1. The products of many decays leave what a float holds; sums of Δ don't, so they are taken first, in double.
"""

from __future__ import annotations

import torch
from torch import Tensor

AT_ONCE = 2**22  #: weights that are made together


def implicit_attention(delta: Tensor, A: Tensor, B: Tensor, C: Tensor, row: int | None = None) -> Tensor:
    """The weights by which each step's output is made of the inputs of all steps so far.

    Parameters
    ----------
    delta : Tensor (B, D, L)
        Step sizes, ready for use.
    A : Tensor (D, N)
        Not positive.
    B, C : Tensor (B, N, L)
    row : int, optional
        Only what this step (counted from 0, or from the end) takes.

    Returns
    -------
    weights : Tensor (B, D, L, L)
        To, from; exactly 0 above the diagonal. With ``row`` (B, D, 1, L).
    """
    length = delta.shape[-1]
    rows = torch.arange(length, device=delta.device)
    if row is not None:
        rows = rows[row % length].reshape(1)
    later = rows[:, None] < torch.arange(length, device=delta.device)  # (R, L)
    time = delta.double().cumsum(-1)
    weights = delta.new_zeros(*delta.shape[:2], len(rows), length)
    count = max(1, AT_ONCE // (delta.shape[0] * len(rows) * length))
    for first in range(0, delta.shape[1], count):
        part = slice(first, first + count)
        now, found = time[:, part], weights[:, part]
        passed = (now[..., rows, None] - now[..., None, :]).to(delta.dtype).masked_fill_(later, 0)  # (B, d, R, L)
        for n in range(A.shape[1]):
            decay = torch.exp(passed * A[part, n, None, None])
            decay *= (delta[:, part] * B[:, None, n])[:, :, None]
            found.addcmul_(decay, C[:, None, n, rows, None])
        found.masked_fill_(later, 0)
    return weights
