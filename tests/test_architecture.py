"""House rules that import-linter cannot see, and a second lock on those it can."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"core", "blocks", "data", "checkpoints", "studies"}
FILES = sorted(p for d in ("app", "engines") for p in (ROOT / d).rglob("*.py"))
TOPICS = {p.name for p in (ROOT / "engines").iterdir() if (p / "__init__.py").is_file()} - ROOMS
LONGEST = 420


@cache  # each rule reads all of them
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache  # and each of them goes through all of their nodes
def nodes(tree: ast.AST) -> list[ast.AST]:
    return list(ast.walk(tree))


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
    return names


def tabs_known(tree: ast.AST) -> set[str]:
    """The tabs that a file imports, from where it stands or from the top, or names as a place to load from."""
    places = imported(tree) | {text for text in said(tree) if text.startswith("app.tabs.")}
    relative = {"app.tabs.(relative)" for node in nodes(tree) if isinstance(node, ast.ImportFrom) and node.level}
    named = {place.split(".")[2].split(":")[0] for place in places | relative if place.startswith("app.tabs.")}
    return named - {""}  # where topics are looked for


@pytest.mark.parametrize(
    "line",
    [
        "import app.tabs.other.page",
        "from app.tabs.other.page import Page",
        "from app.tabs import other",
        "def late():\n    from app.tabs.other import page",
        "from ..other import page",
        "load('app.tabs.other.page:Page')",
    ],
)
def test_a_tab_that_knows_another_is_found(line):
    assert tabs_known(ast.parse(f"from app.tabs.mine import page\n{line}\n")) - {"mine"}
    assert tabs_known(ast.parse("from app.tabs.mine import page\nfrom app.page import other")) == {"mine"}


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def wrong_imports(part: tuple[str, ...], tree: ast.AST) -> Iterator[str]:
    """What a file at ``part`` under the top imports though it may not."""
    names = imported(tree)
    tops = {name.split(".")[0] for name in names}
    used = {name.split(".")[1] for name in names if name.startswith("engines.")}
    if part[0] == "engines":
        yield from tops & {"app", "PySide6", "pyqtgraph", "torchvision"}
        yield from used - (ROOMS | {part[1]} if part[1] not in ROOMS else ROOMS)
        if part[-1] == "spec.py":
            yield from tops & {"torch"}
    else:
        yield from tops & {"torch", "transformers", "torchvision"}
        own = {part[2]} if part[1] == "tabs" and len(part) > 3 else set()
        yield from used - (ROOMS | own)
        yield from tabs_known(tree) - own


@pytest.mark.parametrize(
    ("place", "line", "wrong"),
    [
        ("engines/vit/model.py", "import PySide6.QtCore", {"PySide6"}),
        ("engines/vit/model.py", "from engines.detr import model", {"detr"}),
        ("engines/core/lane.py", "from engines.vit.model import ViT", {"vit"}),
        ("engines/vit/spec.py", "import torch", {"torch"}),
        ("engines/vit/model.py", "import torch\nfrom engines.vit import spec\nfrom engines.core import lane", set()),
        ("app/window.py", "import torch", {"torch"}),
        ("app/window.py", "from engines.vit import spec", {"vit"}),
        ("app/tabs/vit/page.py", "from engines.detr import spec", {"detr"}),
        ("app/tabs/vit/page.py", "from app.tabs.detr import page", {"detr"}),
        ("app/tabs/vit/page.py", "from app.tabs.vit import tab\nfrom engines.vit import spec", set()),
    ],
)
def test_an_import_across_rooms_is_found(place, line, wrong):
    assert set(wrong_imports(Path(place).parts, ast.parse(line))) == wrong


def test_rooms_import_only_what_they_may():
    assert {"app", "engines"} == {path.relative_to(ROOT).parts[0] for path in FILES}
    found = {ids(path): set(wrong_imports(path.relative_to(ROOT).parts, tree_of(path))) for path in FILES}
    assert not {path: wrong for path, wrong in found.items() if wrong}


def said(tree: ast.AST) -> set[str]:
    """String constants of a file that are no docstrings."""
    texts = (n.value for n in nodes(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
    docs = {id(node) for node in texts}
    constants = (n for n in nodes(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return {node.value for node in constants if id(node) not in docs}


def test_the_shell_names_no_topic():
    """What looks at all topics finds them: a name would have to be added to."""
    tabs = ROOT / "app" / "tabs"
    names = {p.name for p in tabs.iterdir() if (p / "__init__.py").is_file()}
    named = {
        path: said(tree_of(path)) & names for path in (ROOT / "app").rglob("*.py") if not path.is_relative_to(tabs)
    }
    assert not {ids(path): found for path, found in named.items() if found}


def test_topics_know_each_other_by_offers_alone():
    """What is loaded by its name is no import: a place in another topic, or a topic's name in a room, gives it away."""
    for path in FILES:
        top, room = path.relative_to(ROOT).parts[:2]
        if top != "engines":
            continue
        others = TOPICS - {room}
        found = said(tree_of(path))
        assert not {text for text in found for other in others if text.startswith(f"engines.{other}.")}, path
        if room in {"core", "checkpoints"}:
            assert not found & others, path


