"""What a layer costs over the length of its sequence: by formula, counted, and timed.

Source: Vaswani et al. 2017, section 4 and table 1. Each layer maps n tokens of width d to n tokens of width d;
multiply-adds of matrix products count, softmax and tanh do not.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.core.device import resolve
from engines.core.errors import Message
from engines.core.protocol import Event, Job, Progress
from engines.self_attention.cost.spec import COSTS, CostFrame, CostParams, MeasuredFrame

SHORTEST, LONGEST = 4, 8192
GRID = np.unique(np.round(np.geomspace(SHORTEST, LONGEST, 67))).astype(float)
LENGTHS = tuple(2**e for e in range(2, 12))  # 4 … 2048: what is timed
GRAPH = 128  # longest sequence whose graph is walked
SLICE = 64  # steps of a recurrence between two places to stop
RUNS = 3
PATIENCE = 1.0  # seconds
Layer = Callable[[Tensor], Tensor]


def by_formula(params: CostParams) -> CostFrame:
    """The curves of the page "Cost"."""
    operations, steps, paths = formulas(GRID, params.cost_dim, params.kernel)
    return CostFrame(params.cost_dim, params.kernel, GRID.copy(), operations, steps, paths)


def formulas(n: np.ndarray, dim: int, kernel: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Operations, sequential steps and path length, each (3, M), at lengths n (M,); see `CostFrame`."""
    one = np.ones_like(n)
    operations = np.stack([2 * n**2 * dim, kernel * n * dim**2, 2 * n * dim**2])
    steps = np.stack([2 * one, one, n])
    paths = np.stack([one, np.maximum(1, np.ceil((n - 1) / (kernel - 1))), n])
    return operations, steps, paths


# ------------------------------------------------------------------ the three layers
def attention_layer(x: Tensor) -> Tensor:
    """softmax(x xᵀ / √d) x, (n, d) -> (n, d)."""
    return torch.mm((torch.mm(x, x.T) * x.shape[-1] ** -0.5).softmax(-1), x)


