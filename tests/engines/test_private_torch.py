"""Operations of torch that have no public name: each is known here, and there in the torch at hand.

They are used because there is nothing public for them: ``_foreach_*`` does one step of an optimizer for all weights at
once (``torch.optim`` calls them too, but its first step loads a compiler, which takes seconds), and oneDNN's fused
convolutions and its linear layers are what `torch.compile` would emit. The wheels of both ends of the range have them
all; `make test-lowest TORCH=torch==2.6.0` asks the lower one again.
"""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]
#: The range in which all of them were looked for; whoever moves an end looks again.
RANGE = "torch>=2.6,<2.14"
FOREACH = {
    f"torch._foreach_{name}"
    for name in ("add", "add_", "addcdiv_", "addcmul_", "div", "lerp_", "mul", "mul_", "norm", "sqrt_", "sub")
}
ONEDNN = {
    f"torch.ops.mkldnn.{name}"
    for name in ("_convolution_pointwise", "_convolution_pointwise_", "_is_mkldnn_bf16_supported", "_linear_pointwise")
}


def private(tree: ast.AST) -> set[str]:
    """Dotted names below ``torch`` with a part that begins with an underscore, also those asked for with `getattr`."""
    dotted = [(ast.unparse(node), "") for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "hasattr"):
            name = node.args[1]
            dotted.append((ast.unparse(node.args[0]), name.value if isinstance(name, ast.Constant) else ""))
    dotted += [(alias.name, "") for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    dotted += [
        (str(node.module), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    names = {f"{place}.{name}".rstrip(".") for place, name in dotted if re.fullmatch(r"torch[\w.]*", place)}
    return {name for name in names if any(part.startswith("_") and part[:2] != "__" for part in name.split("."))}


@functools.cache
def used() -> set[str]:
    return set().union(*(private(ast.parse(path.read_text("utf-8"))) for path in (ROOT / "engines").rglob("*.py")))


@pytest.mark.parametrize(
    "line",
    [
        "torch._foreach_new_(a)",
        "from torch._C import thing",
        "import torch._dynamo",
        "from torch.nn import _reduction",
        "getattr(torch.ops.mkldnn, '_new', None)",
    ],
)
def test_a_private_name_is_found(line):
    assert private(ast.parse(line))
    assert not private(ast.parse("torch.nn.functional.relu(x)._version"))


def test_every_private_name_is_known_and_used():
    assert used() == FOREACH | ONEDNN


def test_the_range_of_torch_is_the_one_that_was_looked_at():
    with open(ROOT / "pyproject.toml", "rb") as file:
        assert RANGE in tomllib.load(file)["project"]["dependencies"]


@pytest.mark.parametrize("name", sorted(FOREACH | ONEDNN))
def test_this_torch_has_it(name):
    if name in ONEDNN and not torch.backends.mkldnn.is_available():
        pytest.skip("this torch was built without oneDNN: the public operations are used")
    _, *parts = name.split(".")
    assert callable(functools.reduce(getattr, parts, torch))
