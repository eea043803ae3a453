"""Downloads from a Hugging Face hub, on a click, into the cache that all its programs share.

Follows the hub's public HTTP interface (https://huggingface.co/docs/hub/api) and cache layout
(https://huggingface.co/docs/huggingface_hub/guides/manage-cache): ``models--owner--name/blobs/<hash>``,
``snapshots/<commit>/<file>``, ``refs/<revision>``. A file appears under its own name only when it is whole and
its hash is right; until then it is called ``<hash>.incomplete``. Honored: ``HF_ENDPOINT``, ``HF_HOME``,
``HF_HUB_CACHE``, ``HF_HUB_OFFLINE``, ``HF_TOKEN``. No torch; never run on the compute lane.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from engines.checkpoints import layout
from engines.checkpoints.web import SILENCE, Cancel, CancelledError, opener
from engines.core.errors import LabError

Report = Callable[[int, int, float], None]  # bytes done, bytes in all, bytes per second

_TRIES = 4  # how often a broken connection is taken up again
_PAUSE = 0.2  # seconds before the second attempt, doubled for each further one
_CHUNK = 2**18  # bytes
_EVERY = 0.1  # seconds between two reports
_INFO_LIMIT = 32 * 2**20  # bytes
_TRUE = {"1", "ON", "YES", "TRUE"}
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


@dataclass(frozen=True)
class _File:
    """A file of a repository: its hash is sha256 for large files, git's sha1 for small ones."""

    name: str
    size: int
    hash: str

    def hasher(self) -> _Hash:
        if len(self.hash) == 64:
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)


def endpoint() -> str:
    """Address of the hub or of a mirror of it."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def cache_folder() -> Path:
    """Where downloaded models lie."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return Path(os.path.expandvars(os.environ[name])).expanduser()
    return _home() / "hub"


def offline() -> bool:
    """Whether the user asked for no network (``HF_HUB_OFFLINE``)."""
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return value.upper() in _TRUE


def cached(hub_id: str) -> Path | None:
    """The folder of a model that is already here, whole, whoever downloaded it; no network is used."""
    repository, revision = _split(hub_id)
    storage = _storage(repository)
    try:
        commit = revision if _COMMIT.fullmatch(revision) else (storage / "refs" / revision).read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    snapshot = storage / "snapshots" / commit
    if not _COMMIT.fullmatch(commit) or not (snapshot / layout.CONFIG).is_file():
        return None
    try:
        layout.weight_files(snapshot)
    except LabError:
        return None
    return snapshot


def download(hub_id: str, progress: Report | None = None, cancel: Cancel | None = None) -> Path:
    """Fetch a model's configuration and safetensors; already here, nothing is fetched.

    Parameters
    ----------
    hub_id : str
        ``owner/name`` or ``owner/name@revision``.
    progress : callable, optional
        Told at most ten times a second: bytes done, bytes in all, bytes per second.
    cancel : Cancel, optional
        Its `set`, from any thread, ends the download within a blink. What has come stays as
        ``.incomplete`` and is taken up again next time.

    Returns
    -------
    Path
        The snapshot folder, in Hugging Face layout.

    Raises
    ------
    CancelledError
    LabError
        In words: no network, offline mode, no such model, no safetensors, wrong hash, no room.
    """
    cancel = cancel or Cancel()
    found = cached(hub_id)
    if found is not None:
        return found
    if offline():
        raise LabError("{name}: not downloaded yet, and offline mode is on (HF_HUB_OFFLINE).", name=hub_id)
    if not endpoint().startswith(("https://", "http://")):
        raise LabError("{address}: not a web address (HF_ENDPOINT).", address=endpoint())
    try:
        return _Download(hub_id, progress, cancel).run()
    finally:
        cancel.release()


