"""What Qt says on stderr: known noise is left out, all else comes through."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMessageLogContext, QtMsgType

from app import qtlog

CONTEXT = QMessageLogContext()


@pytest.fixture
def log(monkeypatch):
    monkeypatch.setattr(qtlog, "qInstallMessageHandler", lambda handler: None)
    return qtlog.Starting()


NOISE = [
    "This plugin does not support propagateSizeHints()",
    "This plugin does not support raise()",
    "QStandardPaths: XDG_RUNTIME_DIR not set, defaulting to '/tmp/runtime-x'",
]


def test_noise_is_left_out_and_nothing_else(log, capsys):
    with log:
        log.heard(QtMsgType.QtWarningMsg, CONTEXT, "said at the start")
        for line in NOISE:
            log.heard(QtMsgType.QtWarningMsg, CONTEXT, line)
        assert not capsys.readouterr().err  # kept, for the start may still fail
    assert capsys.readouterr().err == "said at the start\n"
    for line in (*NOISE, "QPainter::begin: Paint device returned engine == 0", NOISE[0] + " twice"):
        log.heard(QtMsgType.QtWarningMsg, CONTEXT, line)
    assert capsys.readouterr().err.splitlines() == [
        "QPainter::begin: Paint device returned engine == 0", NOISE[0] + " twice"
    ]  # fmt: skip


def test_the_last_words_of_qt_become_a_sentence_and_a_code(log, capsys, monkeypatch):
    class LeftError(Exception):
        pass

    def leave(code):
        raise LeftError(code)

    monkeypatch.setattr(qtlog.os, "_exit", leave)
    last = "This application failed to start because … Available platform plugins are: offscreen, xcb.\n"
    with log:
        log.heard(QtMsgType.QtWarningMsg, CONTEXT, "qt.qpa.xcb: could not connect to display :9")
        with pytest.raises(LeftError, match="2"):
            log.heard(QtMsgType.QtFatalMsg, CONTEXT, last)
        told = capsys.readouterr().err
    assert told.startswith(
        "No window can open. Qt says: could not connect to display :9 Available platform plugins are:"
    )
    log.heard(QtMsgType.QtFatalMsg, CONTEXT, "later")  # then Qt ends the process, and says why
    assert "later" in capsys.readouterr().err
