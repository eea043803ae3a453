"""The command ``attention-lab`` (and ``python main.py``): its options, and words in place of a start that must fail.

Nothing here imports Qt before it is known that all packages are there and that a display answers.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from pathlib import Path

from app import __version__, display
from app.collecting import importing
from engines.core.threads import POLICY

STARTED = time.perf_counter()
REFUSED = 2  #: exit code of a start that cannot succeed, as argparse uses it for a bad option

NEEDED = {
    "PySide6": "PySide6-Essentials",
    "pyqtgraph": "pyqtgraph",
    "torch": "torch",
    "numpy": "numpy",
    "scipy": "scipy",
    "PIL": "Pillow",
    "safetensors": "safetensors",
    "yaml": "pyyaml",
    "networkx": "networkx",
    "filelock": "filelock",
    "huggingface_hub": "huggingface_hub",
    "httpx2": "httpx2",
    "onnx": "onnx",
    "openTSNE": "openTSNE",
    "pypinyin": "pypinyin",
    "psutil": "psutil",
    "tokenizers": "tokenizers",
    "ziamath": "ziamath",
}
"""What must be installed: the name to import and the name to install, as in pyproject.toml."""


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(description="Watch attention happen.")
    parser.add_argument("--version", action="version", version=f"Attention Lab {__version__}")
    parser.add_argument("--diagnostics", action="store_true", help="print what a bug report needs and leave")
    parser.add_argument("--tab", action="append", default=[], metavar="NAME", help="topic to open; may be repeated")
    parser.add_argument("--lang", choices=("en", "zh"), help="language of the window")
    parser.add_argument("--theme", choices=("light", "dark"), help="colors; the system's if not given")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), help="where the models run")
    parser.add_argument("--snapshot", metavar="FOLDER", type=Path, help="write a picture of each tab and leave")
    parser.add_argument("--export", metavar="FOLDER", type=Path, help="write maps and boxes of the FILES and leave")
    parser.add_argument("--model", action="append", default=[], metavar="SOURCE", help="with --export: a model to use, "
                        "a folder or a name; may be repeated")  # fmt: skip
    parser.add_argument("--page", metavar="NUMBER", type=number, help="page of the tab, counted from 1")
    parser.add_argument("--size", metavar="WxH", type=size, help="size of the window, for example 1440x900")
    parser.add_argument("files", nargs="*", metavar="FILES", help="pictures or a model folder, as if dropped")
    return parser.parse_args(argv)


def size(text: str) -> tuple[int, int]:
    """``1440x900`` as two numbers."""
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and 200 <= int(width) <= 8000 and 200 <= int(height) <= 8000):
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT in pixels, such as 1440x900")
    return int(width), int(height)


def number(text: str) -> int:
    """A page's number, from 1."""
    if not (text.isdigit() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def missing() -> list[str]:
    """Packages that are not installed, by the names under which they are; nothing is imported for it."""
    found = {module: importlib.util.find_spec(module) for module in NEEDED}
    return [name for module, name in NEEDED.items() if (spec := found[module]) is None or spec.origin is None]


def refuse(*lines: str) -> int:
    """Say why the program does not start."""
    print(*lines, sep="\n", file=sys.stderr)
    return REFUSED


def how_to_install() -> str:
    """The line that puts missing packages right."""
    checkout = Path(__file__).resolve().parents[1]
    if not (checkout / "pyproject.toml").is_file():
        return "Install Attention Lab again, as its README says."
    return f'This installs them: "{sys.executable}" -m pip install "{checkout}"'


def tell_diagnostics() -> int:
    """Print what "Copy diagnostics" copies; no window is needed for it."""
    from app import diagnostics
    from app.settings import Settings

    print(diagnostics.report(Settings.load()), end="")
    return 0


def export(options: argparse.Namespace) -> int:
    """Write each photo's maps and boxes; no window and no Qt is needed for it."""
    try:
        from app.batch import export as write_all
    except ImportError as error:
        if (error.name or "").split(".")[0] in ("app", "engines"):
            raise  # a fault of this program: its traceback is wanted
        return refuse(f"A package of Python does not work: {error}", how_to_install())
    return write_all(options.export, [Path(file) for file in options.files], options.model, options.device or "auto")


def main(argv: list[str] | None = None) -> int:
    """Open the window (or take the snapshots) and return the exit code."""
    options = arguments(argv)
    os.environ.setdefault(*POLICY)
    if lacking := missing():
        return refuse(f"Packages of Python are missing: {', '.join(lacking)}.", how_to_install())
    if options.diagnostics:
        return tell_diagnostics()
    if options.export:
        return export(options)
    if dead := display.trouble():
        if not options.snapshot:
            return refuse(f"No window can open: {dead}.", display.WAYS_ON)
        os.environ["QT_QPA_PLATFORM"] = "offscreen"  # a snapshot needs none
    try:
        with importing():
            from app.launch import run
    except ImportError as error:
        if (error.name or "").split(".")[0] in ("app", "engines"):
            raise  # a fault of this program: its traceback is wanted
        if ".so" in str(error):
            return refuse(f"A system library for the window is missing: {error}", display.LIBRARIES)
        return refuse(f"A package of Python does not work: {error}", how_to_install())
    try:
        return run(options, STARTED)
    except display.NoScreen:
        return refuse("No window can open: the display has no screen.", display.WAYS_ON)
