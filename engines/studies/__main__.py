"""Studies from a shell.

python -m engines.studies list                                what can be studied, and its settings
python -m engines.studies run STUDY.toml --out FOLDER         make all runs; goes on where it stopped
                          --ray ADDRESS                       on a cluster, see `engines.studies.cluster`
                          --told                              for a program: JSON lines, until its input ends
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import fields
from pathlib import Path

from engines.core.errors import LabError
from engines.core.params import Choice, Range, rules
from engines.studies.book import Book, line_of
from engines.studies.cluster import Cluster, hangs
from engines.studies.local import Local, cores
from engines.studies.parts import FIELD
from engines.studies.reading import kinds, read
from engines.studies.spec import Outcome, Study, plain

GOOD, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130  #: exit codes


def show_kinds() -> None:
    """Print what can be studied."""
    for kind in kinds().values():
        print(f"{kind.name}: finds {', '.join(kind.measures)}")
        if kind.part:
            print('    data = ""    # a folder of pictures')
        known = rules(kind.params())
        for one in fields(kind.params):
            if kind.part and one.name == FIELD:
                continue
            match known.get(one.name):
                case Range() as rule:
                    said = f"{rule.low} to {rule.high}"
                case Choice() as choice:
                    said = " | ".join(map(repr, choice.options))
                case None:
                    said = "text" if isinstance(one.default, str) else type(one.default).__name__
                case _:
                    said = "true | false"
            print(f"    {one.name} = {one.default!r}    # {said}")


def run(path: Path, folder: Path, workers: int, address: str = "", niceness: int = 0) -> int:
    """Make all runs of a study that are not made yet, here or on a cluster; returns the exit code."""
    study = read(path, folder=folder)
    runner = runner_of(study, workers, address, niceness)
    if study.parts:
        count, size = (sum(map(of, study.parts.values())) for of in (len, lambda part: part.size))
        print(f"{count} pictures, {size / 1e6:.0f} MB" + (f"; they are sent to {address}." if address else "."))
    book = Book(study, folder)
    with closing(book):
        book.keep_file(path)
        left, before = book.left, len(study.rows)
        print(f"{path.name}: {before} runs, {before - len(left)} of them made before. Results: {folder}")
        began, failed, ended = time.monotonic(), 0, 0
        with stopped_by_hand(runner) as stopped, closing(runner.run(left)) as outcomes:
            for outcome in outcomes:
                book.add(outcome)
                ended += 1
                failed += outcome.error is not None
                rest = (time.monotonic() - began) / ended * (len(left) - ended)
                print(f"{before - len(left) + ended} of {before}  {told(outcome, study)}  {lasting(rest)} left",
                      flush=True)  # fmt: skip
        book.export()
    if stopped:
        print("Stopped. The same command goes on.")
    if failed:
        print(f"{failed} of the runs failed; why stands in the table. The same command tries them again.")
    return INTERRUPTED if stopped else FAILED if failed else GOOD


def runner_of(study: Study, workers: int, address: str, niceness: int) -> Local | Cluster:
    """What makes the runs."""
    if address:
        return Cluster(study.kind, address, study.parts)
    return Local(study.kind, workers, niceness, study.parts)


def tell(path: Path, folder: Path, workers: int, address: str, niceness: int) -> int:
    """The same for a program, which hears of each run as it ends, and stops this by ending its input.

    Lines are JSON: ``{"begun": runs that are left}``, ``{"ended": …}`` as `engines.studies.book.line_of` has it, and
    ``{"refused": …}``, the text and the values of a message.
    """
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer

    def say(**what: object) -> None:
        print(json.dumps(what), file=told, flush=True)

    try:
        study = read(path, folder=folder)
        runner, book = runner_of(study, workers, address, niceness), Book(study, folder)
        with closing(book):
            book.keep_file(path)
            say(begun=len(book.left))
            stopped_by_the_end(runner)
            with closing(runner.run(book.left)) as outcomes:
                for outcome in outcomes:
                    book.add(outcome)
                    say(ended=line_of(outcome))
            book.export()
    except LabError as error:
        say(refused={"text": error.message.text, "values": plain(error.message)})
        return REFUSED
    return GOOD


def stopped_by_the_end(runner: Local | Cluster) -> None:
    """Stop when standard input ends: whoever started this is gone, or wants no more."""

    def listen() -> None:
        with suppress(ValueError):  # closed as the program ends
            sys.stdin.read()
        runner.stop()

    threading.Thread(target=listen, daemon=True).start()


@contextmanager
def stopped_by_hand(runner: Local | Cluster) -> Iterator[list[int]]:
    """Ctrl+C ends the runs, and nothing in the middle of a line; the list holds the signal then."""
    seen: list[int] = []

    def stop(number: int, _frame: object) -> None:
        seen.append(number)
        runner.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def told(outcome: Outcome, study: Study) -> str:
    """A run in a line."""
    settings = outcome.row.settings
    which = ", ".join([*(f"{name} {settings[name]}" for name in study.over), f"seed {outcome.row.seed}"])
    found = str(outcome.error) if outcome.error else ", ".join(f"{n} {v:.4g}" for n, v in outcome.found.items())
    return f"{which}: {found} ({outcome.seconds:.1f} s)"


def lasting(seconds: float) -> str:
    """A time in a few signs: ``12 s``, ``3 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m engines.studies", description="Runs tables of runs.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what can be studied")
    making = commands.add_parser("run", help="make all runs of a study; goes on where it stopped")
    making.add_argument("study", type=Path, metavar="STUDY.toml")
    making.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where rows and tables are kept")
    making.add_argument("--workers", type=int, default=cores(), help="processes; one for each core if not given")
    making.add_argument("--ray", default="", metavar="ADDRESS", help="a cluster of Ray: host:port of its head")
    making.add_argument("--nice", type=int, default=0, metavar="N", help="how far all else goes first, 0 to 19")
    making.add_argument("--told", action="store_true", help="for a program: JSON lines")
    options = parser.parse_args(arguments)
    try:
        if options.command == "list":
            show_kinds()
            return GOOD
        if options.workers < 1:
            parser.error("--workers: at least 1")
        act = tell if options.told else run
        return act(options.study, options.out, options.workers, options.ray, options.nice)
    except LabError as error:
        print(error, file=sys.stderr)
        return REFUSED


def end(code: int) -> None:
    """Leave with an exit code; at once where a cluster that says nothing would be waited for."""
    if hangs():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    end(main())
