"""Who mixes with whom: how much a token that leaves a function hangs on each token that enters it.

M[i, j] = ‖∂y_i / ∂x_j‖, the Frobenius norm of a block of the Jacobian: attention weights, kernels and scans of any
net on one scale. It is found in two ways.

* **Exactly**, by one backward pass for each number that leaves: N tokens times d numbers.
* **By random probes.** For a random v with E[v vᵀ] = 1 the length of vᵀ J is, squared, on average ‖J‖² (Hutchinson
  1990), so that one backward pass tells of a whole row. The probes of a token stand at right angles to each other: k of
  d leave 1 − k / d of the spread that independent ones would (Choromanski et al. 2017, "The Unreasonable Effectiveness
  of Structured Random Orthogonal Embeddings"), and d of them are exact. Where y_i does not hang on x_j each finds 0.

Shapes: N tokens enter with C numbers each, M leave with D; pixels are tokens row by row. R backward passes go side by
side.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from engines.core.errors import LabError

Function = Callable[[Tensor], Tensor]

CHUNK = 300_000  # numbers that enter side by side: what a net makes of more does not stay in the processor's cache
HALF = 0.5  # share of entries that are not 0, beyond which rows have too many in common to go together
MOST = 64  # probes of a token that stand at right angles, unless more are asked for at once


def mixing_matrix(
    function: Function, x: Tensor, probes: int | None = None, generator: torch.Generator | None = None
) -> Tensor:
    """How much each token that leaves a function hangs on each that enters it.

    Parameters
    ----------
    function : callable
        Tokens (B, N, C) or maps (B, C, H, W) to the like, of any number of tokens and channels; each picture on its
        own, as a module in eval mode does it.
    x : Tensor (B, N, C) or (B, C, H, W)
        Where it is looked at: pixels are tokens row by row.
    probes : int, optional
        Random probes of each token that leaves; None for the exact matrix.
    generator : torch.Generator, optional
        Of the probes.

    Returns
    -------
    Tensor (B, M, N)
        [b, i, j] = ‖∂y_i / ∂x_j‖, exactly 0 where nothing of y_i comes from x_j. Squared, the estimates are unbiased.

    Raises
    ------
    ValueError
        For less than one probe, and for what are no tokens.
    LabError
        In words, where gradients are not finite.
    """
    as_tokens(x)
    if probes is not None and probes < 1:
        raise ValueError(f"a mixing matrix takes at least one probe, not {probes}")
    return torch.cat([_matrix(function, one, probes, generator) for one in x.split(1)])


def _matrix(function: Function, x: Tensor, probes: int | None, generator: torch.Generator | None) -> Tensor:
    way = Way(function, x)
    if probes is None:
        rows = [Row(way, number) for number in range(way.tokens)]
        for row in rows:
            while not row.advance():
                pass
        return torch.stack([row.norms() for row in rows])[None]
    probing = Probing(way, generator, max(probes, MOST))
    while probing.count < probes and not probing.exact:
        probing.advance()
    return probing.norms()[None]


def as_tokens(x: Tensor) -> Tensor:
    """Tokens (B, N, C) as they are; maps (B, C, H, W) as tokens, row by row.

    Raises
    ------
    ValueError
        For anything else.
    """
    if x.dim() == 3:
        return x
    if x.dim() == 4:
        return x.flatten(2).transpose(1, 2)
    raise ValueError(f"tokens are (B, N, C), pixels (B, C, H, W), not {tuple(x.shape)}")


class Way:
    """The way back through a function: it goes there once, and back as often as one asks.

    Parameters
    ----------
    function, x
        As of `mixing_matrix`, x of one picture.

    Attributes
    ----------
    tokens, width : int
        M and D of what leaves.
    entering : int
        N.
    together : int
        Backward passes that go side by side.
    """

    def __init__(self, function: Function, x: Tensor) -> None:
        with torch.inference_mode(False), torch.enable_grad():
            self._entered = x.detach().clone().requires_grad_(True)
            self._left = as_tokens(function(self._entered))  # (1, M, D)
        self._function, self.x = function, x
        self.tokens, self.width = self._left.shape[1:]
        self.entering = as_tokens(x).shape[1]
        self.together = max(1, CHUNK // max(x[0].numel(), self._left[0].numel()))
        self._at_once = True

    def pull(self, at: Tensor, vectors: Tensor, passes: Tensor | None = None) -> Tensor:
        """Squared lengths of what vectors become on their way back.

        Parameters
        ----------
        at : Tensor (K,)
            Tokens that leave, any number of times.
        vectors : Tensor (K, D)
            One for each of them.
        passes : Tensor (K,), optional
            Which of the R passes takes it, from 0 on; each its own if not given.

        Returns
        -------
        Tensor (R, N)
            ‖Σ vᵀ ∂y_at / ∂x_j‖², over the vectors of a pass.

        Raises
        ------
        LabError
            Where they are not finite.
        """
        passes = torch.arange(len(at), device=at.device) if passes is None else passes
        sent = vectors.new_zeros(int(passes[-1]) + 1, self.tokens, self.width)
        sent[passes, at] = vectors
        if not self._left.requires_grad:  # nothing of what enters leaves
            return self.x.new_zeros(len(sent), self.entering)
        with torch.inference_mode(False), torch.enable_grad():
            found = self._all_at_once(sent) if self._at_once else None
            if found is None:
                self._at_once = False
                found = self._in_copies(sent)
        squares: Tensor = as_tokens(found).square().sum(-1)
        if not squares.isfinite().all():
            raise LabError("The gradients are not finite.")
        return squares

    def _all_at_once(self, sent: Tensor) -> Tensor | None:
        """Back through what is kept of the one way there; None for an operation that goes back one by one only."""
        try:
            (found,) = torch.autograd.grad(
                self._left, self._entered, sent[:, None], retain_graph=True, is_grads_batched=True,
                materialize_grads=True,
            )  # fmt: skip
        except RuntimeError:  # what else may be wrong shows on the other way, too
            return None
        return found[:, 0]

    def _in_copies(self, sent: Tensor) -> Tensor:
        """There and back with a copy of what enters for each pass."""
        copies = self.x.detach().expand(len(sent), *self.x.shape[1:]).clone().requires_grad_(True)
        (found,) = torch.autograd.grad(as_tokens(self._function(copies)), copies, sent, materialize_grads=True)
        return found


def directions(width: int, count: int, generator: torch.Generator | None = None) -> Tensor:
    """Random directions at right angles to each other, as columns (width, count) of length √width."""
    drawn = torch.randn(width, min(width, count), generator=generator)
    return torch.linalg.qr(drawn).Q * math.sqrt(width)


def apart(seen: Tensor) -> list[Tensor]:
    """Rows of a pattern (M, N) in groups within which no two have an entry in common (Curtis, Powell & Reid 1974).

    One pass serves a group: each window of a Swin has its own columns, and so have kernels that lie far enough apart.
    """
    if float(seen.float().mean()) > HALF:
        return [row[None] for row in torch.arange(len(seen))]
    unions = seen.new_zeros(len(seen), seen.shape[1])
    members = list[list[int]]()
    for number, row in enumerate(seen):
        taken = (unions[: len(members)] & row).any(1)
        at = int(taken.int().argmin()) if len(taken) and not bool(taken.all()) else len(members)
        if at == len(members):
            members.append([])
        members[at].append(number)
        unions[at] |= row
    return [torch.tensor(group) for group in members]


class Probing:
    """All rows by random probes, one more of each token at a time; it can stop after any chunk and go on later.

    Parameters
    ----------
    way : Way
    generator : torch.Generator, optional
    most : int
        Probes at right angles; further ones are drawn anew.

    Attributes
    ----------
    count : int
        Probes so far.
    """

    def __init__(self, way: Way, generator: torch.Generator | None = None, most: int = MOST) -> None:
        self._way, self._generator, self._most = way, generator, most
        self.count = self._done = 0
        self._seen: Tensor | None = None  # entries that are not 0, (M, N), once that is known
        self._groups = [row[None] for row in torch.arange(way.tokens)]  # rows that go back together
        self._found = way.x.new_zeros(way.tokens, way.entering)
        self._sum = torch.zeros(way.tokens, way.entering, dtype=torch.float64)
        self._squares = torch.zeros_like(self._sum)
        self._draw()

    def _draw(self) -> None:
        """Another set of directions; each token sees it through signs of its own, so that errors differ."""
        self._set = directions(self._way.width, self._most, self._generator).to(self._way.x)
        signs = torch.randint(0, 2, (self._way.tokens, self._way.width), generator=self._generator)
        self._signs = (2 * signs - 1).to(self._way.x)

    @property
    def exact(self) -> bool:
        """Whether all directions were tried: another probe would find nothing new."""
        return self.count == self._way.width <= self._set.shape[1]

    @property
    def done(self) -> float:
        """Share of the rows that this probe has been through."""
        return self._done / len(self._groups)

    def advance(self) -> bool:
        """Go on by some rows; whether that was the last of a probe."""
        way = self._way
        if self._done == 0 and self.count and self.count % self._set.shape[1] == 0:
            self._draw()
        groups = self._groups[self._done : self._done + way.together]
        rows = torch.cat(groups).to(way.x.device)
        passes = torch.arange(len(groups)).repeat_interleave(torch.tensor([len(each) for each in groups])).to(rows)
        vectors = self._signs[rows] * self._set[:, self.count % self._set.shape[1]]
        found = way.pull(rows, vectors, passes)[passes]
        self._found[rows] = found if self._seen is None else found * self._seen[rows]
        self._done += len(groups)
        if self._done < len(self._groups):
            return False
        if self._seen is None:
            self._seen = self._found > 0
            self._groups = apart(self._seen.cpu())
        squares = self._found.cpu().double()
        self._sum += squares
        self._squares += squares.square()
        self._done, self.count = 0, self.count + 1
        return True

    def norms(self) -> Tensor:
        """The matrix as it is known so far, (M, N); 0 before the first probe."""
        return (self._sum / max(1, self.count)).sqrt().float()

    def error(self) -> Tensor:
        """Standard error of the norms, as a share of them, (M, N): from the spread of the probes, 0 for exact ones.

        Infinite after less than two probes, where nobody knows.
        """
        return _error(self._sum, self._squares, self.count, self._way.width, self._set.shape[1])


class Row:
    """One row, exactly or by probes; it can stop after any chunk and go on later.

    Parameters
    ----------
    way : Way
    row : int
        The token that leaves.
    probes : int, optional
        None for the exact row.
    generator : torch.Generator, optional
        Of the probes.
    """

    def __init__(self, way: Way, row: int, probes: int | None = None, generator: torch.Generator | None = None) -> None:
        self._way, self._row = way, row
        self.exact = probes is None or probes >= way.width
        vectors = torch.eye(way.width) if self.exact else directions(way.width, probes or 1, generator).t()
        self._vectors = vectors.to(way.x)
        self._at = 0
        self._sum = torch.zeros(way.entering, dtype=torch.float64)
        self._squares = torch.zeros_like(self._sum)

    @property
    def done(self) -> float:
        """Share of the backward passes that it has been through."""
        return self._at / len(self._vectors)

    @property
    def over(self) -> bool:
        """Whether it has been through all of them."""
        return self._at >= len(self._vectors)

    def advance(self) -> bool:
        """Go on by some backward passes, if there are any left; whether that was the last."""
        if self.over:
            return True
        vectors = self._vectors[self._at : self._at + self._way.together]
        at = torch.full((len(vectors),), self._row, device=self._way.x.device)
        found = self._way.pull(at, vectors).cpu().double()
        self._sum += found.sum(0)
        self._squares += found.square().sum(0)
        self._at += len(vectors)
        return self.over

    def norms(self) -> Tensor:
        """The row (N,), once all is done."""
        return (self._sum if self.exact else self._sum / len(self._vectors)).sqrt().float()

    def error(self) -> Tensor:
        """Standard error of the norms, as a share of them, (N,); 0 for an exact row."""
        if self.exact:
            return torch.zeros(len(self._sum))
        return _error(self._sum, self._squares, self._at, self._way.width, self._way.width)


def _error(total: Tensor, squares: Tensor, count: int, width: int, most: int) -> Tensor:
    """Standard error of √mean as a share of it: half that of the mean; less where directions are used up."""
    if count < 2:
        return torch.full(total.shape, 0.0 if count == width else math.inf)
    mean = total / count
    spread = ((squares / count - mean.square()).clamp_min(0) * count / (count - 1) / count).sqrt()
    left = 1 - count / width if count <= min(width, most) else 1.0  # sets beyond the first are independent
    share = spread * math.sqrt(left) / mean.clamp_min(torch.finfo(torch.float64).tiny) / 2
    return torch.where(total > 0, share, 0.0).float()
