"""Where the program's own files lie: weights, words, icons, results, fonts."""

from __future__ import annotations

from pathlib import Path

_ENGINES = Path(__file__).resolve().parents[1]


def assets(folder: str) -> Path:
    """One folder of assets: beside `engines` in a checkout, inside it once a wheel has been installed."""
    inside = _ENGINES / "assets"
    return (inside if inside.is_dir() else _ENGINES.parent / "assets") / folder
