"""A small hub on this machine that can stall, break off, lie and refuse."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import torch
from safetensors.torch import save

from engines.checkpoints import hub

NAME = "owner/tiny"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = json.dumps({"model_type": "vit"}).encode()
WEIGHTS = save({"a": torch.randn(300_000, generator=torch.Generator().manual_seed(0))})  # 1.2 MB


class Hub(http.server.ThreadingHTTPServer):
    """Serves one repository; `files` and the faults may be changed by a test."""

    daemon_threads = False  # so that closing waits for them

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"config.json": CONFIG, "model.safetensors": WEIGHTS, "pytorch_model.bin": b"pickle"}
        self.lies: dict[str, bytes] = {}  # what is sent in place of a file
        self.cut: list[int] = []  # after how many bytes the next transfers of weights break off
        self.stall_at: int | None = None  # after how many bytes a transfer of weights waits for the gate
        self.gate, self.stalled = threading.Event(), threading.Event()
        self.ranges = True
        self.info: bytes | None = None
        self.status: dict[str, int] = {}
        self.seen: list[tuple[str, str | None, str | None]] = []  # (path, Range, Authorization)

    def describe(self) -> bytes:
        if self.info is not None:
            return self.info
        siblings = []
        for name, data in self.files.items():
            blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
            entry = {"rfilename": name, "size": len(data), "blobId": blob}
            if not name.endswith(".json"):
                entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 9}
            siblings.append(entry)
        return json.dumps({"sha": COMMIT, "siblings": siblings}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.seen.append((path, self.headers["Range"], self.headers["Authorization"]))
        name = path.rpartition("/")[2]
        if name in self.server.status or path == "/moved":
            self.send_response(self.server.status.get(name, 200))
            if self.server.status.get(name) == 302:
                self.send_header("Location", f"http://localhost:{self.server.server_port}/moved")
            body = self.server.files["model.safetensors"] if path == "/moved" else b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        if path.startswith("/api/models/"):
            body = self.server.describe() if path == f"/api/models/{NAME}/revision/main" else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        assert path.startswith(f"/{NAME}/resolve/{COMMIT}/")
        data = self.server.lies.get(name, self.server.files[name])
        start = 0
        if self.headers["Range"] and self.server.ranges:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.send(data[start:], name.endswith(".safetensors"))

    def send(self, data: bytes, weights: bool) -> None:
        if weights and self.server.stall_at is not None:
            self.wfile.write(data[: self.server.stall_at])
            self.wfile.flush()
            self.server.stalled.set()
            self.server.gate.wait(30)
            return
        if weights and self.server.cut:
            data = data[: self.server.cut.pop(0)]
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No hub, token, proxy or cache of the person who runs the tests; no waiting between attempts."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(hub, "_PAUSE", 0.001)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf home"))


@contextlib.contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that runs and is the one to download from."""
    made = Hub()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{made.server_port}/")
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        made.gate.set()
        made.shutdown()
        thread.join()
        made.server_close()
