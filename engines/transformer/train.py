"""Trains the bundled models, one a task, on one processor core.

    python -m engines.transformer.train                     all tasks; goes on where it was stopped
    python -m engines.transformer.train --task Dates        one of them
    python -m engines.transformer.train --export            write weights and cards of the states reached

The recipe is that of the tab (`engines.transformer.recipe`), with one change: after the warm-up the learning rate
falls in a straight line to 0, so that the last steps settle.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from engines.checkpoints.bundling import save_state, saved_state
from engines.checkpoints.catalog import WEIGHTS
from engines.data import sequences
from engines.data.sequences import TASKS, task
from engines.transformer.checkpoint import card_shape, stored
from engines.transformer.recipe import PREFIX, Recipe
from engines.transformer.training.trainer import Run

CACHE = Path.home() / ".cache" / "attention-lab" / "transformer"
SAVE_EVERY = 120.0  # seconds
POINTS = 120  # of the curves that a card keeps
EXAMPLES = 2000  # held-out ones that a card is measured on
STEPS = {sequences.COPY: 1500, sequences.REVERSE: 2000, sequences.DATES: 3000}
OTHERS = 2500
ORDER = (
    sequences.DATES,
    sequences.REVERSE,
    sequences.CHINESE_DIGITS,
    sequences.ENGLISH_DIGITS,
    sequences.SORT,
    sequences.COPY,
    sequences.DIGITS_CHINESE,
    sequences.DIGITS_ENGLISH,
)


class Training:
    """One bundled model's run; saved and read back as a whole.

    Parameters
    ----------
    options : argparse.Namespace
        See `parse`.
    name : str
        The task.
    """

    def __init__(self, options: argparse.Namespace, name: str) -> None:
        self.options, self.name = options, name
        self.total = options.steps or STEPS.get(name, OTHERS)
        recipe = Recipe(task=name, learning_rate=options.lr, warmup=options.warmup, batch=options.batch,
                        seed=options.seed)  # fmt: skip
        self.run = Run(recipe)
        self.history: list[tuple[float, ...]] = []  # step, loss, accuracies of the batches; loss, accuracies held out
        self._sums, self._count = np.zeros(3), 0
        self.used = 0.0

    @property
    def file(self) -> Path:
        """Where the state is kept, outside the project."""
        return CACHE / task(self.name).slug / "checkpoint.pt"

    def save(self) -> None:
        """Write the state; a run that is killed meanwhile finds the one before."""
        run = self.run
        state = {
            "model": run.model.state_dict(),
            "adam": run.adam.state(),
            "random": json.dumps(run.random.bit_generator.state),
            "noise": run.noise.get_state(),
            "step": run.step,
            "history": self.history,
            "used": self.used,
        }
        save_state(state, self.file)

    def resume(self) -> None:
        """Go on from the state that was saved, if there is one."""
        state = saved_state(self.file)
        if state is None:
            return
        run = self.run
        run.model.load_state_dict(state["model"])
        run.adam.load(state["adam"])
        run.random.bit_generator.state = json.loads(state["random"])
        run.noise.set_state(state["noise"])
        run.step, self.history, self.used = state["step"], state["history"], state["used"]

    def lr(self, step: int) -> float:
        """Learning rate of a step (from 1): up during the warm-up, then down to 0."""
        rising = step / self.options.warmup
        falling = (self.total + 1 - step) / max(1, self.total + 1 - self.options.warmup)
        return float(self.options.lr * min(rising, falling))

    def train(self) -> None:
        """Train to the end."""
        last = saved = time.monotonic()
        every = max(1, self.total // POINTS)
        while self.run.step < self.total:
            done = self.run.advance(lr=self.lr(self.run.step + 1))
            if done is None:
                raise RuntimeError(str(self.run.why_stopped()))
            self._sums += done.loss, done.token_accuracy, done.sequence_accuracy
            self._count += 1
            if done.step % every == 0 or done.step == self.total:
                held = self.run.measured()
                batches = self._sums / self._count
                self._sums, self._count = np.zeros(3), 0
                point = (*batches, held.loss, held.token_accuracy, held.sequence_accuracy)
                self.history.append((done.step, *(round(float(v), 5) for v in point)))
                print(f"{self.name} {self.used / 60:6.2f} min step {done.step} loss {batches[0]:.4f} held-out "
                      f"{held.loss:.4f} tokens {held.token_accuracy:.4f} sequences {held.sequence_accuracy:.4f}",
                      flush=True)  # fmt: skip
            now = time.monotonic()
            self.used, last = self.used + now - last, now
            if now - saved > SAVE_EVERY or self.run.step >= self.total:
                saved = now
                self.save()

    def measure(self) -> tuple[float, float, float]:
        """Loss, token and sequence accuracy on held-out examples."""
        random = np.random.default_rng(12345)
        parts = [self.run.measured(self.run.task.batch(100, random, held_out=True)) for _ in range(EXAMPLES // 100)]
        loss, tokens, whole = np.mean([(p.loss, p.token_accuracy, p.sequence_accuracy) for p in parts], axis=0)
        return float(loss), float(tokens), float(whole)

    def export(self) -> float:
        """Write weights and card; returns the sequence accuracy of what was written."""
        run, one = self.run, task(self.name)
        halves = stored(run.model)
        run.model.load_state_dict(halves)  # measured as bundled: with what float16 leaves
        loss, tokens, whole = self.measure()
        path = WEIGHTS / f"{PREFIX}{one.slug}.safetensors"
        save_file(halves, path)
        path.chmod(0o644)
        options = self.options
        card = {
            "topic": "transformer",
            "title": one.name,
            "note": one.about,
            "shape": card_shape(run.shape),
            "parameters": sum(v.numel() for v in run.values),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "metric": {
                "name": "sequence accuracy on held-out examples",
                "value": round(whole, 4),
                "token_accuracy": round(tokens, 4),
                "loss": round(loss, 4),
                "examples": EXAMPLES,
            },
            "trained_on": "examples made by engines.data.sequences",
            "training": {
                "command": f'python -m engines.transformer.train --task "{self.name}"',
                "finished": run.step >= self.total,
                "minutes": round(self.used / 60, 1),
                "hardware": "one core, shared with other work",
                "steps": run.step,
                "batch": options.batch,
                "optimizer": f"Adam {options.lr:g}, betas 0.9 and 0.98, warm-up of {options.warmup} steps, then "
                "straight down to 0",
                "seed": options.seed,
            },
            "curves": {
                "columns": ["step", "loss", "token_accuracy", "sequence_accuracy", "held_out_loss",
                            "held_out_token_accuracy", "held_out_sequence_accuracy"],
                "rows": self.history,
            },
            "license": "MIT",
        }  # fmt: skip
        text = json.dumps({k: v for k, v in card.items() if k != "curves"}, indent=2, ensure_ascii=False)
        curves = json.dumps(card["curves"], separators=(",", ":"))
        body = text.removesuffix("\n}") + f',\n  "curves": {curves}\n}}\n'
        path.with_suffix(".json").write_text(body, encoding="utf-8")
        return whole


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m engines.transformer.train", description="Train the bundled models."
    )
    parser.add_argument("--task", choices=TASKS, action="append", help="all if not given")
    parser.add_argument("--export", action="store_true", help="write weights and cards of the states reached")
    parser.add_argument("--steps", type=int, default=0, help="0: as many as the task needs")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--warmup", type=int, default=300)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main() -> None:
    """Train or export."""
    options = parse()
    torch.set_num_threads(1)
    for name in options.task or ORDER:
        training = Training(options, name)
        training.resume()
        if not options.export:
            training.train()
        print(f"{name}: sequence accuracy {training.export():.4f}", flush=True)


if __name__ == "__main__":
    main()
