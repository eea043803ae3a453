"""What lies on disk: the bundled encoder, and saved runs before they are read. Imports no torch."""

from __future__ import annotations

import json
import re
import zlib
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

from engines.checkpoints.catalog import WEIGHTS
from engines.core import files, limits
from engines.core.claim import refuse_taken, taken
from engines.core.errors import LabError
from engines.core.keeping import SavedRun, home
from engines.core.reading import is_ordinary, read_text
from engines.moco.settings import FOLDER, Learning
from engines.moco.spec import NAME

BEFORE, MOST_ASIDE = "before", 3  #: what names of runs put aside end on; how many are kept of each


def bundled() -> bool:
    """Whether the bundled encoder is in this copy: its weights and its card."""
    return all((WEIGHTS / f"{NAME}{end}").is_file() for end in (".safetensors", ".json"))


def run_folder() -> Path:
    """Where runs are saved."""
    return home() / "moco-runs"


def run_file(folder: str | Path, params: Learning) -> Path:
    """The file of a run: one for each set of pictures and method, so that a trial does not overwrite a long run."""
    name = re.sub("[^a-z0-9]+", "-", f"{params.data} {params.method}".lower())
    if params.data == FOLDER:
        name += f"-{zlib.crc32(' '.join(params.paths).encode()):08x}"
    return Path(folder) / f"{name}.pt"


def put_aside(file: Path) -> None:
    """Give an earlier run, with what it is, a name of its own; the oldest of many goes.

    Raises
    ------
    WriteError
        Naming file and reason.
    """
    _rename(file)
    for old in earlier(file)[MOST_ASIDE:]:
        for end in (".pt", ".json"):
            with suppress(OSError):
                old.with_suffix(end).unlink()


def _rename(file: Path) -> None:
    aside = files.put_aside(file, BEFORE)
    with suppress(OSError):
        file.with_suffix(".json").replace(aside.with_suffix(".json"))


def earlier(file: Path) -> list[Path]:
    """The runs put aside for a file, newest first."""
    name = re.compile(rf"{re.escape(file.stem)}-{BEFORE}(-\d+)?\.pt")
    found = [each for each in file.parent.glob(f"{file.stem}-{BEFORE}*.pt") if name.fullmatch(each.name)]
    return sorted(found, key=_age, reverse=True)


def _age(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def saved_run(file: Path) -> SavedRun | None:
    """What is saved there; None if there is nothing, or nothing that can be read."""
    try:
        said = json.loads(read_text(file.with_suffix(".json"), limits.KEPT_FILE))
        settings = {f.name: said["settings"][f.name] for f in fields(Learning)}
        settings["paths"] = tuple(settings["paths"])
        Learning(**settings)
        return SavedRun(file, int(said["step"]), settings) if is_ordinary(file) else None
    except (LabError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def saved_runs(file: Path) -> list[SavedRun]:
    """What is saved there and what was put aside, the newest first; none while another window has them."""
    found = [run for each in (file, *earlier(file)) if (run := saved_run(each)) is not None]
    return [] if found and taken(file) else found


def bring_first(run: SavedRun, file: Path) -> None:
    """Bring a run that was put aside back to its file, so that it can be gone on with; the one there is put aside.

    Raises
    ------
    LabError
        If another window has taken the file since, or the disk refuses.
    """
    refuse_taken(file)
    if run.file == file:
        return
    what = run.file.with_suffix(".json")
    try:
        if file.exists():
            _rename(file)  # for the one that comes, so none is too many
        files.write(file.with_suffix(".json"), what.read_bytes())  # both have it until the run itself has moved
        run.file.replace(file)
        what.unlink()
    except OSError as error:
        raise files.WriteError(file, files.reason(error)) from error


def put_broken_aside(file: Path, error: Exception) -> LabError:
    """A run that can't be read makes room; the sentence that says so."""
    kind = type(error).__name__
    try:
        name = files.put_aside(file, "broken").name
    except files.WriteError:
        return LabError("The saved run can't be read ({reason}).", reason=kind)
    return LabError("The saved run can't be read ({reason}). It is kept as {name}.", reason=kind, name=name)
