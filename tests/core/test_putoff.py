"""Parts of torch that are imported when somebody asks for them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from engines.core.putoff import PARTS, is_empty, put_off

ROOT = Path(__file__).parents[2]


@pytest.fixture
def later(tmp_path, monkeypatch):
    (tmp_path / "slow_part.py").write_text("import sys\nsys.filled.append(__name__)\nanswer = 42\n")
    monkeypatch.setattr(sys, "filled", [], raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    finder = put_off(("slow_part", "no_such_part"))
    yield
    sys.meta_path.remove(finder)
    sys.modules.pop("slow_part", None)


def test_a_part_is_empty_until_something_is_asked_of_it(later):
    part = importlib.import_module("slow_part")
    assert not hasattr(part, "__path__")  # the import itself asks such things
    assert (is_empty("slow_part"), sys.filled) == (True, [])
    assert part.answer == 42
    assert (is_empty("slow_part"), sys.filled) == (False, ["slow_part"])
    with pytest.raises(AttributeError):
        _ = part.question
    assert sys.filled == ["slow_part"]


def test_a_name_can_be_imported_from_it_at_once(later):
    from slow_part import answer  # type: ignore[import-not-found]

    assert answer == 42


def test_what_is_not_there_is_missed_as_ever(later):
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_part")


PROBE = f"""
from engines.core.putoff import is_empty, put_off
put_off()
import sys
import torch
from engines.detr.checkpoint import load_checkpoint
from engines.swin.load import load_checkpoint as swin
from engines.vit.load import load_checkpoint as vit
load_checkpoint("toy-detr"), vit("mini-vit"), swin("mini-swin")
assert all(is_empty(part) for part in {PARTS!r})
assert "torch._dynamo" not in sys.modules
assert float(torch.distributions.Normal(0.0, 1.0).mean) == 0 and torch.export.Dim
assert not is_empty("torch.export") and not is_empty("torch.distributions")
with torch.device("meta"):
    assert torch._meta_registrations.aten and torch.nn.functional.gelu(torch.empty(2, 3)).shape == (2, 3)
"""


def test_all_models_are_read_without_these_parts_and_who_wants_them_has_them():
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
