"""Where the program's own files lie: weights, words, icons, results, fonts; and what it can make anew at any time."""

from __future__ import annotations

import os
from pathlib import Path

_ENGINES = Path(__file__).resolve().parents[1]


def assets(folder: str) -> Path:
    """One folder of assets: beside `engines` in a checkout, inside it once a wheel has been installed."""
    inside = _ENGINES / "assets"
    return (inside if inside.is_dir() else _ENGINES.parent / "assets") / folder


def cached(folder: str) -> Path:
    """One folder of the user's cache: what lies there costs time to make again, and nothing else."""
    own = os.environ.get("ATTENTION_LAB_HOME")
    if own:
        return Path(own) / folder
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "attention-lab" / folder
