"""Renews the pictures of the README: ``make pictures``."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from app.topics import Topic, topics

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "assets" / "pictures"
SHOTS = LIGHT, DARK = (("light", "en"), ("dark", "zh"))


def main() -> int:
    """Take each tab in a light English and a dark Chinese window, and the pages it asks for in one of the two."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for look in SHOTS:
        if code := take(*look):
            return code
    for topic in topics():
        for shot in topic.shots:
            for look, page in ((LIGHT, shot.light), (DARK, shot.dark)):
                if code := take(*look, "--tab", topic.name, "--page", str(page)):
                    return code
    return 0


def shots(topic: Topic) -> list[str]:
    """The pictures of a topic from the checkout's root: a light and a dark one, and the same of each further shot."""
    pages = [("", ""), *((f"-{shot.light}", f"-{shot.dark}") for shot in topic.shots)]
    names = [f"{topic.name}{page}-{'-'.join(look)}" for both in pages for page, look in zip(both, SHOTS, strict=True)]
    return [f"{TARGET.relative_to(ROOT).as_posix()}/{name}.png" for name in names]


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
