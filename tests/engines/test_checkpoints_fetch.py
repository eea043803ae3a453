"""What huggingface_hub brings, goes on with, checks and says, against a hub on this machine."""

from __future__ import annotations

import errno
import json
import socket
import types
from collections.abc import Iterator
from pathlib import Path

import httpx2
import huggingface_hub
import pytest
import torch
from huggingface_hub import constants, file_download, snapshot_download, try_to_load_from_cache
from huggingface_hub.utils import _http as library_http
from safetensors.torch import save

from engines.checkpoints import fetch, hub
from engines.checkpoints.folder import open_folder
from engines.core.errors import LabError
from tests.hub_server import (
    CERTIFICATE,
    COMMIT,
    CONFIG,
    NAME,
    OLD_NAME,
    WEIGHTS,
    Hub,
    clean_environment,
    etag,
    serving,
)

WEIGHTS_HASH = etag("model.safetensors", WEIGHTS)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[float]]:
    """A clean environment; nobody waits between two attempts, but says how long he would have."""
    clean_environment(monkeypatch, tmp_path)
    taken: list[float] = []
    for module in (file_download, library_http, fetch):
        clock = types.SimpleNamespace(**vars(module.time))
        clock.sleep = taken.append
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "hf home/token"))  # read when it was imported,
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # and so was this
    huggingface_hub.close_session()  # it keeps the proxies and certificates that it was made with
    yield taken
    huggingface_hub.close_session()


