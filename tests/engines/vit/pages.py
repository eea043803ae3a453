"""The engines of all pages over one collection, as they are in the window."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from engines.core.params import Params
from engines.core.protocol import Event, Job
from engines.vit.intervene.engine import Engine as Intervene
from engines.vit.intervene.spec import AblationParams
from engines.vit.logit_lens.engine import Engine as LogitLens
from engines.vit.logit_lens.spec import LensParams
from engines.vit.relevance.engine import Engine as Relevance
from engines.vit.relevance.spec import RelevanceParams
from engines.vit.step_through.engine import Engine as StepThrough
from engines.vit.step_through.spec import StepParams
from engines.vit.subject import Collection
from engines.vit.watch.engine import Engine as Watch
from engines.vit.watch.spec import WatchParams

ENGINES = {
    WatchParams: Watch,
    RelevanceParams: Relevance,
    AblationParams: Intervene,
    StepParams: StepThrough,
    LensParams: LogitLens,
}


class Engines:
    """Answers the params of any page."""

    def __init__(self) -> None:
        self.collection = Collection()
        self.by_params: dict[type[Params], Any] = {kind: make(self.collection) for kind, make in ENGINES.items()}

    def run(self, job: Job[Any]):
        """What the engine of that page yields."""
        yield from self.by_params[type(job.params)].run(job)

    def ask(self, params: Params) -> list[Event]:
        """All that is told of these params."""
        return list(self.run(Job(params, lambda: self, lambda event: None, device="cpu")))


def for_page(params: Params, kind: type[Params], **changed: object) -> Params:
    """What another page is asked with the same settings."""
    shared = {f.name: getattr(params, f.name) for f in fields(kind) if hasattr(params, f.name)}
    return kind(**(shared | changed))


def newest(memo: Any) -> Any:
    """What was made last."""
    return memo.values()[-1]
