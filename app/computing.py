"""Where the models run and with how many threads: chosen in the status bar or in the menu of settings."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QMenu

from app import words
from app.clustersheet import ClusterSheet
from app.header import entry
from app.sheet import bring_or_open
from app.status import NAMES
from app.words import Text
from engines.core.device import RAY, cluster_of, memory_in_use
from engines.core.errors import Message

if TYPE_CHECKING:
    from app.window import Window

FEW = 8  #: cores up to which every number of threads is offered
TIP = (
    "Torch computes with as many threads. Automatic: all cores, but one fewer while the window paints; a training "
    "always leaves one."
)


def choose_device(window: Window, name: str) -> None:
    """Compute on ``auto``, ``cpu``, ``cuda`` or ``mps`` from now on, or on a cluster: `RAY` and its address.

    `RAY` alone asks for the address. Trainings stay on this computer.
    """
    if name == RAY:
        bring_or_open(window, ClusterSheet)
        return
    settings, address = window.settings, cluster_of(name)
    if address and not settings.cluster:
        window.lane.at_close(_leave)
    if settings.cluster and not address:
        window.lane.prepare(_leave)
    settings.cluster = address
    if not address:
        settings.device = name
    show(window)
    for tab in window.tabs.values():
        tab.set_device(settings.device)


def _leave() -> None:
    """Let go of the cluster, on the compute thread."""
    remote = sys.modules.get("engines.studies.remote")
    if remote is not None:
        remote.leave()


def choose_threads(window: Window, count: int) -> None:
    """Compute with so many threads from the next step on, 0 for automatic."""
    window.settings.threads = count
    show(window)


def show(window: Window) -> None:
    """Say in the status bar what was chosen, and let the lane have it."""
    settings, threads = window.settings, window.lane.threads
    threads.wanted = settings.threads
    if settings.cluster:
        window.status.set_device(RAY, Message("Ray at {address}", {"address": settings.cluster}))
        return
    if settings.device in ("auto", "cpu") and not torch_sees("cuda") and not torch_sees("mps"):
        least, most = threads.number(training=True), threads.most()
        text = (
            Message("CPU, {n} {n:thread|threads}", {"n": most})
            if least == most
            else Message("CPU, {least} to {most} threads", {"least": least, "most": most})
        )
        window.status.set_device(settings.device, text)
    else:
        window.status.set_device(settings.device, NAMES[settings.device])


def add_threads(window: Window, menu: QMenu) -> None:
    """Add the menu "Threads" to another one."""
    inner = menu.addMenu(words.tr("Threads"))
    inner.menuAction().setToolTip(words.tr(TIP))
    menu.setToolTipsVisible(True)
    for count in (0, *offered(window.lane.threads.count)):
        text: Text = "Automatic" if not count else words.plain(str(count))
        entry(inner, text, partial(choose_threads, window, count), checked=window.settings.threads == count)


def offered(cores: int) -> list[int]:
    """Numbers of threads to choose from: all, or on a large machine the powers of two, all cores and one fewer."""
    if cores <= FEW:
        return list(range(1, cores + 1))
    return sorted({*(2**power for power in range(cores.bit_length())), cores - 1, cores})


def memory(window: Window) -> int:
    """Bytes in use where the models run."""
    return memory_in_use(window.settings.device if torch_sees(window.settings.device) else "cpu")


def torch_sees(device: str) -> bool:
    """Whether torch is imported (never by us) and has that device."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "backends") or device not in ("cuda", "mps"):
        return False
    return bool(torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available())