class _Download:
    """One download: what to fetch, what has come, how fast."""

    def __init__(self, hub_id: str, progress: Report | None, cancel: Cancel) -> None:
        self.name = hub_id
        self.repository, self.revision = _split(hub_id)
        self.progress, self.cancel = progress, cancel
        self.opener = opener(cancel)
        self.storage = _storage(self.repository)
        self.done = self.total = 0
        self.marks: deque[tuple[float, int]] = deque(maxlen=30)  # (time, bytes done) of the last three seconds

    def run(self) -> Path:
        info = self._info()
        commit = info.get("sha")
        if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
            raise LabError("{name}: the hub's answer makes no sense.", name=self.name)
        files = choose_files(self.name, info)
        self.total = sum(file.size for file in files)
        snapshot = self.storage / "snapshots" / commit
        with self._writing():
            for folder in (self.storage / "blobs", snapshot, (self.storage / "refs" / self.revision).parent):
                folder.mkdir(parents=True, exist_ok=True)
        self._check_room(files)
        for file in files:
            self._fetch(file, commit)
            with self._writing():
                _link(self.storage / "blobs" / file.hash, snapshot / file.name)
        layout.weight_files(snapshot)  # an index may name a shard that the repository lacks
        with self._writing():
            (self.storage / "refs" / self.revision).write_text(commit, encoding="ascii")
        return snapshot

    def _info(self) -> dict[str, Any]:
        url = f"{endpoint()}/api/models/{quote(self.repository)}/revision/{quote(self.revision, safe='')}?blobs=true"
        for attempt in range(_TRIES):
            try:
                with self._open(url) as answer:
                    info = json.loads(answer.read(_INFO_LIMIT))
                break
            except (OSError, http.client.HTTPException) as error:
                self._again(error, attempt)
            except (ValueError, RecursionError) as error:  # cut off by a cancel, or a login page in place of the hub
                self._stop_if_cancelled()
                raise LabError("{name}: the hub's answer makes no sense.", name=self.name) from error
        if not isinstance(info, dict):
            raise LabError("{name}: the hub's answer makes no sense.", name=self.name)
        return info

    def _fetch(self, file: _File, commit: str) -> None:
        """Bring one file into ``blobs``, going on where an earlier attempt ended."""
        blob = self.storage / "blobs" / file.hash
        if blob.is_file() and blob.stat().st_size == file.size:
            self.done += file.size
            self._report()
            return
        part = blob.with_name(f"{file.hash}.incomplete")
        url = f"{endpoint()}/{quote(self.repository)}/resolve/{commit}/{quote(file.name)}"
        before = self.done
        for attempt in range(_TRIES):
            self.done = before
            try:
                whole = self._append(part, url, file)
            except (OSError, http.client.HTTPException) as error:
                self._again(error, attempt)
                continue
            if whole:
                break
            self._again(ConnectionError("cut off"), attempt)
        self._check_hash(part, file)
        with self._writing():
            os.replace(part, blob)

    def _append(self, part: Path, url: str, file: _File) -> bool:
        """Append what is missing of a part; True if all bytes are there then."""
        with self._writing():
            have = part.stat().st_size if part.is_file() else 0
            if have > file.size:
                part.unlink()
                have = 0
        if have == file.size:
            self.done += have
            return True
        with self._open(url, {"Range": f"bytes={have}-"} if have else {}) as answer:
            if have and answer.status != http.client.PARTIAL_CONTENT:  # a server that can't go on starts over
                have = 0
            self.done += have
            with self._writing():
                out = part.open("ab" if have else "wb")
            with out:
                while have < file.size:
                    data = answer.read1(_CHUNK)
                    self._stop_if_cancelled()
                    if not data:
                        return False
                    with self._writing():
                        out.write(data[: file.size - have])
                    have += len(data)
                    self.done += len(data)
                    self._report()
        return True

    def _check_hash(self, part: Path, file: _File) -> None:
        hasher = file.hasher()
        with self._writing(), part.open("rb") as data:
            while chunk := data.read(_CHUNK):
                hasher.update(chunk)
                self._stop_if_cancelled()
        if hasher.hexdigest() != file.hash:
            part.unlink()
            raise LabError(
                "{name}: {file} arrived damaged (wrong hash) and was thrown away.", name=self.name, file=file.name
            )

    def _check_room(self, files: list[_File]) -> None:
        blobs = self.storage / "blobs"
        need = sum(file.size for file in files if not (blobs / file.hash).is_file())
        free = shutil.disk_usage(blobs).free
        if need > free:
            raise LabError(
                "{name}: needs {need} MB, and only {free} MB are free in {folder}.",
                name=self.name,
                need=round(need / 1e6),
                free=round(free / 1e6),
                folder=str(cache_folder()),
            )

    def _open(self, url: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
        request = urllib.request.Request(url, headers={"User-Agent": "attention-lab", **(headers or {})})
        token = _token()
        if token:  # not sent along when the hub redirects to a file server
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        self._stop_if_cancelled()
        answer: http.client.HTTPResponse = self.opener.open(request, timeout=SILENCE)
        return answer

    def _again(self, error: Exception, attempt: int) -> None:
        """Wait a little before another attempt, or give up in words."""
        self._stop_if_cancelled()
        if isinstance(error, urllib.error.HTTPError):
            error.close()
            if error.code in (401, 403, 404):
                raise LabError("{name}: the hub has no such model, or not for everybody.", name=self.name) from error
            if error.code < 500 and error.code not in (408, 416, 429):
                raise LabError("{name}: the hub answers {status}.", name=self.name, status=error.code) from error
        # where nothing has ever come, trying again only delays the news
        hopeless = self.done == 0 and isinstance(error, urllib.error.URLError) and not hasattr(error, "code")
        if attempt + 1 < _TRIES and not hopeless:
            self.cancel.wait(_PAUSE * 2**attempt)
            self._stop_if_cancelled()
            return
        if isinstance(error, urllib.error.HTTPError):
            raise LabError("{name}: the hub answers {status}.", name=self.name, status=error.code) from error
        if self.done:
            raise LabError(
                "{name}: the connection broke after {done} of {total} MB. Trying again goes on from there.",
                name=self.name,
                done=round(self.done / 1e6, 1),
                total=round(self.total / 1e6, 1),
            ) from error
        raise LabError("{name}: no network ({reason}).", name=self.name, reason=_reason(error)) from error

    def _stop_if_cancelled(self) -> None:
        if self.cancel.is_set():
            raise CancelledError("{name}: download cancelled.", name=self.name)

    @contextlib.contextmanager
    def _writing(self) -> Any:
        """Turns trouble with the disk into words, so that it is not taken for trouble with the network."""
        try:
            yield
        except OSError as error:
            raise LabError(
                "{folder}: can't be written ({reason}).", folder=str(cache_folder()), reason=_reason(error)
            ) from error

    def _report(self) -> None:
        now = time.monotonic()
        last = self.marks[-1][0] if self.marks else 0.0
        if self.progress is None or (now - last < _EVERY and self.done < self.total):
            return
        self.marks.append((now, self.done))
        span = now - self.marks[0][0]
        self.progress(self.done, self.total, (self.done - self.marks[0][1]) / span if span > 0 else 0.0)


def choose_files(name: str, info: dict[str, Any]) -> list[_File]:
    """The files worth fetching: configuration first, then safetensors; raises LabError if there are none."""
    files: dict[str, _File] = {}
    siblings = info.get("siblings")
    for entry in siblings if isinstance(siblings, list) else ():
        if not isinstance(entry, dict):
            continue
        lfs = entry["lfs"] if isinstance(entry.get("lfs"), dict) else {}
        digest, size = str(lfs.get("sha256") or entry.get("blobId")), lfs.get("size", entry.get("size"))
        if isinstance(size, int) and re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", digest):
            files[str(entry.get("rfilename"))] = _File(str(entry.get("rfilename")), size, digest)
    if layout.CONFIG not in files:
        raise LabError("{name}: has no config.json, so it is not a model this program can read.", name=name)
    wanted = [layout.CONFIG, *([layout.PREPROCESSOR] if layout.PREPROCESSOR in files else [])]
    top = [file for file in files if re.fullmatch(r"[\w.-]+\.safetensors", file)]  # no folders, of any system
    if layout.WEIGHTS in files:
        wanted.append(layout.WEIGHTS)
    elif layout.INDEX in files:
        wanted += [layout.INDEX, *sorted(file for file in top if _SHARD.fullmatch(file))]
    elif len(top) == 1:
        wanted += top
    else:
        raise LabError(
            "{name}: offers no safetensors. Its weights are pickles, which can run any code when read.", name=name
        )
    return [files[file] for file in wanted]


def _split(hub_id: str) -> tuple[str, str]:
    repository, _, revision = hub_id.partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository) or ".." in revision or revision.startswith("/"):
        raise LabError("{name}: not a hub id (owner/name).", name=hub_id)
    return repository, revision or "main"


def _storage(repository: str) -> Path:
    return cache_folder() / f"models--{repository.replace('/', '--')}"


def _home() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expandvars(os.environ.get("HF_HOME") or f"{base}/huggingface")).expanduser()


def _token() -> str:
    """The user's own hub token, as huggingface_hub keeps it; models named here need none."""
    if os.environ.get("HF_TOKEN"):
        return os.environ["HF_TOKEN"].strip()
    try:
        return Path(os.environ.get("HF_TOKEN_PATH") or _home() / "token").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _link(blob: Path, place: Path) -> None:
    """Make a blob appear under its file name; where links are not allowed (Windows), the blob moves there."""
    place.unlink(missing_ok=True)
    try:
        place.symlink_to(os.path.relpath(blob, place.parent))
    except OSError:
        os.replace(blob, place)


def _reason(error: BaseException) -> str:
    inner = getattr(error, "reason", error)
    return str(getattr(inner, "strerror", None) or inner)
