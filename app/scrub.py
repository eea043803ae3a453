"""Takes out of a text what is nobody's business: tokens, names of user and machine, paths that are not the program's.

What a bug report needs stays: lines of the program, of its packages and of Python keep the part of their path that is
the same on every machine.
"""

from __future__ import annotations

import os
import re
import socket
import sysconfig
from collections.abc import Iterable
from pathlib import Path

SHORTEST = 6  #: letters of a secret: a shorter one would stand in ordinary words
_SECRET = re.compile(r"\bhf_\w{4,}|(?<=bearer )\S+|(?<=://)[^/\s@]+(?=@)", re.IGNORECASE)
_QUERY = re.compile(r"(https?://[^\s?'\"]+\?)[^\s'\"]+", re.IGNORECASE)  # signed addresses carry their key there
_SECRET_NAME = re.compile(r"(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY)$")
_ROOT = r"(?:/(?=[^\s/*])|~[/\\]|[A-Za-z]:[\\/]|\\\\(?=\w))"
_PATH = re.compile(
    rf"\"(?P<double>{_ROOT}[^\"\n]+)\"|'(?P<single>{_ROOT}[^'\n]+)'"
    rf"|(?P<file>file:/+[^\s\"']+)"
    # bare: up to the last separator of the line, then to the end of a name with an ending, or of the word
    rf"|(?<![\w.:/\\<>~]){_ROOT}(?:[^\n\"'<>|]*[/\\])?(?:[^\n\"'/\\:<>|]*\.\w{{1,12}}\b|[^\s\"'/\\:;,<>|)]*)"
)
_ORDINARY = {"root", "user", "admin", "administrator", "home", "localhost"}  # names that tell nothing of anybody


_hidden: set[str] = set()  # what the program itself was told in confidence


def hide(secret: str) -> None:
    """From now on this stands in nothing that is scrubbed, nor in what `without_secrets` returns."""
    if len(secret) >= SHORTEST:
        _hidden.add(secret)


def without_secrets(text: str) -> str:
    """The text without what was told in confidence."""
    for secret in sorted(_hidden, key=len, reverse=True):
        text = text.replace(secret, "<token>")
    return text


def scrub(text: str, private: Iterable[str] = ()) -> str:
    """The text without secrets; ``private`` are paths the program knows of, whose file names go, too."""
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name.upper()) and len(value) >= SHORTEST:
            text = text.replace(value, "<token>")
    text = without_secrets(text)
    text = _SECRET.sub("<token>", _QUERY.sub(r"\1<query>", text))
    for root, label in _known_roots():
        text = text.replace(root + os.sep, label + "/")
    for path in sorted(private, key=len, reverse=True):
        for known in (path, Path(path).name):
            if len(known) > 2:
                text = text.replace(known, "<file>" + Path(path).suffix)
    text = _PATH.sub(_masked, text)
    for name in _people():
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "<name>", text)
    return text


def _known_roots() -> list[tuple[str, str]]:
    """Folders whose files are the same everywhere, the innermost first, and how to call them."""
    own = Path(__file__).resolve().parents[1]
    places = [(sysconfig.get_path(kind), "site-packages") for kind in ("purelib", "platlib")]
    places += [(sysconfig.get_path(kind), "python") for kind in ("stdlib", "platstdlib")]
    if (own / "pyproject.toml").is_file():
        places.append((str(own), "attention-lab"))
    known = {p: label for place, label in places for p in (place, os.path.realpath(place))}
    return sorted(known.items(), key=lambda item: len(item[0]), reverse=True)


def _masked(found: re.Match[str]) -> str:
    """A path without its names: whether it lies at home, and its ending."""
    whole = found[0]
    quote = whole[0] if found["double"] or found["single"] else ""
    path = whole.strip(quote) if quote else whole
    if found["file"]:
        return "file://<path>"
    home = str(Path.home())
    inside = path.startswith(("~", home + os.sep)) or path == home
    suffix = re.search(r"\.\w{1,12}$", path)
    return f"{quote}{'~/' if inside else ''}<path>{suffix[0] if suffix else ''}{quote}"


def _people() -> set[str]:
    """Names of the user and of the machine, as the system knows them."""
    found = {os.environ.get(name, "") for name in ("USER", "USERNAME", "LOGNAME", "COMPUTERNAME")}
    found |= {Path.home().name, socket.gethostname(), socket.gethostname().split(".")[0]}
    return {name for name in found if len(name) > 2 and name.lower() not in _ORDINARY}
