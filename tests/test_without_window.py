"""What the README says of using the engines without the window is run as it stands there, from another folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TITLE = "## Use the engines without the window\n"
#: Qt is not to be had, so that nobody needs it for this
RUN = """
import doctest, sys
sys.modules["PySide6"] = sys.modules["pyqtgraph"] = None
result = doctest.testfile(sys.argv[1], module_relative=False, encoding="utf-8")
import engines.core.lane
print(result.attempted, engines.__path__[0] if hasattr(engines, "__path__") else "", sep="\\n")
sys.exit(bool(result.failed))
"""


def section() -> str:
    """That part of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count(TITLE) == 1
    found = text[text.index(TITLE) :]
    return found[: found.index("\n## ", 1)]


def tried(python: Path | str, folder: Path, **more: str) -> list[str]:
    """How many lines were tried, and where the engines came from; outside of the checkout."""
    (folder / "section.md").write_text(section(), encoding="utf-8")
    (folder / "run.py").write_text(RUN, encoding="utf-8")
    around = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    around |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "ATTENTION_LAB_HOME": str(folder / "home")} | more
    done = subprocess.run(
        [str(python), "run.py", "section.md"], cwd=folder, env=around, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_what_the_readme_shows_is_true(tmp_path):
    pytest.importorskip("torch")
    count, place = tried(sys.executable, tmp_path, PYTHONPATH=str(ROOT))
    assert int(count) == len(re.findall(r"^>>> ", section(), re.MULTILINE)) > 20
    assert Path(place) == ROOT / "engines"


def test_it_shows_each_of_the_four_ways():
    for word in ("load_checkpoint(", "HungarianMatcher(", "evaluate(", "Trainer("):
        assert word in section()


@pytest.mark.proof
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform == "win32", reason="programs lie elsewhere there")
def test_it_is_true_of_what_pip_installs(tmp_path):
    """In an environment of its own, which borrows the packages of this one: it is the program that is tried."""
    venv.create(tmp_path / "lab", with_pip=True)
    python = tmp_path / "lab" / "bin" / "python"
    (packages,) = (tmp_path / "lab").glob("lib/python*/site-packages")
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", str(ROOT)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, place = tried(python, tmp_path)
    assert int(count) > 20
    assert Path(place) == packages / "engines"
