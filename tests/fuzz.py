"""Files that went wrong: valid ones, changed at random in their bytes or in their meaning. Seeded, harmless to others.

`broken_json`, `broken_bytes` and `broken_text` change a file's content. Nothing here is larger than some 100 kB, and
nothing runs, unfolds or names anything outside of the folder of a test.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

#: what stands where something else was expected
ODD: tuple[Any, ...] = (
    None, True, False, 0, -0.0, -1, -3, 1, 2, 3, 7, 255, 256, 300, 65_537,
    2**31, 2**53 + 1, 10**9, 10**12, 10**30, -(10**30), 0.5, 1e-320,
    1e308, float("nan"), float("inf"), float("-inf"), "", "0", "-3", "1e9", "null", "x", "\0", "\ud800", "é" * 50,
    "long " * 2000, "../../x", "{name}", "%s", [], [None], [0], [[]], [1, 2, 3, 4], [float("nan")] * 4, ["x"] * 300,
    {}, {"": None}, {"id": 1}, {"model_type": "detr"},
)  # fmt: skip
SIGNS = b"\0\xff{}[]<>&;:,\"'0123456789eE+-.\n "


def places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to everything in a tree."""
    yield at
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield from places(value, (*at, key))


def broken_tree(tree: Any, dice: random.Random) -> Any:
    """A copy with one to three things changed: replaced, taken away, put twice, exchanged, nested."""
    tree = copy.deepcopy(tree)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        path = dice.choice(list(places(tree)))
        if not path:
            if dice.random() < 0.05:
                return dice.choice(ODD)
            continue
        holder = tree
        for key in path[:-1]:
            holder = holder[key]
        key = path[-1]
        match dice.randrange(10):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            case 1 | 2 if isinstance(holder, dict):
                holder[str(dice.choice(("", "extra", "id", "-1", "1e3", 10**9)))] = holder.pop(key)
            case 3:
                holder[key] = [holder[key]] if dice.random() < 0.5 else {"value": holder[key]}
            case 4 if isinstance(holder[key], list) and holder[key]:
                holder[key] = holder[key] * dice.choice((2, 10, 40))
            case 5 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
                holder[key] = dice.choice((-holder[key], holder[key] * 1000, holder[key] + 0.5, str(holder[key])))
            case _:
                holder[key] = copy.deepcopy(dice.choice(ODD))
    return tree


def broken_json(tree: Any, dice: random.Random) -> bytes:
    """A JSON file: mostly one whose values are wrong, sometimes one that is none."""
    if dice.random() < 0.75:
        text = json.dumps(broken_tree(tree, dice), indent=dice.choice((None, 0, 1)), ensure_ascii=dice.random() < 0.5)
        raw = text.encode("utf-8", "surrogatepass")
        return raw if dice.random() < 0.9 else broken_bytes(raw, dice)
    raw = json.dumps(tree).encode()
    match dice.randrange(5):
        case 0:
            return dice.choice((b"[", b'{"a":')) * 5000
        case 1:
            return raw.replace(b":", b": " + b"9" * 5000, 1)
        case 2:
            return raw.decode().encode(dice.choice(("utf-16", "utf-32", "utf-8-sig")))
        case 3:
            at = raw.find(b'"')
            return raw[: at + 1] + b"a" * 50_000 + raw[at + 1 :]
        case _:
            return broken_bytes(raw, dice)


def broken_bytes(raw: bytes, dice: random.Random) -> bytes:
    """Bytes changed, cut out, repeated, put in, cut off."""
    data = bytearray(raw)
    for _ in range(dice.choice((1, 1, 2, 5, 20))):
        at, length = dice.randrange(len(data) + 1), dice.choice((1, 2, 4, 8, 100))
        match dice.randrange(6):
            case 0:
                data[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length] * dice.choice((1, 1, 20))
            case 3:
                data[at:at] = bytes(dice.choice(SIGNS) for _ in range(length))
            case 4:
                data[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\x80"))
            case _:
                if dice.random() < 0.2:
                    del data[at:]
    return bytes(data)


def broken_text(text: str, dice: random.Random, words: tuple[str, ...] = ()) -> bytes:
    """A text with its words exchanged for odd ones, or with its bytes broken."""
    if dice.random() < 0.4:
        return broken_bytes(text.encode(), dice)
    for _ in range(dice.choice((1, 2, 5))):
        old = dice.choice(words)
        new = dice.choice(ODD)
        shown = new if isinstance(new, str) else json.dumps(new)
        text = text.replace(old, shown, dice.choice((1, 1, -1)))
    return text.encode("utf-8", "surrogatepass")
