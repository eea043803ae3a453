"""The packages of pyproject.toml as pip takes them, and the lock made of them. Standard library only.

python .ci/packages.py list run|test    requirements; torch is left to whoever calls pip
python .ci/packages.py lowest           constraints: the lower end of each range
python .ci/packages.py lock TORCH…      resolves everything with pip and writes constraints.txt
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "constraints.txt"
#: torch is the wheel at hand, whatever its build; what only some builds of it ask for, it pins itself. pip is no one's.
LEFT_OUT = re.compile(r"(torch|triton|pip|nvidia-.*|cuda-.*|intel-.*|tbb|tcmlib|umf|onemkl-.*|dpcpp-.*|impi-rt)$")
HEAD = """\
# What `make run` and `make test` install, so that a release of tomorrow cannot break them. Written by `make lock`
# from pyproject.toml; no torch in it: that is the wheel at hand, or what TORCH says.
"""


def name_of(requirement: str) -> str:
    """The package's name, as the simple index spells it."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def asked(*extras: str) -> list[str]:
    """The requirements of pyproject.toml, and those of some extras, without torch."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    every = [*project["dependencies"], *(line for e in extras for line in project["optional-dependencies"][e])]
    return list(dict.fromkeys(line for line in every if name_of(line) != "torch"))


def lowest() -> Iterator[str]:
    """One constraint for each requirement that names a lower end."""
    for line in asked("test"):
        if end := re.search(r">=([\w.]+)", line):
            yield f"{name_of(line)}=={end[1]}"


def lock(torch: list[str]) -> None:
    """Resolve everything for this Python as if nothing were installed, and write the versions found."""
    command = [sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed", "--report", "-"]
    done = subprocess.run([*command, *torch, *asked("test", "fast")], stdout=subprocess.PIPE, check=True)
    found = {name_of(i["metadata"]["name"]): i["metadata"]["version"] for i in json.loads(done.stdout)["install"]}
    lines = [f"{name}=={version}\n" for name, version in sorted(found.items()) if not LEFT_OUT.match(name)]
    LOCK.write_text(HEAD + "".join(lines), encoding="utf-8")
    print(f"{LOCK.name}: {len(lines)} packages")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["list", "run"]:
            print(*asked(), sep="\n")
        case ["list", "test"]:
            print(*asked("test"), sep="\n")
        case ["lowest"]:
            print(*lowest(), sep="\n")
        case ["lock", *torch]:
            lock(torch)
        case _:
            sys.exit(__doc__)
