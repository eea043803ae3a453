"""Puts a checkpoint's tensors into a module of this project, by a table that names every one of them.

Nothing is guessed: a tensor that the table does not name is refused, as is a parameter that nothing fills.
That is how a checkpoint of another family, or one that was cut short, is noticed before it draws nonsense.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from engines.core.errors import LabError

_NAMED = 3  # how many tensors a message names before it only counts them


@dataclass(frozen=True)
class To:
    """Where a tensor goes if it does not simply go under another name.

    Attributes
    ----------
    targets : tuple of str
        Parameter names; more than one: the tensor is cut into as many equal parts along axis 0
        (one matrix for query, key and value, say).
    transform : callable, optional
        Applied first, for example a transpose.
    """

    targets: tuple[str, ...]
    transform: Callable[[Tensor], Tensor] | None = None


Table = Mapping[str, "str | To"]


def apply(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    table: Table,
    skip: Iterable[str] = (),
    prefix: str = "",
    optional: Iterable[str] = (),
    name: str = "weights",
) -> list[str]:
    """Fill all parameters and buffers of ``module`` from ``tensors``.

    Parameters
    ----------
    module : nn.Module
        May have been built on the meta device; its non-persistent buffers are left alone.
    tensors : Mapping of str to Tensor
        For example `Checkpoint.tensors()`; read one at a time, converted to the module's own types.
    table : Mapping of str to str or To
        Checkpoint key to parameter name. ``{i}`` and other placeholders stand for a number and are carried over:
        ``"encoder.layer.{i}.output.dense.weight": "blocks.{i}.out.weight"``.
    skip : iterable of str
        Checkpoint keys that are known and not needed; the same placeholders, and ``*`` for anything.
        ``*num_batches_tracked`` is always among them.
    prefix : str
        Taken off the keys that start with it (``"vit."``: there in a classifier, missing in a bare backbone).
    optional : iterable of str
        Parameter names (with ``{i}`` and ``*``) that may stay as they are.
    name : str
        The checkpoint's name for messages.

    Returns
    -------
    list of str
        The checkpoint keys that were skipped.

    Raises
    ------
    LabError
        If tensors are missing, unknown, of another shape or not finite. The module is then unchanged.
    """
    plan = _Plan(module.state_dict(keep_vars=True))
    rules = _rules(table)
    skipping = [_pattern(entry) for entry in (*skip, "*num_batches_tracked")]
    skipped = []
    for key in tensors:
        bare = key.removeprefix(prefix)
        found = _find(rules, bare)
        if found is not None:
            plan.place(key, tensors, *found)
        elif any(entry.fullmatch(bare) for entry in skipping):
            skipped.append(key)
        else:
            plan.unknown.append(key)
    plan.check(name, [_pattern(entry) for entry in (*optional, "*num_batches_tracked")])
    module.load_state_dict(plan.filled, strict=False, assign=True)
    return skipped


class _Plan:
    """What would go where, and everything that speaks against it; the module is touched only after `check`."""

    def __init__(self, slots: dict[str, Tensor]) -> None:
        self.slots = slots
        self.filled: dict[str, Tensor] = {}
        self.unknown: list[str] = []
        self.wrong: list[str] = []
        self.broken: list[str] = []
        self.whole: list[str] = []

    def place(
        self,
        key: str,
        tensors: Mapping[str, Tensor],
        targets: tuple[str, ...],
        transform: Callable[[Tensor], Tensor] | None,
    ) -> None:
        """Cut one tensor to its targets, or note why that can't be done."""
        # a layer more than the configuration says, or a second tensor for the same place
        if any(target not in self.slots or target in self.filled for target in targets):
            self.unknown.append(key)
            return
        tensor = tensors[key] if transform is None else transform(tensors[key])
        first = self.slots[targets[0]].shape
        want = (len(targets) * first[0], *first[1:]) if len(targets) > 1 else tuple(first)
        if tuple(tensor.shape) != want:
            self.wrong.append(f"{key} {tuple(tensor.shape)} / {want}")
        elif not tensor.is_floating_point() and self.slots[targets[0]].is_floating_point():
            self.whole.append(f"{key} ({str(tensor.dtype).removeprefix('torch.')})")
        elif tensor.is_floating_point() and not _is_finite(tensor):
            self.broken.append(key)
        else:
            parts = tensor.chunk(len(targets)) if len(targets) > 1 else (tensor,)
            for target, part in zip(targets, parts, strict=True):
                slot = self.slots[target]
                device = part.device if slot.is_meta else slot.device
                # a copy: the file may be changed or taken away while the model lives
                self.filled[target] = part.detach().to(device, slot.dtype, copy=True).contiguous()

    def check(self, name: str, sparing: list[re.Pattern[str]]) -> None:
        """Raise LabError unless everything has its place."""
        missing = [
            target
            for target in self.slots
            if target not in self.filled and not any(entry.fullmatch(target) for entry in sparing)
        ]
        few = {kind: _few(keys) for kind, keys in (("missing", missing), ("unknown", self.unknown))}
        if missing and self.unknown:
            raise LabError(
                "{name}: these weights are of another model. {missing_count} tensors are missing ({missing}), "
                "{unknown_count} are unknown ({unknown}).",
                name=name,
                missing_count=len(missing),
                unknown_count=len(self.unknown),
                **few,
            )
        for keys, text in (
            (
                self.wrong,
                (
                    "{name}: {count} {count:tensor has|tensors have} another shape than in the model (found / "
                    "expected): {keys}."
                ),
            ),
            (self.whole, "{name}: {count} {count:tensor holds|tensors hold} integers in place of weights: {keys}."),
            (self.broken, "{name}: {count} {count:tensor holds|tensors hold} values that are not finite: {keys}."),
            (missing, "{name}: {count} {count:tensor is|tensors are} missing: {keys}."),
            (self.unknown, "{name}: {count} {count:tensor is|tensors are} unknown to this model: {keys}."),
        ):
            if keys:
                raise LabError(text, name=name, count=len(keys), keys=_few(keys))


