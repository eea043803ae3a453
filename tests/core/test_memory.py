"""What was let go is given back to the system, not kept for later."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from engines.core import memory

MB = 2**20


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts as Linux does")
def test_free_blocks_go_back():
    np.ones(31 * MB // 8)  # freed at once: from then on glibc keeps blocks up to this size
    blocks = [np.ones(MB // 8) for _ in range(100)]
    last = np.ones(MB // 8)  # at the end of the heap: what lies before it stays
    del blocks
    memory.give_back()
    before = resident()
    blocks = [np.ones(MB // 8) for _ in range(100)]
    held = resident() - before
    del blocks
    memory.give_back()
    assert held > 50 * MB  # some of the first hundred may lie on pages that others keep
    assert resident() - before < 10 * MB
    assert last.all()


def test_another_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    monkeypatch.setattr(memory.ctypes, "CDLL", None)
    memory.give_back()
