"""The program itself in a process of its own, told what to do line by line, so that it can be killed.

As a script it is ``main.py``, except that each line on its input is a Python expression, with ``window`` in it, whose
value it writes on its output.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Driven:
    """A running program.

    Parameters
    ----------
    home : Path
        Its ``ATTENTION_LAB_HOME``.
    *args : str
        Its command line.
    """

    def __init__(self, home: Path, *args: str) -> None:
        around = {
            **os.environ, "ATTENTION_LAB_HOME": str(home), "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.driven", *args], cwd=ROOT, env=around, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Driven:
        try:
            assert self.line() == "ready"
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def line(self) -> object:
        """What it says next."""
        said = self.process.stdout.readline()
        if not said:
            raise EOFError(self.process.stderr.read())
        return json.loads(said)

    def do(self, text: str) -> object:
        """The value of an expression in it."""
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.line()

    def until(self, text: str) -> object:
        """The value of an expression in it, as soon as it is true."""
        self.process.stdin.write(f"until {text}\n")
        self.process.stdin.flush()
        return self.line()

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(300)

    def end(self, number: int) -> tuple[int, str]:
        """Ask it to end; its exit code, and what it wrote on stderr."""
        self.process.send_signal(number)
        _, told = self.process.communicate(timeout=300)
        return self.process.returncode, told


def serve() -> int:
    """The program, with an ear on its input."""
    from PySide6.QtCore import QSocketNotifier, QTimer
    from PySide6.QtWidgets import QApplication

    import main
    from app.window import Window

    app = QApplication(sys.argv[:1])
    waiting: list[str] = []

    def answer(value: object) -> None:
        print(json.dumps(value, default=str), flush=True)

    def window() -> Window:
        return next(each for each in app.topLevelWidgets() if isinstance(each, Window))

    def heard() -> None:
        text = sys.stdin.readline().strip()
        if text.startswith("until "):
            waiting.append(text.removeprefix("until "))
        elif text:
            answer(eval(text, {"window": window()}))

    def look() -> None:
        if waiting and (value := eval(waiting[0], {"window": window()})):
            waiting.pop()
            answer(value)

    def begin() -> None:
        if any(isinstance(each, Window) and each.tab is not None for each in app.topLevelWidgets()):
            first.stop()
            answer("ready")

    ear = QSocketNotifier(0, QSocketNotifier.Type.Read)
    ear.activated.connect(lambda *_: heard())
    first, again = QTimer(interval=20), QTimer(interval=20)
    first.timeout.connect(begin)
    again.timeout.connect(look)
    first.start()
    again.start()
    return main.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(serve())
