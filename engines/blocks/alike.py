"""How alike the tokens of a layer (or the nodes of a graph) have become: rank collapse and over-smoothing alike.

Sources: Dong et al. 2021, "Attention is not all you need: pure attention loses rank doubly exponentially with depth",
section 2 (the residual of a matrix: what a rank-1 matrix of equal rows leaves of it); Oono & Suzuki 2020, "Graph
neural networks exponentially lose expressive power for node classification" (the same in graphs).
"""

from __future__ import annotations

import torch
from torch import Tensor


def difference(x: Tensor) -> Tensor:
    """Share of a matrix that is the rows' difference: ‖x − mean over rows‖ / ‖x‖, both of Frobenius.

    Parameters
    ----------
    x : Tensor (..., N, E)
        Tokens or nodes as rows.

    Returns
    -------
    Tensor (...)
        From 0 (all rows are one and the same) to 1; 0 for a matrix of zeros.
    """
    # the mean first, then what is left: the difference of two squares would end at 1e-4 in single precision
    apart = torch.linalg.matrix_norm(x - x.mean(-2, keepdim=True))
    whole = torch.linalg.matrix_norm(x)
    return torch.where(whole > 0, apart / whole.clamp_min(torch.finfo(x.dtype).tiny), torch.zeros_like(whole))
