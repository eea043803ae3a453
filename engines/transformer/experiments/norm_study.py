"""Train both normalizations with batches of several sizes, for the numbers that the page tells.

``python -m engines.transformer.experiments.norm_study``, then ``--export``. It goes on where it was left.
"""

from __future__ import annotations

import argparse
import json
import time

import torch

from engines.checkpoints.bundling import CACHE
from engines.core.protocol import Job
from engines.transformer.experiments import norm_results
from engines.transformer.experiments.norm_comparison import NormComparison
from engines.transformer.experiments.norm_comparison_spec import ComparisonMeasured, ComparisonSettings
from engines.transformer.experiments.norm_results import STEPS, Case, Outcome

CASES = (Case(2), Case(8), Case(8, 12, count_padding=True), Case(32))
PLACE = CACHE / "norms.jsonl"


def trained(case: Case, seed: int, steps: int = STEPS) -> Outcome:
    """How both end after so many steps."""
    params = ComparisonSettings(run=1, until=steps, seed=seed, batch=case.batch, padding=case.padding,
                                count_padding=case.count_padding)  # fmt: skip
    events = NormComparison().run(Job(params, NormComparison, lambda _event: None))
    last = [event for event in events if isinstance(event, ComparisonMeasured)][-1]
    return Outcome(case, seed, last.evaluation, last.training, last.alone, last.longest)


def stored() -> list[Outcome]:
    """What is done."""
    lines = PLACE.read_text(encoding="utf-8").splitlines() if PLACE.is_file() else []
    return [norm_results.outcome(json.loads(line)) for line in lines]


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m engines.transformer.experiments.norm_study", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--export", action="store_true", help="write the file of what is done")
    options = parser.parse_args(arguments)
    if options.export:
        about = {
            "about": "Held-out token accuracy of two small Transformers, alike but for the norm, that reverse letters.",
            "command": "python -m engines.transformer.experiments.norm_study, then --export",
            "steps": STEPS,
            "hardware": "one core of a processor, shared with other work",
            "license": "MIT",
        }
        norm_results.write(stored(), about)
        return
    torch.set_num_threads(1)
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    done = {(one.case, one.seed) for one in stored()}
    for seed in range(options.seeds):
        for case in CASES:
            if (case, seed) in done:
                continue
            began = time.monotonic()
            found = trained(case, seed)
            with PLACE.open("a", encoding="utf-8") as out:
                out.write(json.dumps(norm_results.told(found)) + "\n")
            print(f"{(time.monotonic() - began) / 60:6.1f} min {found}", flush=True)


if __name__ == "__main__":
    main()
