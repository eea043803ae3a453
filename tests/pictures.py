"""Renews the pictures of the README: ``make pictures``."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "assets" / "pictures"
SHOTS = (("light", "en"), ("dark", "zh"))
PAGES = (("detr", 3), ("detr", 5), ("vit", 2), ("vit", 6), ("transformer", 3), ("transformer", 4))  # counted from 1


def main() -> int:
    """Take each tab in a light English and a dark Chinese window, and some more pages in one of the two."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for theme, language in SHOTS:
        if code := take(theme, language):
            return code
    for index, (tab, page) in enumerate(PAGES):
        if code := take(*SHOTS[index % 2], "--tab", tab, "--page", str(page)):
            return code
    return 0


def take(theme: str, language: str, *more: str) -> int:
    """Run the program for its snapshots and keep them; its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "main.py", "--snapshot", folder, "--theme", theme, "--lang", language, *more]
        environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
        done = subprocess.run([*command, "--size", "1440x900"], cwd=ROOT, env=environment, check=False)
        for shot in sorted(Path(folder).glob("*.png")) if not done.returncode else ():
            path = TARGET / f"{shot.stem}-{theme}-{language}.png"
            Image.open(shot).convert("RGB").save(path, optimize=True)  # all colors: a weight never changes its
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} kB")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