def convolution_layer(weight: Tensor) -> Layer:
    """A convolution with ``weight`` (d, d, k) that keeps the length."""
    return lambda x: F.conv1d(x.T[None], weight, padding=weight.shape[-1] // 2)[0].T


def recurrence(x: Tensor | Sequence[Tensor], weight: Tensor) -> Iterator[Tensor]:
    """States h_t = tanh([x_t, h_(t−1)] W), (1, d) each, with ``weight`` (2 d, d), of tokens (n, d) or n times (d,)."""
    h = torch.zeros_like(x[0])[None]
    for token in x:
        h = torch.tanh(torch.mm(torch.cat([token[None], h], 1), weight))
        yield h


def recurrent_layer(weight: Tensor) -> Layer:
    """A recurrence with ``weight`` (2 d, d)."""
    return lambda x: torch.cat(list(recurrence(x, weight)))


def layers(dim: int, kernel: int, device: torch.device | str, flat: bool = False) -> tuple[Layer, Layer, Layer]:
    """The layers of `COSTS`; ``flat``: positive weights that let no gradient vanish or cancel."""
    random = torch.Generator().manual_seed(0)
    if flat:
        conv, recur = torch.full((dim, dim, kernel), 1 / dim), torch.full((2 * dim, dim), 1 / dim)
    else:
        conv = torch.randn(dim, dim, kernel, generator=random) * (dim * kernel) ** -0.5
        recur = torch.randn(2 * dim, dim, generator=random) * (2 * dim) ** -0.5
    return attention_layer, convolution_layer(conv.to(device)), recurrent_layer(recur.to(device))


# ------------------------------------------------------------------ counted
@dataclass(frozen=True)
class Counted:
    """Multiply-adds, and products that wait for each other (the longest chain of them), of one computation."""

    operations: int
    steps: int


def count(layer: Layer, n: int, dim: int) -> Counted:
    """Walk the graph that the gradients of a layer would take back."""
    y = layer(torch.ones(n, dim, requires_grad=True))
    depth: dict[Any, int] = {}
    stack: list[Any] = [y.grad_fn]
    operations = 0
    while stack:
        node = stack[-1]
        before = [fn for fn, _ in node.next_functions if fn is not None]
        waiting = [fn for fn in before if fn not in depth]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if node not in depth:
            cost = product_cost(node)
            operations += cost
            depth[node] = max((depth[fn] for fn in before), default=0) + (cost > 0)
    return Counted(operations, depth[y.grad_fn])


def product_cost(node: Any) -> int:
    """Multiply-adds of a node of the graph; 0 for everything but matrix products and convolutions."""
    name = str(node.name())
    if name.startswith("MmBackward"):
        (rows, inner), (_, cols) = node._saved_self_sym_sizes, node._saved_mat2_sym_sizes
        return int(rows * inner * cols)
    if name.startswith("ConvolutionBackward"):
        length = node._saved_input.shape[-1]  # the padded convolution keeps the length
        return int(length * node._saved_weight.numel())
    return 0


def count_path(index: int, n: int, kernel: int, dim: int = 8) -> int:
    """Products between the first token and the nearest place that knows both the first and the last one.

    Weights are positive, so that nothing cancels. Convolutions are stacked until there is such a place.
    """
    layer = layers(dim, kernel, "cpu", flat=True)[index]
    tokens = [torch.full((dim,), 0.01, requires_grad=True) for _ in range(n)]
    if index == 2:
        last = recurrent_chain(tokens, dim)
        return _shortest(last, tokens[0])
    x = torch.stack(tokens)
    for _ in range(stacked(layer, n, dim)):
        x = layer(x)
    return _shortest(x[n // 2], tokens[0])


def recurrent_chain(tokens: Sequence[Tensor], dim: int) -> Tensor:
    """The last state (1, d) of a recurrence over tokens that are leaves of the graph."""
    weight = torch.full((2 * dim, dim), 1 / dim)
    return deque(recurrence(tokens, weight), maxlen=1)[0]


@torch.no_grad()
def stacked(layer: Layer, n: int, dim: int) -> int:
    """How many layers it takes until the middle place knows both ends."""
    first, last = torch.zeros(n, dim), torch.zeros(n, dim)
    first[0] = last[-1] = 1.0
    for count_ in range(1, n + 1):
        first, last = layer(first), layer(last)
        if bool((first[n // 2] > 0).any() and (last[n // 2] > 0).any()):
            return count_
    raise AssertionError("no place knows both ends")


def _shortest(start: Tensor, leaf: Tensor) -> int:
    """Least number of products between a result and a leaf."""
    seen: set[Any] = set()
    waiting: deque[tuple[Any, int]] = deque([(start.grad_fn, 0)])
    while waiting:
        node, passed = waiting.popleft()
        if node in seen:
            continue
        seen.add(node)
        if getattr(node, "variable", None) is leaf:
            return passed
        more = int(product_cost(node) > 0)
        for fn, _ in node.next_functions:
            if fn is not None:
                (waiting.append if more else waiting.appendleft)((fn, passed + more))
    raise AssertionError("the leaf is not in the graph")


# ------------------------------------------------------------------ timed
def measured(params: CostParams, job: Job[CostParams]) -> Iterator[Event]:
    """Time and count each layer at rising lengths; each yield is a place to stop."""
    device = resolve(job.device)
    dim, kernel = params.cost_dim, params.kernel
    timed, counted = layers(dim, kernel, device), layers(dim, kernel, "cpu")
    tables = np.zeros((4, len(COSTS), len(LENGTHS)))
    seconds, operations, steps, paths = tables
    weight = recurrent_weight(dim, device)
    for j, n in enumerate(LENGTHS):
        at = Progress(j, len(LENGTHS), Message("Measuring at length {n}", {"n": f"{n:,}"}))
        yield at
        x = torch.randn(n, dim, generator=torch.Generator().manual_seed(n)).to(device)
        for i, layer in enumerate(timed):
            if j and (seconds[i, j - 1] > PATIENCE or not seconds[i, j - 1]):
                continue  # too slow here: longer ones are left out
            timing = time_recurrence(x, weight, device, at) if i == 2 else time_layer(layer, x, device, at)
            seconds[i, j] = yield from timing
            if n <= GRAPH:
                found = count(counted[i], n, dim)
                operations[i, j], steps[i, j] = found.operations, found.steps
                paths[i, j] = count_path(i, n, kernel)
            yield _told(params, device, tables, False)
    yield _told(params, device, tables, True)


def recurrent_weight(dim: int, device: torch.device) -> Tensor:
    """The weight (2 d, d) of the timed recurrence."""
    return torch.randn(2 * dim, dim, generator=torch.Generator().manual_seed(0)).to(device) * (2 * dim) ** -0.5


def _told(params: CostParams, device: torch.device, tables: np.ndarray, done: bool) -> MeasuredFrame:
    seconds, operations, steps, paths = tables.copy()
    return MeasuredFrame(
        dim=params.cost_dim,
        kernel=params.kernel,
        device=device.type,
        lengths=np.array(LENGTHS, float),
        seconds=seconds,
        operations=operations,
        steps=steps,
        paths=paths,
        done=done,
    )


def time_layer(layer: Layer, x: Tensor, device: torch.device, at: Progress) -> Generator[Event, None, float]:
    """Least seconds of a few runs on x (n, d), after one that warms up."""
    run_once(layer, x, device)
    best = np.inf
    for _ in range(RUNS):
        yield at
        best = min(best, run_once(layer, x, device))
    return float(best)


@torch.inference_mode()
def run_once(layer: Layer, x: Tensor, device: torch.device) -> float:
    """Seconds of one run on x (n, d)."""
    start = now(device)
    layer(x)
    return now(device) - start


def time_recurrence(x: Tensor, weight: Tensor, device: torch.device, at: Progress) -> Generator[Event, None, float]:
    """As `time_layer`, with x (n, d) in slices, since n steps take long."""
    best = np.inf
    for _ in range(RUNS if len(x) <= SLICE else 1):
        spent, h = 0.0, torch.zeros_like(x[:1])
        for start in range(0, len(x), SLICE):
            seconds, h = time_slice(x[start : start + SLICE], h, weight, device)
            spent += seconds
            yield at
        best = min(best, spent)
    return float(best)


@torch.inference_mode()
def time_slice(x: Tensor, h: Tensor, weight: Tensor, device: torch.device) -> tuple[float, Tensor]:
    """Steps of the recurrence over x (n, d), from h (1, d) with ``weight`` (2 d, d): seconds and the last state."""
    start = now(device)
    for t in range(len(x)):
        h = torch.tanh(torch.mm(torch.cat([x[t : t + 1], h], 1), weight))
    return now(device) - start, h


def now(device: torch.device) -> float:
    """The clock, once the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()
