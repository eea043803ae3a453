"""The download itself, by huggingface_hub: ``python -m engines.checkpoints.fetch owner/name[@revision]``.

Why a process of its own: none of the places where a download may stand still can be interrupted from another thread (a
name being looked up, a handshake, a silent server, somebody else's lock, a pause before the next attempt), and the
library reads most of its environment while it is imported. A process can be ended anywhere.

Why `http_get`, when `hf_hub_download` would do it all: since 1.31 that one writes to a file of a random name and throws
it away when the call fails, so that the next begins at byte 0, with Xet as without. `http_get` takes a file to go on
with. What has come lies in ``blobs/<hash>.incomplete``, as in the releases before, behind the lock that every program
of the hub takes for this blob; whole and checked, it becomes ``blobs/<hash>``, where `hf_hub_download` finds it and
makes it a part of the cache.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import re
import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
from filelock import Timeout
from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import WeakFileLock, build_hf_headers, get_session, hf_raise_for_status, http_backoff
from huggingface_hub.utils.sha import git_hash

from engines.checkpoints import hub, layout
from engines.checkpoints.failures import in_words
from engines.core.errors import LabError, Message

_EVERY = 0.1  # seconds between two reports
_CHUNK = 2**14  # bytes
_TRIES = 4  # broken connections in a row that brought nothing
_PAUSE = 1.0  # seconds after such a one
_RETRIED = (httpx2.ConnectError, httpx2.TimeoutException, httpx2.RemoteProtocolError)  # by http_get itself, five times
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")


@dataclass(frozen=True)
class _File:
    """A file of a repository. Its etag is sha256 for a large file, git's sha1 for a small one; mirrors may differ."""

    name: str
    url: str
    etag: str
    size: int | None

    def is_at(self, place: Path) -> bool:
        """Whether this very file lies there, whole."""
        if not place.is_file() or self.size not in (None, place.stat().st_size):
            return False
        if re.fullmatch(r"[0-9a-f]{64}", self.etag):
            with place.open("rb") as data:
                return hashlib.file_digest(data, "sha256").hexdigest() == self.etag
        if re.fullmatch(r"[0-9a-f]{40}", self.etag):
            return git_hash(place.read_bytes()) == self.etag
        try:  # no hash: it should at least be readable to its end
            layout.read_json(place) if self.name.endswith(".json") else layout.read_header(place)
        except LabError:
            return False
        return True


class _Pace:
    """Tells how far the download is, ten times a second at the most."""

    def __init__(self, report: hub.Report) -> None:
        self._report = report
        self.total = self.before = 0  # bytes in all, if known; bytes of the files that are finished
        self._marks: deque[tuple[float, int]] = deque(maxlen=30)  # (time, bytes done) of the last three seconds

    def tell(self, done: int) -> None:
        """So many bytes of the file in hand are there."""
        done += self.before
        now = time.monotonic()
        if self._marks and now - self._marks[-1][0] < _EVERY and done != self.total:
            return
        self._marks.append((now, done))
        span = now - self._marks[0][0]
        self._report(done, self.total, max(0.0, (done - self._marks[0][1]) / span) if span > 0 else 0.0)


class _Meter:
    """What `http_get` takes for a progress bar (of tqdm's many methods it calls these)."""

    def __init__(self, tell: Callable[[int], None], *, initial: int = 0, **_: object) -> None:
        self._tell, self._done = tell, initial

    def __enter__(self) -> _Meter:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, bytes_more: int) -> None:
        self._done += bytes_more
        self._tell(self._done)


def fetch(hub_id: str, report: hub.Report) -> Path:
    """Bring a model's configuration and safetensors into the cache.

    Parameters
    ----------
    hub_id : str
        ``owner/name`` or ``owner/name@revision``.
    report : callable
        Told at most ten times a second: bytes done, bytes in all (0 if nobody knows), bytes per second.

    Returns
    -------
    Path
        The snapshot folder.

    Raises
    ------
    LabError
        Whatever network, hub and disk can do, in words.
    """
    # http_get counts and keeps nothing until a chunk is full. Its own are of 10 MB: a line that breaks more often than
    # that would never get on, and a slow one would seem to stand still.
    constants.DOWNLOAD_CHUNK_SIZE = _CHUNK
    try:
        get_session()
    except httpx2.InvalidURL as error:  # whose words quote what stands behind a colon: it may be of the password
        raise LabError(
            "{name}: the proxy can't be used: its address is invalid. In a name or password, / is written %2F, and "
            "# %23.",
            name=hub_id,
        ) from error
    except (ImportError, ValueError) as error:  # SOCKS without its package, an unknown kind
        raise LabError("{name}: the proxy can't be used ({reason}).", name=hub_id, reason=str(error)) from error
    headers = {"Accept-Encoding": "identity"}
    try:
        headers |= build_hf_headers(library_name="attention-lab")
        return _Fetch(hub_id, headers, _Pace(report)).run()
    except (HfHubHTTPError, httpx2.RequestError, OSError) as error:
        raise in_words(hub_id, error, "authorization" in headers) from error


