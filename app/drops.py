"""What was dropped, pasted or opened, sorted: pictures, models, and what is neither, in words.

Only names and first bytes are looked at here; reading a picture takes longer and happens in `app.images`.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QDropEvent, QImage, QPixmap

from engines.checkpoints import layout
from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.pictures import SUFFIXES
from engines.studies.book import is_study

MANY = 2000  # entries of a folder that are looked at
STAYS = "{refusal} The previous picture stays."
MODEL_STAYS = "{refusal} The previous model stays."

NO_FOLDER = "{name}: weights are opened as a folder with config.json and *.safetensors."
BOXES = (
    "{name}: boxes, not a picture. The page Training of DETR learns from the folder that holds them with their "
    "pictures; Average precision measures COCO files."
)
NO_BOXES = "{name}: JSON that is neither a model's configuration nor holds boxes."

JSON = (".json", ".jsonl")
TEXTS = (*JSON, ".xml", ".csv", ".txt", ".yaml", ".yml")
SESSION = ".attnlab"
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".onnx", ".pkl", ".h5")
_WEB = re.compile(r"\s*(https?|ftp)://\S+\s*", re.IGNORECASE)


@dataclass
class Drop:
    """Everything that came in at once.

    Attributes
    ----------
    pictures : list of Path
        Files to be read as pictures, in the order in which they came; those of a folder by name.
    models : list of str
        Model folders, as sources for `engines.checkpoints.catalog.locate`.
    files : list of Path
        Files and folders that the tab on screen says are for it.
    sessions, studies : list of Path
    errors : list of Message
        One for each thing that is none of these.
    of_model : bool
        Whether the first of these was said of a model.
    image : QImage, optional
        A picture that came without a file (copied in another program).
    """

    pictures: list[Path] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    sessions: list[Path] = field(default_factory=list)
    studies: list[Path] = field(default_factory=list)
    errors: list[Message] = field(default_factory=list)
    of_model: bool = False
    image: QImage | None = None

    @property
    def refusal(self) -> Message | None:
        """What to say where nothing at all could be taken; None if something could."""
        some = self.pictures or self.models or self.files or self.sessions or self.studies
        if some or self.image is not None or not self.errors:
            return None
        return Message(MODEL_STAYS if self.of_model else STAYS, {"refusal": self.errors[0]})

    def refuse(self, error: LabError, of_model: bool) -> None:
        """Note what is wrong with one of the things, and whether it is a model."""
        self.of_model = of_model if not self.errors else self.of_model
        self.errors.append(error.message)


def accept_copy(event: QDropEvent) -> bool:
    """Accept a drag or drop as a copy, whatever it proposes: a source that hears of a move may delete its files.

    Returns
    -------
    bool
        Whether it is accepted; one that can only be a move is not.
    """
    event.setDropAction(Qt.DropAction.CopyAction)  # where that is not offered, the action stays as it is
    good = event.dropAction() != Qt.DropAction.MoveAction
    event.setAccepted(good)
    return good


def nobodys(path: Path) -> bool:
    """Whether a file or folder is for the tab on screen, where no tab takes any but pictures and models."""
    return False


def sort_drop(data: QMimeData, wanted: Callable[[Path], bool] = nobodys) -> Drop:
    """Sort what a drop or the clipboard holds: files first, then a picture, then a web address."""
    files = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
    web = [url for url in data.urls() if not url.isLocalFile() and not url.isEmpty()]
    if files:
        drop = sort_paths(files, wanted)
        drop.errors += [_web_address(url.toString(QUrl.ComponentFormattingOption.PrettyDecoded)) for url in web]
        return drop
    if data.hasImage():
        image = data.imageData()
        image = image.toImage() if isinstance(image, QPixmap) else image  # what was copied here comes back so
        if isinstance(image, QImage) and not image.isNull():
            return Drop(image=image)
    if web:
        return Drop(errors=[_web_address(web[0].toString(QUrl.ComponentFormattingOption.PrettyDecoded))])
    if lines := paths_in(data.text()):
        return sort_paths(lines, wanted)
    return Drop(errors=[Message("There is no picture in what was dropped or pasted.")])


def paths_in(text: str) -> list[str]:
    """The files, folders and web addresses that a text consists of, one a line; empty where it says anything else."""
    lines = [_plain_path(line.strip().strip("\"'")) for line in text.splitlines() if line.strip()]
    return lines if all(_WEB.fullmatch(line) or _is_there(line) for line in lines) else []


def sort_paths(paths: Iterable[str | Path], wanted: Callable[[Path], bool] = nobodys) -> Drop:
    """Sort files and folders; a folder of pictures gives way to its pictures. Those ``wanted`` are left as they are."""
    drop = Drop()
    for path in paths:
        if _WEB.fullmatch(str(path)):
            drop.errors.append(_web_address(str(path).strip()))
            continue
        if Path(path).suffix.lower() == SESSION:
            drop.sessions.append(Path(path))
            continue
        if is_study(Path(path)):
            drop.studies.append(Path(path))
            continue
        if wanted(Path(path)):
            drop.files.append(Path(path))
            continue
        try:
            model = _model_at(Path(path))
        except LabError as error:
            drop.refuse(error, of_model=True)
            continue
        try:
            if model is None:
                drop.pictures += _pictures_at(Path(path))
            else:
                drop.models.append(str(model))
        except LabError as error:
            drop.refuse(error, of_model=False)
    return drop


def _model_at(path: Path) -> Path | None:
    """The folder of the model that a path leads to; None where it leads to none.

    Raises
    ------
    LabError
        It leads to a model that can't be used.
    """
    name = path.name or str(path)
    if _is_folder(path):
        if layout.is_model_folder(path):
            _check_model(path)
            return path
        layout.check_kind(path)
        if _holds_only_weights(path):
            raise LabError(NO_FOLDER, name=name)
    elif path.suffix.lower() in WEIGHTS or path.name.endswith(layout.CONFIG):
        if not layout.is_model_folder(path.parent):
            raise LabError(NO_FOLDER, name=name)
        _check_model(path.parent)
        return path.parent
    return None


def _holds_only_weights(folder: Path) -> bool:
    """Whether there are weights right in a folder and no pictures; False too where it can't be read."""
    try:
        with os.scandir(folder) as entries:
            ends = {Path(entry.name).suffix.lower() for _, entry in zip(range(MANY), entries, strict=False)}
    except OSError:  # reading its pictures will say so
        return False
    return not ends.isdisjoint(WEIGHTS) and ends.isdisjoint(SUFFIXES)


