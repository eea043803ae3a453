"""What a step of a lesson waits for: an expression over the settings of its page, such as ``bandwidth < 0.1``.

Names are the fields of the settings. Beside them

- ``before`` has the settings as they were when the step was opened,
- ``told`` has the newest event of each kind: ``told.Matched.greedy_cost > told.Matched.cost``,
- ``step`` is the last step of the page's run, 0 where there is none,
- ``began`` has the settings that the page's run began with: those that reach it may have been changed since,
- ``runs`` is how many runs of the page's study have ended well, 0 where there is none.

What has not been told yet is not fulfilled. Nothing can be called but `FUNCTIONS`, since lessons are data.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "len": len,
    "min": min,
    "max": max,
    "sum": sum,
    "peak": lambda values: float(np.max(values)),  #: of an array
}
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda member, many: member in many,
    ast.NotIn: lambda member, many: member not in many,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Not: operator.not_,
    ast.USub: operator.neg,
}
EXTRA = ("before", "told", "step", "began", "runs")  #: names beside the fields


class UnknownError(Exception):
    """Something that a condition names is not there yet."""


class Told:
    """Events by the name of their kind, as attributes."""

    def __init__(self, events: Mapping[str, object]) -> None:
        self._events = events

    def __getattr__(self, name: str) -> object:
        if name not in self._events:
            raise UnknownError(name)
        return self._events[name]


class Condition:
    """An expression, read once.

    Parameters
    ----------
    text : str

    Raises
    ------
    ValueError
        If it is no expression, or uses more than the module's docstring allows.
    """

    def __init__(self, text: str) -> None:
        try:
            self._tree = ast.parse(text, mode="eval").body
        except SyntaxError as error:
            raise ValueError(f"{text!r} is no expression") from error
        self.text = text
        for node in ast.walk(self._tree):
            if not isinstance(node, ALLOWED) or (isinstance(node, ast.Attribute) and node.attr.startswith("_")):
                raise ValueError(f"{text!r} uses {type(node).__name__}, which a condition may not")
            if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS):
                raise ValueError(f"{text!r} calls {ast.unparse(node.func)}, which a condition may not")

    def names(self) -> set[str]:
        """The fields that it names, of the settings now or before."""
        return set(_fields(self._tree))

    def holds(
        self, params: object, before: object, told: Mapping[str, object], step: int = 0, runs: int = 0,
        began: object | None = None,
    ) -> bool:  # fmt: skip
        """Whether it is fulfilled.

        Parameters
        ----------
        params, before : Params
            Settings of the page, now and when the step was opened.
        told : dict of str to Event
            The newest event of each kind, by the name of its class.
        step : int
            Of the page's run.
        runs : int
            Of its study.
        began : Params, optional
            Settings of that run at its beginning.

        Raises
        ------
        AttributeError
            If it names a field that the settings lack.
        """
        extra = {"before": before, "told": Told(told), "step": step, "runs": runs}
        extra |= {} if began is None else {"began": began}
        try:
            return bool(_value(self._tree, params, extra))
        except UnknownError:
            return False


ALLOWED = (
    ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Name, ast.Attribute, ast.Constant, ast.Call, ast.Subscript,
    ast.Tuple, ast.And, ast.Or, ast.Load, *OPERATORS,
)  # fmt: skip


def _fields(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(value=ast.Name(id="before" | "began"), attr=name):
            yield name
        case ast.Name(id=name) if name not in EXTRA and name not in FUNCTIONS:
            yield name
        case _:
            for inner in ast.iter_child_nodes(node):
                yield from _fields(inner)


def _value(node: ast.expr, params: object, extra: Mapping[str, object]) -> Any:
    def value(inner: ast.expr) -> Any:
        return _value(inner, params, extra)

    match node:
        case ast.Constant():
            return node.value
        case ast.Name(id=name):
            if name in EXTRA and name not in extra:
                raise UnknownError(name)
            return extra[name] if name in extra else getattr(params, name)
        case ast.Attribute():
            return getattr(value(node.value), node.attr)
        case ast.Subscript():
            return value(node.value)[value(node.slice)]
        case ast.Tuple():
            return tuple(value(one) for one in node.elts)
        case ast.Call(func=ast.Name(id=name)):
            return FUNCTIONS[name](*(value(one) for one in node.args))
        case ast.UnaryOp():
            return OPERATORS[type(node.op)](value(node.operand))
        case ast.BinOp():
            return OPERATORS[type(node.op)](value(node.left), value(node.right))
        case ast.BoolOp(op=ast.And()):
            return all(value(one) for one in node.values)
        case ast.BoolOp():
            return any(value(one) for one in node.values)
        case ast.Compare():
            left = value(node.left)
            for op, right in zip(node.ops, node.comparators, strict=True):
                now = value(right)
                if not OPERATORS[type(op)](left, now):
                    return False
                left = now
            return True
    raise ValueError(f"{ast.unparse(node)} is no part of a condition")
