"""Runs the scale study: one training after another, as a guest of the lane, and the script of the bundled result.

python -m engines.vit.scale_study.training --data FOLDER [--seeds 2] [--most 5000]   train; goes on where it stopped
python -m engines.vit.scale_study.training --export                                   write the table of what is done
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from engines.checkpoints.bundling import CACHE
from engines.core.aside import aside
from engines.core.device import resolve
from engines.core.errors import Message
from engines.core.protocol import Event, Job, Progress
from engines.core.reading import finish
from engines.core.training import Finished, Kept, Weights
from engines.vit.scale_study import data, drawn, store
from engines.vit.scale_study.models import Trial, cnn_of, parameters, steps_for, vit_of
from engines.vit.scale_study.spec import (
    CIFAR,
    CNN,
    DIGITS,
    DRAWN,
    KINDS,
    SAME,
    SIZES,
    TEXTURE,
    VIT,
    Cell,
    Measuring,
    Point,
    ScaleParams,
    StudyBegan,
    StudyPoint,
    StudyStep,
    Table,
)
from engines.vit.scale_study.study import Trained

CHUNK = 100  # pictures measured between two places to stop
QUICK = 400  # test pictures that a kept state is measured with
LOOKS = 8  # kept states of each ViT's training
PLACE = CACHE / "scale"


def pictures_of(params: ScaleParams) -> Generator[Event, None, data.Pictures]:
    """The set that the settings name; tells how far it is read."""
    if params.study_data == DIGITS:
        return data.digits()
    if params.study_data in DRAWN:
        return drawn.pictures(params.study_data)
    read = data.cifar10 if params.study_data == CIFAR else data.class_folders
    looking = Progress(0, 0, Message("Scanning the folders"))
    return (yield from aside(read(params.study_folder), looking))


def counts_of(pictures: data.Pictures, largest: int) -> tuple[int, ...]:
    """The numbers of pictures of a study, rising."""
    most = min(pictures.available, largest)
    return (*(n for n in pictures.counts if n < most), most)


def cells_of(counts: tuple[int, ...], sizes: tuple[str, ...], seeds: int, first: int) -> list[Cell]:
    """All trainings in order: a whole study of one seed before the next, few pictures before many."""
    return [
        Cell(seed, count, size, kind)
        for seed in range(first, first + seeds)
        for count in counts
        for size in sizes
        for kind in KINDS
    ]


def sizes_of(side: int, classes: int, grid: int, sizes: tuple[str, ...]) -> dict[tuple[str, str], int]:
    """The parameters of each kind and size."""
    makes = ((VIT, vit_of), (CNN, cnn_of))
    return {(kind, size): parameters(make(size, side, classes, grid)) for kind, make in makes for size in sizes}


class Trainer:
    """See `engines.vit.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._run: Study | None = None
        self._events: Iterator[Event] = iter(())

    def run(self, job: Job[ScaleParams]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        params, run = job.params, self._run
        if run is None or run.params.run != params.run:
            self._run = None  # what is read below may fail
            pictures = data.checked((yield from pictures_of(params)))
            run = self._run = Study(params, pictures, resolve(job.device))
            self._events = run.events()
            yield run.began()
        while run.step < job.params.until:
            event = next(self._events, None)
            if event is None:
                yield Finished(run.step)
                return
            yield event


class Study:
    """All trainings of one study and where it stands.

    Parameters
    ----------
    params : ScaleParams
    pictures : Pictures
    device : torch.device
    """

    def __init__(self, params: ScaleParams, pictures: data.Pictures, device: torch.device) -> None:
        self.params, self.pictures, self.step = params, pictures, 0
        self._device = device
        self.counts = counts_of(pictures, params.largest)
        self._all = cells_of(self.counts, pictures.sizes, params.seeds, params.study_seed)
        same = params.done_mark == pictures.mark
        self.done = tuple(p for p in params.done if same and p.cell.count in self.counts)
        made = {point.cell for point in self.done}
        self.cells = [cell for cell in self._all if cell not in made]
        self._test = self.pictures.ready(self.pictures.test)
        self._test_labels = torch.from_numpy(self.pictures.test_labels)

    def began(self) -> StudyBegan:
        """What will be trained."""
        pictures, classes = self.pictures, len(self.pictures.names)
        sizes = sizes_of(pictures.side, classes, pictures.grid, pictures.sizes)
        steps = sum(steps_for(cell.count, pictures.sees) for cell in self.cells)
        table = Table(pictures.name, self.counts, sizes, classes, len(pictures.test), self.done, pictures.mark)
        return StudyBegan(table, len(self._all), steps, pictures.test[0], pictures.notes)

    def events(self) -> Iterator[Event]:
        """Train and measure, cell by cell."""
        for cell in self.cells:
            trial = Trial(cell, self.pictures, self._device)
            looks = {round(trial.of * share) for share in np.linspace(0, 1, LOOKS) ** 2}
            if cell.kind == VIT:
                yield self._look(trial)
            while not trial.done:
                loss, right = trial.advance()
                self.step += 1
                yield StudyStep(self.step, cell, trial.at, trial.of, loss, right)
                if not np.isfinite(loss):
                    break  # the point tells: it is measured like any other
                if cell.kind == VIT and trial.at in looks:
                    yield self._look(trial)
            yield from self._measure(trial)

    def _look(self, trial: Trial) -> Kept:
        """A state of a ViT's training, with what can be seen in it."""
        maps, similarity = trial.learned(self._test[:1])
        right, _ = trial.right(self._test[:QUICK], self._test_labels[:QUICK])
        share = right / min(QUICK, len(self._test))
        arrays = {"maps": maps.numpy(), "similarity": similarity.numpy(), "accuracy": np.array([share], np.float32)}
        return Kept(Weights(self.step, arrays, (trial.cell, trial.at)))

    def _measure(self, trial: Trial) -> Iterator[Event]:
        random = torch.Generator().manual_seed(1000 + trial.cell.seed)
        images, named = self.pictures.learned(trial.cell.count, len(self._test), random)
        learned, learned_labels = self.pictures.ready(images), torch.from_numpy(named)
        total = len(self._test) + len(learned)
        right, loss, known, done = 0, 0.0, 0, 0
        for pixels, labels, tested in ((self._test, self._test_labels, True), (learned, learned_labels, False)):
            for first in range(0, len(pixels), CHUNK):
                hits, sum_of = trial.right(pixels[first : first + CHUNK], labels[first : first + CHUNK])
                if tested:
                    right, loss = right + hits, loss + sum_of
                else:
                    known += hits
                done += min(CHUNK, len(pixels) - first)
                yield Measuring(trial.cell, done, total)
        mean = loss / len(self._test)
        yield StudyPoint(
            Point(trial.cell, right / len(self._test), known / len(learned), mean if np.isfinite(mean) else 1e9)
        )


# -- a row of a table of runs
def measured(params: Trained, seed: int) -> dict[str, float]:
    """One training by itself, see `engines.studies`: the same numbers as in a `Study` of the same pictures."""
    settings = ScaleParams(study_data=params.pictures, study_folder=params.folder)
    pictures = _read((settings.study_data, settings.study_folder))
    count = min(params.count, pictures.available)
    study = Study(settings, pictures, torch.device("cpu"))
    study.cells = [Cell(seed, count, params.size, params.network)]
    (point,) = (event.point for event in study.events() if isinstance(event, StudyPoint))
    return {"accuracy": point.accuracy, "training": point.training, "loss": point.loss}


@lru_cache(maxsize=1)
def _read(place: tuple[str, str]) -> data.Pictures:
    """The pictures of a process's rows: read once."""
    read = pictures_of(ScaleParams(study_data=place[0], study_folder=place[1]))
    return data.checked(finish(read))


# -- the bundled results
TASKS = {"cifar10": CIFAR, "texture": TEXTURE, "same": SAME}  #: by the names of their files
LARGEST = (5000, drawn.MOST_DRAWN)


def _stored(task: str) -> list[Point]:
    file = PLACE / f"{task}.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [Point(**{**found, "cell": Cell(**found["cell"])}) for found in map(json.loads, lines)]


def make(options: argparse.Namespace) -> None:
    """Train what is not done yet; each point is written as soon as it is there."""
    PLACE.mkdir(parents=True, exist_ok=True)
    task = TASKS[options.task]
    pictures = drawn.pictures(task) if task in DRAWN else finish(data.cifar10(str(options.data)))
    if options.counts:
        pictures = replace(pictures, counts=tuple(options.counts))
    params = ScaleParams(study_data=task, largest=options.most or LARGEST[task in DRAWN], seeds=options.seeds,
                         done=tuple(_stored(options.task)), done_mark=pictures.mark)  # fmt: skip
    study = Study(params, pictures, torch.device("cpu"))
    began, steps = time.monotonic(), study.began().steps
    shown = Cell(params.study_seed, study.counts[-1], pictures.sizes[-1], VIT)  # the training that the tab can scrub
    looks: list[Weights] = []
    for event in study.events():
        if isinstance(event, Kept) and event.weights.made_of[0] == shown:
            looks.append(event.weights)
            arrays = {f"{name}.{look.made_of[1]}": a for look in looks for name, a in look.arrays.items()}
            inside = PLACE / f"{options.task}-inside.npz"
            np.savez_compressed(inside, sample=study.pictures.test[0], allow_pickle=False, **arrays)
        if isinstance(event, StudyPoint):
            with (PLACE / f"{options.task}.jsonl").open("a", encoding="utf-8") as out:
                out.write(json.dumps(asdict(event.point)) + "\n")
            minutes = (time.monotonic() - began) / 60
            print(f"{minutes:6.1f} min step {study.step}/{steps} {event.point}", flush=True)


def export(task: str) -> None:
    """Write the table that the tab shows until there is another, and what the largest ViT looked like on its way."""
    points = [
        replace(p, accuracy=round(p.accuracy, 4), training=round(p.training, 4), loss=round(p.loss, 4))
        for p in sorted(_stored(task), key=lambda point: point.cell)
    ]
    if not points:
        raise SystemExit(f"{PLACE}: nothing is done yet.")
    name = TASKS[task]
    classes, sees, grid = (drawn.classes(name), drawn.MOST_DRAWN, drawn.GRID) if name in DRAWN else (10, 0, 8)
    sizes = sizes_of(32, classes, grid, tuple(z for z in SIZES if z in {p.cell.size for p in points}))
    counts = tuple(sorted({p.cell.count for p in points}))
    about = {
        "about": f"Test accuracy of a ViT and a CNN of equal size, trained from nothing on N pictures: {name}.",
        "command": f"python -m engines.vit.scale_study.training --task {task}, then --export",
        "steps": {str(n): steps_for(n, sees) for n in counts},
        "hardware": "one core of a processor, shared with other work",
        "license": "MIT",
    }
    store.write(store.bundled(name), Table(name, counts, sizes, classes, data.TESTED, tuple(points)), about)
    if (inside := PLACE / f"{task}-inside.npz").is_file():
        store.inside(name).write_bytes(inside.read_bytes())


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m engines.vit.scale_study.training", description="The studies whose tables come along."
    )
    parser.add_argument("--task", choices=TASKS, default="cifar10")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/cifar10"), help="folder of CIFAR-10")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--most", type=int, help="pictures; 5,000, or 100,000 drawn ones")
    parser.add_argument("--counts", type=int, nargs="*", help="numbers of pictures; those of the set")
    parser.add_argument("--export", action="store_true", help="write the table of what is done")
    options = parser.parse_args(arguments)
    if options.export:
        export(options.task)
    else:
        torch.set_num_threads(1)
        make(options)


if __name__ == "__main__":
    main()
