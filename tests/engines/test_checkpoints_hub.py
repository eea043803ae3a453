"""Downloads, against a small hub on this machine that can stall, break off, lie and refuse."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from huggingface_hub import snapshot_download, try_to_load_from_cache
from safetensors.torch import save

from engines.checkpoints import catalog, hub
from engines.checkpoints.folder import open_folder
from engines.checkpoints.web import Cancel, CancelledError, dial
from engines.core.errors import LabError
from tests.hub_server import COMMIT, CONFIG, NAME, WEIGHTS, Hub, clean_environment, serving


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clean_environment(monkeypatch, tmp_path)


@pytest.fixture
def server(environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(monkeypatch) as made:
        yield made


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "hf home/hub/models--owner--tiny"


def refusal(name: str = NAME) -> str:
    with pytest.raises(LabError) as caught:
        hub.download(name)
    assert hub.cached(name) is None
    return str(caught.value)


def test_download(server: Hub, storage: Path) -> None:
    reports: list[tuple[int, int, float]] = []
    assert hub.cached(NAME) is None
    path = hub.download(NAME, lambda *report: reports.append(report))
    assert path == storage / "snapshots" / COMMIT == hub.cached(NAME)
    assert sorted(file.name for file in path.iterdir()) == ["config.json", "model.safetensors"]
    assert (path / "model.safetensors").read_bytes() == WEIGHTS
    whole = len(CONFIG) + len(WEIGHTS)
    assert reports[-1][:2] == (whole, whole)
    assert [done for done, _, _ in reports] == sorted(done for done, _, _ in reports)
    assert not list(storage.rglob("*.incomplete"))
    assert open_folder(path).name == NAME
    assert open_folder(path).tensors().shapes == {"a": (300_000,)}


def test_the_layout_is_the_one_huggingface_hub_knows(server: Hub, storage: Path) -> None:
    path = hub.download(NAME)
    assert try_to_load_from_cache(NAME, "model.safetensors", cache_dir=storage.parent) == str(
        path / "model.safetensors"
    )
    assert snapshot_download(NAME, cache_dir=storage.parent, local_files_only=True) == str(path)


def test_what_is_cached_needs_no_network(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    path = hub.download(NAME)
    seen = len(server.seen)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub.download(NAME) == path == catalog.locate(NAME).path
    assert catalog.describe(NAME).ready
    assert len(server.seen) == seen


def test_offline_mode(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "yes")
    assert "offline mode is on" in refusal()
    assert server.seen == []


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    assert "owner/tiny: no network (" in refusal()
    monkeypatch.setenv("HF_ENDPOINT", "file:///etc")
    assert "not a web address" in refusal()


def test_unknown_model(server: Hub) -> None:
    assert "no such model" in refusal("owner/other")
    assert "not a hub id" in refusal_of_name("nonsense")
    assert "not a hub id" in refusal_of_name("owner/tiny@../../x")


def refusal_of_name(name: str) -> str:
    with pytest.raises(LabError) as caught:
        hub.download(name)
    return str(caught.value)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_closed_repository(server: Hub, status: int) -> None:
    server.status["main"] = status
    assert "no such model, or not for everybody" in refusal()


@pytest.mark.parametrize("info", [b"", b"<html>log in</html>", b"[]", b"{}", b'{"sha": "../../x"}', b"[" * 99_999])
def test_answers_that_make_no_sense(server: Hub, info: bytes) -> None:
    server.info = info or b" "
    assert "makes no sense" in refusal()


@pytest.mark.parametrize(
    "siblings", [3, [3], [{"rfilename": "config.json"}], [{"rfilename": 1, "lfs": 2, "size": "x"}]]
)
def test_lists_of_files_that_make_no_sense(server: Hub, siblings: object) -> None:
    server.info = json.dumps({"sha": COMMIT, "siblings": siblings}).encode()
    assert "has no config.json" in refusal()


def test_only_safetensors(server: Hub, storage: Path) -> None:
    del server.files["model.safetensors"]
    assert "offers no safetensors" in refusal()
    server.files["onnx/model.safetensors"] = WEIGHTS
    assert "offers no safetensors" in refusal()
    assert not storage.exists()
    assert len(server.seen) == 2


def test_shards(server: Hub) -> None:
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    index = {"weight_map": {"a": first, "b": second}}
    server.files = {
        "config.json": CONFIG,
        "preprocessor_config.json": b"{}",
        "model.safetensors.index.json": json.dumps(index).encode(),
        first: WEIGHTS,
        second: save({"b": torch.zeros(2)}),
        "other.safetensors": b"x",
    }
    path = hub.download(NAME)
    assert sorted(open_folder(path).tensors()) == ["a", "b"]
    assert not (path / "other.safetensors").exists()


def test_a_missing_shard_is_no_model(server: Hub) -> None:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    server.files = {
        "config.json": CONFIG,
        "model.safetensors.index.json": json.dumps(index).encode(),
        "model-00001-of-00002.safetensors": WEIGHTS,
    }
    assert "model-00002-of-00002.safetensors, which is missing" in refusal()


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_wrong_hash(server: Hub, storage: Path, name: str) -> None:
    right = server.files[name]
    server.lies[name] = right[:-1] + bytes([right[-1] ^ 1])
    message = refusal()
    assert name in message
    assert "wrong hash" in message
    assert not list(storage.rglob("*.incomplete"))
    del server.lies[name]
    assert (hub.download(NAME) / name).read_bytes() == right


def test_a_broken_connection_is_taken_up_again(server: Hub) -> None:
    server.cut = [400_000, 300_000]
    path = hub.download(NAME)
    assert (path / "model.safetensors").read_bytes() == WEIGHTS
    asked = [ranges for where, ranges, _ in server.seen if where.endswith("model.safetensors")]
    assert asked == [None, "bytes=400000-", "bytes=700000-"]


def test_a_server_that_cannot_go_on_starts_over(server: Hub) -> None:
    server.cut, server.ranges = [400_000], False
    assert (hub.download(NAME) / "model.safetensors").read_bytes() == WEIGHTS


def test_a_connection_that_stays_broken_leaves_a_part(server: Hub, storage: Path) -> None:
    server.cut = [400_000, 0, 0, 0]
    assert "the connection broke after 0.4 of 1.2 MB" in refusal()
    (part,) = storage.rglob("*.incomplete")
    assert part.stat().st_size == 400_000
    assert not list(storage.rglob("model.safetensors"))
    assert (hub.download(NAME) / "model.safetensors").read_bytes() == WEIGHTS
    assert server.seen[-1][1] == "bytes=400000-"


def test_a_stale_part_is_not_trusted(server: Hub, storage: Path) -> None:
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    (storage / "blobs").mkdir(parents=True)
    (storage / f"blobs/{digest}.incomplete").write_bytes(b"x" * 1000)
    assert "wrong hash" in refusal()
    (storage / f"blobs/{digest}.incomplete").write_bytes(b"x" * (len(WEIGHTS) + 1))
    assert (hub.download(NAME) / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("status", [500, 418])
def test_a_server_in_trouble(server: Hub, status: int) -> None:
    server.status["model.safetensors"] = status
    assert f"the hub answers {status}" in refusal()


def test_the_token_is_not_sent_to_another_server(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    server.status["model.safetensors"] = 302
    hub.download(NAME)
    assert [token for where, _, token in server.seen if where == "/moved"] == [None]
    assert {token for where, _, token in server.seen if where != "/moved"} == {"Bearer secret"}


def test_no_room(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(hub.shutil, "disk_usage", lambda _: usage)
    assert "needs 1 MB, and only 1 MB are free" in refusal()


def test_a_cache_that_cannot_be_written(server: Hub, tmp_path: Path) -> None:
    (tmp_path / "hf home").write_text("a file where the folder should be")
    assert "can't be written" in refusal()


class Running:
    """A download in its own thread."""

    def __init__(self) -> None:
        self.cancel, self.error = Cancel(), None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            hub.download(NAME, None, self.cancel)
        except LabError as error:
            self.error = error

    def cancel_and_time(self) -> float:
        start = time.monotonic()
        self.cancel.set()
        self.thread.join(30)
        return time.monotonic() - start


def test_cancel_in_a_stalled_transfer(server: Hub, storage: Path) -> None:
    server.stall_at = 500_000
    running = Running()
    assert server.stalled.wait(30)
    assert running.cancel_and_time() < 2  # the limit for silence is 20 s
    assert isinstance(running.error, CancelledError)
    assert hub.cached(NAME) is None
    assert not list(storage.rglob("model.safetensors"))
    server.gate.set()
    server.stall_at = None
    assert (hub.download(NAME) / "model.safetensors").read_bytes() == WEIGHTS


def test_cancel_in_a_handshake_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"https://127.0.0.1:{silent.getsockname()[1]}")
        running = Running()
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(1)  # the client's half of the handshake is here: it waits for ours
            assert running.cancel_and_time() < 2
    assert isinstance(running.error, CancelledError)


def test_cancel_before_anything(server: Hub) -> None:
    cancel = Cancel()
    cancel.set()
    with pytest.raises(CancelledError):
        hub.download(NAME, None, cancel)
    with pytest.raises(OSError):
        dial(("127.0.0.1", server.server_port), cancel, 5)
    assert server.seen == []


def test_a_half_snapshot_is_not_taken_for_a_model(server: Hub, storage: Path) -> None:
    path = hub.download(NAME)
    (path / "model.safetensors").resolve().unlink()  # the link stays and leads nowhere
    assert hub.cached(NAME) is None
    assert hub.download(NAME) == path
    (storage / "refs/main").write_text("../../x")
    assert hub.cached(NAME) is None
    assert hub.cached(f"{NAME}@{COMMIT}") == path


def test_where_links_are_not_allowed(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    path = hub.download(NAME)
    assert (path / "model.safetensors").read_bytes() == WEIGHTS
    assert not (path / "model.safetensors").is_symlink()
    assert hub.cached(NAME) == path
