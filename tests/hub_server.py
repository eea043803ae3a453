"""A small hub on this machine that can stall, break off, lie, refuse and send elsewhere."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.server
import json
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import torch
from safetensors.torch import save

NAME = "owner/tiny"
OLD_NAME = "owner/old"  # sent on to the new one
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = json.dumps({"model_type": "vit"}).encode()
WEIGHTS = save({"a": torch.randn(300_000, generator=torch.Generator().manual_seed(0))})  # 1.2 MB
CERTIFICATE = Path(__file__).with_name("hub_server.pem")  # and its key, known to everybody; valid until 2126
VARIABLES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN")
VARIABLES += ("HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "SSL_CERT_FILE")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class Hub(http.server.ThreadingHTTPServer):
    """Serves one repository; `files` and the faults may be changed by a test."""

    daemon_threads = False  # so that closing waits for them

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"config.json": CONFIG, "model.safetensors": WEIGHTS, "pytorch_model.bin": b"pickle"}
        self.lies: dict[str, bytes] = {}  # what is sent in place of a file
        self.cut: list[int] = []  # after how many bytes the next transfers of weights break off
        self.reset = False  # a cut is a reset of the connection, not its end
        self.stall_at: int | None = None  # after how many bytes a transfer of weights waits for the gate
        self.gate, self.stalled = threading.Event(), threading.Event()
        self.ranges = True
        self.from_zero = False  # asked for a range, it sends a 206 that begins at 0
        self.sizes = True  # it says how long a file is
        self.gzip = False  # it packs what is text
        self.etags: dict[str, str] = {}  # a mirror's own
        self.token = ""  # needed for everything
        self.info: bytes | None = None
        self.status: dict[
            str, list[int]
        ] = {}  # what it answers to the next questions for a file or "main"; 0: as usual
        self.headers: dict[str, str] = {}  # what goes with such an answer
        self.refused = threading.Event()  # it has answered so
        self.seen: list[tuple[str, str, str | None, str | None]] = []  # (method, path, Range, Authorization)

    def handle_error(self, *_: object) -> None:
        """Whoever hangs up has his reasons."""

    def describe(self) -> bytes:
        if self.info is not None:
            return self.info
        return json.dumps({"sha": COMMIT, "siblings": [{"rfilename": name} for name in self.files]}).encode()

    def asked(self, name: str) -> list[str | None]:
        """The ranges in which a file was fetched."""
        return [ranges for method, path, ranges, _ in self.seen if method == "GET" and path.endswith("/" + name)]


def etag(name: str, data: bytes) -> str:
    """As the hub names versions: sha256 of large files, git's sha1 of small ones."""
    if name.endswith(".json"):
        return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
    return hashlib.sha256(data).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        hub, path = self.server, unquote(urlsplit(self.path).path)
        hub.seen.append((self.command, path, self.headers["Range"], self.headers["Authorization"]))
        name = path.rpartition("/")[2]
        if OLD_NAME in path:
            self.answer(307, location=path.replace(OLD_NAME, NAME))
        elif hub.token and self.headers["Authorization"] != f"Bearer {hub.token}":
            self.answer(401)
        elif hub.status.get(name) and (status := hub.status[name].pop(0)):
            self.refuse(name, status)
        elif path == "/moved":
            self.answer(200, hub.files["model.safetensors"])
        elif path.startswith("/api/models/"):
            known = path == f"/api/models/{NAME}/revision/main"
            self.answer(200, hub.describe()) if known else self.answer(404, **{"X-Error-Code": "RepoNotFound"})
        else:
            assert path.startswith((f"/{NAME}/resolve/{COMMIT}/", f"/{NAME}/resolve/main/")), path
            self.file(name)

    do_HEAD = do_GET

    def refuse(self, name: str, status: int) -> None:
        elsewhere = f"http://localhost:{self.server.server_port}/moved"
        extra = {"location": elsewhere, **self.about(name)} if status == 302 else self.server.headers
        self.answer(status, **extra)
        self.server.refused.set()

    def about(self, name: str) -> dict[str, str]:
        data = self.server.files[name]
        size = {"X-Linked-Size": str(len(data))} if self.server.sizes else {}
        return {"X-Repo-Commit": COMMIT, "ETag": f'"{self.server.etags.get(name) or etag(name, data)}"', **size}

    def file(self, name: str) -> None:
        hub = self.server
        data, start, status = hub.lies.get(name, hub.files[name]), 0, 200
        extra = self.about(name)
        if self.headers["Range"] and hub.ranges:
            start, status = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-")), 206
            start = 0 if hub.from_zero else start
            if start >= len(data):
                self.answer(416, **extra)
                return
            extra["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if hub.gzip and name.endswith(".json") and self.command == "GET":
            data, extra = gzip.compress(data), {**extra, "Content-Encoding": "gzip"}
        self.answer(status, data[start:], name.endswith(".safetensors"), **extra)

    def answer(self, status: int, body: bytes = b"", weights: bool = False, **extra: str) -> None:
        self.send_response(status)
        for key, value in extra.items():
            self.send_header(key, value)
        if self.server.sizes:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.send(body, weights)

    def send(self, data: bytes, weights: bool) -> None:
        hub = self.server
        if weights and hub.stall_at is not None:
            with contextlib.suppress(ConnectionError):  # who was to be kept waiting may have gone
                self.wfile.write(data[: hub.stall_at])
                hub.stalled.set()
                hub.gate.wait(120)
                self.wfile.write(data[hub.stall_at :])
            return
        cut = weights and bool(hub.cut)
        self.wfile.write(data[: hub.cut.pop(0)] if cut else data)
        if cut and hub.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def log_message(self, *_: object) -> None:
        pass


def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No hub, token, proxy or cache of the person who runs the tests."""
    for name in (*VARIABLES, *PROXIES, *map(str.lower, PROXIES)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf home"))


@contextlib.contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, scheme: str = "http") -> Iterator[Hub]:
    """A hub that runs and is the one to download from; by https, with a certificate that nobody has signed."""
    made = Hub()
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        made.socket = context.wrap_socket(made.socket, server_side=True, do_handshake_on_connect=False)
    monkeypatch.setenv("HF_ENDPOINT", f"{scheme}://127.0.0.1:{made.server_port}/")
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        made.gate.set()
        made.shutdown()
        thread.join()
        made.server_close()
