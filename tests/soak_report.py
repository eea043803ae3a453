"""What a long walk broke, and its line in the table (see `tests.soak`)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.app.watch import Gap, Held

ALONE, EVER = 0.25, 0.5  # s: the longest gap that is the window's own, and the longest of all
STEPS = (0.1, 0.25, 0.5)
MEMORY, OBJECTS, FILES = 1.15, 1.01, 2  # growth that is none: shares, and open files more
KINDS = ("", "look", "first")


def broken(found: dict[str, Any], clock: str) -> list[str]:
    """The limits that a walk broke, in words."""
    gaps = [Gap(**one) for one in found["gaps"]]
    told = []
    own = [gap for gap in gaps if not gap.kind and gap.length(clock) > ALONE]
    ever = [gap for gap in gaps if gap.length(clock) > EVER]
    if own:
        told.append(f"{len(own)} gaps over {1000 * ALONE:.0f} ms")
    if ever:
        told.append(f"{len(ever)} gaps over {1000 * EVER:.0f} ms at all")
    if len(found["held"]) == 2:
        first, last = (Held(**one) for one in found["held"])
        if last.memory > MEMORY * first.memory:
            told.append(f"memory grew from {first.memory:.0f} to {last.memory:.0f} MB")
        if last.count > OBJECTS * first.count:
            told.append(f"objects grew from {first.count} to {last.count}: {last.more(first)}")
        if len(last.threads) > len(first.threads):
            told.append(f"threads grew: {first.threads} to {last.threads}")
        if last.files > first.files + FILES:
            told.append(f"open files grew from {first.files} to {last.files}")
    if found["problems"]:
        told.append(f"{len(found['problems'])} errors")
    return told


HEAD = (
    f"{'seed':>5} {'acts':>6} {'min':>5} | {'gaps > 100/250/500 ms':>24} {'look':>11} {'first':>11} {'worst':>7}"
    f" | {'MB':>11} {'peak':>5} {'objects':>13} {'threads':>8} {'files':>7}"
)


def row(seed: int, found: dict[str, Any], clock: str) -> str:
    """A line of the table: at minute eight → at the end."""
    gaps = [Gap(**one) for one in found["gaps"]]
    counts = {
        kind: "/".join(str(sum(g.length(clock) > s for g in gaps if g.kind == kind)) for s in STEPS) for kind in KINDS
    }
    worst = max((gap.length(clock) for gap in gaps), default=0.0)
    held = [Held(**one) for one in found["held"]]
    parts = [
        "→".join(text)
        for text in (
            [f"{one.memory:.0f}" for one in held],
            [str(one.count) for one in held],
            [str(len(one.threads)) for one in held],
            [str(one.files) for one in held],
        )
    ]
    return (
        f"{seed:>5} {found['acts']:>6} {found['minutes']:>5g} | {counts['']:>24} {counts['look']:>11}"
        f" {counts['first']:>11} {1000 * worst:>5.0f}ms | {parts[0]:>11} {found['peak']:>5.0f}"
        f" {parts[1]:>13} {parts[2]:>8} {parts[3]:>7}"
    )


def worst_places(found: dict[str, Any], clock: str, count: int, kind: str = "") -> str:
    """Where the longest gaps come from: by total time of each act and innermost place of this project."""
    total: Counter[str] = Counter()
    longest: dict[str, Gap] = {}
    for gap in (Gap(**one) for one in found["gaps"]):
        if gap.kind == kind and gap.length(clock) > STEPS[0]:
            ours = [line for line in gap.stack if line.startswith(("app/", "engines/"))]
            place = ours[-1] if ours else (gap.stack[-1] if gap.stack else "not seen")
            total[place] += round(1000 * gap.length(clock))
            if place not in longest or gap.length(clock) > longest[place].length(clock):
                longest[place] = gap
    lines = []
    for place, ms in total.most_common(count):
        gap = longest[place]
        lines.append(
            f"  {ms} ms in all, at most {1000 * gap.length(clock):.0f} (wall {1000 * gap.wall:.0f}, queued"
            f" {1000 * gap.queued:.0f}, own {1000 * gap.cpu:.0f}, collecting {1000 * gap.collecting:.0f}):"
            f" {'; '.join(gap.acts[-2:])}"
        )
        lines += [f"      {line}" for line in gap.stack[-8:]]
    return "\n".join(lines)