def leaking_blocks(tree: ast.AST) -> Iterator[int]:
    """Lines of the blocks of a grad or autocast mode that yield."""
    for node in nodes(tree):
        if (
            isinstance(node, ast.With)
            and any(
                word in ast.unparse(item.context_expr)
                for item in node.items
                for word in ("no_grad", "inference_mode", "autocast", "enable_grad")
            )
            and any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(node))
        ):
            yield node.lineno


def test_no_yield_inside_a_grad_or_autocast_block():
    """``with torch.no_grad(): yield`` leaks the grad mode into whoever consumes the generator."""
    assert list(leaking_blocks(ast.parse("def f():\n    with torch.no_grad():\n        yield 1\n"))) == [2]
    found = {ids(path): list(leaking_blocks(tree_of(path))) for path in FILES}
    assert not {path: lines for path, lines in found.items() if lines}


def test_files_stay_short():
    lengths = {ids(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert not {path: lines for path, lines in lengths.items() if lines > LONGEST}


def loaded_by(code: str, banned: set[str]) -> list[str]:
    """Which of ``banned`` a fresh interpreter has loaded after ``code``."""
    code += f"\nimport sys; print(*sorted({banned!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_specs_and_core_are_light_to_import():
    found = (*ROOT.glob("engines/*/spec.py"), *ROOT.glob("engines/*/*/spec.py"))
    specs = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in found]
    assert specs
    code = "import engines.core.lane, " + ", ".join(specs)
    assert loaded_by(code, {"torch", "PySide6", "scipy", "onnx", "sklearn", "openTSNE"}) == []


def test_models_are_read_without_the_compiler_of_torch():
    """Which is 800 modules, and a second in which the window stands."""
    models = {
        "detr.checkpoint": "toy-detr", "mamba.load": "mamba-copying", "resnest.load": "mini-resnest",
        "rt_detr.checkpoint": "toy-rt-detr", "swin.load": "mini-swin", "vit.load": "mini-vit",
    }  # fmt: skip
    read = [f"from engines.{place} import load_checkpoint; load_checkpoint({name!r})" for place, name in models.items()]
    assert loaded_by("; ".join(read), {"torch._dynamo", "sympy"}) == []


def test_the_window_opens_before_anything_heavy_is_imported():
    code = "import app.window, app.topics; app.topics.topics()"
    heavy = {"torch", "scipy", "sklearn", "openTSNE", "huggingface_hub", "pyqtgraph", "onnx"}
    assert loaded_by(code, heavy) == []


def test_the_top_level_holds_nothing_else():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    tops = {line.split("/")[0] for line in listed.stdout.splitlines()}
    allowed = {"app", "engines", "assets", "tests", "findings", ".ci"}
    allowed |= {
        "main.py",
        "pyproject.toml",
        "README.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "Makefile",
        ".gitignore",
        "setup.py",
        "constraints.txt",
    }
    assert tops <= allowed


def test_every_painter_is_ended_whatever_is_raised():
    """An active one makes Qt complain at the end of the painting, and what is painted next is lost."""
    for path in (ROOT / "app").rglob("*.py"):
        tree = tree_of(path)
        painters = {node for node in nodes(tree) if isinstance(node, ast.Call) and name_of(node) in PAINTERS}
        ended = {item.context_expr for node in nodes(tree) if isinstance(node, ast.With) for item in node.items}
        names = {node.id for node in ended if isinstance(node, ast.Name)}
        for node in nodes(tree):
            if isinstance(node, ast.Assign) and any(getattr(target, "id", "") in names for target in node.targets):
                ended.add(node.value)
        assert painters <= ended, path


PAINTERS = {"QPainter", "QStylePainter"}


def name_of(call: ast.Call) -> str:
    return getattr(call.func, "id", "")
