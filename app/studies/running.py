"""A study under way: a program of its own makes the runs (`engines.studies`), and tells of each as it ends.

So nothing that happens there can hold the window up or end it, a run is stopped at once by ending that program, and
what it has written is whole whenever it goes away.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from engines.core.errors import Message
from engines.studies.book import FILE, outcome_of
from engines.studies.local import ROOT
from engines.studies.spec import Outcome, Study

NICE = 10  #: how far all else goes before the runs: the hand comes first
PATIENCE = 700  #: ms that it has to end by itself
LAST = 300  #: letters of what it said last that are told


class Running(QObject):
    """The runs of a study that are still to be made.

    Parameters
    ----------
    study : Study
    folder : Path
        Holds the study's file; the rows go there, too.
    address : str
        A cluster's; empty for this computer.

    Attributes
    ----------
    left : int or None
        Runs that were to be made; None until that is known.
    ended : int
        Those that have ended.

    Signals
    -------
    begun
        What is left is known, and so are the hashes of the pictures, in the study's file.
    told : Outcome
    over : Message or None
        It has ended; why, if not because all is done or it was stopped.
    """

    begun = Signal()
    told = Signal(object)
    over = Signal(object)

    def __init__(self, study: Study, folder: Path, address: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.study = study
        self.left: int | None = None
        self.ended, self._stopped = 0, False
        self._refused: Message | None = None
        self._began: float | None = None
        self._process = QProcess(self)
        around = QProcessEnvironment.systemEnvironment()
        around.insert("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])))
        self._process.setProcessEnvironment(around)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._failed)
        self._kill = QTimer(self, singleShot=True, interval=PATIENCE)
        self._kill.timeout.connect(self._process.kill)
        ray = ["--ray", address] if address else []
        self._process.start(
            sys.executable,
            [*self.program(), "run", str(folder / FILE), "--out", str(folder), "--told", "--nice", str(NICE), *ray],
        )

    @property
    def study(self) -> Study:
        """What the runs are of."""
        return self._study

    @study.setter
    def study(self, study: Study) -> None:
        self._study, self._rows = study, {row.key: row for row in study.rows}

    @staticmethod
    def program() -> list[str]:
        """What Python runs."""
        return ["-m", "engines.studies"]

    @property
    def runs(self) -> bool:
        """Whether it goes on."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take, as far as the runs before say; None before one has ended."""
        if self._began is None or self.left is None or not self.ended:
            return None
        return (time.monotonic() - self._began) / self.ended * (self.left - self.ended)

    def stop(self) -> None:
        """Make no more; what has ended is kept."""
        self._stopped = True
        self._process.closeWriteChannel()
        self._kill.start()

    def close(self) -> None:
        """The same, and return when it has ended: the window closes."""
        self._process.blockSignals(True)
        self.stop()
        self._kill.stop()
        if self.runs and not self._process.waitForFinished(PATIENCE):
            self._process.kill()
            self._process.waitForFinished()

    # -- what it tells
    def _read(self) -> None:
        while self._process.canReadLine():
            self._hear(json.loads(bytes(self._process.readLine().data())))

    def _hear(self, said: dict[str, Any]) -> None:
        if "begun" in said:
            self.left, self._began = int(said["begun"]), time.monotonic()
            self.begun.emit()
        elif "refused" in said:
            self._refused = Message(said["refused"]["text"], said["refused"]["values"])
        elif "ended" in said:
            outcome: Outcome = outcome_of(said["ended"], self._rows[said["ended"]["key"]])
            self.ended += 1
            self.told.emit(outcome)

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        self._kill.stop()
        why = self._refused
        if why is None and not self._stopped and (code or status == QProcess.ExitStatus.CrashExit):
            last = bytes(self._process.readAllStandardError().data()).decode(errors="replace").strip()
            said = last.splitlines()[-1][-LAST:] if last else str(code)
            why = Message(
                "The program that makes the runs has ended ({reason}). What is done is kept.", {"reason": said}
            )
        self.over.emit(why)

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.over.emit(Message("No process can be started ({reason}).", {"reason": self._process.errorString()}))
