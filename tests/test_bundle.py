"""The folder that `make bundle` writes installs without a network and without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from app import __version__

ROOT = Path(__file__).parents[1]
INSTALLER = (ROOT / ".ci" / "install.py").read_text(encoding="utf-8")


def run(*command: object, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run something elsewhere, with nothing that leads back to the checkout or to pip's settings."""
    around = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV", "DISPLAY"))}
    return subprocess.run(
        [str(word) for word in command], cwd=folder, env=around | env, capture_output=True, text=True, check=False
    )


def installer(folder: Path, python: str) -> Path:
    path = folder / "install.py"
    path.write_text(INSTALLER.replace("@PYTHON@", python).replace("@PLATFORM@", sys.platform), encoding="utf-8")
    return path


def test_another_python_is_named_before_anything_is_made(tmp_path):
    done = run(sys.executable, "-S", installer(tmp_path, "3.1"), "there", folder=tmp_path)
    assert done.returncode == 2
    assert "for Python 3.1 " in done.stdout
    assert not (tmp_path / "there").exists()


def test_a_folder_with_something_in_it_stays_as_it_is(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").write_text("x")
    this = f"{sys.version_info[0]}.{sys.version_info[1]}"
    done = run(sys.executable, "-S", installer(tmp_path, this), "there", folder=tmp_path)
    assert done.returncode == 2
    assert "is there already" in done.stdout
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["mine"]


@pytest.mark.proof
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform == "win32", reason="programs lie elsewhere there")
def test_the_bundle_installs_where_there_is_no_network(tmp_path):
    """Built with pip's own settings, for it may fetch; installed and run in another folder, with none."""
    bundle, elsewhere = tmp_path / "bundle", tmp_path / "else where"
    elsewhere.mkdir()
    built = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "bundle.py"), str(bundle), "torch>=2.6,<2.14"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    done = run(sys.executable, bundle / "install.py", elsewhere / "lab", folder=elsewhere)
    assert done.returncode == 0, done.stderr
    program = elsewhere / "lab" / "bin" / "attention-lab"
    assert str(program) in done.stdout
    assert run(program, "--version", folder=elsewhere).stdout == f"Attention Lab {__version__}\n"
    done = run(
        program, "--tab", "vit", "--snapshot", "out", "--lang", "zh", folder=elsewhere, QT_QPA_PLATFORM="offscreen"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    with Image.open(elsewhere / "out" / "vit.png") as image:
        assert len(image.getcolors(1 << 24)) > 100