@pytest.fixture
def server(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(monkeypatch) as made:
        yield made


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "hf home/hub/models--owner--tiny"


Reports = list[tuple[int, int, float]]


def get(name: str = NAME, reports: Reports | None = None) -> Path:
    return fetch.fetch(name, lambda *report: reports.append(report) if reports is not None else None)


def weights(path: Path) -> bytes:
    return (path / "model.safetensors").read_bytes()


def refusal(name: str = NAME) -> str:
    with pytest.raises(LabError) as caught:
        get(name)
    assert hub.cached(name) is None
    return str(caught.value)


def test_a_model_arrives(server: Hub, storage: Path) -> None:
    reports: Reports = []
    assert hub.cached(NAME) is None
    path = get(reports=reports)
    assert path == storage / "snapshots" / COMMIT == hub.cached(NAME)
    assert sorted(file.name for file in path.iterdir()) == ["config.json", "model.safetensors"]
    assert weights(path) == WEIGHTS
    whole = len(CONFIG) + len(WEIGHTS)
    assert reports[-1][:2] == (whole, whole)
    assert [done for done, _, _ in reports] == sorted(done for done, _, _ in reports)
    assert not list(storage.rglob("*.incomplete"))
    assert open_folder(path).name == NAME
    assert open_folder(path).tensors().shapes == {"a": (300_000,)}
    assert server.asked("model.safetensors") == [None]


def test_ten_reports_a_second_at_the_most(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_CHUNK", 1000)
    clock = iter(range(10**6))
    monkeypatch.setattr(fetch.time, "monotonic", lambda: next(clock) / 1000)  # a look at the clock takes 1 ms
    reports: Reports = []
    get(reports=reports)
    assert 10 <= len(reports) < 20  # 1,200 pieces in 1.2 seconds
    assert reports[-2][2] == pytest.approx(1e6, rel=0.1)  # bytes per second


def test_all_programs_of_the_hub_find_it(server: Hub, storage: Path) -> None:
    path = get()
    assert try_to_load_from_cache(NAME, "model.safetensors", cache_dir=storage.parent) == str(
        path / "model.safetensors"
    )
    assert snapshot_download(NAME, cache_dir=storage.parent, local_files_only=True) == str(path)


# -- what there is to fetch
@pytest.mark.parametrize("info", [b" ", b"<html>log in</html>", b"[]", b"{}", b'{"sha": "../../x"}', b"[" * 99_999])
def test_answers_that_make_no_sense(server: Hub, info: bytes) -> None:
    server.info = info
    assert "can't be understood" in refusal()


@pytest.mark.parametrize("siblings", [3, [3], [{}], [{"rfilename": 1}]])
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
    server.files = {
        "config.json": CONFIG,
        "preprocessor_config.json": b"{}",
        "model.safetensors.index.json": json.dumps({"weight_map": {"a": first, "b": second}}).encode(),
        first: WEIGHTS,
        second: save({"b": torch.zeros(2)}),
        "other.safetensors": b"x",
    }
    path = get()
    assert sorted(open_folder(path).tensors()) == ["a", "b"]
    assert not (path / "other.safetensors").exists()
    assert server.asked("other.safetensors") == []


def test_a_missing_shard_is_no_model(server: Hub) -> None:
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    server.files = {
        "config.json": CONFIG,
        "model.safetensors.index.json": json.dumps({"weight_map": {"a": first, "b": second}}).encode(),
        first: WEIGHTS,
    }
    assert f"{second}, which is missing" in refusal()


@pytest.mark.parametrize("version", ["../../../x", "a/b", ""])
def test_an_etag_names_a_file_and_no_more(server: Hub, tmp_path: Path, version: str) -> None:
    server.etags["config.json"] = version or " "
    assert "can't be understood" in refusal()
    assert not list(tmp_path.rglob("x"))


# -- a bad line
def test_five_cuts_with_progress_between(server: Hub) -> None:
    server.cut = [200_000] * 5
    reports: Reports = []
    path = get(reports=reports)
    assert weights(path) == WEIGHTS
    first, *asked = server.asked("model.safetensors")
    assert first is None
    assert len(asked) == 5
    begins = [int(str(ranges).removeprefix("bytes=").removesuffix("-")) for ranges in asked]
    assert all(n * 180_000 < begin <= n * 200_000 for n, begin in enumerate(begins, 1))  # hardly a byte twice
    assert reports[-1][0] == reports[-1][1]


def test_a_reset_connection_is_taken_up_again(server: Hub) -> None:
    server.cut, server.reset = [400_000, 300_000], True
    assert weights(get()) == WEIGHTS
    assert len(server.asked("model.safetensors")) == 3


def test_a_line_that_stays_broken_leaves_what_came(server: Hub, storage: Path) -> None:
    server.cut = [400_000] + [0] * 20
    assert "the connection broke after 0.4 MB. Trying again resumes from there." in refusal()
    (part,) = storage.rglob("*.incomplete")
    have = part.stat().st_size
    assert 380_000 < have <= 400_000
    assert not list(storage.rglob("model.safetensors"))
    server.cut = []
    reports: Reports = []
    assert weights(get(reports=reports)) == WEIGHTS
    assert server.asked("model.safetensors")[-1] == f"bytes={have}-"
    assert reports[-1][0] == reports[-1][1]
    assert not list(storage.rglob("*.incomplete"))


def test_what_an_older_release_left_is_taken_up(server: Hub, storage: Path) -> None:
    (storage / "blobs").mkdir(parents=True)
    (storage / f"blobs/{WEIGHTS_HASH}.incomplete").write_bytes(WEIGHTS[:700_000])
    assert weights(get()) == WEIGHTS
    assert server.asked("model.safetensors") == ["bytes=700000-"]


@pytest.mark.parametrize("length", [1000, len(WEIGHTS), len(WEIGHTS) + 1])
def test_a_damaged_part_is_started_again(server: Hub, storage: Path, length: int) -> None:
    (storage / "blobs").mkdir(parents=True)
    (storage / f"blobs/{WEIGHTS_HASH}.incomplete").write_bytes(b"x" * length)
    assert weights(get()) == WEIGHTS
    assert server.asked("model.safetensors")[-1] is None


@pytest.mark.parametrize("more", [b"", b"x"])
def test_a_part_that_is_whole_and_a_hub_that_names_no_length(server: Hub, storage: Path, more: bytes) -> None:
    server.sizes = False
    (storage / "blobs").mkdir(parents=True)
    (storage / f"blobs/{WEIGHTS_HASH}.incomplete").write_bytes(WEIGHTS + more)
    assert weights(get()) == WEIGHTS
    asked = server.asked("model.safetensors")  # the answer is 416
    assert asked == [f"bytes={len(WEIGHTS + more)}-", *([None] if more else [])]


@pytest.mark.parametrize("how", ["no ranges", "206 from 0"])
def test_a_server_that_cannot_go_on_starts_over(server: Hub, storage: Path, how: str) -> None:
    server.cut, server.ranges, server.from_zero = [400_000], how != "no ranges", how == "206 from 0"
    assert weights(get()) == WEIGHTS
    (storage / f"blobs/{WEIGHTS_HASH}").rename(storage / f"blobs/{WEIGHTS_HASH}.incomplete")
    with (storage / f"blobs/{WEIGHTS_HASH}.incomplete").open("r+b") as part:
        part.truncate(500_000)  # and one that was left by an earlier call
    assert weights(get()) == WEIGHTS


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_wrong_hash(server: Hub, storage: Path, name: str) -> None:
    right = server.files[name]
    server.lies[name] = right[:-1] + bytes([right[-1] ^ 1])
    assert f"{name} arrived damaged (wrong hash)" in refusal()
    assert not list(storage.rglob("*.incomplete"))
    del server.lies[name]
    assert (get() / name).read_bytes() == right


@pytest.mark.parametrize("etags", [{}, {"model.safetensors": "5f3-61ac"}])
def test_a_server_that_sends_too_little_without_a_word(server: Hub, etags: dict[str, str]) -> None:
    server.sizes, server.cut, server.etags = False, [400_000] * 2, etags  # the end of the line is that of the file
    assert "arrived damaged" in refusal()
    server.cut = []
    assert weights(get()) == WEIGHTS


# -- the cache
@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_truncated_blob_is_repaired(server: Hub, name: str) -> None:
    path = get()
    whole = (path / name).read_bytes()
    with (path / name).open("r+b") as blob:
        blob.truncate(len(whole) - 5)
    assert hub.cached(NAME) is None
    assert get() == path == hub.cached(NAME)
    assert (path / name).read_bytes() == whole
    other = {"model.safetensors": "config.json"}.get(name, "model.safetensors")
    assert len(server.asked(name)) == 2
    assert len(server.asked(other)) == 1


def test_a_link_that_leads_nowhere_is_repaired(server: Hub, storage: Path) -> None:
    path = get()
    (path / "model.safetensors").resolve().unlink()
    assert hub.cached(NAME) is None
    assert get() == path
    (storage / "refs/main").write_text("../../x")
    assert hub.cached(NAME) is None
    assert hub.cached(f"{NAME}@{COMMIT}") == path


def test_where_links_are_not_allowed(server: Hub, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_download, "are_symlinks_supported", lambda *_: False)
    path = get()
    assert weights(path) == WEIGHTS
    assert not (path / "model.safetensors").is_symlink()
    assert not list((storage / "blobs").iterdir())  # not twice
    assert hub.cached(NAME) == path
    (path / "model.safetensors").write_bytes(WEIGHTS[:-9])
    assert weights(get()) == WEIGHTS
    assert len(server.asked("config.json")) == 1


def test_no_room(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: usage)
    assert "needs 1 MB, and only 1 MB are free" in refusal()
    assert server.asked("model.safetensors") == []


def test_a_disk_that_fills_up_meanwhile(server: Hub, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(_url: str, file: object, **_: object) -> None:
        file.write(b"some")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(fetch, "http_get", fill)
        assert "can't be written (the disk is full)" in refusal()
    assert not list(storage.rglob("*.incomplete"))
    assert weights(get()) == WEIGHTS


def test_a_cache_that_cannot_be_written(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hf home").write_text("a file where the folder should be")
    assert "can't be written (part of the path is not a folder)" in refusal()
    (tmp_path / "hf home").unlink()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as locked:
        locked.setattr(Path, "mkdir", refuse)
        assert "can't be written (the disk is read-only)" in refusal()
    assert weights(get()) == WEIGHTS


# -- the hub's ways
def test_mirrors_without_sizes(server: Hub) -> None:
    server.sizes = False
    reports: Reports = []
    assert weights(get(reports=reports)) == WEIGHTS
    assert {total for _, total, _ in reports} == {0}


def test_mirrors_with_names_of_their_own_for_versions(server: Hub) -> None:
    server.etags = {"config.json": "5f3-61ab", "model.safetensors": "5f3-61ac"}  # no hashes: the length must do
    assert weights(get()) == WEIGHTS


def test_packed_answers(server: Hub) -> None:
    server.gzip = True
    assert (get() / "config.json").read_bytes() == CONFIG


def test_a_moved_model_and_a_token(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "secret")
    server.token = "secret"  # 401 without it, also after the 307 on the same host
    assert weights(get(OLD_NAME)) == WEIGHTS
    assert hub.cached(OLD_NAME) is not None


def test_the_token_is_not_sent_to_another_server(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    server.status["model.safetensors"] = [302] * 3
    assert weights(get()) == WEIGHTS
    assert [token for _, where, _, token in server.seen if where == "/moved"] == [None]
    assert {token for _, where, _, token in server.seen if where != "/moved"} == {"Bearer secret"}


@pytest.mark.parametrize("name", ["main", "config.json", "model.safetensors"])
def test_a_busy_hub_is_asked_again_when_it_says(server: Hub, pauses: list[float], name: str) -> None:
    server.status[name], server.headers = [429], {"Retry-After": "7"}
    assert weights(get()) == WEIGHTS
    assert pauses == [8.0]  # the library adds one


@pytest.mark.parametrize(("status", "words"), [(429, "rate limit"), (500, "returned 500"), (418, "returned 418")])
def test_a_hub_in_trouble(server: Hub, status: int, words: str) -> None:
    server.status["main"] = [status] * 10
    assert words in refusal()
    server.status = {}
    assert weights(get()) == WEIGHTS


@pytest.mark.parametrize(
    ("status", "headers", "token", "words"),
    [
        (403, {"X-Error-Code": "GatedRepo"}, "mine", "Request access at {hub}/owner/tiny,"),
        (401, {"X-Error-Code": "GatedRepo"}, "", "Request access at {hub}/owner/tiny,"),
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, "old", "rejects your token"),
        (401, {"X-Error-Message": 'User Access Token "old" is expired'}, "old", "at {hub}/settings/tokens,"),
        (
            401,
            {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"},
            "",
            "no such model on the hub",
        ),
        (404, {"X-Error-Code": "RepoNotFound"}, "mine", "no such model on the hub"),
        (401, {}, "", "no such model on the hub"),
        (404, {"X-Error-Code": "RevisionNotFound"}, "", "but not this version"),
    ],
)
def test_who_is_not_let_in_is_told_why(
    server: Hub, monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str], token: str, words: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    server.status["main"], server.headers = [status], headers
    assert words.format(hub=f"http://127.0.0.1:{server.server_port}") in refusal()
    assert weights(get()) == WEIGHTS


def test_a_hub_that_fails_at_the_very_end(server: Hub) -> None:
    server.status["model.safetensors"] = [0, 0] + [503] * 20  # asked for the version, fetched, entered into the cache
    assert "the hub returned 503" in refusal()
    server.status = {}
    assert weights(get()) == WEIGHTS
    assert server.asked("model.safetensors") == [None]


def test_a_file_that_the_hub_lists_and_does_not_have(server: Hub) -> None:
    server.status["model.safetensors"], server.headers = [404], {"X-Error-Code": "EntryNotFound"}
    assert "the hub returned 404" in refusal()


# -- the way there
def test_no_network(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    assert "owner/tiny: no network (Connection refused)" in refusal()
    assert pauses == []  # trying again only delays the news


def test_a_silent_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert "the hub does not respond (" in refusal()


def test_a_hub_that_falls_silent(server: Hub, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = fetch.http_backoff
    monkeypatch.setattr(fetch, "http_backoff", lambda *what, **how: ask(*what, **{**how, "timeout": 60}))
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", httpx2.Timeout(60, read=0.04))  # only for the files
    server.stall_at = 0
    assert "the hub does not respond (" in refusal()
    tries = len(server.asked("model.safetensors"))  # the library's own number
    server.stall_at = len(WEIGHTS) // (tries + 1)
    assert weights(get()) == WEIGHTS  # as long as connections bring something; on a busy machine one may bring nothing
    ranges = server.asked("model.safetensors")[tries:]
    begins = [int((range_ or "bytes=0-").removeprefix("bytes=").removesuffix("-")) for range_ in ranges]
    assert begins == sorted(begins)
    assert len(set(begins)) > tries


def test_a_certificate_that_nobody_has_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, "https"):
        message = refusal()
        assert "the certificate of the hub can't be trusted" in message
        assert "no network" not in message
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        huggingface_hub.close_session()
        assert weights(get()) == WEIGHTS


def test_all_goes_through_a_proxy(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")  # no such host: only the proxy can answer
    assert weights(get()) == WEIGHTS


def test_what_no_proxy_names_does_not(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed.getsockname()[1]}")
    assert "no network" in refusal()
    huggingface_hub.close_session()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert weights(get()) == WEIGHTS


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "gopher://127.0.0.1:9"])
def test_a_proxy_that_cannot_be_used(server: Hub, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert "the proxy can't be used (" in refusal()


@pytest.mark.parametrize("password", ["Hush/er", "Hush#er"])
def test_no_piece_of_a_proxys_password_is_told(server: Hub, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://me:{password}@127.0.0.1:9")
    told = refusal()
    assert "the proxy can't be used: its address is invalid" in told
    assert "Hush" not in told


def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise httpx2.ProxyError("407 Proxy Authentication Required")

    monkeypatch.setattr(fetch, "http_backoff", refuse)
    assert "the proxy can't be used (407 Proxy Authentication Required)" in refusal()


def test_redirects_in_a_circle(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    server.status["main"], server.headers = [307] * 50, {"Location": f"/api/models/{NAME}/revision/main"}
    assert "can't be understood" in refusal()
