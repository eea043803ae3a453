"""Where the models run, how much memory they take there, and how many threads torch may use."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import psutil

from engines.core.errors import LabError
from engines.core.threads import steady

if TYPE_CHECKING:
    import torch

CHOICES = ("auto", "cpu", "cuda", "mps")
RAY = "ray:"  #: begins the name of a device that is a cluster of Ray; the address of its head follows


def cluster_of(device: str) -> str:
    """The address in the name of a device; empty for one of this computer."""
    return device.removeprefix(RAY) if device.startswith(RAY) else ""


def has_ray() -> bool:
    """Whether the extra for clusters is installed."""
    return find_spec("ray") is not None


def resolve(choice: str) -> torch.device:
    """The torch device for ``auto | cpu | cuda | mps``.

    Raises
    ------
    LabError
        If the device asked for is not on this machine.
    """
    import torch

    have = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if choice == "auto":
        choice = next(name for name in ("cuda", "mps", "cpu") if have[name])
    if choice not in have:
        raise ValueError(f"{choice!r} is none of {CHOICES}")
    if not have[choice]:
        raise LabError("No {device} device was found. To run on the CPU, choose cpu.", device=choice)
    return torch.device(choice)


def leave_a_core() -> int:
    """Give torch all cores but one, so that the window stays smooth; returns the number of threads."""
    import torch

    threads = steady()
    torch.set_num_threads(threads)
    return threads


def memory_in_use(device: str) -> int:
    """Bytes in use: of the GPU's memory by torch, or of main memory by this process."""
    if device == "cuda" and "torch" in sys.modules:
        import torch

        return int(torch.cuda.memory_allocated())
    if device == "mps" and "torch" in sys.modules:
        import torch

        return int(torch.mps.current_allocated_memory())
    return resident_bytes()


def resident_bytes() -> int:
    """Main memory that this process holds now."""
    return int(psutil.Process().memory_info().rss)
