"""constraints.txt: whole, within the ranges of pyproject.toml, and the same on every machine."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def packages():
    """The script behind `make lock`."""
    spec = importlib.util.spec_from_file_location("packages", ROOT / ".ci" / "packages.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def locked():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*", line) for line in lines)  # no host, no path, no local build
    found = dict(line.split("==") for line in lines)
    assert list(found) == sorted(found)
    assert len(found) == len(lines)
    return found


def test_each_package_is_locked_within_its_range(packages, locked):
    for line in packages.asked("test", "fast"):
        wanted = Requirement(line)
        assert locked[canonicalize_name(wanted.name)] in wanted.specifier, f"{line}: run make lock"


def test_torch_stays_the_wheel_at_hand(packages, locked):
    assert "torch" not in locked
    assert not [name for name in locked if packages.LEFT_OUT.match(name)]
    assert not [line for line in packages.asked("test", "fast") if Requirement(line).name == "torch"]


def test_the_lowest_versions_are_the_lower_ends(packages):
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    ranges = [Requirement(line) for line in (*project["dependencies"], *project["optional-dependencies"]["test"])]
    low = dict(line.split("==") for line in packages.lowest())
    for one in ranges:
        ends = [spec.version for spec in one.specifier if spec.operator == ">="]
        if ends and one.name != "torch":
            assert low[canonicalize_name(one.name)] == ends[0]
            assert ends[0] in one.specifier
    assert "torch" not in low


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_an_upgrade_of_what_needs_torch_brings_no_other_torch():
    """One did: the newest of all, with CUDA, 6 GB."""
    asked = ["make", "--no-print-directory", "-n", "-B", ".venv-newest/test.done"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.replace("\\\n", " ")
    (line,) = [line for line in done.splitlines() if "pip install" in line and " -r " in line]
    assert "--upgrade-strategy eager" in line
    assert "-c .venv-newest/torch.txt" in line
    assert done.index("> .venv-newest/torch.txt") < done.index(line)
