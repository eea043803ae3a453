"""Attention Lab: ``python main.py [--tab NAME] [--lang en|zh] [--theme light|dark] [--device NAME] [FILES…]``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

STARTED = time.perf_counter()


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(prog="main.py", description="Watch attention happen.")
    parser.add_argument("--tab", action="append", default=[], metavar="NAME", help="topic to open; may be repeated")
    parser.add_argument("--lang", choices=("en", "zh"), help="language of the window")
    parser.add_argument("--theme", choices=("light", "dark"), help="colors; the system's if not given")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), help="where the models run")
    parser.add_argument("--snapshot", metavar="FOLDER", type=Path, help="write a picture of each tab and leave")
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


def has_display() -> bool:
    """Whether Qt will find a screen."""
    known = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in known)


def main(argv: list[str] | None = None) -> int:
    """Open the window (or take the snapshots) and return the exit code."""
    options = arguments(argv)
    if options.snapshot and not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if not has_display():
        print(
            "There is no display here, so no window can open.\n"
            "Go on with one of these:\n"
            "  on a desktop          run the same command in a terminal of the desktop session\n"
            "  over ssh              ssh -X HOST, then run it again\n"
            "  without any screen    make run ARGS='--snapshot FOLDER' writes a picture of each tab",
            file=sys.stderr,
        )
        return 2
    try:
        from app.launch import run
    except ImportError as error:
        if ".so" not in str(error):
            raise
        print(f"A system library for the window is missing: {error}\nRun: bash .ci/system-packages", file=sys.stderr)
        return 2
    return run(options, STARTED)


if __name__ == "__main__":
    sys.exit(main())