def _pictures_at(path: Path) -> list[Path]:
    """The pictures that a path leads to; LabError where there can be none."""
    name = path.name or str(path)
    if _is_folder(path):
        pictures = pictures_in(path)
        if not pictures:
            raise LabError("{name}: this folder holds neither pictures nor a model.", name=name)
        return pictures
    if path.suffix.lower() in TEXTS:
        from engines.data.boxes_listing import holds_boxes  # with a reader of YAML, which takes its time

        if holds_boxes(path):
            raise LabError(BOXES, name=name)
        if path.suffix.lower() in JSON:
            raise LabError(NO_BOXES, name=name)
    return [path]  # whether it is one, reading will tell


def _check_model(path: Path) -> None:
    """Raise LabError for a model folder that can't be used, before a tab is bothered with it."""
    until = time.monotonic() + limits.LOOK
    layout.read_json(path / layout.CONFIG)
    for file in layout.weight_files(path):
        if time.monotonic() > until:  # this is the window's own thread: the rest is looked at where the model is read
            return
        layout.read_header(file)


def pictures_in(folder: Path) -> list[Path]:
    """Picture files right in a folder, by name, numbers in their order; at most `MANY` entries are looked at."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for _, entry in zip(range(MANY), entries, strict=False) if not _hidden(entry)]
    except OSError as error:
        reason = error.strerror or str(error)
        raise LabError("{name}: can't be read ({reason}).", name=folder.name, reason=reason) from error
    return [folder / name for name in natural(name for name in names if name.lower().endswith(SUFFIXES))]


def natural(names: Iterable[str]) -> list[str]:
    """Sorted as a person would: ``2.png`` before ``10.png``, capitals among small letters."""

    def key(name: str) -> Sequence[tuple[int, int, str]]:
        parts = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
        return [(0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts]

    return sorted(names, key=lambda name: (key(name), name))


def _hidden(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.name.startswith(".") or not entry.is_file()
    except OSError:
        return True


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a loop of links, a null character: reading will say so
        return False


def _plain_path(text: str) -> str:
    """The path that ``file://`` stands before, as file managers copy it; anything else as it is."""
    return QUrl(text).toLocalFile() if text.lower().startswith("file:") else text


def _is_there(text: str) -> bool:
    try:
        return os.path.exists(text)
    except ValueError:
        return False


def _web_address(text: str) -> Message:
    short = text if len(text) <= 60 else text[:57] + "…"
    return Message("{name}: a web address. Save the picture and drop the file.", {"name": short})