def stored(shapes: Mapping[str, tuple[int, ...]], table: Table) -> dict[str, tuple[int, ...]]:
    """Shapes of tensors by the parameters that they are for, where each goes to one as it is."""
    rules, found = _rules(table), {}
    for key, shape in shapes.items():
        place = _find(rules, key)
        if place is not None and len(place[0]) == 1 and place[1] is None:
            found[place[0][0]] = shape
    return found


def choose(tensors: Collection[str], tables: Mapping[str, Table], prefix: str = "") -> str:
    """Name of the table that knows most of the keys; the first of several equal ones."""

    def known(table: Table) -> int:
        rules = _rules(table)
        return sum(_find(rules, key.removeprefix(prefix)) is not None for key in tensors)

    return max(tables, key=lambda entry: known(tables[entry]))


def _rules(table: Table) -> list[tuple[re.Pattern[str], str | To]]:
    return [(_pattern(source), target) for source, target in table.items()]


@lru_cache(maxsize=4096)
def _pattern(template: str) -> re.Pattern[str]:
    """``a.{i}.b`` -> numbers captured by name; ``*`` -> anything; the rest literally."""
    parts = re.split(r"(\{\w+\}|\*)", template)
    seen: set[str] = set()
    out = []
    for part in parts:
        if part == "*":
            out.append(".*")
        elif part.startswith("{"):
            label = part[1:-1]
            out.append(f"(?P={label})" if label in seen else rf"(?P<{label}>\d+)")
            seen.add(label)
        else:
            out.append(re.escape(part))
    return re.compile("".join(out))


def _find(
    rules: list[tuple[re.Pattern[str], str | To]], key: str
) -> tuple[tuple[str, ...], Callable[[Tensor], Tensor] | None] | None:
    for pattern, target in rules:
        match = pattern.fullmatch(key)
        if match:
            to = To((target,)) if isinstance(target, str) else target
            return tuple(entry.format(**match.groupdict()) for entry in to.targets), to.transform
    return None


def _is_finite(tensor: Tensor) -> bool:
    """Whether all numbers are finite: a finite sum proves it in one pass; one that overflows proves nothing."""
    return math.isfinite(float(tensor.sum())) or bool(torch.isfinite(tensor).all())


def _few(entries: list[str]) -> str:
    return ", ".join(entries[:_NAMED]) + (", …" if len(entries) > _NAMED else "")
