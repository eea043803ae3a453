"""Typesets the formulas of all pages into ``assets/formulas``: one file a topic, and one of the signs of numbers.

A page's formulas stand in a module ``tex.py`` beside it, as strings in ``FORMULAS``; those of lessons in their files.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from typing import Any

import app
from app.formulas import FOLDER, SIGNS
from app.lessons.lesson import lessons
from app.typesetter import signs, typeset

LESSONS = "lessons"  #: the file of those of all lessons


def wanted() -> dict[str, list[str]]:
    """LaTeX by topic."""
    found: dict[str, list[str]] = {}
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if module.name.endswith(".tex"):
            topic = module.name.split(".")[2]
            found.setdefault(topic, []).extend(importlib.import_module(module.name).FORMULAS)
    found[LESSONS] = [step.formula for lesson in lessons() for step in lesson.steps if step.formula]
    return found


def file_of(formulas: list[str]) -> dict[str, Any]:
    """What a topic's file holds."""
    outlines, made = dict[str, str](), {}
    for tex in sorted(set(formulas)):
        used, made[tex] = typeset(tex)
        outlines |= used
    return {"outlines": dict(sorted(outlines.items())), "formulas": made}


def text_of(found: dict[str, Any]) -> str:
    """As it is written: a line a formula, so that a change of one is a line of the difference."""
    parts = []
    for key, values in found.items():
        lines = [
            f"  {json.dumps(k, ensure_ascii=False)}: {json.dumps(v, ensure_ascii=False)}" for k, v in values.items()
        ]
        parts.append(f" {json.dumps(key)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Write all files anew."""
    FOLDER.mkdir(exist_ok=True)
    outlines, of_numbers = signs()
    files = {SIGNS: {"outlines": outlines, "signs": of_numbers}} | {t: file_of(f) for t, f in wanted().items()}
    for path in FOLDER.glob("*.json"):
        if path.stem not in files:
            path.unlink()
    for name, found in files.items():
        (FOLDER / f"{name}.json").write_text(text_of(found), encoding="utf-8")


if __name__ == "__main__":
    main()
