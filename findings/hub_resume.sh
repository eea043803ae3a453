#!/usr/bin/env bash
# huggingface_hub 2.4.0, plain HTTP: a broken download goes on at the last full 10 MiB, a failed call keeps nothing.
#
# Expected: "Trying to resume download..." asks for the bytes that are missing; and what a failed hf_hub_download has
#           left in the cache is where the next one goes on.
# Instead:  what arrives is written in pieces of 10 MiB. The piece in hand when the connection breaks is dropped, so
#           that a smaller file begins at byte 0 at every retry. And each call writes into an .incomplete file with a
#           name of its own and deletes it on failure: the next call begins at byte 0, whatever had arrived.
# Matters:  on a line that breaks every few megabytes, the weights of a small ViT (23 MB) make no headway; five
#           retries without a full piece are the end, and a person who presses "again" pays for everything again.
# Do:       don't promise that a download goes on after a failure. Who needs it writes what arrives into a file of
#           his own in small pieces, and asks for the rest with a Range.
#
# Seen, bytes that were asked for (a server on this machine that honors Range and cuts as said):
#   1.2 MB, cut after every 200 kB, 5 times:   all, all, all, all, all, all
#   12 MB, cut once after 11 MB:               all, from 10485760
#   12 MB, cut after 11 MB and then at once:   all, then 5 times from 10485760; RemoteProtocolError; 0 bytes kept
#   the next call, not cut:                    all
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install -qq --disable-pip-version-check huggingface_hub==2.4.0 httpx2==2.16.2
unset HF_HUB_OFFLINE HF_TOKEN HF_ENDPOINT
export HF_HOME="$tmp/home" HF_HUB_DISABLE_XET=1 HF_HUB_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_PROGRESS_BARS=1
export HF_HUB_VERBOSITY=error HF_HUB_DISABLE_IMPLICIT_TOKEN=1 NO_PROXY=127.0.0.1
"$tmp/venv/bin/python" -I - "$HF_HOME" <<'PY'
import hashlib
import io
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from huggingface_hub import hf_hub_download
from huggingface_hub.file_download import http_get


class Server(BaseHTTPRequestHandler):
    body = b""
    cuts: list[int] = []  # how many bytes the next answers give before they break off; when empty, everything
    asked: list[str] = []

    def do_HEAD(self):
        self.head(0)

    def do_GET(self):
        wanted = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        self.asked.append(f"from {start}" if wanted else "all")
        self.head(start)
        rest = self.body[start:]
        if self.cuts:
            rest = rest[: self.cuts.pop(0)]
        self.wfile.write(rest)

    def head(self, start):
        self.send_response(206 if start else 200)
        self.send_header("ETag", '"' + hashlib.sha256(self.body).hexdigest() + '"')
        self.send_header("X-Repo-Commit", "1" * 40)
        self.send_header("Content-Length", str(len(self.body) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(self.body) - 1}/{len(self.body)}")
        self.end_headers()

    def log_message(self, *about):
        pass


def asked(size, cuts, fetch):
    """What ``fetch`` asks the server for, and the name of the error in which it ends."""
    Server.body, Server.cuts, Server.asked = bytes(range(250)) * (size // 250), cuts, []
    try:
        fetch()
    except Exception as error:  # its name is part of the finding
        return ", ".join([*Server.asked, type(error).__name__])
    return ", ".join(Server.asked)


def stream():
    into = io.BytesIO()
    http_get(f"{address}/file", into)
    assert into.getvalue() == Server.body


def download():
    assert Path(hf_hub_download("some/model", "weights.bin", endpoint=address)).read_bytes() == Server.body


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"

small = asked(1_200_000, [200_000] * 5, stream)
large = asked(12_000_000, [11_000_000], stream)
failed = asked(12_000_000, [11_000_000] + [0] * 5, download)
kept = sum(file.stat().st_size for file in Path(sys.argv[1]).glob("hub/models--some--model/blobs/*"))
again = asked(12_000_000, [], download)
server.shutdown()

print("huggingface_hub 2.4.0, plain HTTP, bytes that were asked for")
print("  1.2 MB, cut after every 200 kB, 5 times:", small)
print("  12 MB, cut once after 11 MB:", large)
print("  12 MB, cut after 11 MB and then at once:", failed, f"({kept} bytes kept)")
print("  the next call, not cut:", again)
full = "from 10485760"
if [small, large, failed, kept, again] != [
    ", ".join(["all"] * 6),
    f"all, {full}",
    ", ".join(["all", *[full] * 5, "RemoteProtocolError"]),
    0,
    "all",
]:
    sys.exit("this is not what was seen with 2.4.0")
PY