class _Fetch:
    def __init__(self, hub_id: str, headers: dict[str, str], pace: _Pace) -> None:
        self.name, self.headers, self.pace = hub_id, headers, pace
        self.repository, self.revision = hub.split(hub_id)
        self.cache, self.storage = hub.cache_folder(), hub.storage(self.repository)

    def run(self) -> Path:
        names, commit = self._ask()
        files = [self._describe(name, commit) for name in choose_files(self.name, names)]
        sizes = [file.size for file in files if file.size is not None]
        self.pace.total = sum(sizes) if len(sizes) == len(files) else 0
        self._check_room(sum(sizes))
        for file in files:
            self._keep(file, commit)
        folder, *others = {self._enter(file) for file in files}
        if others:
            raise LabError("{name}: changed on the hub meanwhile. Try again.", name=self.name)
        layout.check_tokenizer(folder, self.name)
        layout.weight_files(folder)  # an index may name a shard that the repository lacks
        return folder

    def _ask(self) -> tuple[list[str], str]:
        """The names of all files, and the commit they are of."""
        url = f"{hub.endpoint()}/api/models/{quote(self.repository)}/revision/{quote(self.revision, safe='')}"
        timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
        # a line that is down is told at once; a hub that is busy is asked again when it says
        answer = http_backoff("GET", url, headers=self.headers, timeout=timeout, retry_on_exceptions=())
        hf_raise_for_status(answer)
        try:
            info = answer.json()
        except (ValueError, RecursionError) as error:  # a login page in place of the hub
            raise self._senseless() from error
        commit = info.get("sha") if isinstance(info, dict) else None
        if not isinstance(commit, str) or not re.fullmatch(r"[0-9a-f]{40}", commit):
            raise self._senseless()
        siblings = info.get("siblings")
        entries = [entry for entry in siblings if isinstance(entry, dict)] if isinstance(siblings, list) else []
        return [str(entry.get("rfilename")) for entry in entries], commit

    def _describe(self, name: str, commit: str) -> _File:
        url = hf_hub_url(self.repository, name, revision=commit, endpoint=hub.endpoint())
        found = get_hf_file_metadata(url, headers=self.headers, endpoint=hub.endpoint(), retry_on_errors=True)
        if not re.fullmatch(r"[\w-]+", found.etag or ""):  # it is to be the name of a file
            raise self._senseless()
        return _File(name, url, str(found.etag), found.size)

    def _senseless(self) -> LabError:
        return LabError("{name}: the hub's response can't be understood.", name=self.name)

    def _check_room(self, need: int) -> None:
        blobs = self.storage / "blobs"
        blobs.mkdir(parents=True, exist_ok=True)
        need -= sum(path.stat().st_size for path in blobs.iterdir() if path.is_file())
        free = shutil.disk_usage(blobs).free
        if need > free:
            raise LabError(
                "{name}: needs {need} MB, and only {free} MB are free in {folder}.",
                name=self.name,
                need=round(need / 1e6),
                free=round(free / 1e6),
                folder=str(self.cache),
            )

    def _keep(self, file: _File, commit: str) -> None:
        """Have a file's blob in the cache, whole and checked."""
        blob = self.storage / "blobs" / file.etag
        with self._alone(file):
            entered = try_to_load_from_cache(self.repository, file.name, cache_dir=self.cache, revision=commit)
            places = [blob]
            if isinstance(entered, str) and not (blob.exists() and blob.samefile(entered)):
                places.append(Path(entered))
            for place in places:
                if not file.is_at(place):
                    place.unlink(missing_ok=True)  # cut off or damaged: it would fail whoever reads it, for ever
            if not any(place.is_file() for place in places):
                part = blob.with_name(f"{file.etag}.incomplete")
                self._complete(part, file)
                os.replace(part, blob)
            self.pace.before += max(map(_size, places))
            self.pace.tell(0)

    @contextlib.contextmanager
    def _alone(self, file: _File) -> Iterator[None]:
        """Hold the lock that all programs of the hub take for this blob; meanwhile tell how far its holder is."""
        lock = self.cache / ".locks" / self.storage.name / f"{file.etag}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as held:
            while True:
                try:
                    held.enter_context(WeakFileLock(lock, timeout=_EVERY))
                    break
                except Timeout:
                    parts = (self.storage / "blobs").glob(f"{file.etag}*.incomplete")
                    self.pace.tell(max(map(_size, parts), default=0))
            yield

    def _complete(self, part: Path, file: _File) -> None:
        """Append what is missing of a part, over as many connections as it takes while each brings something."""
        most = _size(part)
        fresh, again, idle = most == 0, False, 0
        while True:
            try:
                self._append(part, file)
            except httpx2.TransportError as error:
                have = _size(part)
                idle = 0 if have > most else idle + 1
                most = max(most, have)
                if idle == _TRIES or (idle and isinstance(error, _RETRIED)):
                    raise self._broken(error, most) from error
                if idle:
                    time.sleep(_PAUSE)
                continue
            if file.is_at(part):
                return
            # too long: a server that sends all when it is asked for the rest
            too_long = file.size is not None and _size(part) > file.size
            part.unlink()
            if again or (fresh and not too_long):
                raise LabError(
                    "{name}: {file} arrived damaged (wrong hash) and was discarded.", name=self.name, file=file.name
                )
            again, most = True, 0  # what went before was damaged, or the server can't go on: once more, from byte 0

    def _append(self, part: Path, file: _File) -> None:
        """One call of `http_get`; raises TransportError if the connection ended early, even without saying so."""
        have = _size(part)
        if file.size is not None and have >= file.size:
            return
        meter: Any = functools.partial(_Meter, self.pace.tell)
        try:
            with part.open("ab") as data:
                http_get(
                    file.url,
                    data,
                    resume_size=have,
                    headers=self.headers,
                    expected_size=file.size,
                    displayed_filename=file.name,
                    tqdm_class=meter,
                )
        except HfHubHTTPError as error:
            if error.response.status_code != 416:  # the part is as long as the file, or longer
                raise
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                part.unlink(missing_ok=True)  # a full disk is everybody's trouble
            if error.errno is not None:
                raise
            # the rest is http_get's check of the length
            if file.size is None:
                part.unlink()  # nobody can tell how much of it is right
            if file.size is None or _size(part) < file.size:
                raise httpx2.ReadError("the connection ended early") from error

    def _broken(self, error: Exception, have: int) -> LabError:
        done = self.pace.before + have
        if done < 1e5:  # nothing to speak of
            return in_words(self.name, error, False)
        return LabError(
            "{name}: the connection broke after {done} MB. Trying again resumes from there.",
            name=self.name,
            done=round(done / 1e6, 1),
        )

    def _enter(self, file: _File) -> Path:
        """Make a blob appear under its file name in the snapshot, and the snapshot under its revision."""
        entered = Path(
            hf_hub_download(
                self.repository,
                file.name,
                revision=self.revision,
                cache_dir=self.cache,
                endpoint=hub.endpoint(),
                library_name="attention-lab",
            )
        )
        if not entered.is_symlink():  # where links are not allowed (Windows) it has been copied
            (self.storage / "blobs" / file.etag).unlink(missing_ok=True)
        return entered.parent


