"""What `pip install .` brings along: all code and every asset, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app import __version__
from engines.core import assets as place

ROOT = Path(__file__).parents[1]
LISTING = """
from distutils.core import run_setup  # setuptools' own once setuptools is imported
build = run_setup("setup.py", stop_after="config").get_command_obj("build_py")
build.ensure_finalized()
print(build.distribution.metadata.version)
print(*(path.removeprefix(build.build_lib) for path in build.get_outputs()), sep="\\n")
"""


def test_a_wheel_holds_all_code_and_every_asset_but_the_pictures_of_the_readme():
    pytest.importorskip("setuptools")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    done = subprocess.run(
        [sys.executable, "-c", "import setuptools" + LISTING], cwd=ROOT, capture_output=True, text=True, check=True
    )
    version, *inside = done.stdout.splitlines()
    assert version == __version__
    files = [name for name in tracked.stdout.splitlines() if (ROOT / name).exists()]
    code = {f"/{name}" for name in files if name.startswith(("app/", "engines/"))}
    files = [name for name in files if name.startswith("assets/") and not name.endswith(".py")]
    files = [name for name in files if not name.startswith("assets/pictures/")]
    assert {Path(name).parts[1] for name in files} >= {
        "icons",
        "words",
        "weights",
        "results",
        "fonts",
        "photos",
        "digits",
    }
    wanted = code | {f"/engines/{name}" for name in files}
    assert wanted <= {name.replace("\\", "/") for name in inside}
    assert not [name for name in inside if "pictures/" in name or "__pycache__" in name or name.startswith("/tests")]
    assert not [name for name in inside if name.startswith("/engines/assets/") and name.endswith(".py")]


def test_assets_are_found_beside_the_engines_and_inside_them(monkeypatch, tmp_path):
    assert (place.assets("icons") / "gear.svg").is_file()
    monkeypatch.setattr(place, "_ENGINES", tmp_path / "engines")
    assert place.assets("icons") == tmp_path / "assets" / "icons"  # a checkout
    (tmp_path / "engines" / "assets").mkdir(parents=True)
    assert place.assets("icons") == tmp_path / "engines" / "assets" / "icons"  # an installed wheel


def test_nobody_else_says_where_the_assets_lie():
    """A path counted up from a file holds in a checkout only: an installed program would do without."""
    for path in [*(ROOT / "app").rglob("*.py"), *(ROOT / "engines").rglob("*.py")]:
        assert path == Path(place.__file__) or '"assets"' not in path.read_text(encoding="utf-8"), path
