"""Models of a Hugging Face hub: which ones are here already, and downloads on a click.

`cached` looks into the cache that all programs of the hub share
(https://huggingface.co/docs/huggingface_hub/guides/manage-cache) without importing huggingface_hub, which takes half a
second: lists of models ask it from the GUI thread. `download` runs `engines.checkpoints.fetch`, which does import it,
in a process of its own. Honored: ``HF_ENDPOINT``, ``HF_HOME``, ``HF_HUB_CACHE``, ``HF_HUB_OFFLINE``, and in that
process all that huggingface_hub reads besides (tokens, time limits). No torch; never run on the compute lane.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from engines.checkpoints import layout
from engines.checkpoints.reach import OFFICIAL, Reach
from engines.core.errors import LabError, Message

Report = Callable[[int, int, float], None]  # bytes done, bytes in all (0: nobody knows), bytes per second

_TRUE = {"1", "ON", "YES", "TRUE"}
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LAST_WORDS = 2**16  # bytes of a process's stderr that are kept
_ROOT = Path(__file__).parents[2]


class CancelledError(LabError):
    """Raised in the downloading thread after `Cancel.set`."""


class Cancel(threading.Event):
    """A flag that also ends the process it finds at work, wherever that waits."""

    def __init__(self) -> None:
        super().__init__()
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def set(self) -> None:
        """Cancel: may be called from any thread, and more than once."""
        super().set()
        with self._guard:
            if self._process is not None:
                self._process.kill()

    def hold(self, process: subprocess.Popen[bytes]) -> None:
        """Make this the process to end; called by the downloading thread."""
        with self._guard:
            self._process = process
            if self.is_set():  # it was set before there was anything to end
                process.kill()


def endpoint() -> str:
    """Address of the hub or of a mirror of it."""
    return (os.environ.get("HF_ENDPOINT") or OFFICIAL).rstrip("/")


def cache_folder() -> Path:
    """Where downloaded models lie."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return Path(os.path.expandvars(os.environ[name])).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{base}/huggingface"
    return Path(os.path.expandvars(home)).expanduser() / "hub"


def offline() -> bool:
    """Whether the user asked for no network (``HF_HUB_OFFLINE``)."""
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return value.upper() in _TRUE


def split(hub_id: str) -> tuple[str, str]:
    """Repository and revision of ``owner/name@revision``; raises LabError if it is none."""
    repository, _, revision = hub_id.partition("@")
    parts = repository.split("/")
    sound = len(parts) == 2 and all(re.fullmatch(r"[\w.-]+", part) and part.strip(".") for part in parts)
    if not sound or ".." in revision or revision.startswith("/"):
        raise LabError("{name}: not a hub id (owner/name).", name=hub_id)
    return repository, revision or "main"


def storage(repository: str) -> Path:
    """The folder of a model in the cache."""
    return cache_folder() / f"models--{repository.replace('/', '--')}"


def cached(hub_id: str) -> Path | None:
    """The folder of a model that is already here, whole, whoever downloaded it; no network is used."""
    repository, revision = split(hub_id)
    place = storage(repository)
    try:
        commit = revision if _COMMIT.fullmatch(revision) else (place / "refs" / revision).read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    snapshot = place / "snapshots" / commit
    if not _COMMIT.fullmatch(commit):
        return None
    try:
        layout.check_tokenizer(snapshot)  # others fetch it apart from the weights, or not at all
        for file in layout.weight_files(snapshot):
            status = file.stat()
            _check(file, status.st_size, status.st_mtime_ns)
    except (LabError, OSError):
        return None
    return snapshot


@functools.lru_cache(maxsize=64)
def _check(file: Path, _size: int, _changed: int) -> None:
    """Raises LabError for weights that end too early; looked at again only when the file has changed."""
    layout.read_header(file)


def download(
    hub_id: str, progress: Report | None = None, cancel: Cancel | None = None, reach: Reach | None = None
) -> Path:
    """Fetch a model's configuration and safetensors; already here, nothing is fetched.

    Parameters
    ----------
    hub_id : str
        ``owner/name`` or ``owner/name@revision``.
    progress : callable, optional
        Told at most ten times a second: bytes done, bytes in all (0 if nobody knows), bytes per second.
    cancel : Cancel, optional
        Its `set`, from any thread, ends the download within a blink. What has come stays as
        ``.incomplete`` and is taken up again next time.
    reach : Reach, optional
        Address, token and proxy; those of the environment if not given.

    Returns
    -------
    Path
        The snapshot folder, in Hugging Face layout.

    Raises
    ------
    CancelledError
    LabError
        In words: no network, offline mode, no such model, no safetensors, wrong hash, no room. Its notes hold the
        traceback, if the process ended with one.
    """
    cancel = cancel or Cancel()
    found = cached(hub_id)
    if found is not None:
        return found
    if offline():
        raise LabError("{name}: not downloaded yet, and offline mode is on (HF_HUB_OFFLINE).", name=hub_id)
    reach = reach or Reach()
    address = reach.address or endpoint()
    if not address.startswith(("https://", "http://")):
        raise LabError("{address}: not a web address (HF_ENDPOINT).", address=address)
    command = [sys.executable, "-P", "-m", "engines.checkpoints.fetch", hub_id]
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # never written to: its end tells the process that this one is gone
            stdout=subprocess.PIPE,
            stderr=complaints,
            env={**os.environ, **reach.environment(), "PYTHONPATH": os.pathsep.join(paths)},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        with process:
            cancel.hold(process)
            try:
                outcome = _listen(process.stdout, progress)
            finally:
                process.kill()  # it has nothing left to say; leaving the block waits for it
        if cancel.is_set():
            raise CancelledError("{name}: download cancelled.", name=hub_id)
        if isinstance(outcome, Path):
            return outcome
        if isinstance(outcome, Message):
            raise LabError(outcome.text, **outcome.values)
        raise _crash(hub_id, complaints, process.returncode)


def _listen(lines: IO[bytes] | None, progress: Report | None) -> Path | Message | None:
    """Pass on what the process tells, until its last word; None if it ended without one."""
    for line in lines or ():
        if not line.endswith(b"\n"):  # it ended in the middle of a sentence
            break
        said = json.loads(line)
        if "folder" in said:
            return Path(said["folder"])
        if "error" in said:
            return _message(said["error"])
        if progress is not None:
            progress(said["done"], said["total"], said["speed"])
    return None


def _message(said: dict[str, Any]) -> Message:
    """A message that came as JSON, with those inside it."""
    values = {key: _message(value) if isinstance(value, dict) else value for key, value in said["values"].items()}
    return Message(said["text"], values)


def _crash(name: str, complaints: IO[bytes], code: int) -> LabError:
    """A process that ended without a word: the last line of what it printed says why."""
    complaints.seek(max(0, complaints.seek(0, os.SEEK_END) - _LAST_WORDS))
    printed = complaints.read().decode("utf-8", "replace").strip()
    reason = printed.rpartition("\n")[2] or f"exit code {code}"
    error = LabError("{name}: the download ended unexpectedly ({reason}).", name=name, reason=reason)
    error.add_note(printed)
    return error