def choose_files(name: str, files: list[str]) -> list[str]:
    """The files worth fetching: configuration and tokenizer first, then safetensors; LabError if there are none."""
    if layout.CONFIG not in files:
        raise LabError("{name}: has no config.json, so it is not a model this program can read.", name=name)
    wanted = [layout.CONFIG, *(name for name in (layout.PREPROCESSOR, layout.TOKENIZER) if name in files)]
    top = [file for file in files if re.fullmatch(r"[\w.-]+\.safetensors", file)]  # no folders, of any system
    if layout.WEIGHTS in files:
        return [*wanted, layout.WEIGHTS]
    if layout.INDEX in files:
        return [*wanted, layout.INDEX, *sorted(file for file in top if _SHARD.fullmatch(file))]
    if len(top) == 1:
        return [*wanted, *top]
    raise LabError(
        "{name}: offers no safetensors. Its weights are pickles, which can run any code when read.", name=name
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def main(hub_id: str) -> None:
    """Fetch a model and say so on stdout, a JSON object a line: done, total, speed; at last folder or error."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed must not get between the lines
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def tell(**fact: object) -> None:
        print(json.dumps(fact, default=_plain), file=lines, flush=True)

    try:
        folder = fetch(hub_id, lambda done, total, speed: tell(done=done, total=total, speed=speed))
    except LabError as error:
        tell(error=error.message)
    else:
        tell(folder=str(folder))


def _plain(message: Message) -> dict[str, object]:
    return {"text": message.text, "values": dict(message.values)}


def _end_with_parent() -> None:
    """Nobody is left to cancel a download whose window has crashed: stdin ends with it."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
