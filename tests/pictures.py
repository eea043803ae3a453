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


def main() -> int:
    """Take each tab in a light English and a dark Chinese window."""
    TARGET.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    for theme, language in SHOTS:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "main.py", "--snapshot", folder, "--theme", theme, "--lang", language]
            done = subprocess.run([*command, "--size", "1440x900"], cwd=ROOT, env=environment, check=False)
            if done.returncode:
                return done.returncode
            for shot in sorted(Path(folder).glob("*.png")):
                path = TARGET / f"{shot.stem}-{theme}-{language}.png"
                Image.open(shot).convert("RGB").save(path, optimize=True)  # all colors: a weight never changes its
                print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
