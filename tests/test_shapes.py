"""Whoever calls a function of the engines with arrays or tensors reads in its docstring how they are shaped."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ARRAYS = re.compile(r"\b(Tensor|ndarray|NDArray|Floats|Ints|Bytes|Labels|Array)\b")
OF_ANY_SHAPE = re.compile(r"^(dict|Mapping|Iterator|Sequence|Callable|Generator|Any)\b")  # each of them has its own
SIZE = r"(?:…|\.\.\.|·|[\w²½]+'?(?:(?: ?[·+−*/×-] ?| )[\w²½/]+){0,2})"  # such as C, 2·h, N − 1, value size
SHAPE = re.compile(rf"\({SIZE}(?:, ?{SIZE})+\)|\([\w·²+]+,\)|\(\)|\b([Aa]ny|same) shapes?\b|\b[Aa] scalar\b|^See `")


def functions(code: str) -> Iterator[tuple[int, str, str, str]]:
    """Public functions that take or give an array: line, name, what the docstring of it and of its class say."""

    def of(node: ast.AST, name: str, around: str) -> Iterator[tuple[int, str, str, str]]:
        for one in ast.iter_child_nodes(node):
            if isinstance(one, ast.ClassDef) and not one.name.startswith("_"):
                yield from of(one, f"{one.name}.", ast.get_docstring(one) or "")
            elif isinstance(one, ast.FunctionDef) and not one.name.startswith("_"):
                said = [each.annotation for each in (*one.args.args, *one.args.kwonlyargs)] + [one.returns]
                kinds = [ast.unparse(each) for each in said if each is not None]
                if any(ARRAYS.search(kind) and not OF_ANY_SHAPE.match(kind) for kind in kinds):
                    yield one.lineno, name + one.name, ast.get_docstring(one) or "", around

    return of(ast.parse(code), "", "")


def shapeless(code: str) -> list[tuple[int, str]]:
    """Those of which neither docstring says a shape."""
    return [(line, name) for line, name, own, around in functions(code) if not SHAPE.search(own + around)]


@pytest.mark.parametrize("package", sorted(path.parent.name for path in (ROOT / "engines").glob("*/__init__.py")))
def test_array_functions_say_their_shapes(package):
    found = []
    for path in sorted((ROOT / "engines" / package).rglob("*.py")):
        found += [(path.name, *each) for each in shapeless(path.read_text(encoding="utf-8"))]
    assert not found


def test_what_counts_as_a_shape():
    def lacks(said: str) -> bool:
        return bool(shapeless(f'def f(x: Tensor) -> Tensor:\n    """{said}"""\n'))

    assert not any(
        map(lacks, ("Rows (B, N) of it.", "(h·w,) numbers", "(..., o)", "Mean, ().", "A scalar.", "See `x`."))
    )
    assert all(map(lacks, ("Rows of it.", "Rows of it (they are read only, too).", "")))
    assert not shapeless('def _f(x: Tensor) -> Tensor:\n    """Private."""\ndef g(n: int) -> dict[str, Tensor]: ...\n')
